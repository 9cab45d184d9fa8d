/* export_time.h - the moment of an export message, on the clocks that its header has.
 *
 * Place: exporter -> encoder -> header of a message. */
#ifndef EXPORT_TIME_H
#define EXPORT_TIME_H

#include "clock.h"

#include <stdint.h>

/* The export process's clocks at one moment. */
struct export_time {
	unix_ms unix_ms;    /* real time; with --read the packets' time */
	uint32_t uptime_ms; /* since the export process began, wraps as in RFC 3954; never steps
			       back */
};

/* For a header: unsigned 32 bits, right until 2106; 0 before 1970. */
static inline uint32_t export_time_seconds(const struct export_time *time)
{
	return time->unix_ms < 0 ? 0 : (uint32_t)(time->unix_ms / 1000);
}

#endif
