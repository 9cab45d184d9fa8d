/* worker_account.h - what a worker has read becomes flows, and numbers of its ledger.
 *
 * Place: worker_decode.c -> here -> flow cache, ring. Of the worker's thread. */
#ifndef WORKER_ACCOUNT_H
#define WORKER_ACCOUNT_H

#include "worker_parts.h"

/* Account what waits in worker->views, as far as worker_decode() goes. Needs room in the ring for
 * FLOW_CACHE_BATCH * FLOW_CACHE_RECORDS_AT_ONCE records. */
void worker_account(struct worker *worker);

/* Thread only (or before start, after join): the ledger of this moment; the source's own counters.
 */
void worker_account_ledger(struct worker *worker, struct worker_ledger *ledger);
/* The same for a note before a turn, of which there are thousands a second. Of a source that can be
 * read again all is of this moment; of another one, packets_lost_kernel may be 100 ms old: then it
 * is 'lost_before', that of the last note. */
void worker_account_note(struct worker *worker, uint64_t lost_before, struct worker_ledger *ledger);
/* Before the start: counters of the worker's own continue from that ledger of an agent before. */
void worker_account_continue(struct worker *worker, const struct worker_ledger *before);

/* Put the sums of the ledger into the ring, after the records that they are about. Needs room for
 * one entry. */
void worker_account_mark(struct worker *worker);

#endif
