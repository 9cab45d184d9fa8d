/* test_thread_rest.c - a thread stands still when asked, each time anew. */
#include "thread_rest.h"

#include "check.h"
#include "system_poll.h"
#include "time_now.h"

#include <pthread.h>
#include <semaphore.h>

#define PATIENCE_MS 60000

struct resting {
	struct thread_rest rest;
	struct wake wake;
	atomic_bool quit;
	atomic_uint rests;
};

static _Thread_local bool is_resting_thread;
static sem_t looking; /* it stands still, and looks again once it may: */
static sem_t may_look;

/* Stands in for that of the C library: the thread that rests does not come back by itself. */
int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
	(void)descriptors;
	(void)count;
	if (!is_resting_thread) {
		pause_ms(timeout_ms);
		return 0;
	}
	(void)sem_post(&looking);
	(void)sem_wait(&may_look);
	return 0;
}

static void *take_turns(void *context)
{
	struct resting *resting = context;

	is_resting_thread = true;
	while (!atomic_load(&resting->quit)) {
		if (thread_rest_is_wanted(&resting->rest)) {
			thread_rest_wait(&resting->rest, &resting->quit);
			atomic_fetch_add(&resting->rests, 1);
		}
	}
	return NULL;
}

static int64_t soon(void)
{
	return time_now_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
}

TEST(a_thread_that_still_leaves_one_rest_is_not_in_the_next)
{
	struct resting resting = { .rests = 0 };
	pthread_t thread;

	CHECK_EQ(sem_init(&looking, 0, 0) | sem_init(&may_look, 0, 0), 0);
	CHECK_EQ(wake_init(&resting.wake), 0);
	CHECK_EQ(pthread_create(&thread, NULL, take_turns, &resting), 0);
	thread_rest_want(&resting.rest, &resting.wake);
	CHECK(thread_rest_await(&resting.rest, soon()));
	CHECK_EQ(sem_wait(&looking), 0);

	/* It has not looked since: nobody knows what it does next. */
	thread_rest_end(&resting.rest);
	thread_rest_want(&resting.rest, &resting.wake);
	CHECK(!thread_rest_await(&resting.rest, 0));
	CHECK_EQ(sem_post(&may_look), 0);
	CHECK(thread_rest_await(&resting.rest, soon()));
	CHECK_EQ(sem_wait(&looking), 0);
	CHECK_EQ(atomic_load(&resting.rests), 0);

	thread_rest_end(&resting.rest);
	CHECK_EQ(sem_post(&may_look), 0);
	while (!atomic_load(&resting.rests))
		pause_ms(1);
	atomic_store(&resting.quit, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(!thread_rest_await(&resting.rest, 0));
	wake_clear(&resting.wake);
	(void)sem_destroy(&looking);
	(void)sem_destroy(&may_look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_still_leaves_one_rest_is_not_in_the_next),
	};

	return RUN_TESTS(tests);
}
