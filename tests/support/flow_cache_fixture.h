/* flow_cache_fixture.h - a small flow cache with short timeouts, and packets for it.
 *
 * For tests of the cache, each of which includes this once. */
#ifndef FLOW_CACHE_FIXTURE_H
#define FLOW_CACHE_FIXTURE_H

#include "flow_cache.h"

#include "check.h"
#include "kept_records.h"

#define TCP 6
#define UDP 17

static inline struct flow_cache *new_cache(uint32_t max_flows)
{
	struct flow_cache_config config = {
		.max_flows = max_flows,
		.expiry = { .active_ms = 60000,
			    .idle_ms = { 15000, 2000, 2000, 15000, 15000, 15000 } },
		.hash_key = { 1, 2, 3 },
	};
	struct flow_cache *cache = flow_cache_create(&config);

	CHECK(cache != NULL);
	kept_records_reset();
	return cache;
}

/* Packet number 'flow' of a family, 100 bytes, at a time that is clock and time stamp alike. */
static inline struct packet_info packet(uint32_t flow, uint8_t protocol, cache_ms now)
{
	struct packet_info info = { .octets = 100, .time_ms = now, .clock_ms = now };

	info.key.ip_version = flow & 1 ? 6 : 4;
	info.key.protocol = protocol;
	info.key.source_port = (uint16_t)flow;
	memcpy(info.key.addresses, &flow, sizeof(flow));
	return info;
}

static inline void add(struct flow_cache *cache, struct packet_info info)
{
	flow_cache_add(cache, &info, 1, &sink);
}

#endif
