/* wake.c - sleeping and waking by eventfd.
 *
 * Sequentially consistent on both sides: either the sleeper sees the work when it looks once more,
 * or the signaller sees is_sleeping. */
#include "wake.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wake_init(struct wake *wake)
{
	atomic_init(&wake->is_sleeping, false);
	wake->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return wake->descriptor < 0 ? -errno : 0;
}

void wake_clear(struct wake *wake)
{
	if (wake->descriptor >= 0)
		(void)close(wake->descriptor);
	wake->descriptor = -1;
}

void wake_prepare(struct wake *wake)
{
	atomic_store(&wake->is_sleeping, true);
	atomic_thread_fence(memory_order_seq_cst);
}

void wake_finish(struct wake *wake)
{
	uint64_t count;

	atomic_store(&wake->is_sleeping, false);
	/* Nonblocking: nothing to read is fine, a signal that came too late wakes once for nothing.
	 */
	(void)!read(wake->descriptor, &count, sizeof(count));
}

void wake_signal(struct wake *wake)
{
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_exchange(&wake->is_sleeping, false))
		(void)!write(wake->descriptor, &one, sizeof(one));
}
