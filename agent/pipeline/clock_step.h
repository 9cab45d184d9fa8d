/* clock_step.h - notices that somebody has set the clock of the machine.
 *
 * Place: beside the worker. Pure. Time stamps of packets are of CLOCK_REALTIME, which can be set;
 * CLOCK_MONOTONIC cannot, and what slews one slews the other, so their difference is constant but
 * for steps. A flow that is open at a step would get it as its duration: it ends there, with the
 * times that it had, and the packets after the step begin a new one. */
#ifndef CLOCK_STEP_H
#define CLOCK_STEP_H

#include "packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Smaller steps are no longer than packets wait in the kernel, and coarse clocks differ by a tick.
 */
#define CLOCK_STEP_MIN_MS 100

/* Start with all zero. */
struct clock_step {
	int64_t offset_ms; /* of the real clock to the monotonic one */
	bool has_offset;
};

/* Look at both clocks: the real one was read after 'monotonic_ms' and before 'after_ms'. If the
 * thread had to wait between these, they say nothing, and the next look will. Returns by how much
 * the real one has been set since the last look, in milliseconds, 0 if it has not. */
static inline int64_t clock_step_look(struct clock_step *clock, int64_t monotonic_ms,
				      unix_ms unix_now_ms, int64_t after_ms)
{
	const int64_t offset_ms = unix_now_ms - monotonic_ms;
	const int64_t step_ms = offset_ms - clock->offset_ms;

	if (__builtin_expect(after_ms - monotonic_ms >= CLOCK_STEP_MIN_MS / 2, 0))
		return 0;
	if (clock->has_offset && step_ms > -CLOCK_STEP_MIN_MS && step_ms < CLOCK_STEP_MIN_MS)
		return 0;
	clock->offset_ms = offset_ms;
	if (clock->has_offset)
		return step_ms;
	clock->has_offset = true;
	return 0;
}

/* The first of 'count' packets that was stamped after a step, 'count' if none was: one whose time
 * is nearer to now than to what would be now without the step. They come in their order. */
static inline size_t clock_step_first(const struct packet_view *views, size_t count,
				      unix_ms unix_now_ms, int64_t step_ms)
{
	for (size_t i = 0; i < count; i++) {
		const int64_t after_ms = views[i].time_ms - unix_now_ms;
		const int64_t before_ms = after_ms + step_ms;

		if ((after_ms < 0 ? -after_ms : after_ms) <=
		    (before_ms < 0 ? -before_ms : before_ms))
			return i;
	}
	return count;
}

#endif
