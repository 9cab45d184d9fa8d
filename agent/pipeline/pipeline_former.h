/* pipeline_former.h - what a killed agent of another configuration has left becomes a state.
 *
 * Place: pipeline_kept.c -> here -> pipeline.c -> pipeline_handover.c. Control thread only. Its
 * memories are read by its own configuration, of which they tell what is needed; what waited for
 * collectors that are still there waits again, and all else goes the way of any state: flows that
 * this agent cannot continue are exported. */
#ifndef PIPELINE_FORMER_H
#define PIPELINE_FORMER_H

#include "worker.h"

struct config;
struct pipeline;
struct pipeline_former; /* opaque: defined in pipeline_former.c */

/* What the memories of an agent with this configuration say of it, whose sources and collectors
 * are laid out so (pipeline_handover.h); for free(). NULL without memory. Before that are lines of
 * this word, one for each source that leaves. */
#define PIPELINE_FORMER_LEAVING "leaving"
char *pipeline_former_facts(const struct pipeline *pipeline, const struct config *config,
			    const char *layout);

/* Make a state of what another agent has left: the memories that pipeline->kept has found, which
 * are taken. 'worker' is the configuration of workers now. Returns 0, or a negative errno: then the
 * flows are lost. */
int pipeline_former_take(struct pipeline *pipeline, const struct worker_config *worker);
/* The state that was made, which is the caller's then; negative: none. And whether it is kept: then
 * the memories are not valid any more. */
int pipeline_former_state(struct pipeline *pipeline);
void pipeline_former_left(struct pipeline *pipeline, int result);
/* When the exporter is no more. */
void pipeline_former_clear(struct pipeline *pipeline);

#endif
