/* flow_pair.c - which cached flow is the other direction of one that is about to leave.
 *
 * Place: flow_cache.c asks for each record if the cache is bidirectional, or knows whose flows are;
 * packets never come here.
 * Nothing links the two directions while they are cached: a look-up or two for each record that
 * leaves cost less than a link in each flow, and one whose reverse comes late needs no repair. A
 * flow that is due while its reverse is not is armed in the wheel for when that is due, so it is
 * touched once a timeout, and the active timeout bounds its wait. */
#include "flow_cache.h"
#include "flow_cache_layout.h"
#include "flow_columns_layout.h"
#include "flow_reverse.h"
#include "ip_protocol.h"
#include "tcp_flags.h"

/* RFC 9293 section 3.1. */

/* How far to look through flows of the same millisecond: a question and its answer are in one batch
 * or in neighbouring ones. */
#define AGE_STEPS_MAX (2 * FLOW_CACHE_BATCH)

flow_place flow_pair_find(const struct flow_cache *cache, flow_place index)
{
	struct flow_key keys[FLOW_REVERSE_KEYS_MAX];
	size_t count = flow_reverse_keys(&flow_at(cache, index)->key, cache->has_ports, keys);

	for (size_t i = 0; i < count; i++) {
		flow_place reverse =
			flow_index_find(cache, &keys[i], flow_hash(&cache->hash_key, &keys[i]));

		if (reverse != FLOW_NONE && reverse != index)
			return reverse;
	}
	return FLOW_NONE;
}

/* Who has the higher port has opened the connection, if nobody has seen its SYN: services have
 * numbers below those that clients take (RFC 6335 section 6). */
static void pair_tracks(const struct flow_key *key, struct tcp_track *own, struct tcp_track *other)
{
	const bool is_client = key->source_port > key->destination_port;

	tcp_track_pair(own, other);
	tcp_track_pair_stamps(is_client ? own : other, is_client ? other : own);
}

void flow_pair_fill(const struct flow_cache *cache, flow_place index, struct tcp_quality *tcp)
{
	const flow_place reverse = flow_at(cache, index)->key.protocol == PROTOCOL_TCP
					   ? flow_pair_find(cache, index)
					   : FLOW_NONE;
	struct tcp_track own, other;

	if (reverse == FLOW_NONE)
		return;
	own = cache->columns.tcp[flow_number(cache, flow_at(cache, index))];
	other = cache->columns.tcp[flow_number(cache, flow_at(cache, reverse))];
	pair_tracks(&flow_at(cache, index)->key, &own, &other);
	*tcp = own.quality;
}

void flow_pair_share(struct flow_cache *cache, flow_place index)
{
	uint32_t *const users = cache->columns.user;
	uint64_t *const cgroups = cache->columns.cgroup;
	struct tcp_track *const tracks = cache->columns.tcp;
	const bool is_tcp = flow_at(cache, index)->key.protocol == PROTOCOL_TCP;
	const flow_place reverse =
		users || cgroups || is_tcp ? flow_pair_find(cache, index) : FLOW_NONE;
	size_t own, other;

	if (reverse == FLOW_NONE)
		return;
	own = flow_number(cache, flow_at(cache, index));
	other = flow_number(cache, flow_at(cache, reverse));
	if (users && !users[own])
		users[own] = users[other];
	else if (users && !users[other])
		users[other] = users[own];
	if (cgroups && !cgroups[own])
		cgroups[own] = cgroups[other];
	else if (cgroups && !cgroups[other])
		cgroups[other] = cgroups[own];
	if (tracks && is_tcp)
		pair_tracks(&flow_at(cache, index)->key, &tracks[own], &tracks[other]);
}

bool flow_pair_is_due(const struct flow_cache *cache, const flow_place pair[static 2],
		      enum flow_end_reason reasons[static 2])
{
	struct expiry_direction directions[2];

	for (int i = 0; i < 2; i++) {
		const struct cached_flow *flow = flow_at(cache, pair[i]);

		directions[i] = (struct expiry_direction){
			.class = flow->expiry_class,
			.age_ms = flow_elapsed(cache, flow->created),
			.idle_ms = flow_elapsed(cache, flow->seen),
		};
	}
	return flow_expiry_pair(&cache->expiry, directions, reasons);
}

/* Whether a flow's own packets say that it has begun: an ICMP request, or a SYN that was never
 * answered. Both sides of a connection that came about have SYN and ACK: then their order decides.
 */
static int has_initiative(const struct flow_cache *cache, const struct cached_flow *flow)
{
	if (cache->has_ports && flow_reverse_is_request(&flow->key))
		return 1;
	return (flow->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;
}

/* Whether the first of two flows came before the second: 1, -1 if after it, 0 if that is not known,
 * because they came in the same millisecond with many others between them. Not by the packets' time
 * stamps: those that netfilter logs on the way out are stamped late, when they are read. */
static int order_of(const struct flow_cache *cache, const flow_place pair[static 2])
{
	const uint32_t ages[2] = { flow_elapsed(cache, flow_at(cache, pair[0])->created),
				   flow_elapsed(cache, flow_at(cache, pair[1])->created) };
	flow_place next[2] = { pair[0], pair[1] };

	if (ages[0] != ages[1])
		return ages[0] > ages[1] ? 1 : -1;
	for (int step = 0; step < AGE_STEPS_MAX; step++) {
		for (int i = 0; i < 2; i++) {
			if (next[i] != FLOW_NONE)
				next[i] = flow_at(cache, next[i])->age_next;
			if (next[i] == pair[1 - i])
				return i == 0 ? 1 : -1;
		}
	}
	return 0;
}

/* Where no SYN was seen, whoever came first is likelier to have begun, then whoever has the higher
 * port; what is still equal is arbitrary, but the same at every run. */
bool flow_pair_is_in_order(const struct flow_cache *cache, const flow_place pair[static 2],
			   enum biflow_direction *direction)
{
	const struct cached_flow *first = flow_at(cache, pair[0]);
	const struct cached_flow *second = flow_at(cache, pair[1]);
	int order = has_initiative(cache, first) - has_initiative(cache, second);

	*direction = BIFLOW_initiator;
	if (order)
		return order > 0;
	order = order_of(cache, pair);
	if (!order || !(first->tcp_flags & second->tcp_flags & TCP_FLAG_SYN))
		*direction = BIFLOW_arbitrary;
	if (order)
		return order > 0;
	if (first->key.source_port != second->key.source_port)
		return first->key.source_port > second->key.source_port;
	return memcmp(&first->key, &second->key, flow_key_size(&first->key)) < 0;
}
