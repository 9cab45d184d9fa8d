/* flow_cache_marks.h - what a process that is killed leaves of a change that is half done. Internal
 * to flow_cache*.c.
 *
 * Place: flow_cache.c writes, flow_cache_recover.c reads in another process.
 *
 * A thread is killed between two instructions, so the order of stores is all that counts. Index,
 * lists and statistics are made anew from the flows (flow_cache_recover.c); only what a flow holds,
 * and where its record is, must be known:
 *
 *     packet       mark the flow and what it holds; change it; added++
 *     new flow     the same, where the flow holds nothing: 0 packets
 *     end of flow  mark its place; fill the sink's storage; records++; take it out, or mark it
 *                  for a new record; unmark the place
 *
 * A packet's mark is valid while its 'packet' is 'added': it is set last, and ends with the store
 * that commits. What a packet does beside adding to sums may be done twice: times are highest and
 * lowest ones, flags and columns likewise; but for a track, which is marked, too. 32 bits, so that
 * every machine stores them at once. */
#ifndef FLOW_CACHE_MARKS_H
#define FLOW_CACHE_MARKS_H

#include "flow_cache_layout.h"
#include "store_order.h"

/* The next change of a flow belongs to the next packet; the flow has these sums before it. */
static inline void flow_marks_packet(struct flow_cache *cache, const struct cached_flow *flow,
				     struct flow_sums sums)
{
	struct flow_marks *marks = &cache->marks;

	marks->flow = flow;
	marks->sums = sums;
	store_order();
	marks->packet = marks->added;
	store_order();
}

/* Likewise of the flow's track, before flow_marks_packet(): it depends on what came before, so no
 * packet may come to it twice. */
static inline void flow_marks_track(struct flow_cache *cache, size_t number)
{
	cache->marks.tcp = cache->columns.tcp[number];
}

/* The packet is in. */
static inline void flow_marks_added(struct flow_cache *cache)
{
	store_order();
	cache->marks.added++;
	store_order();
}

/* The record of a flow is on its way to the sink. */
static inline void flow_marks_leave(struct flow_cache *cache, flow_place one)
{
	struct flow_marks *marks = &cache->marks;

	marks->leaving_at = marks->records;
	store_order();
	marks->leaving[0] = one;
	store_order();
}

static inline void flow_marks_leave_both(struct flow_cache *cache, const flow_place pair[static 2])
{
	cache->marks.leaving[1] = pair[1];
	flow_marks_leave(cache, pair[0]);
}

/* It is there, or both are. */
static inline void flow_marks_left(struct flow_cache *cache, uint32_t records)
{
	store_order();
	cache->marks.records += records;
	store_order();
}

/* And the flow is out; the other of a pair, before it. */
static inline void flow_marks_done(struct flow_cache *cache)
{
	store_order();
	cache->marks.leaving[0] = FLOW_NONE;
	store_order();
}

static inline void flow_marks_other_done(struct flow_cache *cache)
{
	store_order();
	cache->marks.leaving[1] = FLOW_NONE;
	store_order();
}

#endif
