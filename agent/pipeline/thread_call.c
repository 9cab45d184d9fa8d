/* thread_call.c - a mailbox for one function call.
 *
 * idle -> posted (caller) -> running (thread) -> idle (thread, then 'done' is written); or posted
 * -> idle (caller gave up). */
#include "thread_call.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CALL_IDLE, CALL_POSTED, CALL_RUNNING };

int thread_call_init(struct thread_call *call, struct wake *wake)
{
	atomic_init(&call->state, CALL_IDLE);
	atomic_init(&call->answers, 1);
	atomic_init(&call->doing, NULL);
	call->answers_seen = 0;
	call->wake = wake;
	call->done = eventfd(0, EFD_CLOEXEC);
	return call->done < 0 ? -errno : 0;
}

void thread_call_clear(struct thread_call *call)
{
	if (call->done >= 0)
		(void)close(call->done);
	call->done = -1;
}

int thread_call_run(struct thread_call *call, void (*function)(void *owner, void *argument),
		    void *argument, int timeout_ms)
{
	struct pollfd waiting = { .fd = call->done, .events = POLLIN };
	int expected = CALL_POSTED;
	uint64_t count;

	call->function = function;
	call->argument = argument;
	atomic_store(&call->state, CALL_POSTED);
	wake_signal(call->wake);
	while (poll(&waiting, 1, timeout_ms) < 0 && errno == EINTR)
		;
	if (!(waiting.revents & POLLIN) &&
	    atomic_compare_exchange_strong(&call->state, &expected, CALL_IDLE))
		return -ETIMEDOUT;
	/* It has run or is running: 'done' is certain to come. */
	while (read(call->done, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	return 0;
}

bool thread_call_is_answering(struct thread_call *call)
{
	const uint32_t answers = atomic_load_explicit(&call->answers, memory_order_relaxed);
	const bool is_answering = answers != call->answers_seen;

	call->answers_seen = answers;
	wake_signal(call->wake);
	return is_answering;
}

void thread_call_answer(struct thread_call *call, void *owner)
{
	int expected = CALL_POSTED;
	uint64_t one = 1;

	/* No other thread writes it. */
	atomic_store_explicit(&call->answers,
			      atomic_load_explicit(&call->answers, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	if (atomic_load_explicit(&call->state, memory_order_relaxed) != CALL_POSTED ||
	    !atomic_compare_exchange_strong(&call->state, &expected, CALL_RUNNING))
		return;
	thread_call_does(call, "answering a question");
	call->function(owner, call->argument);
	atomic_store(&call->state, CALL_IDLE);
	(void)!write(call->done, &one, sizeof(one));
}

bool thread_call_is_waiting(struct thread_call *call)
{
	return atomic_load(&call->state) == CALL_POSTED;
}
