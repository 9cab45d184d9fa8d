/* pipeline_state.h - writes the state that a pipeline leaves to the next agent.
 *
 * Place: pipeline_handover.c, pipeline_former.c -> here -> handover_state.h. Control thread only,
 * while no other thread runs. */
#ifndef PIPELINE_STATE_H
#define PIPELINE_STATE_H

#include "capture.h"
#include "flow_cache.h"
#include "ledger.h"
#include "record_ring.h"

struct pipeline;
struct worker;

/* The ledgers are counters and nothing else: each is written as a list of numbers. */
#define PIPELINE_STATE_COUNTERS_OF(type) (sizeof(type) / sizeof(uint64_t))
_Static_assert(sizeof(struct worker_ledger) % sizeof(uint64_t) == 0 &&
		       sizeof(struct collector_ledger) % sizeof(uint64_t) == 0,
	       "ledgers are counters of 64 bits");

/* What one source leaves. All is borrowed. */
struct pipeline_state_source {
	const char *name;
	bool is_leaving; /* it was removed: what it has counted goes on in the first one */
	const struct flow_cache *cache;
	struct worker_ledger ledger;
	/* Records that have expired and that nobody has taken, which are flows again: entries of a
	 * ring from one number to before another. The ledger counts them as expired. */
	const struct record_ring *ring;
	uint32_t ring_next, ring_end;
	bool has_sequence; /* NFULA_SEQ of the next packet is known */
	uint32_t next_sequence;
	bool is_loss_unknown;
	struct capture_counts counted, more; /* of a program in the kernel */
	const struct worker *left; /* of a process that was killed; NULL: it has ended in order */
};

/* Returns the descriptor of a sealed file, which is the caller's, or a negative errno. 'shape' and
 * 'layout' are those of pipeline_handover.c. */
int pipeline_state_write(const struct pipeline *pipeline, const char *shape, const char *layout,
			 const struct pipeline_state_source *sources, size_t count);

#endif
