/* test_thread_call.c - calls into another thread, and giving up on one that does not answer. */
#include "thread_call.h"

#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

struct answering {
	struct wake wake;
	struct thread_call call;
	atomic_bool quit;
	int calls;
};

static void count_call(void *owner, void *argument)
{
	struct answering *answering = owner;
	int *number = argument;

	*number = ++answering->calls;
}

static void *answer(void *context)
{
	struct answering *answering = context;

	while (!atomic_load(&answering->quit)) {
		struct pollfd descriptor = { .fd = answering->wake.descriptor, .events = POLLIN };

		thread_call_answer(&answering->call, answering);
		wake_prepare(&answering->wake, false);
		if (!thread_call_is_waiting(&answering->call) && !atomic_load(&answering->quit))
			(void)poll(&descriptor, 1, 10000);
		wake_finish(&answering->wake, descriptor.revents != 0);
	}
	return NULL;
}

static void init(struct answering *answering)
{
	*answering = (struct answering){ .calls = 0 };
	CHECK_EQ(wake_init(&answering->wake), 0);
	CHECK_EQ(thread_call_init(&answering->call, &answering->wake), 0);
}

static void clear(struct answering *answering)
{
	thread_call_clear(&answering->call);
	wake_clear(&answering->wake);
}

TEST(sleeping_thread_answers_each_call_once)
{
	struct answering answering;
	pthread_t thread;

	init(&answering);
	CHECK_EQ(pthread_create(&thread, NULL, answer, &answering), 0);
	for (int i = 1; i <= 10000; i++) {
		int number = 0;

		CHECK_EQ(thread_call_run(&answering.call, count_call, &number, 10000), 0);
		CHECK_EQ(number, i);
	}
	atomic_store(&answering.quit, true);
	wake_signal(&answering.wake);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	clear(&answering);
}

TEST(call_that_nobody_answers_is_taken_back)
{
	struct answering answering;
	int number = 0;

	init(&answering);
	CHECK_EQ(thread_call_run(&answering.call, count_call, &number, 1), -ETIMEDOUT);
	thread_call_answer(&answering.call, &answering);
	CHECK_EQ(number, 0);
	clear(&answering);
}

/* What the watchdog asks: each time whether the thread has looked since the last time. */
TEST(thread_that_does_not_look_does_not_answer)
{
	struct answering answering;

	init(&answering);
	CHECK(thread_call_is_answering(&answering.call));
	CHECK(!thread_call_is_answering(&answering.call));
	thread_call_answer(&answering.call, &answering);
	CHECK(thread_call_is_answering(&answering.call));
	CHECK(!thread_call_is_answering(&answering.call));
	clear(&answering);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleeping_thread_answers_each_call_once),
		cmocka_unit_test(call_that_nobody_answers_is_taken_back),
		cmocka_unit_test(thread_that_does_not_look_does_not_answer),
	};

	return RUN_TESTS(tests);
}
