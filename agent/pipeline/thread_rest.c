/* thread_rest.c - two numbers, and looks at them every millisecond: it is rare, and short.
 *
 * Each rest has its own number. A thread that is just leaving one is not taken for one that is in
 * the next. */
#include "thread_rest.h"

#include "time_now.h"

#include <poll.h>
#include <stddef.h>

#define LOOK_MS 1

void thread_rest_hold(struct thread_rest *rest)
{
	if (++rest->count == 0)
		rest->count = 1;
	atomic_store(&rest->wanted, rest->count);
}

void thread_rest_want(struct thread_rest *rest, struct wake *wake)
{
	thread_rest_hold(rest);
	wake_signal(wake);
}

bool thread_rest_await(const struct thread_rest *rest, int64_t until_ms)
{
	while (atomic_load(&rest->there) != rest->count) {
		if (time_now_ms(CLOCK_MONOTONIC) >= until_ms)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return true;
}

void thread_rest_end(struct thread_rest *rest)
{
	atomic_store(&rest->wanted, 0);
}

void thread_rest_wait(struct thread_rest *rest, const atomic_bool *quit)
{
	uint32_t wanted;

	while ((wanted = atomic_load(&rest->wanted)) != 0 && !atomic_load(quit)) {
		atomic_store(&rest->there, wanted);
		(void)poll(NULL, 0, LOOK_MS);
	}
	atomic_store(&rest->there, 0);
}
