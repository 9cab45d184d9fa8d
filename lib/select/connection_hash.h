/* connection_hash.h - a number for each connection: the same for both directions, and wherever the
 * secret is the same.
 *
 * Place: flow key -> here -> collector_group.c, record_selection.c, sampling.c.
 *
 * Used to share flows out among collectors, and to sample them. Who chooses packets but does not
 * know the secret can choose neither the collector that gets their flows, nor flows that no sample
 * has. */
#ifndef CONNECTION_HASH_H
#define CONNECTION_HASH_H

#include "flow.h"
#include "hash.h"

/* For sharing flows out. Of addresses, ports and protocol, but not the type and code of ICMP, in
 * which a question and its answer differ. What is not in the flow key counts as 0; of flows without
 * addresses the other parts count instead, but the side. Does not depend on the machine. */
uint64_t connection_hash(struct hash_key secret, const struct flow_key *key);

/* For a sample: the function BOB, which the export protocols have a name for, of that number. It
 * has nothing to do with the other: so of a share of the flows, the sample is a sample. */
uint32_t connection_hash_sample(struct hash_key secret, const struct flow_key *key);

/* Which of 'count' shares a hash falls into: 0 to count - 1, all of one size. */
static inline uint32_t connection_hash_share(uint64_t hash, uint32_t count)
{
	return (uint32_t)((hash >> 32) * count >> 32);
}

#endif
