/* flow_cache.h - bounded hash table of the flows seen since their last export.
 *
 * Place: packet_info -> flow_record. One owner; has no clock of its own. Lives in one mapping whose
 * links are indexes; memory is touched as flows come. When full, the longest idle record is evicted
 * and reported. */
#ifndef FLOW_CACHE_H
#define FLOW_CACHE_H

#include "flow.h"
#include "flow_cache_statistics.h"
#include "flow_columns.h"
#include "flow_expiry.h"
#include "packet_info.h"

#include <stdbool.h>

struct flow_cache; /* opaque: defined in flow_cache.c */
struct flow_offload_candidate;

/* Where expired records go. 'place' gives the storage for one record, which the cache fills at
 * once; it must always succeed: callers bound how many may come. */
struct flow_sink {
	struct flow_record *(*place)(void *context);
	void *context;
};

struct flow_cache_config {
	uint32_t max_flows; /* 1 to FLOW_CACHE_MAX_FLOWS */
	struct expiry_policy expiry;
	uint8_t hash_key[16];  /* secret, drawn at start */
	bool is_bidirectional; /* the two directions of a flow leave together */
	bool has_ports;        /* ports are part of the key; for is_bidirectional */
	unsigned int columns;  /* FLOW_COLUMN_BIT() of the optional data that records need */
};

#define FLOW_CACHE_MAX_FLOWS (1u << 28)

/* Most records that leave at once: a flow and its reverse. flow_cache_add() hands at most this
 * many to the sink for one packet: one flow cut by a timeout, or one evicted. */
#define FLOW_CACHE_RECORDS_AT_ONCE 2

/* Packets that flow_cache_add() takes at once. */
#define FLOW_CACHE_BATCH 32

/* With is_bidirectional the cache still holds each direction as a flow of its own, but whichever
 * leaves takes the other along if it is in the same cache: the forward direction comes to the sink
 * first (flow_record.pairing), its reverse next. A flow that has been idle for its timeout waits
 * for a reverse that has not, at most until the active timeout of the older (flow_expiry_pair()).
 * What the reverse of a flow is, flow_reverse.h says. */

/* Create an empty cache. Returns NULL with errno set. Destroying it forgets what is in it: flush
 * first. */
struct flow_cache *flow_cache_create(const struct flow_cache_config *config);
void flow_cache_destroy(struct flow_cache *cache);

/* The same in the caller's memory, which outlives the cache: zeroed, at the begin of a page, and
 * flow_cache_size() bytes long, of which those are touched that flows need. 'max_flows' has been
 * checked. See flow_cache_recover.h. */
uint64_t flow_cache_size(const struct flow_cache_config *config);
struct flow_cache *flow_cache_create_in(const struct flow_cache_config *config, void *memory);

/* Account 'count' (at most FLOW_CACHE_BATCH) packets, in order. packets[i].clock_ms must not
 * decrease from call to call.
 *
 * A packet that finds its record past a timeout closes it first, so splits do not depend on when
 * flow_cache_expire() runs. Hands at most FLOW_CACHE_RECORDS_AT_ONCE records per packet to 'sink'.
 * O(1) expected per packet, never allocates. */
void flow_cache_add(struct flow_cache *cache, const struct packet_info *packets, size_t count,
		    const struct flow_sink *sink);

/* The same for a cache with columns; notes[i] is of packets[i]. Without notes they stay 0. */
void flow_cache_add_noted(struct flow_cache *cache, const struct packet_info *packets,
			  const struct packet_note *notes, size_t count,
			  const struct flow_sink *sink);

/* The same, and find flows of so many packets that the kernel may count them (flow_offload.h).
 * Returns how many; they are valid until the next call. */
size_t flow_cache_add_offered(struct flow_cache *cache, const struct packet_info *packets,
			      const struct packet_note *notes, size_t count,
			      const struct flow_sink *sink,
			      const struct flow_offload_candidate **candidates);
/* Hand records whose time has come at 'now' to 'sink', at most 'budget', or one more if the last
 * has a reverse. Returns how many; fewer than 'budget' means that none is left. O(1) per record;
 * never scans the table. */
size_t flow_cache_expire(struct flow_cache *cache, cache_ms now, size_t budget,
			 const struct flow_sink *sink);

/* Have flow_cache_expire() hand over the flow of this key, and what is its reverse, next, for
 * 'reason': FLOW_END_forcedEnd or FLOW_END_dropped. Returns whether there is one. O(1) expected. */
bool flow_cache_end(struct flow_cache *cache, const struct flow_key *key,
		    enum flow_end_reason reason);

/* When flow_cache_expire() will have something to do at the earliest; INT64_MAX when empty. */
cache_ms flow_cache_next_expiry(const struct flow_cache *cache);

/* Hand at most 'budget' of all records (or one more, as above) to 'sink' for FLOW_END_forcedEnd,
 * oldest first. Returns how many. */
size_t flow_cache_flush(struct flow_cache *cache, cache_ms now, size_t budget,
			const struct flow_sink *sink);

/* Copy up to 'count' live records into 'records', continuing at '*cursor' (0 at first, then
 * FLOW_CACHE_CURSOR_END at the end). Returns how many were copied. Looks at no more than
 * FLOW_CACHE_SNAPSHOT_LOOKS places, so that the owner is not held up by a cache that was large
 * once; then 0 is not the end yet. Flows that come or go between two calls may be missed, none is
 * copied twice unless it left and came back. */
#define FLOW_CACHE_SNAPSHOT_LOOKS 2048
#define FLOW_CACHE_CURSOR_END     (UINT64_C(1) << 33)
size_t flow_cache_snapshot(const struct flow_cache *cache, uint64_t *cursor,
			   struct flow_record *records, size_t count);

/* Replace the timeouts; flows already cached follow the new ones. */
void flow_cache_set_expiry(struct flow_cache *cache, const struct expiry_policy *expiry);

void flow_cache_statistics(const struct flow_cache *cache,
			   struct flow_cache_statistics *statistics);

/* Walk everything and compare with the counters. Returns true if all invariants hold. Slow: tests
 * and debug builds. */
bool flow_cache_is_consistent(const struct flow_cache *cache);

#endif
