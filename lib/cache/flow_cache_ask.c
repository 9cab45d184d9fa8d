/* flow_cache_ask.c - copies of what is in a flow cache.
 *
 * Place: part of flow_cache.c. */
#include "flow_cache.h"
#include "flow_cache_record.h"
#include "flow_columns_layout.h"

size_t flow_cache_snapshot(const struct flow_cache *cache, uint64_t *cursor,
			   struct flow_record *records, size_t count)
{
	size_t filled = 0;

	/* The cursor counts through both parts; the IPv6 part has a bit of its own so that growth
	 * of the other one moves nothing. */
	for (unsigned int looks = 0; filled < count && looks < FLOW_CACHE_SNAPSHOT_LOOKS &&
				     *cursor != FLOW_CACHE_CURSOR_END;) {
		unsigned int part = (*cursor >> 32) & 1;
		uint32_t number = (uint32_t)*cursor;
		const struct cached_flow *flow;

		if (number >= cache->flows_used[part]) {
			*cursor = part == 1 ? FLOW_CACHE_CURSOR_END : UINT64_C(1) << 32;
			continue;
		}
		looks++;
		(*cursor)++;
		flow = flow_at(cache, flow_place_in_part(cache, part, number));
		if (!flow->key.ip_version)
			continue;
		records[filled].source_mac = records[filled].destination_mac = 0;
		records[filled].user = 0;
		records[filled].cgroup = 0;
		records[filled].tcp = (struct tcp_quality){ 0 };
		flow_cache_fill_record(cache, flow, FLOW_END_none, &records[filled],
				       PACKET_NOTES_ALL);
		if (cache->columns.tcp)
			flow_pair_fill(cache, flow_place_of(cache, flow), &records[filled].tcp);
		filled++;
	}
	return filled;
}
