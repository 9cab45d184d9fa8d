/* worker_decode.c - chooses, decodes and annotates the packets of a batch.
 *
 * Place: between a capture source and the flow cache. Three steps for each packet: decode_view()
 * finds the only reason why it does not count, annotate() adds what else must be known of one that
 * does, decode_views() moves the clock. All are inlined into one loop, of which there are some
 * copies: a source that does not sample does not pay for it, nor one whose flows have no columns,
 * or few, or that does not know segments.
 */
#include "worker_decode.h"

#include "decode_packet.h"
#include "superpacket.h"

/* Which sampler a packet has gone through. Not inlined in the loop of packets: most packets have
 * gone through none. */
__attribute__((noinline)) static uint8_t sampler_of(struct worker *worker,
						    const struct packet_view *view)
{
	const uint8_t number = source_sampling_number(&worker->sampling, view->rule_interval);

	worker->ledger.packets_rate_unknown += number == SAMPLER_UNKNOWN;
	return number;
}

/* Of the packets that sampling leaves out only the first is kept as an example: they are many. */
static void ignore_packet(struct worker *worker, const struct packet_view *view,
			  enum drop_reason reason)
{
	if (reason != DROP_NOT_SAMPLED || worker->ledger.packets_ignored[reason] == 0)
		drop_example_keep(&worker->drop_examples[reason], view);
	if (worker->reasons)
		worker->reasons[view - worker->views] = (uint8_t)reason;
	worker->ledger.packets_ignored[reason]++;
	worker->ledger.octets_ignored += packet_wire_bytes(view);
}

/* A packet longer than the least MTU of all interfaces: count it, split it if that is wanted. */
static void note_superpacket(struct worker *worker, struct packet_info *info)
{
	const struct flow_key *key = &info->key;
	uint32_t index = key->side == SIDE_egress ? key->output_interface : key->input_interface;
	uint32_t other = key->side == SIDE_egress ? key->input_interface : key->output_interface;
	uint32_t mtu = interface_mtus_find(worker->mtus, index ? index : other);
	uint64_t octets = info->octets;

	if (octets <= mtu)
		return;
	worker->ledger.packets_super++;
	if (!worker->splits_superpackets)
		return;
	superpacket_split(info, mtu);
	worker->ledger.packets_split += info->packets_added;
	worker->ledger.octets_split += info->octets - octets;
}

/* A packet of several segments, each of which is a packet on the wire. */
__attribute__((noinline)) static void
count_segments(struct worker *worker, const struct packet_view *view, struct packet_info *info)
{
	const uint64_t octets = info->octets;

	worker->ledger.packets_super++;
	if (!superpacket_count(info, view->segment_bytes)) {
		worker->ledger.packets_super_uncounted++;
		return;
	}
	worker->ledger.packets_split += info->packets_added;
	worker->ledger.octets_split += info->octets - octets;
}

static void note_special(struct worker *worker, struct packet_info *info, bool is_resolved)
{
	worker->ledger.packets_length_unknown += info->has_unknown_length;
	if (!is_resolved && info->fragment != FRAGMENT_none)
		fragment_table_resolve(worker->fragments, info);
}

/* Whether a decoded packet is chosen, and by which sampler. Flows are chosen by the key that they
 * are accounted under. Fragments are resolved here, chosen or not. */
static bool is_chosen(struct worker *worker, const struct packet_view *view,
		      struct packet_info *info, struct reader ip)
{
	const struct sampling *sampling = &worker->sampling.sampling;
	struct packet_info masked;

	if (info->fragment != FRAGMENT_none)
		fragment_table_resolve(worker->fragments, info);
	if (!sampling_takes_packet(sampling, info, ip))
		return false;
	if (sampling->method == SAMPLING_flows) {
		masked = *info;
		if (worker->key_mask.has_effect)
			flow_key_mask_apply(&worker->key_mask, &masked, 1);
		if (!sampling_takes_flow(sampling, &masked.key))
			return false;
	}
	info->key.sampler = sampler_of(worker, view);
	return true;
}

/* Of some packets of a connection nobody can tell what became of the others. */
static inline void forget_order(const struct worker *worker, const struct packet_view *view,
				const struct packet_info *info, struct packet_note *note)
{
	const struct sampling_choice *choice = &worker->sampling.choice;

	if (info->key.sampler &&
	    (choice->method != SAMPLING_flows || choice->rule_interval || view->rule_interval))
		note->tcp = NULL;
}

/* One packet: whether it is chosen, what it is, whether it is our own. 'samples' and 'noted' are
 * constants; with 'samples' what counts is whether there is a note. */
static inline __attribute__((always_inline)) enum drop_reason
decode_view(struct worker *worker, const struct own_export_list *own,
	    const struct packet_view *view, struct packet_info *info, struct packet_note *note,
	    const bool samples, const unsigned int noted)
{
	enum drop_reason reason;
	struct reader ip; /* the packet, set where one is decoded and 'samples' */

	if (samples && !sampling_takes_next(&worker->sampling.sampling))
		return DROP_NOT_SAMPLED;
	reason = samples ? decode_packet_noted(view, info, note, &ip)
			 : decode_packet_inline(view, info, note, NULL, noted);
	if (reason != DROP_NONE)
		return reason;
	if (own && own_exports_match(own, &info->key, view->mark))
		return DROP_OWN_EXPORT;
	return samples && !is_chosen(worker, view, info, ip) ? DROP_NOT_SAMPLED : DROP_NONE;
}

/* What few packets have: segments, fragments, no length, a rule that samples. */
static inline __attribute__((always_inline)) void
annotate(struct worker *worker, uint64_t least_mtu, const struct packet_view *view,
	 struct packet_info *info, const bool samples, const bool counts_segments)
{
	if (counts_segments && view->segment_bytes)
		count_segments(worker, view, info);
	else if (!counts_segments && info->octets > least_mtu)
		note_superpacket(worker, info);
	if (info->fragment != FRAGMENT_none || info->has_unknown_length)
		note_special(worker, info, samples);
	if (!samples && __builtin_expect(view->rule_interval != 0, 0))
		info->key.sampler = sampler_of(worker, view);
}

/* What the source says of the packet's owner; a file's packets may say it themselves. */
static inline void note_owner(const struct worker *worker, const struct packet_view *view,
			      struct packet_note *note)
{
	const struct packet_owner *owner = &worker->owners[view - worker->views];

	if (!worker->own.owners)
		return;
	if (owner->user)
		note->user = owner->user;
	note->cgroup = owner->cgroup;
}

static inline __attribute__((always_inline)) const struct packet_view *
decode_views(struct worker *worker, const struct packet_view *view, const struct packet_view *end,
	     struct packet_info *infos, struct packet_note *notes, size_t *accounted,
	     const bool samples, const unsigned int noted, const bool counts_segments)
{
	const struct own_export_list *own = worker->own_exports ? &worker->own_list : NULL;
	const uint64_t least_mtu = interface_mtus_least(worker->mtus);
	const cache_ms tick_end_ms =
		(worker_decode_tick(worker->clock_ms) + 1) * (1 << WORKER_DECODE_TICK_SHIFT);
	cache_ms clock_ms = worker->clock_ms;
	/* Live: no time stamp exceeds this one, so packets never move the clock. */
	cache_ms file_ms = worker->type->is_live ? INT64_MAX : clock_ms;
	struct packet_info *info = infos;
	struct packet_note *note = notes;

	for (; view < end; view++) {
		enum drop_reason reason;

		if (view->time_ms > file_ms) {
			if (view->time_ms >= tick_end_ms)
				break;
			clock_ms = file_ms = view->time_ms;
		}
		reason = decode_view(worker, own, view, info, note, samples, noted);
		if (reason != DROP_NONE) {
			ignore_packet(worker, view, reason);
			continue;
		}
		info->clock_ms = clock_ms;
		annotate(worker, least_mtu, view, info, samples, counts_segments);
		if (noted & PACKET_NOTE_BIT(tcp))
			forget_order(worker, view, info, note);
		if (noted & PACKET_NOTES_OWNER)
			note_owner(worker, view, note);
		if (noted)
			note++;
		info++;
	}
	worker->clock_ms = clock_ms;
	*accounted = (size_t)(info - infos);
	return view;
}

static const struct packet_view *decode_all(struct worker *worker, const struct packet_view *view,
					    const struct packet_view *end,
					    struct packet_info *infos, size_t *accounted)
{
	return decode_views(worker, view, end, infos, NULL, accounted, false, PACKET_NOTES_NONE,
			    false);
}

#define COPY(name)                                                                     \
	static const struct packet_view *decode_##name(                                \
		struct worker *worker, const struct packet_view *view,                 \
		const struct packet_view *end, struct packet_info *infos,              \
		struct packet_note *notes, size_t *accounted)                          \
	{                                                                              \
		return decode_views(worker, view, end, infos, notes, accounted, false, \
				    PACKET_NOTES_##name, false);                       \
	}
PACKET_NOTES_NAMED(COPY)
#undef COPY

static const struct packet_view *decode_noted(struct worker *worker, const struct packet_view *view,
					      const struct packet_view *end,
					      struct packet_info *infos, struct packet_note *notes,
					      size_t *accounted)
{
	return decode_views(worker, view, end, infos, notes, accounted, false, PACKET_NOTES_ALL,
			    false);
}

static const struct packet_view *
decode_sampled(struct worker *worker, const struct packet_view *view, const struct packet_view *end,
	       struct packet_info *infos, struct packet_note *notes, size_t *accounted)
{
	return decode_views(worker, view, end, infos, notes, accounted, true,
			    notes ? PACKET_NOTES_ALL : PACKET_NOTES_NONE, worker->counts_segments);
}

static const struct packet_view *decode_segments(struct worker *worker,
						 const struct packet_view *view,
						 const struct packet_view *end,
						 struct packet_info *infos,
						 struct packet_note *notes, size_t *accounted)
{
	return decode_views(worker, view, end, infos, notes, accounted, false,
			    notes ? PACKET_NOTES_ALL : PACKET_NOTES_NONE, true);
}

const struct packet_view *worker_decode(struct worker *worker, const struct packet_view *view,
					const struct packet_view *end, struct packet_info *infos,
					struct packet_note *notes, size_t *accounted)
{
	if (source_sampling_is_on(&worker->sampling))
		return decode_sampled(worker, view, end, infos, notes, accounted);
	if (worker->counts_segments)
		return decode_segments(worker, view, end, infos, notes, accounted);
	switch (worker->noted) {
	case PACKET_NOTES_NONE: return decode_all(worker, view, end, infos, accounted);
#define COPY(name) \
	case PACKET_NOTES_##name: return decode_##name(worker, view, end, infos, notes, accounted);
		PACKET_NOTES_NAMED(COPY)
#undef COPY
	default: return decode_noted(worker, view, end, infos, notes, accounted);
	}
}
