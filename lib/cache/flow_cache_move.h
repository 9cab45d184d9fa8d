/* flow_cache_move.h - flows out of the cache of one process and into that of the next.
 *
 * Place: flow cache -> state of a handover -> flow cache. Both have the same clock: milliseconds of
 * CLOCK_MONOTONIC, which does not end with a process. */
#ifndef FLOW_CACHE_MOVE_H
#define FLOW_CACHE_MOVE_H

#include "flow_cache.h"

struct moved_flow {
	struct flow_record record;    /* as flow_cache_snapshot() makes it */
	cache_ms created_ms, seen_ms; /* when its first and its last packet were accounted */
};

/* Copy up to 'count' flows, oldest first, continuing at '*cursor' (0 at first). Returns how many; 0
 * at the end. The cache must not change between two calls. */
size_t flow_cache_move_out(const struct flow_cache *cache, uint64_t *cursor,
			   struct moved_flow *flows, size_t count);

/* Account a flow with all its packets, as if they had come here; to the flow of the same key, if
 * there is one. 'now' is the cache's clock and may not go back. Its ip_version is 4 or 6, and it
 * has a packet. In a full cache a flow is evicted: hands at most FLOW_CACHE_RECORDS_AT_ONCE records
 * to 'sink'. */
void flow_cache_move_in(struct flow_cache *cache, const struct moved_flow *flow, cache_ms now,
			const struct flow_sink *sink);

/* Count as if the cache went on from there: call it before anything is added. What was cached then
 * has to be moved in. */
void flow_cache_continue(struct flow_cache *cache, const struct flow_cache_statistics *before);

#endif
