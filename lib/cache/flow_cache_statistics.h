/* flow_cache_statistics.h - what a flow cache counts.
 *
 * Place: flow cache -> statistics -> ledger. */
#ifndef FLOW_CACHE_STATISTICS_H
#define FLOW_CACHE_STATISTICS_H

#include "flow.h"

#include <stdint.h>

/* At all times: packets_added == packets_cached + packets_expired, the same for octets, and
 * flows_created == flows_cached + sum of records_expired. */
struct flow_cache_statistics {
	uint64_t packets_added, octets_added;
	uint64_t packets_cached, octets_cached;
	uint64_t packets_expired, octets_expired;
	uint64_t flows_created;
	uint64_t flows_cached;
	uint64_t flows_cached_peak;
	uint64_t records_expired[FLOW_END_COUNT];
	uint64_t memory_bytes; /* touched so far */
};

#endif
