/* pipeline_sources.h - sources that come and go while the pipeline runs.
 *
 * Place: pipeline_reload.c -> here -> workers, export thread. A source that is removed stops as at
 * the end of the agent: what it has taken is counted, and its flows are exported. */
#ifndef PIPELINE_SOURCES_H
#define PIPELINE_SOURCES_H

#include "export_thread.h"

struct config;
struct pipeline;
struct worker;

/* The workers of another configuration. */
struct pipeline_sources {
	struct worker **workers; /* owned; in its order, new ones stand still */
	bool *are_new;           /* owned; likewise */
	size_t count;
	struct worker **leaving;     /* owned; room for all that may leave, */
	size_t leaving_count;        /* of which these will do, or do */
	struct export_inputs inputs; /* owned; for export_thread_set_inputs(): all of them */
	bool differs;                /* else all is as it was */
};

/* Open what is new, and start its threads, which stand still until all is taken. Returns 0, or a
 * negative errno with 'error' filled; clear in any case. */
int pipeline_sources_prepare(struct pipeline *pipeline, const struct config *config,
			     struct pipeline_sources *sources, struct error_text *error);
/* The export thread has the inputs: stop what is gone, and let go on what is new. */
void pipeline_sources_take(struct pipeline *pipeline, struct pipeline_sources *sources);
/* Free it; with what is new and was not taken. */
void pipeline_sources_clear(struct pipeline *pipeline, struct pipeline_sources *sources);

/* Join and free workers that have finished. */
void pipeline_sources_settle(struct pipeline *pipeline);

#endif
