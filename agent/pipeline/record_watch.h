/* record_watch.h - expired records for one that watches: a copy of each, or a count of those that
 * he was too slow for.
 *
 * Place: export thread -> watch -> control thread. A ring with one producer and one consumer:
 * neither waits for the other, and what has no room is counted. The ring is there while somebody
 * watches. */
#ifndef RECORD_WATCH_H
#define RECORD_WATCH_H

#include "export_record.h"

#include <stdint.h>

#define RECORD_WATCHES    4    /* at once */
#define RECORD_WATCH_ROOM 8192 /* records that wait; a power of two */

struct record_watch; /* opaque: defined in record_watch.c */

/* 'record_size' is export_record_size() of all records that are given. NULL if memory is short. */
struct record_watch *record_watch_create(size_t record_size);
void record_watch_destroy(struct record_watch *watch);

/* Export thread: give a copy of a record, whose interfaces have the kernel's numbers. 'has_as'
 * false: its AS numbers are not set. */
void record_watch_give(struct record_watch *watch, const struct export_record *record, bool has_as);

/* Control thread: copy up to 'count' records, the oldest first; what they do not have is 0. Returns
 * how many. */
size_t record_watch_take(struct record_watch *watch, struct export_record *records, size_t count);
/* Control thread: how many there was no room for, from the beginning on. */
uint64_t record_watch_lost(const struct record_watch *watch);

#endif
