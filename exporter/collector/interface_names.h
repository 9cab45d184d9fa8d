/* interface_names.h - the interface names that options data announce, and how far one collector
 * knows them.
 *
 * Place: exporter -> collector. Single-threaded. The exporter has one list; each collector walks it
 * at its own pace: what has changed comes first, in the order of the changes, then what a refresh
 * repeats, which a stream of changes cannot begin anew. */
#ifndef INTERFACE_NAMES_H
#define INTERFACE_NAMES_H

#include "interface_name.h"

#include <stdbool.h>
#include <stddef.h>

struct interface_names_entry {
	struct interface_name name;
	uint64_t change; /* number of the last change of this name */
};

/* Zero-initialized it is empty. */
struct interface_names {
	struct interface_names_entry *entries; /* owned; by index */
	size_t count, capacity;
	uint64_t changes; /* so far */
};

void interface_names_clear(struct interface_names *names);
/* Add a name or replace that of its index; the same again is no change. Returns 0 or -ENOMEM. */
int interface_names_set(struct interface_names *names, const struct interface_name *name);
/* It is not repeated any more; nothing happens if there is none. */
void interface_names_remove(struct interface_names *names, uint32_t index);

/* Whether the interface of this index has this name: for a filter (flow_filter_names), whose
 * context 'names' is. O(log names). */
bool interface_names_is(const void *names, uint32_t index, const char *name);

/* Zero-initialized it has announced nothing. */
struct interface_walk {
	uint64_t announced; /* changes up to this one are announced */
	uint32_t after;     /* the index repeated last */
	uint32_t stop;      /* the walk ends after this index, having come round */
	bool is_repeating, is_round;
};

/* All names must be announced again, from where the walk is. */
void interface_walk_repeat(struct interface_walk *walk);
/* Enough for now: the next repetition continues from here. */
void interface_walk_rest(struct interface_walk *walk);
/* Whether interface_walk_next() may find something: false is certain. */
static inline bool interface_walk_has_more(const struct interface_walk *walk,
					   const struct interface_names *names)
{
	return walk->announced < names->changes || walk->is_repeating;
}
/* The name to announce next, borrowed until the list changes; NULL if there is none. The walk stays
 * where it is until interface_walk_step() says that it was announced. O(names) for a change. */
const struct interface_names_entry *interface_walk_next(struct interface_walk *walk,
							const struct interface_names *names);
void interface_walk_step(struct interface_walk *walk, const struct interface_names_entry *entry);

#endif
