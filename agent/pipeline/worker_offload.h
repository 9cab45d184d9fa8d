/* worker_offload.h - a worker whose source counts packets of some flows itself.
 *
 * Place: worker_turn.c -> here -> flow_offload.h, and struct capture_offload_type of the source.
 * All is the worker's thread's. */
#ifndef WORKER_OFFLOAD_H
#define WORKER_OFFLOAD_H

#include "worker_parts.h"

/* Most flows that one turn brings into the cache beside those of its packets. */
#define WORKER_OFFLOAD_FLOWS 32

/* Before each turn: what has been counted since comes into the cache once a second, and flows are
 * handed to the kernel and taken from it. Needs room for WORKER_OFFLOAD_FLOWS *
 * FLOW_CACHE_RECORDS_AT_ONCE records. */
void worker_offload_turn(struct worker *worker);
/* Account decoded packets; 'infos' are of worker->views from 'first' on. */
void worker_offload_account(struct worker *worker, const struct packet_info *infos,
			    const struct packet_note *notes, size_t count, size_t first,
			    const struct flow_sink *sink);
/* Have all that was counted: it is going to be looked at. */
void worker_offload_take(struct worker *worker);
/* The source has ended, nothing is counted any more: take all. */
void worker_offload_finish(struct worker *worker);
/* The source is for the next agent, or rests: nothing is handed over any more, until the next turn.
 */
void worker_offload_rest(struct worker *worker);
/* Of the ledger, what was counted; to add to that of the packets that were read. */
void worker_offload_fill(const struct worker *worker, struct worker_ledger *ledger);
/* What it counts now. */
void worker_offload_status(const struct worker *worker, struct capture_statistics *statistics);
/* Until when a turn may wait, in ms. */
cache_ms worker_offload_sleep_ms(const struct worker *worker, cache_ms sleep_ms);
/* Before the thread starts: hear when the source closes. */
void worker_offload_init(struct worker *worker);
/* Forget it, without looking. */
void worker_offload_clear(struct worker *worker);

#endif
