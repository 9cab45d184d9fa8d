/* pipeline_handover.h - what a pipeline takes over from the agent before it, and leaves to the next
 * one.
 *
 * Place: descriptor_store, handover_state <-> pipeline.c. Control thread only, while no other
 * thread runs. Sources are in the store from the start: pipeline_stored.h. */
#ifndef PIPELINE_HANDOVER_H
#define PIPELINE_HANDOVER_H

#include "capture.h"

struct config;
struct descriptor_store;
struct pipeline;
struct worker;

/* Find what was left in the store. Returns 0 or -ENOMEM. */
int pipeline_handover_begin(struct pipeline *pipeline, struct descriptor_store *store,
			    const struct config *config);
/* What was left of a source. The descriptor is the caller's; -1: none. */
void pipeline_handover_take(struct pipeline *pipeline, const struct source_config *source,
			    struct capture_kept *kept);
/* All workers and the exporter are there: give them counters, numbers and flows. */
void pipeline_handover_inherit(struct pipeline *pipeline);
/* Take over a state that this process has made of what was left, and have it kept. The descriptor
 * is taken. Returns 0 or a negative errno. */
int pipeline_handover_take_state(struct pipeline *pipeline, int descriptor);
/* The name of the state in the store; and what it would be now, while no thread runs. Returns a
 * descriptor, the caller's, or a negative errno. */
#define PIPELINE_HANDOVER_STATE "state"
int pipeline_handover_write_state(struct pipeline *pipeline);
/* Everything has been taken, and nothing has been read yet: have the store forget what is wanted by
 * nobody, and keep the sources that this agent has opened. The state stays. */
void pipeline_handover_end(struct pipeline *pipeline);

/* Sources and collectors of a configuration, a line for each; for free(). NULL without memory. And
 * those that are others now, which is taken. */
char *pipeline_handover_layout(const struct config *config);
void pipeline_handover_renew(struct pipeline *pipeline, char *layout);
/* Once all is in the store: whether it was kept. */
void pipeline_handover_warn(const struct pipeline *pipeline);
/* Have the store forget the state: what has come of it is kept otherwise, or not at all. */
void pipeline_handover_forget_state(struct pipeline *pipeline);

/* At the end: leave the sources that are held, and the state. Returns 0, or a negative errno with
 * 'error' filled. */
int pipeline_handover_leave(struct pipeline *pipeline, struct error_text *error);

void pipeline_handover_clear(struct pipeline *pipeline);

#endif
