/* wake.c - sleeping and waking by eventfd.
 *
 * Sequentially consistent on both sides: either the sleeper sees the work when it looks again,
 * or the signaller sees that it sleeps. */
#include "wake.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What ends the sleep: a signal, or an offer too. */
enum { AWAKE, SLEEPS, SLEEPS_FOR_OFFERS };

int wake_init(struct wake *wake)
{
	atomic_init(&wake->state, AWAKE);
	wake->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return wake->descriptor < 0 ? -errno : 0;
}

void wake_clear(struct wake *wake)
{
	if (wake->descriptor >= 0)
		(void)close(wake->descriptor);
	wake->descriptor = -1;
}

void wake_prepare(struct wake *wake, bool takes_offers)
{
	atomic_store(&wake->state, takes_offers ? SLEEPS_FOR_OFFERS : SLEEPS);
	atomic_thread_fence(memory_order_seq_cst);
}

void wake_finish(struct wake *wake, bool is_readable)
{
	uint64_t count;

	atomic_store(&wake->state, AWAKE);
	/* A signal that comes too late for poll() ends the next sleep for nothing. */
	if (is_readable)
		(void)!read(wake->descriptor, &count, sizeof(count));
}

static void notify(const struct wake *wake)
{
	uint64_t one = 1;

	(void)!write(wake->descriptor, &one, sizeof(one));
}

void wake_signal(struct wake *wake)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_exchange(&wake->state, AWAKE) != AWAKE)
		notify(wake);
}

void wake_offer(struct wake *wake)
{
	int expected = SLEEPS_FOR_OFFERS;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&wake->state) == SLEEPS_FOR_OFFERS &&
	    atomic_compare_exchange_strong(&wake->state, &expected, AWAKE))
		notify(wake);
}
