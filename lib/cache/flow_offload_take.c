/* flow_offload_take.c - sums of slots become packets of flows, each once.
 *
 * Place: part of flow_offload.c. A process may be killed at any instruction, so flow, entry and
 * total change as one:
 *
 *     mark flow, sums, what the entry will say, and the total beside that which counts; change the
 *     flow; takes++; the entry; unmark
 *
 * Before the store of 'takes' everything is undone by the flow's old sums, after it the entry is
 * written again: flow_cache_recover.c, flow_offload_recover(). */
#include "flow_offload.h"

#include "flow_cache_marks.h"
#include "flow_columns_layout.h"
#include "flow_offload_layout.h"

#define NS_PER_MS 1000000

static uint64_t load(const uint64_t *place)
{
	return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

/* What is added last is read first: so there are no more segments than packets, and no more packets
 * than octets of them. */
static struct flow_offload_sums sums_of(const struct flow_offload_slot *slot)
{
	struct flow_offload_sums sums;

	sums.segment_octets = load(&slot->segment_octets);
	sums.segments = load(&slot->segments);
	sums.superpackets = load(&slot->superpackets);
	sums.packets = load(&slot->packets);
	sums.octets = load(&slot->octets);
	return sums;
}

static struct flow_offload_sums difference(const struct flow_offload_sums *now,
					   const struct flow_offload_sums *before)
{
	return (struct flow_offload_sums){
		.packets = now->packets - before->packets,
		.octets = now->octets - before->octets,
		.superpackets = now->superpackets - before->superpackets,
		.segments = now->segments - before->segments,
		.segment_octets = now->segment_octets - before->segment_octets,
	};
}

static void add(struct flow_offload_sums *to, const struct flow_offload_sums *more)
{
	to->packets += more->packets;
	to->octets += more->octets;
	to->superpackets += more->superpackets;
	to->segments += more->segments;
	to->segment_octets += more->segment_octets;
}

static bool is_nothing(const struct flow_offload_sums *sums)
{
	return !(sums->packets | sums->octets | sums->superpackets | sums->segments |
		 sums->segment_octets);
}

struct flow_offload_sums flow_cache_offloaded(const struct flow_cache *cache)
{
	return cache->marks.offloaded[cache->marks.takes & 1];
}

struct flow_offload_sums flow_offload_left(const struct flow_offload_slot *slots,
					   const struct flow_offload_entry *entries,
					   uint32_t slot_count)
{
	struct flow_offload_sums left = { 0 };

	for (uint32_t i = 0; i < slot_count; i++) {
		const struct flow_offload_sums sums = sums_of(&slots[i]);
		const struct flow_offload_sums more = difference(&sums, &entries[i].taken);

		add(&left, &more);
	}
	return left;
}

/* ---- one change ---- */

/* 'flow' may be NULL: then only totals change. 'before' is what it holds. */
static void begin_take(struct flow_offload *offload, uint32_t number,
		       const struct cached_flow *flow, struct flow_sums before,
		       const struct flow_offload_sums *sums, const struct flow_offload_sums *more)
{
	struct flow_marks *marks = &offload->cache->marks;
	struct flow_offload_sums *total = &marks->offloaded[(marks->takes + 1) & 1];

	marks->take = marks->takes;
	marks->take_flow = flow;
	marks->take_sums = before;
	marks->take_taken = *sums;
	*total = marks->offloaded[marks->takes & 1];
	add(total, more);
	store_order();
	marks->take_slot = number + 1;
	store_order();
}

static void commit_take(struct flow_offload *offload, uint32_t number,
			const struct flow_offload_sums *sums)
{
	struct flow_marks *marks = &offload->cache->marks;

	store_order();
	marks->takes++;
	store_order();
	offload->entries[number].taken = *sums;
	store_order();
	marks->take_slot = 0;
	store_order();
}

void flow_offload_recover(struct flow_offload *offload, bool is_continued)
{
	struct flow_marks *marks = &offload->cache->marks;
	const uint32_t slot = marks->take_slot;

	if (is_continued && slot && slot <= offload->slot_count && marks->take != marks->takes)
		offload->entries[slot - 1].taken = marks->take_taken;
	store_order();
	marks->take_slot = 0;
}

/* When the last packet of a slot came, on the cache's clock: not after now. */
static uint32_t seen_of(const struct flow_cache *cache, uint64_t last_ns)
{
	const cache_ms seen = (cache_ms)(last_ns / NS_PER_MS);

	return (uint32_t)(seen < cache->now ? seen : cache->now);
}

static unix_ms time_of(const struct flow_offload *offload, uint64_t last_ns)
{
	return ((int64_t)last_ns + offload->offset_ns) / 1000 / 1000;
}

/* All but the sums. May be done twice, and is: flags are cleared when the flow has them. */
static void update_times(const struct flow_offload *offload, struct cached_flow *flow,
			 struct flow_offload_slot *slot)
{
	const uint64_t last_ns = load(&slot->last_ns);
	const uint32_t flags = __atomic_load_n(&slot->tcp_flags, __ATOMIC_RELAXED);
	const uint32_t seen = seen_of(offload->cache, last_ns);
	const unix_ms time_ms = time_of(offload, last_ns);

	if ((int32_t)(seen - flow->seen) > 0)
		flow->seen = seen;
	if (time_ms < flow->first_ms)
		flow->first_ms = time_ms;
	if (time_ms > flow->last_ms)
		flow->last_ms = time_ms;
	flow->tcp_flags |= (uint8_t)flags;
	if (flags)
		(void)__atomic_and_fetch(&slot->tcp_flags, ~flags, __ATOMIC_RELAXED);
}

static void count(struct flow_cache *cache, const struct flow_offload_sums *more)
{
	cache->statistics.packets_added += more->packets;
	cache->statistics.packets_cached += more->packets;
	cache->statistics.octets_added += more->octets;
	cache->statistics.octets_cached += more->octets;
}

static void take_into(struct flow_offload *offload, uint32_t number, flow_place place,
		      const struct flow_offload_sums *sums, const struct flow_offload_sums *more)
{
	struct flow_cache *cache = offload->cache;
	struct cached_flow *flow = flow_at(cache, place);

	begin_take(offload, number, flow, flow->sums, sums, more);
	flow->packets += more->packets;
	flow->octets += more->octets;
	if (more->packets)
		update_times(offload, flow, &offload->slots[number]);
	commit_take(offload, number, sums);
	count(cache, more);
}

static void take_nowhere(struct flow_offload *offload, uint32_t number,
			 const struct flow_offload_sums *sums, const struct flow_offload_sums *more)
{
	begin_take(offload, number, NULL, (struct flow_sums){ 0 }, sums, more);
	commit_take(offload, number, sums);
}

bool flow_offload_take_slot(struct flow_offload *offload, uint32_t number)
{
	const struct flow_offload_entry *entry = &offload->entries[number];
	const flow_place place = offload->links[number].place;
	struct flow_offload_sums sums = sums_of(&offload->slots[number]);
	struct flow_offload_sums more;

	if (place == FLOW_NONE)
		return false;
	/* Octets of a packet that is just being added wait for it. */
	if (sums.packets == entry->taken.packets)
		sums.octets = entry->taken.octets;
	more = difference(&sums, &entry->taken);
	if (!is_nothing(&more))
		take_into(offload, number, place, &sums, &more);
	return more.packets != 0;
}

/* ---- the last time ---- */

/* A new flow for what came after its flow had left. */
static void begin_flow(struct flow_offload *offload, uint32_t number,
		       const struct flow_offload_sums *sums, const struct flow_offload_sums *more,
		       cache_ms now, const struct flow_sink *sink)
{
	const struct flow_offload_entry *entry = &offload->entries[number];
	struct flow_offload_slot *slot = &offload->slots[number];
	struct flow_cache *cache = offload->cache;
	const struct packet_info packet = {
		.key = entry->flow,
		.time_ms = time_of(offload, load(&slot->last_ns)),
		.clock_ms = now,
	};
	const struct packet_note note = { .ttl = entry->ttl };
	const flow_place place = flow_cache_begin_flow(cache, &packet, sink);
	struct cached_flow *flow = flow_at(cache, place);

	begin_take(offload, number, flow, (struct flow_sums){ 0 }, sums, more);
	cache->marks.packet = cache->marks.added - 1; /* the mark above takes its place */
	store_order();
	flow->packets = more->packets;
	flow->octets = more->octets;
	update_times(offload, flow, slot);
	flow_columns_begin(cache, flow, &packet, &note, true, PACKET_NOTES_ALL);
	commit_take(offload, number, sums);
	count(cache, more);
}

bool flow_offload_take_last(struct flow_offload *offload, uint32_t number, bool has_room,
			    cache_ms now, const struct flow_sink *sink)
{
	struct flow_offload_entry *entry = &offload->entries[number];
	struct flow_cache *cache = offload->cache;
	const struct flow_offload_sums sums = sums_of(&offload->slots[number]);
	const struct flow_offload_sums more = difference(&sums, &entry->taken);
	flow_place place = offload->links[number].place;

	if (is_nothing(&more))
		return false;
	if (place == FLOW_NONE)
		place = flow_index_find(cache, &entry->flow,
					flow_hash(&cache->hash_key, &entry->flow));
	if (place != FLOW_NONE) {
		take_into(offload, number, place, &sums, &more);
		return false;
	}
	if (!more.packets) {
		take_nowhere(offload, number, &sums, &more);
		return false;
	}
	if (has_room) {
		begin_flow(offload, number, &sums, &more, now, sink);
		return true;
	}
	add(&offload->statistics.lost, &more);
	entry->taken = sums;
	return false;
}
