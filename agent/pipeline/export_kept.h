/* export_kept.h - what of the export outlives its process: which records are taken, the ledgers of
 * collectors, and what they know us by.
 *
 * Place: kept_memory.h -> export thread. A note is made in each turn when records have been taken,
 * before their places in the rings are free again; what is sent is noted by the outboxes
 * (outbox_kept.h), each in memory of its own. A process that is killed is continued from there:
 * each record is taken once, and sent once, or counted as LOSS_IN_DOUBT where nobody knows whether
 * it was. The memory here, the head, names those of workers and collectors that belong to it:
 * others bring another head (export_keeping.h). */
#ifndef EXPORT_KEPT_H
#define EXPORT_KEPT_H

#include "export_thread_parts.h"
#include "kept_memory.h"
#include "samplers.h"

struct exporter_left;
struct export_kept; /* opaque: defined in export_kept.c */
struct worker_ledger;

/* What else must be the same in the process that continues. */
#define EXPORT_KEPT_LAYOUT 4

/* The memory of a collector: its number, and bytes. */
struct export_kept_collector {
	uint32_t file;
	uint64_t size;
};

/* What a head is made of. */
struct export_kept_parts {
	uint64_t generation; /* of two that are valid the higher one holds */
	uint32_t next_file;  /* no memory has this number, or a higher one */
	const char *facts;   /* what must be the same in the process that continues, as text */
	const struct worker_ledger *removed; /* what workers that are no more have counted */
	const struct export_kept_collector *collectors; /* then those that leave; in their order */
};

/* Bytes of a head for the inputs and collectors that there are. */
uint64_t export_kept_size(const struct export_thread *thread, const char *facts);
/* Fill in a new head, which is zeroed, for the inputs and collectors that there are. */
void export_kept_make(const struct export_thread *thread, const struct export_kept_parts *parts,
		      const struct kept_memory *memory);

/* Whether a head that another process has left is whole; then what it was made of. */
bool export_kept_is_whole(const struct kept_memory *memory);
const char *export_kept_facts(const struct kept_memory *memory);
uint64_t export_kept_generation(const struct kept_memory *memory);
uint32_t export_kept_next_file(const struct kept_memory *memory);
const struct worker_ledger *export_kept_removed(const struct kept_memory *memory);
size_t export_kept_input_count(const struct kept_memory *memory);
struct export_kept_source export_kept_source(const struct kept_memory *memory, size_t input);
/* Collectors, and those that leave after them. */
size_t export_kept_collector_count(const struct kept_memory *memory);
size_t export_kept_file_count(const struct kept_memory *memory);
struct export_kept_collector export_kept_collector(const struct kept_memory *memory, size_t number);

/* Before the thread starts, or in it: note from now on in this head what it does. 'files' are the
 * memories of its collectors, in their order; all is borrowed. */
void export_kept_begin(struct export_thread *thread, const struct kept_memory *memory,
		       const struct kept_memory *files, const struct samplers *samplers);
/* Before that: continue what another process has left in it. 'files' are the memories of its
 * collectors, in their order, borrowed for life. 'matches' has what each collector of now was;
 * NULL: they and the inputs are the same. Returns the most records that are in doubt for one. */
struct export_kept_match {
	size_t number; /* that it had; SIZE_MAX: there was none of its name */
	bool is_same;  /* it sends by the same protocol */
};
uint64_t export_kept_recover(struct export_thread *thread, const struct kept_memory *memory,
			     const struct kept_memory *files,
			     const struct export_kept_match *matches);

/* Whether all of the memories that belong together hold what may be continued: the one word that
 * says so. */
bool export_kept_is_valid(const struct kept_memory *memory);
void export_kept_set_valid(const struct kept_memory *memory, bool is_valid);
/* Thread only: what there is cannot be kept. From now on nothing is noted, or valid. */
void export_kept_stop(struct export_thread *thread);
/* How often in a row they have been continued by a process that did not live for
 * EXPORT_KEPT_LIFE_MS; this one is counted. */
#define EXPORT_KEPT_LIFE_MS 100
uint32_t export_kept_count_restart(const struct kept_memory *memory);

/* Give samplers the numbers that they had. */
void export_kept_recover_samplers(const struct kept_memory *memory, struct samplers *samplers);
/* How many entries of a worker's ring are taken. */
uint32_t export_kept_consumed(const struct kept_memory *memory, size_t input);
/* For export_take_set_origin(); false if there was none yet. */
bool export_kept_origin(const struct kept_memory *memory, cache_ms *origin_ms, unix_ms *start_ms);

/* The thread has taken something. */
void export_kept_note(struct export_thread *thread);

#endif
