/* worker_decode.h - the packets of a batch that count, as the flow cache takes them.
 *
 * Place: capture source -> decode -> here -> flow cache. Of the worker's thread. */
#ifndef WORKER_DECODE_H
#define WORKER_DECODE_H

#include "worker_parts.h"

/* A file's timeouts are looked at when the packets' clock enters a new tick of 128 ms. */
#define WORKER_DECODE_TICK_SHIFT 7

static inline cache_ms worker_decode_tick(cache_ms clock_ms)
{
	return clock_ms >> WORKER_DECODE_TICK_SHIFT;
}

/* packet_views -> packet_infos, from 'view' to 'end', at most FLOW_CACHE_BATCH: live, all; from a
 * file, those of one tick of their own clock, so that when timeouts are looked at does not depend
 * on how the packets came in batches. Moves worker->clock_ms on.
 *
 * infos      out; room for all views.
 * notes      out, of the same packets; NULL where flows have no columns.
 * accounted  out; how many were filled. The other packets are counted by reason.
 * Returns the first view that was left. */
const struct packet_view *worker_decode(struct worker *worker, const struct packet_view *view,
					const struct packet_view *end, struct packet_info *infos,
					struct packet_note *notes, size_t *accounted);

#endif
