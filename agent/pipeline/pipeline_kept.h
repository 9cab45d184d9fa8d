/* pipeline_kept.h - the memories of a pipeline that outlive a kill: one of each worker, those of
 * the export.
 *
 * Place: export_keeping.h, worker_kept.h -> pipeline.c. Control thread only. They are in the
 * service manager's store from the start, and belong together: all are continued, or none. Those of
 * another configuration become a state (pipeline_former.h). An agent that ends in order leaves a
 * state instead (pipeline_handover.h), and these are not valid any more from the moment at which
 * that is stored. While flows of a state are still moving in, these are not valid yet, and the
 * state stays. A reload that brings other sources or collectors brings a new head
 * (export_keeping.h). */
#ifndef PIPELINE_KEPT_H
#define PIPELINE_KEPT_H

#include "worker.h"

struct config;
struct pipeline;

/* Find what a process that was killed has left. 'worker' is the configuration of all workers but
 * for their sources. Nothing, where there is no store. */
void pipeline_kept_begin(struct pipeline *pipeline, const struct config *config,
			 const struct worker_config *worker);
/* Whether anything outlives a kill. */
bool pipeline_kept_is_there(const struct pipeline *pipeline);
/* Whether such a process is continued: then there is no state. */
bool pipeline_kept_is_continued(const struct pipeline *pipeline);
/* The memory of a worker, and where it continues, as far as it does; 'memory' is what it is passed
 * in. 'worker' and 'kept' are completed. */
void pipeline_kept_worker(struct pipeline *pipeline, size_t number, struct kept_memory *memory,
			  struct worker_config *worker, struct capture_kept *kept);
/* All workers and the exporter are there. */
void pipeline_kept_inherit(struct pipeline *pipeline);
/* Before the threads start: have the memories kept. */
void pipeline_kept_end(struct pipeline *pipeline);
/* The flows of a worker have to move in first: no worker reads a packet before all are in. And
 * whether that is so of any. */
void pipeline_kept_await(struct pipeline *pipeline, size_t number);
bool pipeline_kept_is_awaited(const struct pipeline *pipeline);
/* Now and then: whether all flows of a state have moved in since. Then the state is over. */
bool pipeline_kept_settle(struct pipeline *pipeline);

/* Of a worker with new memory, before its first turn: note where it stands. */
void pipeline_kept_note_worker(struct worker *worker);
/* Have the memory of a worker kept that a reload brings, before the head names it; or no
 * more. Returns 0 or a negative errno. */
int pipeline_kept_put_worker(struct pipeline *pipeline, const struct worker *worker);
void pipeline_kept_forget_worker(struct pipeline *pipeline, const struct worker *worker);
/* What a head says: the facts of a configuration (pipeline_former.h), which NULL stands for none
 * of, with the workers that leave, which are the last inputs. For free(); NULL without memory. */
char *pipeline_kept_all_facts(const char *facts, struct worker *const *leaving, size_t count);
/* In the export thread, which has other inputs or collectors: bring another head, and say so if
 * that fails. 'removed' is what workers that are no more have counted. */
void pipeline_kept_renew(struct pipeline *pipeline, const char *facts,
			 const struct worker_ledger *removed);
/* After that, in the control thread: if nothing is kept any more, workers note no more, and the
 * service manager lets go. */
void pipeline_kept_look(struct pipeline *pipeline);

/* At the end in order: what is left now is the state, or nothing. */
void pipeline_kept_leave(struct pipeline *pipeline);
void pipeline_kept_clear(struct pipeline *pipeline);

#endif
