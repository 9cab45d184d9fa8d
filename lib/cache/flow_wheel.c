/* flow_wheel.c - in which order flows leave the cache.
 *
 * Place: flow_cache.c arms and disarms flows here and asks which are due.
 *
 * Two orders are kept. The age list has all flows in order of creation; the active timeout is one
 * for all, so its head is always the next one due. Inactive timeouts differ and move with each
 * packet: a flow is armed in the slot of a hierarchical timing wheel where its timeout would be
 * over, and stays there when packets come. Only when the slot comes round is the true deadline
 * looked up, and the flow armed anew if it has moved. So a packet costs the wheel nothing, and a
 * flow is touched once a timeout.
 *
 * Level 0 has a slot a tick for the next 256 ticks; a slot of level 1 has 256 ticks and is spread
 * over level 0 when its time comes; level 2 likewise over level 1. wheel_tick is the first tick not
 * worked off; nothing is armed before it. */
#include "flow_cache_layout.h"

#define UNMARKED_MAX 4 /* flows that one eviction arms anew though they bear no mark */

void flow_list_append(struct flow_cache *cache, flow_place index)
{
	struct cached_flow *flow = flow_at(cache, index);

	flow->age_previous = cache->age.tail;
	flow->age_next = FLOW_NONE;
	if (cache->age.tail == FLOW_NONE)
		cache->age.head = index;
	else
		flow_at(cache, cache->age.tail)->age_next = index;
	cache->age.tail = index;
}

void flow_list_remove(struct flow_cache *cache, flow_place index)
{
	const struct cached_flow *flow = flow_at(cache, index);

	if (flow->age_previous == FLOW_NONE)
		cache->age.head = flow->age_next;
	else
		flow_at(cache, flow->age_previous)->age_next = flow->age_next;
	if (flow->age_next == FLOW_NONE)
		cache->age.tail = flow->age_previous;
	else
		flow_at(cache, flow->age_next)->age_previous = flow->age_previous;
}

/* The tick in which a flow's inactive timeout is over. */
static uint64_t deadline_tick(const struct flow_cache *cache, const struct cached_flow *flow)
{
	cache_ms deadline = cache->now - (cache_ms)flow_elapsed(cache, flow->seen) +
			    (cache_ms)cache->expiry.idle_ms[flow->expiry_class];

	return wheel_tick_of(deadline);
}

/* Slot for a tick, as seen from wheel_tick: the lowest level that reaches so far. */
static inline uint16_t slot_for(const struct flow_cache *cache, uint64_t tick)
{
	unsigned int level = 0;

	if (tick - cache->wheel_tick < WHEEL_SLOTS) /* and not before it: most timeouts */
		return (uint16_t)(tick & (WHEEL_SLOTS - 1));
	if (tick < cache->wheel_tick)
		tick = cache->wheel_tick;
	if (tick - cache->wheel_tick > WHEEL_HORIZON)
		tick = cache->wheel_tick + WHEEL_HORIZON;
	while (level < WHEEL_LEVELS - 1 &&
	       (tick >> (level * WHEEL_SLOT_BITS)) -
			       (cache->wheel_tick >> (level * WHEEL_SLOT_BITS)) >=
		       WHEEL_SLOTS)
		level++;
	return (uint16_t)(level * WHEEL_SLOTS +
			  ((tick >> (level * WHEEL_SLOT_BITS)) & (WHEEL_SLOTS - 1)));
}

static inline void slot_append(struct flow_cache *cache, uint16_t slot, flow_place index)
{
	struct flow_list *list = &cache->wheel[slot];
	struct cached_flow *flow = flow_at(cache, index);

	flow->armed = slot | flow_armed_mark(flow);
	flow->idle_previous = list->tail;
	flow->idle_next = FLOW_NONE;
	if (list->tail == FLOW_NONE) {
		list->head = index;
		cache->wheel_occupied[slot / 64] |= 1ull << (slot % 64);
	} else {
		flow_at(cache, list->tail)->idle_next = index;
	}
	list->tail = index;
}

void flow_wheel_arm(struct flow_cache *cache, flow_place index)
{
	slot_append(cache, slot_for(cache, deadline_tick(cache, flow_at(cache, index))), index);
}

void flow_wheel_arm_with(struct flow_cache *cache, flow_place index, flow_place other)
{
	slot_append(cache, slot_for(cache, deadline_tick(cache, flow_at(cache, other))), index);
}

void flow_wheel_disarm(struct flow_cache *cache, flow_place index)
{
	const struct cached_flow *flow = flow_at(cache, index);
	const uint16_t slot = flow_armed_slot(flow);
	struct flow_list *list = &cache->wheel[slot];

	if (flow->idle_previous == FLOW_NONE)
		list->head = flow->idle_next;
	else
		flow_at(cache, flow->idle_previous)->idle_next = flow->idle_next;
	if (flow->idle_next == FLOW_NONE)
		list->tail = flow->idle_previous;
	else
		flow_at(cache, flow->idle_next)->idle_previous = flow->idle_previous;
	if (list->head == FLOW_NONE)
		cache->wheel_occupied[slot / 64] &= ~(1ull << (slot % 64));
}

/* First occupied slot of a level, counted from slot number 'from' of it and wrapping; WHEEL_SLOTS
 * if none. Returned as distance from 'from'. */
static unsigned int next_occupied(const struct flow_cache *cache, unsigned int level,
				  unsigned int from)
{
	const uint64_t *words = &cache->wheel_occupied[level * WHEEL_SLOTS / 64];
	unsigned int words_count = WHEEL_SLOTS / 64;

	for (unsigned int i = 0; i <= words_count; i++) {
		unsigned int word = (from / 64 + i) % words_count;
		uint64_t bits = words[word];

		if (i == 0)
			bits &= ~0ull << (from % 64);
		if (i == words_count)
			bits &= ~(~0ull << (from % 64));
		if (bits) {
			unsigned int slot = word * 64 + (unsigned int)__builtin_ctzll(bits);

			return (slot - from) % WHEEL_SLOTS;
		}
	}
	return WHEEL_SLOTS;
}

/* The occupied slot that must be worked off at wheel_tick before it can move on: a higher level's
 * slot when its time begins, then level 0's. Returns false if there is none. */
static bool slot_at_tick(const struct flow_cache *cache, uint16_t *slot)
{
	for (unsigned int level = WHEEL_LEVELS; level-- > 0;) {
		uint64_t span_mask = (1ull << (level * WHEEL_SLOT_BITS)) - 1;
		uint16_t candidate = (uint16_t)(level * WHEEL_SLOTS +
						((cache->wheel_tick >> (level * WHEEL_SLOT_BITS)) &
						 (WHEEL_SLOTS - 1)));

		if ((cache->wheel_tick & span_mask) == 0 &&
		    cache->wheel[candidate].head != FLOW_NONE) {
			*slot = candidate;
			return true;
		}
	}
	return false;
}

/* Move wheel_tick to the next tick where something may be, but not past 'end'. */
static void skip_empty_ticks(struct flow_cache *cache, uint64_t end)
{
	uint64_t tick = cache->wheel_tick + 1;
	uint64_t block_end = (cache->wheel_tick | (WHEEL_SLOTS - 1)) + 1;
	unsigned int distance = next_occupied(cache, 0, (unsigned int)(tick & (WHEEL_SLOTS - 1)));

	if (distance == WHEEL_SLOTS || tick + distance > block_end)
		tick = block_end;
	else
		tick += distance;
	cache->wheel_tick = tick < end ? tick : end;
}

flow_place flow_wheel_due(struct flow_cache *cache)
{
	uint64_t end = wheel_tick_of(cache->now);
	uint16_t slot;

	if (cache->age.head == FLOW_NONE && cache->wheel_tick < end)
		cache->wheel_tick = end;
	while (cache->wheel_tick < end) {
		flow_place index;
		struct cached_flow *flow;

		if (!slot_at_tick(cache, &slot)) {
			skip_empty_ticks(cache, end);
			continue;
		}
		index = cache->wheel[slot].head;
		flow = flow_at(cache, index);
		if (flow_elapsed(cache, flow->seen) >= cache->expiry.idle_ms[flow->expiry_class])
			return index;
		flow_wheel_disarm(cache, index);
		flow_wheel_arm(cache, index);
	}
	return FLOW_NONE;
}

/* The occupied slot whose time comes first, by the lowest level that has one. */
static bool nearest_slot(const struct flow_cache *cache, uint16_t *slot)
{
	if (slot_at_tick(cache, slot))
		return true;
	for (unsigned int level = 0; level < WHEEL_LEVELS; level++) {
		unsigned int from = (unsigned int)(cache->wheel_tick >> (level * WHEEL_SLOT_BITS)) &
				    (WHEEL_SLOTS - 1);
		unsigned int distance = next_occupied(cache, level, from);

		if (distance == WHEEL_SLOTS)
			continue;
		*slot = (uint16_t)(level * WHEEL_SLOTS + (from + distance) % WHEEL_SLOTS);
		return true;
	}
	return false;
}

/* Whether packets have come since a flow was armed. One time in 64 they leave no mark. */
static bool has_moved(const struct cached_flow *flow)
{
	return flow->armed >> ARMED_SLOT_BITS != flow_armed_mark(flow) >> ARMED_SLOT_BITS;
}

/* Whether a flow of several packets has been idle for less than the next one of its slot. */
static bool is_livelier(const struct flow_cache *cache, const struct cached_flow *flow)
{
	return flow->seen != flow->created && flow->idle_next != FLOW_NONE &&
	       flow_elapsed(cache, flow->seen) <
		       flow_elapsed(cache, flow_at(cache, flow->idle_next)->seen);
}

/* A slot may span minutes, in which a flood fills the cache many times over: in it flows go in the
 * order in which they were armed, and those that packets have come for since are armed anew. */
flow_place flow_wheel_nearest(struct flow_cache *cache)
{
	unsigned int unmarked = UNMARKED_MAX;
	uint16_t slot;

	/* Each turn but the last arms a flow anew that packets have moved since: paid for by those
	 * packets, or one of a few. */
	while (nearest_slot(cache, &slot)) {
		flow_place index = cache->wheel[slot].head;
		const struct cached_flow *flow = flow_at(cache, index);

		if (slot_for(cache, deadline_tick(cache, flow)) == slot && !has_moved(flow)) {
			if (!unmarked || !is_livelier(cache, flow))
				return index;
			unmarked--;
		}
		flow_wheel_disarm(cache, index);
		flow_wheel_arm(cache, index);
	}
	return FLOW_NONE;
}

cache_ms flow_wheel_next(const struct flow_cache *cache)
{
	uint64_t block_end = (cache->wheel_tick | (WHEEL_SLOTS - 1)) + 1;
	uint64_t tick = cache->wheel_tick;
	unsigned int distance;
	uint16_t slot;

	if (cache->age.head == FLOW_NONE)
		return INT64_MAX;
	if (!slot_at_tick(cache, &slot)) {
		distance = next_occupied(cache, 0, (unsigned int)(tick & (WHEEL_SLOTS - 1)));
		tick = distance == WHEEL_SLOTS || tick + distance > block_end ? block_end
									      : tick + distance;
	}
	return CLOCK_START_MS + (cache_ms)((tick + 1) << WHEEL_TICK_SHIFT);
}
