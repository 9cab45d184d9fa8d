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
	atomic_bool is_wanted;
	atomic_bool is_there;
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
	return atomic_load_explicit(&rest->is_wanted, memory_order_relaxed);
}
/* Thread: stand still until it is wanted no more, or '*quit'. */
void thread_rest_wait(struct thread_rest *rest, const atomic_bool *quit);

#endif
