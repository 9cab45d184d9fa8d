/* pacer.c - a token bucket that counts in millionths of a datagram, so that no time is lost by
 * rounding. */
#include "pacer.h"

#define MILLIONTHS 1000000
#define STEP_US    1000  /* pacing goes in steps of this at least */
#define GATHER_US  10000 /* how long a datagram that could go waits for others */
/* Most of a burst. The rest of it is for a thread that wakes late, by 1.3 ms at 6000 a second: what
 * it could have sent meanwhile is not lost to the pace. */
#define AT_ONCE           (EXPORTER_BURST_DATAGRAMS * 3 / 4)
#define UNPACED_DATAGRAMS 128        /* in one call without a limit */
#define LONGEST_REFILL_US 1000000000 /* times 2^32 a second is less than 2^63 */
#define BURST_CREDIT      ((int64_t)EXPORTER_BURST_DATAGRAMS * MILLIONTHS)

void pacer_init(struct pacer *pacer, uint32_t per_second)
{
	*pacer = (struct pacer){ .per_second = per_second, .credit = BURST_CREDIT };
}

void pacer_set_rate(struct pacer *pacer, uint32_t per_second)
{
	if (!pacer->per_second)
		pacer->credit = BURST_CREDIT;
	pacer->per_second = per_second;
}

void pacer_refill(struct pacer *pacer, int64_t now_us)
{
	int64_t elapsed_us = now_us - pacer->last_us;

	pacer->last_us = now_us;
	if (elapsed_us > LONGEST_REFILL_US)
		elapsed_us = LONGEST_REFILL_US;
	if (elapsed_us > 0)
		pacer->credit += elapsed_us * pacer->per_second;
	if (pacer->credit > BURST_CREDIT)
		pacer->credit = BURST_CREDIT;
}

size_t pacer_budget(const struct pacer *pacer)
{
	return pacer->per_second ? (size_t)(pacer->credit / MILLIONTHS) : UNPACED_DATAGRAMS;
}

void pacer_spend(struct pacer *pacer)
{
	if (pacer->per_second)
		pacer->credit -= MILLIONTHS;
}

/* As many at once as come together in GATHER_US, up to AT_ONCE: they cost less together, and a
 * thread that wakes more often costs more. */
int64_t pacer_wait_us(const struct pacer *pacer, size_t waiting)
{
	int64_t wanted = (int64_t)pacer->per_second * GATHER_US / MILLIONTHS;
	int64_t wait_us;

	if (!pacer->per_second)
		return 0;
	if (wanted > AT_ONCE)
		wanted = AT_ONCE;
	if (wanted > (int64_t)waiting)
		wanted = (int64_t)waiting;
	if (wanted < 1)
		wanted = 1;
	wait_us = (wanted * MILLIONTHS - pacer->credit) / pacer->per_second + 1;
	return wait_us < STEP_US ? STEP_US : wait_us;
}
