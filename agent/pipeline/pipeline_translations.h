/* pipeline_translations.h - what the kernel translates, in memory that outlives a kill.
 *
 * Place: nat_memory.h, kept_memory.h -> here -> pipeline_export.c, pipeline_kept.c. Control thread.
 * What was translated of a connection that has ended the kernel tells nobody again, and its flows
 * may be there for long: the next agent has it from here. It holds whatever else was left, so no
 * word says whether it is valid. */
#ifndef PIPELINE_TRANSLATIONS_H
#define PIPELINE_TRANSLATIONS_H

#include <stdbool.h>
#include <stdint.h>

struct pipeline;

/* Before the table is created: memory for it, borrowed until pipeline_translations_clear(); NULL
 * where nobody keeps it. */
void *pipeline_translations_make(struct pipeline *pipeline, uint32_t max_connections);
/* The table has what the kernel lists: add what the last agent has left. */
void pipeline_translations_continue(struct pipeline *pipeline);
/* Whether there was anything. */
bool pipeline_translations_are_left(const struct pipeline *pipeline);
/* Have the memory kept, and that of the last agent no more. Returns 0 or a negative errno. */
int pipeline_translations_put(struct pipeline *pipeline);
/* Have it kept no more. */
void pipeline_translations_forget(struct pipeline *pipeline);
/* The table is gone. */
void pipeline_translations_clear(struct pipeline *pipeline);

#endif
