/* flow_cache_layout.h - how the flow cache lies in memory. Internal to flow_cache*.c.
 *
 * Place: under every flow_cache*.c, flow_index*, flow_wheel.c and flow_pair.c.
 *
 * One mapping, reserved for max_flows and touched from the front of each part as flows come:
 *
 *     struct flow_cache | buckets | overflow buckets | IPv4 flows (96 bytes) | IPv6 flows (120
 *     bytes) | columns
 *
 * Flows are named by flow_place: where they lie, in units of which an IPv4 flow has four and an
 * IPv6 flow five, so that a name leads to its flow without asking which kind it is. Each live flow
 * is in one bucket (flow_index.c), in one list of the idle wheel and in the age list
 * (flow_wheel.c). */
#ifndef FLOW_CACHE_LAYOUT_H
#define FLOW_CACHE_LAYOUT_H

#include "flow.h"
#include "flow_cache_statistics.h"
#include "flow_expiry.h"
#include "flow_hash.h"
#include "flow_offload_slot.h"
#include "packet_note.h"
#include "tcp_track.h"

struct flow_cache_config;

typedef uint32_t flow_place;

#define FLOW_NONE UINT32_MAX
#define FLOW_UNIT 24

/* What a packet adds to; copied in one piece. */
struct flow_sums {
	uint64_t octets, packets;
};

/* A live flow; an IPv4 flow ends after 8 bytes of addresses. What a packet touches comes last,
 * beside the key. */
struct cached_flow {
	flow_place idle_previous,
		idle_next; /* list of its wheel slot; idle_next also links free flows */
	flow_place age_previous, age_next; /* all flows in order of creation */
	uint32_t hash;                     /* low bits of the key's hash: which bucket */
	uint16_t armed;                    /* flow_armed_slot(), flow_armed_mark() */
	uint8_t expiry_class;
	uint8_t tcp_flags;
	uint32_t created, seen; /* low 32 bits of the cache's clock, ms */
	unix_ms first_ms, last_ms;
	union {
		struct flow_sums sums;
		struct {
			uint64_t octets;
			uint64_t packets;
		};
	};
	struct flow_key key; /* ip_version is 0 where the flow is not in use */
};

/* Where a flow is armed, level * WHEEL_SLOTS + slot; and above it, which packet was its last one
 * then, in 6 bits of 4 ms: another mark means that packets have come since. */
#define ARMED_SLOT_BITS 10
#define ARMED_MARK_UNIT 2 /* ms, as a shift */

static inline uint16_t flow_armed_slot(const struct cached_flow *flow)
{
	return flow->armed & ((1u << ARMED_SLOT_BITS) - 1);
}

static inline uint16_t flow_armed_mark(const struct cached_flow *flow)
{
	return (uint16_t)(flow->seen >> ARMED_MARK_UNIT << ARMED_SLOT_BITS);
}

#define CACHED_FLOW_IPV6_SIZE sizeof(struct cached_flow)
#define CACHED_FLOW_IPV4_SIZE (sizeof(struct cached_flow) - 24)
_Static_assert(CACHED_FLOW_IPV4_SIZE == 96,
	       "with its share of the index, a flow takes less than 128 bytes");
_Static_assert(CACHED_FLOW_IPV4_SIZE % FLOW_UNIT == 0 && CACHED_FLOW_IPV6_SIZE % FLOW_UNIT == 0,
	       "flows begin at whole units");

#define BUCKET_FLOWS 12
/* Buckets are split so that they hold this many flows on average: 9 bytes of index a flow. */
#define BUCKET_LOAD 7

/* One cache line. tags[i] is 0 where flows[i] is free. */
struct bucket {
	uint8_t tags[BUCKET_FLOWS];
	uint32_t overflow; /* number + 1 of an overflow bucket, 0 if none */
	flow_place flows[BUCKET_FLOWS];
};
_Static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");

#define WHEEL_TICK_SHIFT 7 /* a tick is 128 ms */
#define WHEEL_LEVELS     3 /* 32 s, 2.3 h, 24 days */
#define WHEEL_SLOT_BITS  8
#define WHEEL_SLOTS      (1u << WHEEL_SLOT_BITS)
_Static_assert(WHEEL_LEVELS *WHEEL_SLOTS <= 1u << ARMED_SLOT_BITS, "each slot has a number");
/* Furthest tick that can be armed; what is due later comes round then and is armed anew. */
#define WHEEL_HORIZON ((uint64_t)(WHEEL_SLOTS - 1) << (2 * WHEEL_SLOT_BITS))

/* The clock of a cache that has seen no time yet: before all that a capture file can hold, which is
 * +-2^53 ms. Ticks count from here, so that they are not negative before 1970. */
#define CLOCK_START_MS (-(INT64_C(1) << 60))

static inline uint64_t wheel_tick_of(cache_ms time)
{
	return (uint64_t)(time - CLOCK_START_MS) >> WHEEL_TICK_SHIFT;
}

struct flow_list {
	flow_place head, tail;
};

/* Optional data of flows; NULL where nobody has asked for it. */
struct flow_columns {
	unsigned int set;   /* FLOW_COLUMN_BIT() of those that are there */
	unsigned int notes; /* flow_columns_notes() of that */
#define FLOW_COLUMN(name, type, update, note) type *name;
#define FLOW_TRACK(name, type)                type *name;
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
	/* For each member of a note one of its columns: a packet whose note is what that has
	 * changes no column (flow_columns_init()). NULL: no column is of this member. */
#define PACKET_NOTE(member, type) const type *watched_##member;
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
};

/* What is under way, for flow_cache_recover.c; written by flow_cache_marks.h. */
struct flow_marks {
	uint32_t added;  /* packets that are in, for ever: the store that commits a packet */
	uint32_t packet; /* 'added' when the next two were set: then they are to be undone */
	const struct cached_flow *flow; /* as the process that wrote it has the cache mapped */
	struct flow_sums sums;          /* that it had before */
	struct tcp_track tcp;           /* likewise, where there is such a column */
	/* Flows whose records are on their way to the sink; FLOW_NONE: none is. */
	flow_place leaving[2];
	uint32_t leaving_at; /* 'records' before */
	uint32_t records;    /* that the sink has, for ever: the store that commits them */

	/* What is taken from a slot: flow_offload_take.c. */
	uint32_t takes;     /* for ever: the store that commits what was taken */
	uint32_t take;      /* 'takes' when the next were set: then they are to be undone */
	uint32_t take_slot; /* number + 1; 0: nothing is under way */
	const struct cached_flow *take_flow;
	struct flow_sums take_sums;            /* that the flow had before */
	struct flow_offload_sums take_taken;   /* of the slot's entry once it is committed */
	struct flow_offload_sums offloaded[2]; /* of all slots; [takes & 1] counts */
};

struct flow_cache {
	struct flow_marks marks;
	struct flow_hash_key hash_key;
	struct expiry_policy expiry;
	cache_ms now;
	bool is_bidirectional, has_ports; /* flow_cache_config */

	/* Index: linear hashing. With 2^level <= bucket_count < 2^(level + 1), the masks are
	 * 2^level
	 * - 1 and twice as wide; a flow is in the bucket that the wide one says if there is such a
	 * bucket yet. */
	struct bucket *buckets; /* all pointers: into the mapping */
	struct bucket *overflow_buckets;
	uint32_t bucket_mask;
	uint32_t bucket_mask_wide;
	uint32_t bucket_count;
	uint64_t split_above;   /* flows: BUCKET_LOAD for each bucket */
	uint32_t overflow_used; /* touched so far */
	uint32_t
		overflow_free; /* number + 1 of the first free one, 0: none; linked by 'overflow' */

	/* Flows. */
	uint8_t *flows;
	flow_place flows_first[2]; /* of IPv4, of IPv6 */
	uint32_t flows_used[2];    /* touched so far */
	flow_place flows_free[2];  /* linked by idle_next */
	uint32_t max_flows;
	struct flow_columns columns;
	struct flow_offload *offload; /* borrowed: this process's; NULL: nobody else counts */

	/* Expiry. */
	struct flow_list age;
	struct flow_list wheel[WHEEL_LEVELS * WHEEL_SLOTS];
	uint64_t wheel_occupied[WHEEL_LEVELS * WHEEL_SLOTS / 64];
	uint64_t wheel_tick; /* first tick that has not been worked off */

	struct flow_cache_statistics statistics;
	size_t mapping_size; /* 0: the memory is another's */
};

/* flow_cache_memory.c: set the pointers, for 'config' and the place where the cache is mapped. */
void flow_cache_place(struct flow_cache *cache, const struct flow_cache_config *config);
/* Empty index, lists, and places of flows. */
void flow_cache_empty(struct flow_cache *cache);

static inline struct cached_flow *flow_at(const struct flow_cache *cache, flow_place index)
{
	return (struct cached_flow *)(void *)(cache->flows + (size_t)index * FLOW_UNIT);
}

static inline flow_place flow_place_of(const struct flow_cache *cache,
				       const struct cached_flow *flow)
{
	return (flow_place)((size_t)((const uint8_t *)flow - cache->flows) / FLOW_UNIT);
}

/* Name of flow number 'number' of the part for IPv4 (0) or IPv6 (1). */
static inline flow_place flow_place_in_part(const struct flow_cache *cache, unsigned int part,
					    uint32_t number)
{
	const size_t size = part ? CACHED_FLOW_IPV6_SIZE : CACHED_FLOW_IPV4_SIZE;

	return cache->flows_first[part] + (flow_place)(number * (size / FLOW_UNIT));
}

/* The part that holds the flows of a key. */
static inline unsigned int flow_part(const struct flow_key *key)
{
	return key->ip_version == 6;
}

/* Milliseconds from 'stamp' to now. */
static inline uint32_t flow_elapsed(const struct flow_cache *cache, uint32_t stamp)
{
	return (uint32_t)cache->now - stamp;
}

/* flow_index.c: the hashed index; flow_index_look.h has what each packet needs of it. */

/* The live flow of a key, FLOW_NONE if there is none. */
flow_place flow_index_find(const struct flow_cache *cache, const struct flow_key *key,
			   uint32_t hash);
/* Enter a flow whose key and hash are set into flow_index_home() of that hash. Splits a bucket now
 * and then; O(1). */
void flow_index_insert(struct flow_cache *cache, struct bucket *home, flow_place index,
		       uint32_t hash);
void flow_index_remove(struct flow_cache *cache, flow_place index);
/* flow_wheel.c: order of age and of idle time. */

void flow_list_append(struct flow_cache *cache, flow_place index); /* age list */
void flow_list_remove(struct flow_cache *cache, flow_place index);
/* Put a flow into the slot of its inactive deadline, or that of another flow, and take it out. */
void flow_wheel_arm(struct flow_cache *cache, flow_place index);
void flow_wheel_arm_with(struct flow_cache *cache, flow_place index, flow_place other);
void flow_wheel_disarm(struct flow_cache *cache, flow_place index);
/* Next flow whose inactive timeout is over by a whole tick, FLOW_NONE if there is none. It stays
 * armed. */
flow_place flow_wheel_due(struct flow_cache *cache);
/* The flow whose inactive timeout is nearest, and of those that are alike one that has had no
 * packet for long; FLOW_NONE if the cache is empty. It stays armed. */
flow_place flow_wheel_nearest(struct flow_cache *cache);
/* When flow_wheel_due() may have something, at the earliest. INT64_MAX if nothing is armed. */
cache_ms flow_wheel_next(const struct flow_cache *cache);
/* flow_pair.c: the two directions of a biflow. */

/* The flow that is the reverse of another, FLOW_NONE if it is not in this cache. */
flow_place flow_pair_find(const struct flow_cache *cache, flow_place index);
/* Why both must leave now; see flow_expiry_pair(). */
/* Have both directions know what they know together: whose they are, and the round-trip time. Once
 * for each record that leaves, and only where there is such a column. */
void flow_pair_share(struct flow_cache *cache, flow_place index);
/* What both directions know together, for the copy of a flow. */
void flow_pair_fill(const struct flow_cache *cache, flow_place index, struct tcp_quality *tcp);
bool flow_pair_is_due(const struct flow_cache *cache, const flow_place pair[static 2],
		      enum flow_end_reason reasons[static 2]);
/* Whether the first of two is the forward direction, and in 'direction' why. */
bool flow_pair_is_in_order(const struct flow_cache *cache, const flow_place pair[static 2],
			   enum biflow_direction *direction);

#endif
