/* flow_offload.c - which flow has which slot, and what becomes of it.
 *
 * Place: beside the flow cache, which asks it where a flow ends (flow_offload_layout.h).
 * flow_offload_take.c has how sums come into flows. Invariant: a slot is in the list of its state,
 * or in that of the cycle; one whose flow is cached is in that flow's chain, and in no other. */
#include "flow_offload.h"

#include "flow_columns_layout.h"
#include "flow_offload_layout.h"
#include "store_order.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_MS 1000000

static void push(struct offload_list *list, uint32_t number)
{
	list->numbers[list->count++] = number;
}

static void set_state(struct flow_offload *offload, uint32_t number, enum flow_offload_state state)
{
	store_order();
	offload->entries[number].state = (uint8_t)state;
	store_order();
}

/* ---- chains ---- */

static void link_slot(struct flow_offload *offload, uint32_t number, flow_place place)
{
	uint32_t *head = &offload->heads[flow_number_of_place(place)];

	offload->links[number].place = place;
	offload->links[number].next = *head;
	*head = number + 1;
}

static void unlink_slot(struct flow_offload *offload, uint32_t number)
{
	struct offload_link *link = &offload->links[number];
	uint32_t *at;

	if (link->place == FLOW_NONE)
		return;
	at = &offload->heads[flow_number_of_place(link->place)];
	while (*at != number + 1)
		at = &offload->links[*at - 1].next;
	*at = link->next;
	link->place = FLOW_NONE;
}

static uint32_t first_of(const struct flow_offload *offload, flow_place place)
{
	return offload->heads[flow_number_of_place(place)];
}

/* ---- until when packets are counted ---- */

static void set_deadline(struct flow_offload *offload, uint32_t number)
{
	const struct flow_cache *cache = offload->cache;
	const struct cached_flow *flow = flow_at(cache, offload->links[number].place);
	struct flow_offload_slot *slot = &offload->slots[number];
	const uint64_t created_ms = (uint64_t)cache->now - flow_elapsed(cache, flow->created);
	const uint32_t active_ms = cache->expiry.active_ms;

	__atomic_store_n(&slot->idle_ms, cache->expiry.idle_ms[flow->expiry_class],
			 __ATOMIC_RELAXED);
	__atomic_store_n(&slot->deadline_ns,
			 active_ms == EXPIRY_ACTIVE_OFF ? UINT64_MAX
							: (created_ms + active_ms) * NS_PER_MS,
			 __ATOMIC_RELEASE);
}

/* From now on packets are counted. */
static void arm(struct flow_offload *offload, uint32_t number)
{
	__atomic_store_n(&offload->slots[number].last_ns, (uint64_t)offload->cache->now * NS_PER_MS,
			 __ATOMIC_RELAXED);
	set_deadline(offload, number);
}

static bool is_to_end(const struct flow_offload *offload, uint32_t number)
{
	return offload->links[number].is_to_end || offload->entries[number].state >= OFFLOAD_ended;
}

/* No packet is counted any more, but for those that are just being. */
static void end_slot(struct flow_offload *offload, uint32_t number)
{
	if (is_to_end(offload, number))
		return;
	__atomic_store_n(&offload->slots[number].deadline_ns, 0, __ATOMIC_RELEASE);
	if (offload->entries[number].state != OFFLOAD_live) {
		offload->links[number].is_to_end = true;
		return;
	}
	set_state(offload, number, OFFLOAD_ended);
	push(&offload->ended, number);
}

static void free_slot(struct flow_offload *offload, uint32_t number)
{
	unlink_slot(offload, number);
	offload->links[number].is_to_end = false;
	set_state(offload, number, OFFLOAD_free);
	push(&offload->free, number);
}

/* ---- begin and end ---- */

static void *make_numbers(size_t count)
{
	return calloc(count ? count : 1, sizeof(uint32_t));
}

static bool allocate(struct flow_offload *offload)
{
	struct offload_list *const lists[] = { &offload->free, &offload->wanted, &offload->ended,
					       &offload->deleting, &offload->installing };
	/* As flow_columns.c has numbers of flows. */
	const size_t flows =
		(size_t)offload->cache->max_flows * CACHED_FLOW_IPV6_SIZE / CACHED_FLOW_IPV4_SIZE +
		offload->cache->max_flows + 1;
	bool has_all;

	offload->links = calloc(offload->slot_count, sizeof(*offload->links));
	offload->heads = calloc(flows, sizeof(*offload->heads));
	has_all = offload->links && offload->heads;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		lists[i]->numbers = make_numbers(offload->slot_count);
		has_all &= lists[i]->numbers != NULL;
	}
	return has_all;
}

static void clear(struct flow_offload *offload)
{
	free(offload->links);
	free(offload->heads);
	free(offload->free.numbers);
	free(offload->wanted.numbers);
	free(offload->ended.numbers);
	free(offload->deleting.numbers);
	free(offload->installing.numbers);
	free(offload);
}

static bool has_ended(const struct cached_flow *flow)
{
	return flow->expiry_class == EXPIRY_tcp_fin || flow->expiry_class == EXPIRY_tcp_rst ||
	       expiry_class_is_asked(flow->expiry_class);
}

/* A slot as another agent, or an earlier call, has left it. */
static void find_slot(struct flow_offload *offload, uint32_t number)
{
	const struct flow_offload_entry *entry = &offload->entries[number];
	const struct flow_cache *cache = offload->cache;
	const uint8_t state = entry->state;
	flow_place place;

	offload->links[number].place = FLOW_NONE;
	/* A key that was wanted only has never been installed. */
	if (state == OFFLOAD_free || state == OFFLOAD_wanted) {
		free_slot(offload, number);
		return;
	}
	place = flow_index_find(cache, &entry->flow, flow_hash(&cache->hash_key, &entry->flow));
	if (place != FLOW_NONE)
		link_slot(offload, number, place);
	set_state(offload, number, OFFLOAD_live);
	if (state == OFFLOAD_live && place != FLOW_NONE && !has_ended(flow_at(cache, place)))
		set_deadline(offload, number);
	else
		end_slot(offload, number);
}

struct flow_offload *flow_offload_create(const struct flow_offload_config *config,
					 struct flow_cache *cache)
{
	struct flow_offload *offload = calloc(1, sizeof(*offload));

	if (!offload)
		return NULL;
	offload->cache = cache;
	offload->slots = config->slots;
	offload->entries = config->entries;
	offload->slot_count = config->slot_count;
	offload->threshold = config->threshold;
	if (!allocate(offload)) {
		clear(offload);
		errno = ENOMEM;
		return NULL;
	}
	flow_offload_recover(offload, config->is_continued);
	for (uint32_t i = offload->slot_count; i-- > 0;)
		find_slot(offload, i);
	cache->offload = offload;
	return offload;
}

void flow_offload_destroy(struct flow_offload *offload)
{
	if (!offload)
		return;
	offload->cache->offload = NULL;
	clear(offload);
}

void flow_offload_set_offset(struct flow_offload *offload, int64_t offset_ns)
{
	offload->offset_ns = offset_ns;
}

void flow_offload_statistics(const struct flow_offload *offload,
			     struct flow_offload_statistics *statistics)
{
	*statistics = offload->statistics;
	statistics->slots = offload->slot_count;
	statistics->slots_used = offload->slot_count - (uint32_t)offload->free.count;
}

/* ---- what the cache asks ---- */

bool flow_offload_take(struct flow_cache *cache, flow_place place)
{
	struct flow_offload *offload = cache->offload;
	bool has_come = false;

	for (uint32_t at = first_of(offload, place); at; at = offload->links[at - 1].next)
		has_come |= flow_offload_take_slot(offload, at - 1);
	return has_come;
}

void flow_offload_renew(struct flow_cache *cache, flow_place place)
{
	struct flow_offload *offload = cache->offload;

	for (uint32_t at = first_of(offload, place); at; at = offload->links[at - 1].next)
		if (!is_to_end(offload, at - 1))
			arm(offload, at - 1);
}

void flow_offload_end(struct flow_cache *cache, flow_place place)
{
	struct flow_offload *offload = cache->offload;

	for (uint32_t at = first_of(offload, place); at; at = offload->links[at - 1].next)
		end_slot(offload, at - 1);
}

void flow_offload_leave(struct flow_cache *cache, flow_place place)
{
	struct flow_offload *offload = cache->offload;
	uint32_t *head = &offload->heads[flow_number_of_place(place)];

	for (uint32_t at = *head; at; at = offload->links[at - 1].next) {
		end_slot(offload, at - 1);
		offload->links[at - 1].place = FLOW_NONE;
	}
	*head = 0;
}

void flow_offload_set_expiry(struct flow_cache *cache)
{
	struct flow_offload *offload = cache->offload;

	for (uint32_t i = 0; i < offload->slot_count; i++)
		if (offload->entries[i].state != OFFLOAD_free && !is_to_end(offload, i))
			set_deadline(offload, i);
}

void flow_offload_take_all(struct flow_offload *offload, cache_ms now)
{
	flow_cache_advance(offload->cache, now);
	for (uint32_t i = 0; i < offload->slot_count; i++)
		if (offload->entries[i].state != OFFLOAD_free)
			(void)flow_offload_take_slot(offload, i);
}

/* ---- flows that are to be counted ---- */

/* The kernel has let a packet up although the flow has not been idle: it had only such packets for
 * long that it does not count. */
static void arm_if_lapsed(struct flow_offload *offload, uint32_t number)
{
	const struct flow_offload_slot *slot = &offload->slots[number];
	const uint64_t now_ns = (uint64_t)offload->cache->now * NS_PER_MS;
	const uint64_t last_ns = __atomic_load_n(&slot->last_ns, __ATOMIC_RELAXED);

	if ((int64_t)(now_ns - last_ns) >= (int64_t)slot->idle_ms * NS_PER_MS &&
	    !is_to_end(offload, number))
		arm(offload, number);
}

/* How often a flow that has slots is offered again, for packets that they do not count. */
#define OFFER_AGAIN 16

void flow_offload_note(struct flow_offload *offload, uint32_t packet, flow_place place)
{
	const struct cached_flow *flow = flow_at(offload->cache, place);
	uint32_t at = first_of(offload, place);

	if (!offload->free.count && !at) {
		offload->statistics.full++;
		return;
	}
	for (; at && flow->packets % OFFER_AGAIN; at = offload->links[at - 1].next)
		arm_if_lapsed(offload, at - 1);
	if ((first_of(offload, place) && flow->packets % OFFER_AGAIN) || has_ended(flow))
		return;
	offload->candidates[offload->candidate_count++] =
		(struct flow_offload_candidate){ packet, place };
}

/* Whether one of a flow's slots counts what has this key, or the flow has enough of them. */
static bool has_slot(struct flow_offload *offload, flow_place place, const uint8_t *key,
		     size_t key_size)
{
	unsigned int count = 0;

	for (uint32_t at = first_of(offload, place); at; at = offload->links[at - 1].next) {
		const struct flow_offload_entry *entry = &offload->entries[at - 1];

		if (++count >= OFFLOAD_SLOTS_OF_FLOW)
			return true;
		if (is_to_end(offload, at - 1))
			continue;
		if (entry->key_size == key_size && !memcmp(entry->key, key, key_size)) {
			arm_if_lapsed(offload, at - 1);
			return true;
		}
	}
	return false;
}

bool flow_offload_offer(struct flow_offload *offload,
			const struct flow_offload_candidate *candidate,
			const struct packet_info *info, const uint8_t *key, size_t key_size,
			uint8_t ttl)
{
	const struct cached_flow *flow = flow_at(offload->cache, candidate->place);
	struct flow_offload_entry *entry;
	uint32_t number;

	/* It may have left since, and another one be in its place. */
	if (!flow->key.ip_version || flow->key.ip_version != info->key.ip_version ||
	    memcmp(&flow->key, &info->key, flow_key_size(&info->key)) != 0 || has_ended(flow) ||
	    key_size > FLOW_OFFLOAD_KEY_SIZE || has_slot(offload, candidate->place, key, key_size))
		return false;
	if (!offload->free.count)
		return false;
	number = offload->free.numbers[--offload->free.count];
	entry = &offload->entries[number];
	entry->flow = info->key;
	memcpy(entry->key, key, key_size);
	entry->key_size = (uint8_t)key_size;
	entry->ttl = ttl;
	__atomic_store_n(&offload->slots[number].tcp_flags, 0, __ATOMIC_RELAXED);
	link_slot(offload, number, candidate->place);
	arm(offload, number);
	set_state(offload, number, OFFLOAD_wanted);
	push(&offload->wanted, number);
	return true;
}

/* ---- cycles ---- */

static void begin_deleting(struct flow_offload *offload, size_t maximum)
{
	while (offload->ended.count && offload->deleting.count < maximum) {
		const uint32_t number = offload->ended.numbers[--offload->ended.count];

		set_state(offload, number, OFFLOAD_deleting);
		push(&offload->deleting, number);
	}
}

static void begin_installing(struct flow_offload *offload, size_t maximum)
{
	while (offload->wanted.count && offload->installing.count < maximum) {
		const uint32_t number = offload->wanted.numbers[--offload->wanted.count];

		if (offload->links[number].is_to_end) {
			free_slot(offload, number);
			continue;
		}
		set_state(offload, number, OFFLOAD_installing);
		push(&offload->installing, number);
	}
}

bool flow_offload_has_work(const struct flow_offload *offload)
{
	return offload->ended.count || offload->wanted.count || offload->deleting.count ||
	       offload->installing.count;
}

bool flow_offload_begin_cycle(struct flow_offload *offload, size_t maximum,
			      struct flow_offload_cycle *cycle)
{
	begin_deleting(offload, maximum);
	/* A key that comes back is not installed before it is deleted. */
	if (!offload->ended.count)
		begin_installing(offload, maximum);
	*cycle = (struct flow_offload_cycle){
		.deleted = offload->deleting.numbers,
		.deleted_count = offload->deleting.count,
		.installed = offload->installing.numbers,
		.installed_count = offload->installing.count,
	};
	return cycle->deleted_count || cycle->installed_count;
}

static void end_installing(struct flow_offload *offload, uint32_t number)
{
	struct offload_link *link = &offload->links[number];
	const bool ends = link->is_to_end;

	if (offload->entries[number].result) {
		offload->statistics.failed++;
		free_slot(offload, number);
		return;
	}
	offload->statistics.installed++;
	link->is_to_end = false;
	set_state(offload, number, OFFLOAD_live);
	if (ends)
		end_slot(offload, number);
}

bool flow_offload_end_cycle(struct flow_offload *offload, cache_ms now, size_t budget,
			    const struct flow_sink *sink)
{
	struct offload_list *deleting = &offload->deleting;

	flow_cache_advance(offload->cache, now);
	while (offload->deleting_done < deleting->count) {
		const uint32_t number = deleting->numbers[offload->deleting_done];

		if (!budget)
			return true;
		offload->deleting_done++;
		if (offload->entries[number].result) { /* once more */
			set_state(offload, number, OFFLOAD_ended);
			push(&offload->ended, number);
			continue;
		}
		budget -= flow_offload_take_last(offload, number, true, now, sink);
		offload->statistics.deleted++;
		free_slot(offload, number);
	}
	for (size_t i = 0; i < offload->installing.count; i++)
		end_installing(offload, offload->installing.numbers[i]);
	deleting->count = offload->installing.count = offload->deleting_done = 0;
	return false;
}

void flow_offload_finish(struct flow_offload *offload, cache_ms now, size_t budget,
			 const struct flow_sink *sink)
{
	flow_cache_advance(offload->cache, now);
	offload->free.count = offload->wanted.count = offload->ended.count = 0;
	offload->deleting.count = offload->installing.count = offload->deleting_done = 0;
	for (uint32_t i = offload->slot_count; i-- > 0;) {
		if (offload->entries[i].state > OFFLOAD_wanted)
			budget -= flow_offload_take_last(offload, i, budget != 0, now, sink);
		free_slot(offload, i);
	}
	offload->ended.count = 0; /* those that came in may have evicted others */
}

/* ---- for tests ---- */

static bool has_all(const struct flow_offload *offload, const struct offload_list *list,
		    enum flow_offload_state state)
{
	for (size_t i = 0; i < list->count; i++)
		if (offload->entries[list->numbers[i]].state != state)
			return false;
	return true;
}

/* Whether a slot is where its link says. */
static bool is_in_chain(const struct flow_offload *offload, uint32_t number)
{
	const flow_place place = offload->links[number].place;
	uint32_t at = place == FLOW_NONE ? 0 : first_of(offload, place);

	while (at && at != number + 1)
		at = offload->links[at - 1].next;
	return place == FLOW_NONE || at;
}

bool flow_offload_is_consistent(const struct flow_offload *offload)
{
	size_t live = 0;

	for (uint32_t i = 0; i < offload->slot_count; i++) {
		const struct flow_offload_entry *entry = &offload->entries[i];
		const flow_place place = offload->links[i].place;

		live += entry->state == OFFLOAD_live;
		if (!is_in_chain(offload, i) ||
		    (entry->state == OFFLOAD_free && place != FLOW_NONE))
			return false;
		if (place != FLOW_NONE && memcmp(&flow_at(offload->cache, place)->key, &entry->flow,
						 flow_key_size(&entry->flow)) != 0)
			return false;
	}
	return has_all(offload, &offload->free, OFFLOAD_free) &&
	       has_all(offload, &offload->wanted, OFFLOAD_wanted) &&
	       has_all(offload, &offload->ended, OFFLOAD_ended) &&
	       live + offload->free.count + offload->wanted.count + offload->ended.count +
			       offload->deleting.count + offload->installing.count ==
		       offload->slot_count;
}
