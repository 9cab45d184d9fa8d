/* rotation.h - when an export file is full and the next one begins: by the clock of the records, or
 * by size.
 *
 * Place: inside the collector, which numbers its messages with the file that they belong to. The
 * clock is export_time, so a capture file gives the same files at every run and at any speed. */
#ifndef ROTATION_H
#define ROTATION_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rotation_settings {
	uint32_t interval_ms; /* files begin at multiples of it since 1970 in UTC; 0: not by time */
	uint64_t size;        /* bytes that no file exceeds; 0: not by size */
};

#define ROTATION_MESSAGES_MIN 8 /* of the largest, which a file by size holds at least */

struct rotation {
	struct rotation_settings settings;
	size_t message_size; /* of the largest message */
	uint64_t number;     /* of the file, grows with each one */
	uint64_t bytes;      /* in it so far, 0: nothing */
	int64_t interval;    /* in which it was begun */
};

static inline bool rotation_is_wanted(const struct rotation_settings *settings)
{
	return settings->interval_ms || settings->size;
}

/* Whether the file has something in it and is to end before another message. */
bool rotation_is_due(const struct rotation *rotation, unix_ms now);
/* The next message is the first of a new file. */
void rotation_begin(struct rotation *rotation);
/* A message of 'size' bytes was added to the file at 'now'. */
void rotation_add(struct rotation *rotation, size_t size, unix_ms now);
/* In how many milliseconds it is due by time alone, -1 if it is not. */
int64_t rotation_wait_ms(const struct rotation *rotation, unix_ms now);

#endif
