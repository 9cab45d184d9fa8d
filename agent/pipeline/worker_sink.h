/* worker_sink.h - where the records of a worker's cache go: into its ring.
 *
 * Place: flow cache -> here -> ring. */
#ifndef WORKER_SINK_H
#define WORKER_SINK_H

#include "worker_parts.h"

/* The ring has room for what is handed to it: worker_turn.c sees to that. */
struct flow_sink worker_sink(struct worker *worker);

#endif
