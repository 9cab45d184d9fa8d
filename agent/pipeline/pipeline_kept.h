/* pipeline_kept.h - the memories of a pipeline that outlive a kill: one of each worker, one of the
 * export.
 *
 * Place: descriptor_store.h, kept_memory.h -> pipeline.c. Control thread only. They are in the
 * service manager's store from the start, and belong together: all are continued, or none. Those of
 * another configuration become a state (pipeline_former.h). An agent
 * that ends in order leaves a state instead (pipeline_handover.h), and these are not valid any more
 * from the moment at which that is stored. While flows of a state are still moving in, these are
 * not valid yet, and the state stays. */
#ifndef PIPELINE_KEPT_H
#define PIPELINE_KEPT_H

#include "worker.h"

struct config;
struct pipeline;

/* Find what a process that was killed has left, or make new memories. 'worker' is the configuration
 * of all workers but for their sources. Nothing, where there is no store. */
void pipeline_kept_begin(struct pipeline *pipeline, const struct config *config,
			 const struct worker_config *worker);
/* Whether such a process is continued: then there is no state. */
bool pipeline_kept_is_continued(const struct pipeline *pipeline);
/* The memory of a worker, if there is any; and where it continues. 'kept' is completed. */
void pipeline_kept_worker(struct pipeline *pipeline, size_t number, struct worker_config *worker,
			  struct capture_kept *kept);
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
/* After a change of sources or collectors: unless the export thread still notes, workers note no
 * more, and the service manager lets go. */
void pipeline_kept_stop(struct pipeline *pipeline);
/* At the end in order: what is left now is the state, or nothing. */
void pipeline_kept_leave(struct pipeline *pipeline);
void pipeline_kept_clear(struct pipeline *pipeline);

#endif
