/* export_clock.h - the 32-bit clock of milliseconds (SysUptime) on which NetFlow v5, and v9 on
 * request, say when a flow began and ended.
 *
 * Place: flow times -> here -> the encoders of NetFlow.
 *
 * Collectors differ in what they make of a clock that wraps between a flow and its datagram, so
 * this one never does: in each datagram it stands somewhere between 24.8 and 37.3 days, moving with
 * the uptime, and the times of the datagram's records are on that very clock. So a flow may be 24.8
 * days old; timeouts end at 23 days, and one that is older without a timeout begins no earlier. */
#ifndef EXPORT_CLOCK_H
#define EXPORT_CLOCK_H

#include "export_time.h"
#include "flow_expiry.h"

#define EXPORT_CLOCK_LOWEST_MS (UINT32_C(1) << 31)
#define EXPORT_CLOCK_MASK_MS   ((UINT32_C(1) << 30) - 1)
/* How much later than its beginning a datagram may be finished. */
#define EXPORT_CLOCK_SLACK_MS 3600000
_Static_assert(EXPORT_CLOCK_LOWEST_MS - EXPORT_CLOCK_SLACK_MS > EXPIRY_TIMEOUT_MAX_MS,
	       "the clock is older than any flow");

struct export_clock {
	unix_ms start_ms; /* when it was 0 */
	uint32_t oldest;  /* a record has no lower number */
};

/* The clock of a datagram begun at 'time'. Many collectors take the difference to the header's time
 * for a number with a sign: what is 2^31 ms before it would be in the future for them. */
static inline struct export_clock export_clock_begin(const struct export_time *time)
{
	const uint32_t moved_ms = time->uptime_ms & EXPORT_CLOCK_MASK_MS;

	return (struct export_clock){
		.start_ms = time->unix_ms - EXPORT_CLOCK_LOWEST_MS - moved_ms,
		.oldest = moved_ms + EXPORT_CLOCK_SLACK_MS,
	};
}

/* Number of 'ms' on a clock that started at 'start'; what is out of its range is its end. */
static inline uint32_t export_clock_of(unix_ms start, unix_ms ms)
{
	const int64_t elapsed_ms = ms - start;

	if (elapsed_ms < 0)
		return 0;
	return elapsed_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)elapsed_ms;
}

/* The time of a flow. One that is older than collectors understand is as old as they do. */
static inline uint32_t export_clock_of_flow(const struct export_clock *clock, unix_ms ms)
{
	const uint32_t number = export_clock_of(clock->start_ms, ms);

	return number < clock->oldest ? clock->oldest : number;
}

#endif
