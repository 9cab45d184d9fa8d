/* connection_hash.h - a number for each connection: the same for both directions, at every run and
 * on every machine.
 *
 * Used to share flows out among collectors, and to sample them. Its keys are no secret: who chooses
 * packets can choose which collector gets their flows, and nothing else. */
#ifndef CONNECTION_HASH_H
#define CONNECTION_HASH_H

#include "flow.h"

/* Two numbers that have nothing to do with each other: so a collector that is given a share of the
 * flows sees a sample of just that share. */
enum connection_hash_use { CONNECTION_HASH_balance = 1, CONNECTION_HASH_sampling = 2 };

/* Of addresses, ports and protocol, but not the type and code of ICMP, in which a question and its
 * answer differ. What is not in the flow key counts as 0; of flows without addresses the other
 * parts count instead, but the side. */
uint64_t connection_hash(const struct flow_key *key, enum connection_hash_use use);

/* Which of 'count' shares a hash falls into: 0 to count - 1, all of one size. */
static inline uint32_t connection_hash_share(uint64_t hash, uint32_t count)
{
	return (uint32_t)((hash >> 32) * count >> 32);
}

#endif
