/* time_now.h - what a clock of the system shows now. For agent/ only: lib/ and exporter/ get time
 * as an argument.
 *
 * Place: callers hand the time on as an argument. */
#ifndef TIME_NOW_H
#define TIME_NOW_H

#include <stdint.h>
#include <time.h>

/* Microseconds, or milliseconds, of CLOCK_REALTIME (since 1970), CLOCK_MONOTONIC and the like. */
static inline int64_t time_now_us(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t time_now_ms(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
