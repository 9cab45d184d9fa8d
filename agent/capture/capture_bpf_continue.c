/* capture_bpf_continue.c - a BPF source goes on from agent to agent.
 *
 * Place: part of capture_bpf.c, which has it in its struct capture_type.
 *
 * A socket holds ring, counters and links (capture_bpf_kept.h). While no agent runs the program
 * continues, and packets wait in the ring; what the ring loses then, the next agent counts. Of a
 * process that was killed, records are read again from where its turn had begun: the ring gets them
 * back only with the read after. What cannot be continued stays attached: another agent may still
 * read it, and it ends with the last descriptor. */
#include "capture_bpf_kept.h"
#include "capture_bpf_offload.h"
#include "capture_bpf_parts.h"
#include "fault_text.h"

#include <errno.h>
#include <unistd.h>

static int adopt_parts(struct capture *capture, int descriptor)
{
	struct capture_bpf_facts facts;
	int result = capture_bpf_kept_open(descriptor, &capture->kernel, &facts);

	if (result)
		return result;
	if (facts.ring_bytes != capture->ring_bytes || facts.cpus != capture->cpus ||
	    facts.takes != capture->takes)
		return -ESTALE;
	capture->scene.interface_index = facts.index;
	capture->scene.link = facts.link;
	if (capture_bpf_index(capture) != facts.index)
		return -ENODEV;
	if (!capture_bpf_kernel_is_attached(&capture->kernel))
		return -ENOLINK;
	capture->is_adopted = true;
	return capture_bpf_set_up(capture);
}

/* Packets that wait, of both directions. */
static uint64_t count_waiting(const struct capture_bpf_ring *ring)
{
	return capture_bpf_ring_count(ring, (const uint64_t[2]){ UINT64_MAX, UINT64_MAX });
}

/* Lost ones go on from what the last agent has reported, of which 'kept' has the low bits. Without
 * the last agent's counters, those that have been seen are those that are still to be read. */
static void continue_counters(struct capture *capture, const struct capture_kept *kept)
{
	struct capture_bpf_counters *base = &capture->base;

	capture_bpf_refresh(capture);
	*base = capture->reported->sums;
	if (kept->has_sequence)
		base->lost -= (uint32_t)base->lost - kept->next_sequence;
	base->counted = 0; /* by all agents together */
	base->seen -= count_waiting(&capture->ring) + capture->reported->sums.lost - base->lost;
}

int capture_bpf_adopt(const struct source_config *config, const struct capture_kept *kept,
		      struct capture **adopted, struct error_text *error)
{
	struct capture *capture = capture_bpf_begin(config, error);
	int result;

	if (!capture) {
		(void)close(kept->descriptor);
		return -ENOMEM;
	}
	capture->kept = kept->descriptor;
	result = adopt_parts(capture, kept->descriptor);
	if (!result) {
		continue_counters(capture, kept);
		*adopted = capture;
		return 0;
	}
	error_text_set(error, "%s: cannot be continued: %s", config->name,
		       result == -ESTALE    ? "its settings are others now"
		       : result == -EPROTO  ? "it is of another version"
		       : result == -ENODEV  ? "the interface is another one"
		       : result == -ENOLINK ? "its program was taken off"
					    : fault_text(-result));
	capture_bpf_kernel_leave(&capture->kernel);
	capture_bpf_close(capture);
	return result;
}

void capture_bpf_left(const struct capture *opened, const struct capture_kept *kept,
		      struct capture_statistics *statistics)
{
	static const uint64_t never[2] = { UINT64_MAX, UINT64_MAX };
	struct capture left = { .kernel = CAPTURE_BPF_KERNEL_NONE };
	struct capture_bpf_counters sums;
	struct capture_bpf_facts facts;

	*statistics = (struct capture_statistics){ .packets_lost = 0 };
	if (capture_bpf_kept_open(kept->descriptor, &left.kernel, &facts) == 0) {
		left.ring_bytes = facts.ring_bytes;
		left.cpus = facts.cpus;
		if (capture_bpf_map(&left) == 0) {
			const uint64_t waiting = count_waiting(&left.ring);
			const uint64_t older = capture_bpf_ring_count(
				&left.ring, opened ? opened->kernel.attached_ns : never);

			sums = capture_bpf_sums(&left);
			statistics->packets_lost = older + capture_bpf_offload_left(&left.kernel);
			if (kept->has_sequence)
				statistics->packets_lost +=
					(uint32_t)sums.lost - kept->next_sequence;
			statistics->packets_seen = sums.seen - (waiting - older);
			statistics->packets_foreign = sums.foreign;
		}
		capture_bpf_unmap(&left);
	}
	capture_bpf_kernel_leave(&left.kernel);
	capture_bpf_kernel_close(&left.kernel);
}

void capture_bpf_hold(struct capture *capture, bool is_held)
{
	capture->is_held = is_held;
	if (is_held)
		capture_bpf_kernel_unclaim(&capture->kernel);
	else
		capture_bpf_kernel_claim(&capture->kernel);
}

void capture_bpf_keep(const struct capture *capture, struct capture_kept *kept)
{
	*kept = (struct capture_kept){
		.descriptor = capture->kept,
		.has_sequence = true,
		.next_sequence = (uint32_t)capture->reported->sums.lost,
		.more = { 0 - capture->base.seen, 0 - capture->base.foreign },
	};
}

int capture_bpf_stored(const struct capture *capture)
{
	return capture->kept;
}

/* The ring itself outlives the process, so there is nothing to read into. */
void capture_bpf_use_memory(struct capture *capture, bool is_noted, void *memory)
{
	(void)memory;
	capture->is_noted = is_noted;
}

/* Before each read, together with what is reported as lost: so one agrees with the other. */
void capture_bpf_position(const struct capture *capture, struct capture_position *position)
{
	const uint64_t next = capture_bpf_ring_position(&capture->ring);
	const struct capture_bpf_counters *now = &capture->reported->sums, *base = &capture->base;

	capture_bpf_refresh_if_due(capture);
	*position = (struct capture_position){
		.message = (uint32_t)(next >> 32),
		.offset = (uint32_t)next,
		.next_sequence = (uint32_t)now->lost,
		.counted = { now->seen - base->seen, now->foreign - base->foreign },
		.more = { 0 - base->seen, 0 - base->foreign },
	};
}

bool capture_bpf_resume(struct capture *capture, const struct capture_position *position)
{
	const uint64_t next = (uint64_t)position->message << 32 | position->offset;

	return capture->is_adopted && capture_bpf_ring_resume(&capture->ring, next);
}
