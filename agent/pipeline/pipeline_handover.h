/* pipeline_handover.h - what a pipeline takes over from the agent before it, and leaves to the next
 * one.
 *
 * Place: descriptor_store, handover_state <-> pipeline.c. Control thread only, while no other
 * thread runs. The socket of a source that can outlive the agent is in the store from the start, so
 * that it outlives a crash, too. */
#ifndef PIPELINE_HANDOVER_H
#define PIPELINE_HANDOVER_H

#include "capture.h"
#include "descriptor_store.h"
#include "handover_state.h"
#include "worker.h"

struct pipeline_handover {
	struct descriptor_store *store; /* borrowed; NULL: none */
	struct handover_state state;    /* of the agent before this one; owned */
};

/* Find what was left in the store. */
void pipeline_handover_begin(struct pipeline_handover *handover, struct descriptor_store *store);
/* What was left of a source. Returns false if nothing; otherwise the descriptor is the caller's. */
bool pipeline_handover_take(struct pipeline_handover *handover, const struct source_config *source,
			    struct capture_kept *kept);
/* Everything has been taken, and nothing has been read yet: have the store forget what is used up
 * or wanted by nobody, and keep the sources that this agent has opened. */
void pipeline_handover_end(struct pipeline_handover *handover, struct worker *workers,
			   size_t worker_count);

/* At the end: leave the sources that are held, and the state. Returns 0, or a negative errno with
 * 'error' filled. */
int pipeline_handover_leave(struct pipeline_handover *handover, struct worker *workers,
			    size_t worker_count, struct error_text *error);

void pipeline_handover_clear(struct pipeline_handover *handover);

#endif
