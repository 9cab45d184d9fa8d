/* export_clock.h - the 32-bit clock of milliseconds (SysUptime) on which NetFlow v5, and v9 on
 * request, say when a flow began and ended.
 *
 * Collectors differ in what they make of a clock that wraps between a flow and its datagram, so
 * this one never does: in each datagram it stands somewhere between 24.8 and 37.3 days, moving with
 * the uptime, and the times of the datagram's records are on that very clock. So a flow may be 24.8
 * days old; timeouts end at 23 days. */
#ifndef EXPORT_CLOCK_H
#define EXPORT_CLOCK_H

#include "encoder.h"
#include "flow_expiry.h"

#define EXPORT_CLOCK_LOWEST_MS (UINT32_C(1) << 31)
#define EXPORT_CLOCK_MASK_MS   ((UINT32_C(1) << 30) - 1)
_Static_assert(EXPORT_CLOCK_LOWEST_MS > EXPIRY_TIMEOUT_MAX_MS, "the clock is older than any flow");

/* When the clock of a datagram begun at 'time' was 0. */
static inline unix_ms export_clock_start(const struct export_time *time)
{
	return time->unix_ms - EXPORT_CLOCK_LOWEST_MS - (time->uptime_ms & EXPORT_CLOCK_MASK_MS);
}

/* Number of 'ms' on a clock that started at 'start'; what is out of its range is its end. */
static inline uint32_t export_clock_of(unix_ms start, unix_ms ms)
{
	const int64_t elapsed_ms = ms - start;

	if (elapsed_ms < 0)
		return 0;
	return elapsed_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)elapsed_ms;
}

#endif
