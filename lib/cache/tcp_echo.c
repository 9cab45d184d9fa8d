/* tcp_echo.c - the stamps of lowest hash, in order.
 *
 * Invariant: hashes of stamps[] ascend; as the hash is a bijection, no two stamps have one. */
#include "tcp_echo.h"

#include <stddef.h>
#include <string.h>

/* Longer ago is no round trip, but another turn of the stamps. */
#define SHORTEST_MAX_US 60000000

/* An odd number has an inverse modulo 2^32. Stamps that follow each other are far apart. */
static uint32_t hash_of(uint32_t stamp)
{
	return stamp * UINT32_C(0x9e3779b1);
}

void tcp_echo_add(struct tcp_echo *echo, uint32_t stamp, int64_t time_us)
{
	const uint32_t hash = hash_of(stamp);
	size_t at = 0, moved;

	if (echo->count > TCP_ECHO_STAMPS) /* found in memory that was kept */
		echo->count = 0;
	if (echo->count && stamp == echo->last)
		return;
	echo->last = stamp;
	while (at < echo->count && hash_of(echo->stamps[at]) < hash)
		at++;
	if (at == TCP_ECHO_STAMPS || (at < echo->count && echo->stamps[at] == stamp))
		return;
	if (echo->count < TCP_ECHO_STAMPS)
		echo->count++;
	moved = echo->count - at - 1u;
	memmove(&echo->stamps[at + 1], &echo->stamps[at], moved * sizeof(echo->stamps[0]));
	memmove(&echo->times_us[at + 1], &echo->times_us[at], moved * sizeof(echo->times_us[0]));
	echo->stamps[at] = stamp;
	echo->times_us[at] = (uint32_t)time_us;
}

int64_t tcp_echo_shortest(const struct tcp_echo *sent, const struct tcp_echo *echoed)
{
	int64_t shortest = -1;

	for (size_t i = 0; i < sent->count && i < TCP_ECHO_STAMPS; i++)
		for (size_t j = 0; j < echoed->count && j < TCP_ECHO_STAMPS; j++) {
			const uint32_t us = echoed->times_us[j] - sent->times_us[i];

			if (sent->stamps[i] == echoed->stamps[j] && us < SHORTEST_MAX_US &&
			    (shortest < 0 || us < shortest))
				shortest = us;
		}
	return shortest;
}
