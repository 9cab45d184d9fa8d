/* interface_names.c - a sorted list with a number on each change.
 *
 * Place: beside the collector. Invariant: entries are in the order of their indexes, and no two
 * have the same change. Ten thousand names are 600 KB; the kernel gives ever higher indexes, so a
 * new one is nearly always put at the end. */
#include "interface_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

void interface_names_clear(struct interface_names *names)
{
	free(names->entries);
	*names = (struct interface_names){ 0 };
}

/* Where an index is, or would be: the first that is not below it. */
static size_t position_of(const struct interface_names *names, uint32_t index)
{
	size_t low = 0;
	size_t high = names->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (names->entries[middle].name.index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct interface_names *names, size_t position, uint32_t index)
{
	return position < names->count && names->entries[position].name.index == index;
}

static int make_room(struct interface_names *names)
{
	const size_t capacity = names->capacity ? 2 * names->capacity : FIRST_CAPACITY;
	struct interface_names_entry *entries;

	if (names->count < names->capacity)
		return 0;
	entries = realloc(names->entries, capacity * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	names->entries = entries;
	names->capacity = capacity;
	return 0;
}

int interface_names_set(struct interface_names *names, const struct interface_name *name)
{
	const size_t position = position_of(names, name->index);
	struct interface_names_entry *entry;

	if (!is_at(names, position, name->index)) {
		if (make_room(names))
			return -ENOMEM;
		entry = &names->entries[position];
		memmove(entry + 1, entry, (names->count - position) * sizeof(*entry));
		names->count++;
	} else {
		entry = &names->entries[position];
		if (memcmp(&entry->name, name, sizeof(*name)) == 0)
			return 0;
	}
	*entry = (struct interface_names_entry){ .name = *name, .change = ++names->changes };
	return 0;
}

void interface_names_remove(struct interface_names *names, uint32_t index)
{
	const size_t position = position_of(names, index);
	struct interface_names_entry *entry = &names->entries[position];

	if (!is_at(names, position, index))
		return;
	names->count--;
	memmove(entry, entry + 1, (names->count - position) * sizeof(*entry));
}

bool interface_names_is(const void *names, uint32_t index, const char *name)
{
	const struct interface_names *list = names;
	const size_t position = position_of(list, index);

	return is_at(list, position, index) &&
	       strncmp(list->entries[position].name.name, name,
		       sizeof(list->entries[position].name.name)) == 0;
}

void interface_walk_repeat(struct interface_walk *walk)
{
	walk->stop = walk->after;
	walk->is_repeating = true;
	walk->is_round = false;
}

void interface_walk_rest(struct interface_walk *walk)
{
	walk->is_repeating = false;
}

/* The oldest change that is not announced. */
static const struct interface_names_entry *next_change(const struct interface_walk *walk,
						       const struct interface_names *names)
{
	const struct interface_names_entry *oldest = NULL;

	for (size_t i = 0; i < names->count; i++) {
		const struct interface_names_entry *entry = &names->entries[i];

		if (entry->change > walk->announced && (!oldest || entry->change < oldest->change))
			oldest = entry;
	}
	return oldest;
}

/* The next in the order of the indexes, once round; names may come or go meanwhile. */
static const struct interface_names_entry *next_repeated(struct interface_walk *walk,
							 const struct interface_names *names)
{
	size_t position =
		walk->after == UINT32_MAX ? names->count : position_of(names, walk->after + 1);

	if (position == names->count && !walk->is_round) {
		walk->is_round = true;
		walk->after = 0;
		position = 0;
	}
	if (position < names->count &&
	    (!walk->is_round || names->entries[position].name.index <= walk->stop))
		return &names->entries[position];
	walk->is_repeating = false;
	return NULL;
}

const struct interface_names_entry *interface_walk_next(struct interface_walk *walk,
							const struct interface_names *names)
{
	const struct interface_names_entry *entry = NULL;

	if (walk->announced < names->changes)
		entry = next_change(walk, names);
	if (entry)
		return entry;
	walk->announced = names->changes; /* what is left of them was removed */
	return walk->is_repeating ? next_repeated(walk, names) : NULL;
}

void interface_walk_step(struct interface_walk *walk, const struct interface_names_entry *entry)
{
	if (entry->change > walk->announced)
		walk->announced = entry->change;
	else
		walk->after = entry->name.index;
}
