/* wake.h - lets a thread sleep until another one has something for it, without a system call while
 * it is awake.
 *
 * The sleeper: wake_prepare(), look once more for work, poll() the descriptor, wake_finish().
 * Others: make the work visible, then wake_signal(). */
#ifndef WAKE_H
#define WAKE_H

#include <stdatomic.h>
#include <stdbool.h>

struct wake {
	int descriptor; /* eventfd, owned; readable after a signal */
	atomic_bool is_sleeping;
};

/* Returns 0 or a negative errno. */
int wake_init(struct wake *wake);
void wake_clear(struct wake *wake);

void wake_prepare(struct wake *wake);
void wake_finish(struct wake *wake);
/* Wake the sleeper if it sleeps or is about to. */
void wake_signal(struct wake *wake);

#endif
