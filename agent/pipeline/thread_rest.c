/* thread_rest.c - two flags, and looks at them every millisecond: it is rare, and short. */
#include "thread_rest.h"

#include "time_now.h"

#include <poll.h>
#include <stddef.h>

#define LOOK_MS 1

void thread_rest_hold(struct thread_rest *rest)
{
	atomic_store(&rest->is_wanted, true);
}

void thread_rest_want(struct thread_rest *rest, struct wake *wake)
{
	atomic_store(&rest->is_wanted, true);
	wake_signal(wake);
}

bool thread_rest_await(const struct thread_rest *rest, int64_t until_ms)
{
	while (!atomic_load(&rest->is_there)) {
		if (time_now_ms(CLOCK_MONOTONIC) >= until_ms)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return true;
}

void thread_rest_end(struct thread_rest *rest)
{
	atomic_store(&rest->is_wanted, false);
}

void thread_rest_wait(struct thread_rest *rest, const atomic_bool *quit)
{
	atomic_store(&rest->is_there, true);
	while (atomic_load(&rest->is_wanted) && !atomic_load(quit))
		(void)poll(NULL, 0, LOOK_MS);
	atomic_store(&rest->is_there, false);
}
