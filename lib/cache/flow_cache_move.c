/* flow_cache_move.c - flows as records with the times at which they leave.
 *
 * Invariant: a flow comes in by flow_cache_add(), as its first packet would, and only then gets
 * what the others have brought: so index, lists and counters are those of any flow. */
#include "flow_cache_move.h"

#include "flow_cache_layout.h"
#include "flow_columns_layout.h"
#include "flow_index_look.h"

/* Ages have 32 bits; no timeout is longer. */
#define AGE_MAX_MS (INT32_MAX / 2)

size_t flow_cache_move_out(const struct flow_cache *cache, uint64_t *cursor,
			   struct moved_flow *flows, size_t count)
{
	flow_place place = *cursor ? (flow_place)(*cursor - 1) : cache->age.head;
	size_t filled = 0;

	for (; filled < count && place != FLOW_NONE; filled++) {
		const struct cached_flow *flow = flow_at(cache, place);
		struct moved_flow *moved = &flows[filled];

		*moved = (struct moved_flow){
			.record = { .packets = flow->packets,
				    .octets = flow->octets,
				    .first_ms = flow->first_ms,
				    .last_ms = flow->last_ms,
				    .tcp_flags = flow->tcp_flags },
			.created_ms = cache->now - (cache_ms)flow_elapsed(cache, flow->created),
			.seen_ms = cache->now - (cache_ms)flow_elapsed(cache, flow->seen),
		};
		/* The flow of an IPv4 key ends with it. */
		memcpy(&moved->record.key, &flow->key, flow_key_size(&flow->key));
		flow_columns_fill(cache, flow, &moved->record, PACKET_NOTES_ALL);
		if (cache->columns.tcp)
			flow_pair_fill(cache, place, &moved->record.tcp);
		place = flow->age_next;
	}
	*cursor = (uint64_t)place + 1;
	return filled;
}

/* A moment of the past on the cache's clock, as flows keep it. */
static uint32_t stamp_of(const struct flow_cache *cache, cache_ms time)
{
	if (time > cache->now)
		time = cache->now;
	if (time < cache->now - AGE_MAX_MS)
		time = cache->now - AGE_MAX_MS;
	return (uint32_t)time;
}

static void set_columns(struct flow_cache *cache, const struct cached_flow *flow,
			const struct flow_record *record)
{
	const size_t number = flow_number(cache, flow);

#define FLOW_COLUMN(name, type, update, note) \
	if (cache->columns.name)              \
		cache->columns.name[number] = record->name;
#define FLOW_TRACK(name, type)   \
	if (cache->columns.name) \
		cache->columns.name[number] = (type){ .quality = record->name };
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
}

void flow_cache_move_in(struct flow_cache *cache, const struct moved_flow *moved, cache_ms now,
			const struct flow_sink *sink)
{
	const struct flow_record *record = &moved->record;
	const struct packet_info packet = {
		.key = record->key,
		.time_ms = record->first_ms,
		.clock_ms = now,
		.octets = 0,
		.tcp_flags = record->tcp_flags,
	};
	const struct packet_note nothing = { 0 };
	const uint64_t more = record->packets - 1;
	struct flow_cache_statistics *statistics = &cache->statistics;
	struct cached_flow *flow;
	flow_place place;

	flow_cache_add_noted(cache, &packet, &nothing, 1, sink);
	place = flow_index_find(cache, &record->key, flow_hash(&cache->hash_key, &record->key));
	flow = flow_at(cache, place);
	if (flow->packets == 1) { /* it is a new one */
		flow->created = stamp_of(cache, moved->created_ms);
		flow->seen = stamp_of(cache, moved->seen_ms);
		set_columns(cache, flow, record);
		flow_wheel_disarm(cache, place);
		flow_wheel_arm(cache, place);
	}
	flow->packets += more;
	flow->octets += record->octets;
	if (record->last_ms > flow->last_ms)
		flow->last_ms = record->last_ms;
	statistics->packets_added += more;
	statistics->packets_cached += more;
	statistics->octets_added += record->octets;
	statistics->octets_cached += record->octets;
}

void flow_cache_continue(struct flow_cache *cache, const struct flow_cache_statistics *before)
{
	struct flow_cache_statistics *statistics = &cache->statistics;

	*statistics = *before;
	statistics->packets_added -= before->packets_cached;
	statistics->octets_added -= before->octets_cached;
	statistics->flows_created -= before->flows_cached;
	statistics->packets_cached = statistics->octets_cached = statistics->flows_cached = 0;
}
