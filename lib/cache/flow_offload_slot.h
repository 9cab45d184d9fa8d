/* flow_offload_slot.h - where packets of a flow are counted, and what is known of it.
 *
 * Place: shared by the kernel's program and flow_offload.h, which says what it means. */
#ifndef FLOW_OFFLOAD_SLOT_H
#define FLOW_OFFLOAD_SLOT_H

#include "flow.h"

/* Written by whoever counts, but for what is the agent's. Octets are added before packets, the rest
 * after them; last_ns and tcp_flags are set before. */
struct flow_offload_slot {
	uint64_t packets, octets;
	uint64_t last_ns;     /* CLOCK_MONOTONIC, like the cache's clock */
	uint64_t deadline_ns; /* the agent's: from then on packets are not counted here */
	uint64_t superpackets, segments, segment_octets; /* segments: without the first of each */
	uint32_t idle_ms; /* the agent's: nor is one that comes this long after the last */
	uint32_t tcp_flags;
};
_Static_assert(sizeof(struct flow_offload_slot) == 64, "a slot is one cache line");

struct flow_offload_sums {
	uint64_t packets, octets, superpackets, segments, segment_octets;
};

#define FLOW_OFFLOAD_KEY_SIZE 56

/* What the agent knows of a slot. It lies beside the slots, in memory that outlives the process. */
struct flow_offload_entry {
	struct flow_key flow;
	uint8_t key[FLOW_OFFLOAD_KEY_SIZE]; /* by which the kernel finds the slot */
	struct flow_offload_sums taken;     /* into flows; the slot has this, or more */
	int32_t result;                     /* of the cycle, 0 or a negative errno; the caller's */
	uint8_t key_size;                   /* bytes of it */
	uint8_t ttl;                        /* of all its packets; 0: nobody asks */
	uint8_t state;                      /* enum flow_offload_state; 0: free */
	uint8_t zero;
};
_Static_assert(sizeof(struct flow_offload_entry) == 160, "no hidden padding");

struct flow_offload_statistics {
	uint32_t slots, slots_used;    /* used: all that are not free */
	uint64_t installed, deleted;   /* keys */
	uint64_t full;                 /* packets of flows that there was no slot for */
	uint64_t failed;               /* keys that the kernel did not install */
	struct flow_offload_sums lost; /* taken for flows that the cache had no room for */
};

/* A flow that a packet of flow_cache_add_offered() has made one to be offered. */
struct flow_offload_candidate {
	uint32_t packet; /* which of the batch */
	uint32_t place;  /* internal */
};

#endif
