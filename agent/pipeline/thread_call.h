/* thread_call.h - the control thread asks another thread to run a function between two pieces of
 * its work.
 *
 * Place: control thread -> here -> worker or export thread.
 *
 * So that what a thread owns is only ever touched by that thread. One caller at a time: the control
 * thread. */
#ifndef THREAD_CALL_H
#define THREAD_CALL_H

#include "wake.h"

#include <stdatomic.h>
#include <stdint.h>

struct thread_call {
	_Atomic int state;
	void (*function)(void *owner, void *argument);
	void *argument;
	struct wake *wake;           /* of the thread that answers; borrowed */
	int done;                    /* eventfd, owned; written when the function has run */
	_Atomic uint32_t answers;    /* how often thread_call_answer() was called */
	uint32_t answers_seen;       /* of those, by thread_call_is_answering() */
	_Atomic(const char *) doing; /* thread_call_does(); NULL: nothing yet */
};

/* Returns 0 or a negative errno. */
int thread_call_init(struct thread_call *call, struct wake *wake);
void thread_call_clear(struct thread_call *call);

/* Caller: have function(owner, argument) run and wait for it. Returns 0, or -ETIMEDOUT if the
 * thread did not begin within 'timeout_ms': then it will not run. */
int thread_call_run(struct thread_call *call, void (*function)(void *owner, void *argument),
		    void *argument, int timeout_ms);

/* Caller: whether the thread has looked for calls since this was last asked, true the first time.
 * It is woken, so that it does before the next time unless it hangs. Never waits. */
bool thread_call_is_answering(struct thread_call *call);

/* Answering thread: run what was asked for, if anything. Costs one load when there is nothing. */
void thread_call_answer(struct thread_call *call, void *owner);

/* Answering thread: what it does from now on, as "reading packets", for the log if it hangs there.
 * A constant. One store. */
static inline void thread_call_does(struct thread_call *call, const char *doing)
{
	atomic_store_explicit(&call->doing, doing, memory_order_relaxed);
}

/* Answering thread: whether something waits, to be looked at after wake_prepare(). */
bool thread_call_is_waiting(struct thread_call *call);

#endif
