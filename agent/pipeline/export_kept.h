/* export_kept.h - what of the export outlives its process: which records are taken, the ledgers of
 * collectors, and what they know us by.
 *
 * Place: kept_memory.h -> export thread. A note is made in each turn when records have been taken,
 * before their places in the rings are free again; what is sent is noted by the outboxes
 * (outbox_kept.h). A process that is killed is continued from there: each record is taken once, and
 * sent once, or counted as LOSS_IN_DOUBT where nobody knows whether it was. */
#ifndef EXPORT_KEPT_H
#define EXPORT_KEPT_H

#include "export_thread_parts.h"
#include "kept_memory.h"
#include "samplers.h"

struct export_kept; /* opaque: defined in export_kept.c */

uint64_t export_kept_size(const struct exporter *exporter, size_t input_count, const char *facts);
/* In new memory: what must be the same in the process that continues, or be known of the one
 * before, as text. NULL in memory that is damaged. */
void export_kept_set_facts(const struct kept_memory *memory, const char *facts);
const char *export_kept_facts(const struct kept_memory *memory);
/* What else must be the same in the process that continues. */
#define EXPORT_KEPT_LAYOUT 3

/* Before the thread starts: note from now on what it does. 'memory' is zeroed, or what another
 * process has left, which is continued; 'samplers' is borrowed. Returns the most records that are
 * in doubt for a collector. */
uint64_t export_kept_begin(struct export_thread *thread, const struct kept_memory *memory,
			   const struct samplers *samplers, bool is_continued);

/* Whether all of the memories that belong together hold what may be continued: the one word that
 * says so. */
bool export_kept_is_valid(const struct kept_memory *memory);
void export_kept_set_valid(const struct kept_memory *memory, bool is_valid);
/* Thread only: its inputs or collectors become others than those that there is room for. From now
 * on nothing is noted, or valid. */
void export_kept_stop(struct export_thread *thread);
/* How often in a row they have been continued by a process that did not live for
 * EXPORT_KEPT_LIFE_MS; this one is counted. */
#define EXPORT_KEPT_LIFE_MS 100
uint32_t export_kept_count_restart(const struct kept_memory *memory);

/* Give samplers the numbers that they had. */
void export_kept_recover_samplers(const struct kept_memory *memory, struct samplers *samplers);
/* How many entries of a worker's ring are taken. */
uint32_t export_kept_consumed(const struct kept_memory *memory, size_t input);
/* What waits for collectors, as a process with others has left it: 'sizes' are those of its
 * collectors in the memory, 'numbers' has for each collector of now the number that it had, or
 * SIZE_MAX. The memory is borrowed until they are given another one. Returns the most records that
 * are in doubt for one. */
uint64_t export_kept_adopt(struct export_thread *thread, const struct kept_memory *memory,
			   const uint64_t *sizes, const size_t *numbers);
/* For export_take_set_origin(); false if there was none yet. */
bool export_kept_origin(const struct kept_memory *memory, cache_ms *origin_ms, unix_ms *start_ms);

/* The thread has taken something. */
void export_kept_note(struct export_thread *thread);

#endif
