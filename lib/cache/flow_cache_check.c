/* flow_cache_check.c - whether a flow cache agrees with itself.
 *
 * Place: asked by tests, and now and then by a worker that is built to check invariants. */
#include "flow_cache.h"
#include "flow_cache_layout.h"

bool flow_cache_is_consistent(const struct flow_cache *cache)
{
	const struct flow_cache_statistics *statistics = &cache->statistics;
	uint64_t flows = 0;
	uint64_t packets = 0;
	uint64_t octets = 0;
	uint64_t expired = 0;

	for (flow_place index = cache->age.head; index != FLOW_NONE;
	     index = flow_at(cache, index)->age_next) {
		const struct cached_flow *flow = flow_at(cache, index);
		uint32_t hash = flow_hash(&cache->hash_key, &flow->key);

		if (flow->packets == 0 || flow_index_find(cache, &flow->key, hash) != index ||
		    cache->wheel[flow_armed_slot(flow)].head == FLOW_NONE)
			return false;
		flows++;
		packets += flow->packets;
		octets += flow->octets;
	}
	for (int i = 0; i < FLOW_END_COUNT; i++)
		expired += statistics->records_expired[i];
	return flows == statistics->flows_cached && packets == statistics->packets_cached &&
	       octets == statistics->octets_cached &&
	       statistics->flows_created == flows + expired &&
	       statistics->packets_added == packets + statistics->packets_expired &&
	       statistics->octets_added == octets + statistics->octets_expired;
}
