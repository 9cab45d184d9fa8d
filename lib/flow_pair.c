/* flow_pair.c - which cached flow is the other direction of one that is about to leave.
 *
 * Place: flow_cache.c asks for each record if the cache is bidirectional; packets never come here.
 * Nothing links the two directions while they are cached: a look-up or two for each record that
 * leaves cost less than a link in each flow, and a flow whose reverse comes late needs no repair.
 */
#include "flow_cache_layout.h"
#include "flow_reverse.h"

#define TCP_SYN 0x02 /* RFC 9293 section 3.1 */

flow_index flow_pair_find(const struct flow_cache *cache, flow_index index)
{
	struct flow_key keys[FLOW_REVERSE_KEYS_MAX];
	size_t count = flow_reverse_keys(&flow_at(cache, index)->key, cache->has_ports, keys);

	for (size_t i = 0; i < count; i++) {
		flow_index reverse =
			flow_index_find(cache, &keys[i], flow_hash(&cache->hash_key, &keys[i]));

		if (reverse != FLOW_NONE && reverse != index)
			return reverse;
	}
	return FLOW_NONE;
}

bool flow_pair_is_due(const struct flow_cache *cache, const flow_index pair[static 2],
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

/* What a flow's own packets say: 1 it has opened the connection, or asks; -1 it has answered;
 * 0 nothing. */
static int initiative_of(const struct flow_cache *cache, const struct cached_flow *flow)
{
	if (cache->has_ports && flow_reverse_is_request(&flow->key))
		return 1;
	if (!(flow->tcp_flags & TCP_SYN))
		return 0;
	return flow->is_opening ? 1 : -1;
}

/* Where no SYN was seen, whoever was seen first is likelier to have begun, then whoever has the
 * higher port; what is still equal is arbitrary, but the same at every run. */
bool flow_pair_is_in_order(const struct flow_cache *cache, const flow_index pair[static 2],
			   enum biflow_direction *direction)
{
	const struct cached_flow *first = flow_at(cache, pair[0]);
	const struct cached_flow *second = flow_at(cache, pair[1]);
	const int initiative = initiative_of(cache, first) - initiative_of(cache, second);

	*direction = initiative ? BIFLOW_initiator : BIFLOW_arbitrary;
	if (initiative)
		return initiative > 0;
	if (first->first_ms != second->first_ms)
		return first->first_ms < second->first_ms;
	if (first->key.source_port != second->key.source_port)
		return first->key.source_port > second->key.source_port;
	return memcmp(&first->key, &second->key, flow_key_size(&first->key)) < 0;
}
