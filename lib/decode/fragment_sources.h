/* fragment_sources.h - which entries of the fragment table belong to which source, and which entry
 * goes first when the table is full.
 *
 * Place: part of fragment_table.c; one owner. A source is an IPv4 address or an IPv6 /64, by a
 * keyed hash: sources that share a hash share their fate. The source with the most entries gives up
 * its oldest one; among equals the one that has been that large for longest. So whoever sends first
 * fragments without end takes away his own ones, and many sources with one each take away each
 * other's before a busy source loses its last.
 *
 * Invariant: a source with entries is in the list of sources of its count; each entry in use is in
 * the list of its source, by age. All links are numbers + 1, 0 for none, so zeroed memory is empty
 * and is touched as it is used. */
#ifndef FRAGMENT_SOURCES_H
#define FRAGMENT_SOURCES_H

#include <stdint.h>

/* First and last of a list. */
struct fragment_list {
	uint32_t first, last;
};

/* A member of a list. */
struct fragment_link {
	uint32_t previous, next;
};

struct fragment_source {
	struct fragment_list entries; /* oldest first */
	struct fragment_link link;    /* in the list of its count */
	uint32_t count;
};

struct fragment_sources {
	struct fragment_source *sources; /* 'capacity' of them; owned */
	struct fragment_list *by_count;  /* [n]: sources that have n entries; owned */
	struct fragment_link *links;     /* of entries, in the list of their source; owned */
	uint32_t *source_of;             /* of entries; owned */
	uint32_t capacity;               /* entries, and sources; a power of two */
	uint32_t most;                   /* the largest count */
};

/* Returns 0 or -ENOMEM; clear it in either case. */
int fragment_sources_init(struct fragment_sources *sources, uint32_t capacity);
void fragment_sources_clear(struct fragment_sources *sources);

/* Enter an entry as the newest of the source with this hash; take one out. O(1). */
void fragment_sources_add(struct fragment_sources *sources, uint32_t entry, uint32_t source_hash);
void fragment_sources_remove(struct fragment_sources *sources, uint32_t entry);

/* The entry to give up. There must be one. O(1). */
uint32_t fragment_sources_victim(const struct fragment_sources *sources);

#endif
