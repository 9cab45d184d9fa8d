/* flow_cache_record.h - a cached flow as a record. Internal to flow_cache*.c.
 *
 * Place: flow_cache.c, whose records leave; flow_cache_ask.c, which copies. */
#ifndef FLOW_CACHE_RECORD_H
#define FLOW_CACHE_RECORD_H

#include "flow_columns_layout.h"

#include <string.h>

/* What counts of a key; sizes are constants. */
static inline void flow_cache_copy_key(struct flow_key *to, const struct flow_key *from)
{
	memcpy(to, from, FLOW_KEY_FIXED_SIZE + 8);
	if (from->ip_version == 6)
		memcpy(to->addresses + 8, from->addresses + 8, sizeof(from->addresses) - 8);
}

/* 'noted' is a constant, as in flow_columns_layout.h. */
static inline __attribute__((always_inline)) void
flow_cache_fill_record(const struct flow_cache *cache, const struct cached_flow *flow,
		       enum flow_end_reason reason, struct flow_record *record,
		       const unsigned int noted)
{
	flow_cache_copy_key(&record->key, &flow->key);
	if (flow->key.ip_version == 4)
		memset(record->key.addresses + 8, 0, sizeof(record->key.addresses) - 8);
	record->packets = flow->packets;
	record->octets = flow->octets;
	record->first_ms = flow->first_ms;
	record->last_ms = flow->last_ms;
	record->expired_ms = cache->now;
	record->tcp_flags = flow->tcp_flags;
	record->end_reason = (uint8_t)reason;
	record->pairing = FLOW_alone;
	record->biflow_direction = BIFLOW_arbitrary;
	flow_columns_fill(cache, flow, record, noted);
}

#endif
