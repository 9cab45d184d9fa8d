/* pipeline_stored.h - has the service manager keep the sources of a pipeline, from the start on, so
 * that they outlive a crash, too.
 *
 * Place: workers -> here -> descriptor_store.h. Control thread only. */
#ifndef PIPELINE_STORED_H
#define PIPELINE_STORED_H

struct pipeline;
struct worker;

/* While no thread runs: have all sources kept that are open and can be. Returns the first error. */
int pipeline_stored_put(struct pipeline *pipeline);
/* The same, which says what goes wrong. */
void pipeline_stored_keep_all(struct pipeline *pipeline);
/* A source that was opened is for the next agent, too: before its thread runs; or not any more. */
void pipeline_stored_keep(struct pipeline *pipeline, struct worker *worker);
void pipeline_stored_forget(struct pipeline *pipeline, const char *source);
/* Now and then: one that has gone is forgotten, one that has come back is kept. */
void pipeline_stored_look(struct pipeline *pipeline);

#endif
