/* connection_hash.h - a number for each connection: the same for both directions, at every run and
 * on every machine.
 *
 * Place: flow key -> here -> collector_group.c, record_selection.c, sampling.c.
 *
 * Used to share flows out among collectors, and to sample them. Its keys are no secret: who chooses
 * packets can choose which collector gets their flows, and nothing else. */
#ifndef CONNECTION_HASH_H
#define CONNECTION_HASH_H

#include "flow.h"

/* For sharing flows out. Of addresses, ports and protocol, but not the type and code of ICMP, in
 * which a question and its answer differ. What is not in the flow key counts as 0; of flows without
 * addresses the other parts count instead, but the side. */
uint64_t connection_hash(const struct flow_key *key);

/* For a sample: of the same, by the function BOB, which the export protocols have a name for. It
 * has nothing to do with the other: so of a share of the flows, the sample is a sample. */
uint64_t connection_hash_sample(const struct flow_key *key);

/* Which of 'count' shares a hash falls into: 0 to count - 1, all of one size. */
static inline uint32_t connection_hash_share(uint64_t hash, uint32_t count)
{
	return (uint32_t)((hash >> 32) * count >> 32);
}

#endif
