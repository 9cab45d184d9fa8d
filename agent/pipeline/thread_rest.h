/* thread_rest.h - a thread stands still between two turns, so that another one may read what it
 * owns.
 *
 * Place: control thread (pipeline_rest.c) -> here -> worker or export thread, which looks for it
 * before each turn. Nothing is ended: it continues as if nothing had been. */
#ifndef THREAD_REST_H
#define THREAD_REST_H

#include "wake.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct thread_rest {
	_Atomic uint32_t wanted; /* number of the rest that is wanted; 0: none */
	_Atomic uint32_t there;  /* of the one that the thread is in; 0: it goes on */
	uint32_t count;          /* of the control thread: rests so far */
};

/* Control thread: ask for it; wait for it until 'until_ms' (CLOCK_MONOTONIC), and say whether it is
 * so; let the thread continue. */
void thread_rest_hold(struct thread_rest *rest); /* before the thread starts, to stand still then */
void thread_rest_want(struct thread_rest *rest, struct wake *wake);
bool thread_rest_await(const struct thread_rest *rest, int64_t until_ms);
void thread_rest_end(struct thread_rest *rest);

/* Thread: one load. */
static inline bool thread_rest_is_wanted(const struct thread_rest *rest)
{
	return atomic_load_explicit(&rest->wanted, memory_order_relaxed) != 0;
}
/* Thread: stand still until it is wanted no more, or '*quit'. */
void thread_rest_wait(struct thread_rest *rest, const atomic_bool *quit);

#endif
