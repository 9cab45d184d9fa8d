/* pacer.h - how many datagrams may go now: a token bucket.
 *
 * Place: outbox -> pacer, asked before each burst. Runs on monotonic time that comes in as an
 * argument. Limit: what was not used adds up to one burst at most. */
#ifndef PACER_H
#define PACER_H

#include <stddef.h>
#include <stdint.h>

#define EXPORTER_BURST_DATAGRAMS \
	32 /* a default collector socket (208 KiB) holds 92 datagrams of 1400 bytes */

struct pacer {
	uint32_t per_second; /* 0: no limit */
	int64_t credit;      /* millionths of a datagram */
	int64_t last_us;     /* when 'credit' was right */
};

/* A full bucket. 'per_second' is in datagrams; 0: no limit. */
void pacer_init(struct pacer *pacer, uint32_t per_second);
/* Another rate from now on. */
void pacer_set_rate(struct pacer *pacer, uint32_t per_second);
/* It is 'now_us': call before pacer_budget(). */
void pacer_refill(struct pacer *pacer, int64_t now_us);
/* How many datagrams may go now. */
size_t pacer_budget(const struct pacer *pacer);
/* One has gone. */
void pacer_spend(struct pacer *pacer);
/* In how many microseconds the next of 'waiting' datagrams may go. */
int64_t pacer_wait_us(const struct pacer *pacer, size_t waiting);

#endif
