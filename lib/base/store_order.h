/* store_order.h - the order of stores, for memory that outlives a process that is killed.
 *
 * Place: wherever a change is noted in such memory before it is made: flow_cache_marks.h, and what
 * agent/ keeps. A thread is killed between two instructions, and its stores are read by another
 * process after it: so the compiler must not move them, and no instruction is needed. */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

#include <stdatomic.h>

/* No store moves across. */
static inline void store_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

#endif
