/* worker_inherit.h - a worker begins with the flows and counters of the agent before it.
 *
 * Place: state of a handover -> flow cache. Before the first packet is read. */
#ifndef WORKER_INHERIT_H
#define WORKER_INHERIT_H

#include "worker_parts.h"

/* Count on from the ledger of the worker before; call it before the thread starts. */
void worker_inherit_ledger(struct worker *worker, const struct worker_ledger *before);

/* Thread only: move some flows into the cache; there must be room in the ring. Returns false when
 * none is left. */
bool worker_inherit_flows(struct worker *worker, const struct flow_sink *sink);

/* Forget what is left. */
void worker_inherit_clear(struct worker *worker);

#endif
