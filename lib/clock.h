/* clock.h - the time types. lib/ and exporter/ have no clock of their own: time comes in as an
 * argument.
 *
 * Place: included wherever a time passes from one stage to the next. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970-01-01 00:00 UTC, what a packet is stamped with. Negative before 1970. */
typedef int64_t unix_ms;

/* Milliseconds of the clock that drives timeouts. Never steps back. Live: CLOCK_MONOTONIC. Reading
 * a file: the highest time stamp seen so far, so that a file gives the same flows at any speed. */
typedef int64_t cache_ms;

#endif
