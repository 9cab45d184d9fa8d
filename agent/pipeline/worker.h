/* worker.h - a thread that owns one capture source and one shard of the flow cache.
 *
 * Place: capture source -> decode -> flow cache -> ring. Everything in struct worker belongs to its
 * thread once that runs; the control thread gets at it by worker->call. */
#ifndef WORKER_H
#define WORKER_H

#include "worker_parts.h"

/* Open the source and allocate everything. Returns 0, or a negative errno with 'error' filled and
 * the worker cleared. */
int worker_init(struct worker *worker, const struct worker_config *config,
		struct error_text *error);
void worker_clear(struct worker *worker);

/* Thread only: label and sampling are those of 'source' from now on. */
void worker_change_source(struct worker *worker, const struct source_config *source);

/* Returns 0, or a negative errno with 'error' filled. */
int worker_start(struct worker *worker, struct error_text *error);
/* Stop the thread, wherever it is, and join it. */
void worker_join(struct worker *worker);

#endif
