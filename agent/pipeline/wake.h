/* wake.h - lets a thread sleep until another one has something for it, without a system call while
 * it is awake.
 *
 * Place: under thread_call.c, and between a worker and the export thread.
 *
 * The sleeper: wake_prepare(), look again for work, poll() the descriptor, wake_finish().
 * Others: make the work visible, then wake_signal() or wake_offer(). */
#ifndef WAKE_H
#define WAKE_H

#include <stdatomic.h>
#include <stdbool.h>

struct wake {
	int descriptor;    /* eventfd, owned; readable after a signal */
	_Atomic int state; /* of wake.c */
};

/* Returns 0 or a negative errno. */
int wake_init(struct wake *wake);
void wake_clear(struct wake *wake);

/* 'takes_offers': whether wake_offer() shall end the sleep, too. A stage that waits for something
 * else can do nothing with what its neighbour offers. */
void wake_prepare(struct wake *wake, bool takes_offers);
/* 'is_readable': whether poll() found the descriptor so. */
void wake_finish(struct wake *wake, bool is_readable);
/* Wake the sleeper if it sleeps or is about to. */
void wake_signal(struct wake *wake);
/* The same, but only a sleeper that takes offers. */
void wake_offer(struct wake *wake);

#endif
