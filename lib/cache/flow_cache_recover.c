/* flow_cache_recover.c - undoes what was half done, then makes everything anew from the flows.
 *
 * Invariant: until the first packet comes nothing is changed that another recovery would miss. */
#include "flow_cache_recover.h"

#include "flow_cache_marks.h"
#include "flow_columns_layout.h"
#include "flow_index_look.h"

#include <errno.h>
#include <stdlib.h>

struct flow_cache_progress flow_cache_progress(const struct flow_cache *cache)
{
	return (struct flow_cache_progress){ cache->marks.added, cache->marks.records };
}

/* FNV-1a over what is in the memory: nobody chooses it. */
uint64_t flow_cache_layout(void)
{
	static const size_t parts[] = {
		sizeof(struct flow_cache),  sizeof(struct cached_flow),
		sizeof(struct flow_marks),  sizeof(struct bucket),
#define FLOW_COLUMN(name, type, update, note) \
	sizeof(type), offsetof(struct flow_columns, name), offsetof(struct flow_record, name),
#define FLOW_TRACK(name, type) FLOW_COLUMN(name, type, , )
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
		sizeof(struct flow_record),
	};
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		digest = (digest ^ parts[i]) * UINT64_C(0x100000001b3);
	return digest;
}

/* ---- what was under way ---- */

static bool is_place(const struct flow_cache *cache, flow_place place)
{
	const uint64_t end = flow_place_in_part(cache, 1, cache->flows_used[1]);

	return place < end;
}

/* 'flows' is where the process that was killed had the flows. */
static void undo_packet(struct flow_cache *cache, const uint8_t *flows)
{
	struct flow_marks *marks = &cache->marks;
	const uint64_t place =
		((uint64_t)(uintptr_t)marks->flow - (uint64_t)(uintptr_t)flows) / FLOW_UNIT;

	if (marks->packet == marks->added && place < FLOW_NONE &&
	    is_place(cache, (flow_place)place)) {
		struct cached_flow *flow = flow_at(cache, (flow_place)place);

		flow->sums = marks->sums;
		if (cache->columns.tcp)
			cache->columns.tcp[flow_number(cache, flow)] = marks->tcp;
	}
	store_order();
	marks->packet = marks->added - 1;
}

/* The same of what was being taken from a slot; that it was, flow_offload_create() must know. */
static void undo_take(struct flow_cache *cache, const uint8_t *flows)
{
	const struct flow_marks *marks = &cache->marks;
	const uint64_t place =
		((uint64_t)(uintptr_t)marks->take_flow - (uint64_t)(uintptr_t)flows) / FLOW_UNIT;

	if (marks->take_slot && marks->take == marks->takes && marks->take_flow &&
	    place < FLOW_NONE && is_place(cache, (flow_place)place))
		flow_at(cache, (flow_place)place)->sums = marks->take_sums;
}

static void finish_leaving(struct flow_cache *cache)
{
	struct flow_marks *marks = &cache->marks;

	if (marks->leaving[0] != FLOW_NONE && marks->records != marks->leaving_at)
		for (size_t i = 0; i < 2; i++)
			if (marks->leaving[i] != FLOW_NONE && is_place(cache, marks->leaving[i]))
				flow_at(cache, marks->leaving[i])->packets = 0;
	flow_marks_done(cache);
	flow_marks_other_done(cache);
}

/* ---- flows in order of age ---- */

struct aged {
	uint32_t age;
	flow_place place;
};

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)

/* One pass of a radix sort, the youngest first. */
static void sort_by_digit(const struct aged *from, struct aged *to, size_t count,
			  unsigned int shift)
{
	size_t starts[DIGITS + 1] = { 0 };

	for (size_t i = 0; i < count; i++)
		starts[(from[i].age >> shift) % DIGITS + 1]++;
	for (size_t i = 1; i <= DIGITS; i++)
		starts[i] += starts[i - 1];
	for (size_t i = 0; i < count; i++)
		to[starts[(from[i].age >> shift) % DIGITS]++] = from[i];
}

/* Live flows; the places of the others are free again. Those of a part that were used most recently
 * are taken first. Returns how many are live. */
static size_t find_flows(struct flow_cache *cache, unsigned int part, struct aged *flows)
{
	size_t count = 0;

	for (uint32_t i = cache->flows_used[part]; i-- > 0;) {
		const flow_place place = flow_place_in_part(cache, part, i);
		struct cached_flow *flow = flow_at(cache, place);

		if (flow->packets && flow->key.ip_version == (part ? 6 : 4) &&
		    flow->expiry_class < EXPIRY_STATE_COUNT) {
			flows[count++] = (struct aged){ flow_elapsed(cache, flow->created), place };
			continue;
		}
		flow->packets = 0;
		flow->key.ip_version = 0;
		flow->idle_next = cache->flows_free[part];
		cache->flows_free[part] = place;
	}
	return count;
}

static void enter(struct flow_cache *cache, flow_place place)
{
	struct flow_cache_statistics *statistics = &cache->statistics;
	const struct cached_flow *flow = flow_at(cache, place);

	statistics->flows_cached++;
	statistics->packets_cached += flow->packets;
	statistics->octets_cached += flow->octets;
	flow_list_append(cache, place);
	flow_wheel_arm(cache, place);
	flow_index_insert(cache, flow_index_home(cache, flow->hash), place, flow->hash);
}

static void enter_flows(struct flow_cache *cache, struct aged *flows, struct aged *other)
{
	size_t count = find_flows(cache, 0, flows);

	count += find_flows(cache, 1, flows + count);
	sort_by_digit(flows, other, count, 0);
	sort_by_digit(other, flows, count, DIGIT_BITS);
	sort_by_digit(flows, other, count, 2 * DIGIT_BITS);
	for (size_t i = count; i-- > 0;)
		enter(cache, other[i].place);
}

/* The index had one bucket more than its count if it was just growing. */
static void forget_orders(struct flow_cache *cache)
{
	const uint32_t buckets_max = cache->max_flows / BUCKET_LOAD + 2;
	const uint32_t used =
		cache->bucket_count < buckets_max ? cache->bucket_count + 1 : buckets_max;

	memset(cache->buckets, 0, used * sizeof(struct bucket));
	flow_cache_empty(cache);
	cache->wheel_tick = wheel_tick_of(cache->now);
	cache->statistics = (struct flow_cache_statistics){ 0 };
}

struct flow_cache *flow_cache_recover(const struct flow_cache_config *config, void *memory)
{
	struct flow_cache *cache = memory;
	const uint8_t *flows_before = cache->flows;
	struct aged *flows;
	size_t used;

	if (cache->max_flows != config->max_flows || cache->columns.set != config->columns ||
	    cache->flows_used[0] > cache->max_flows || cache->flows_used[1] > cache->max_flows) {
		errno = EINVAL;
		return NULL;
	}
	used = (size_t)cache->flows_used[0] + cache->flows_used[1];
	flows = calloc(2 * used + 1, sizeof(*flows));
	if (!flows)
		return NULL;
	flow_cache_place(cache, config);
	cache->mapping_size = 0;
	cache->expiry = config->expiry;
	flow_expiry_end_asked(&cache->expiry);
	cache->is_bidirectional = config->is_bidirectional;
	cache->has_ports = config->has_ports;
	cache->offload = NULL;
	undo_take(cache, flows_before);
	undo_packet(cache, flows_before);
	finish_leaving(cache);
	forget_orders(cache);
	enter_flows(cache, flows, flows + used);
	free(flows);
	return cache;
}

/* ---- statistics ---- */

void flow_cache_recover_record(struct flow_cache_statistics *before,
			       const struct flow_record *record)
{
	before->records_expired[record->end_reason]++;
	before->packets_expired += record->packets;
	before->octets_expired += record->octets;
}

void flow_cache_recover_statistics(struct flow_cache *cache,
				   const struct flow_cache_statistics *before)
{
	struct flow_cache_statistics *statistics = &cache->statistics;
	const struct flow_cache_statistics cached = *statistics;

	*statistics = *before;
	statistics->flows_cached = cached.flows_cached;
	statistics->packets_cached = cached.packets_cached;
	statistics->octets_cached = cached.octets_cached;
	if (statistics->flows_cached_peak < cached.flows_cached)
		statistics->flows_cached_peak = cached.flows_cached;
	statistics->packets_added = cached.packets_cached + statistics->packets_expired;
	statistics->octets_added = cached.octets_cached + statistics->octets_expired;
	statistics->flows_created = cached.flows_cached;
	for (int i = 0; i < FLOW_END_COUNT; i++)
		statistics->flows_created += statistics->records_expired[i];
}
