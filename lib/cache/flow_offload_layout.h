/* flow_offload_layout.h - the members of an offload, and what the cache asks of it. Internal to
 * flow_offload*.c and flow_cache*.c.
 *
 * Place: flow_cache.c asks where a flow ends or is about to: no packet comes here. */
#ifndef FLOW_OFFLOAD_LAYOUT_H
#define FLOW_OFFLOAD_LAYOUT_H

#include "flow_cache_layout.h"
#include "flow_offload_slot.h"

/* Order is that of a slot's life; in memory that outlives the process. */
enum flow_offload_state {
	OFFLOAD_free,
	OFFLOAD_wanted,     /* its key is to be installed */
	OFFLOAD_installing, /* a cycle does that */
	OFFLOAD_live,       /* installed */
	OFFLOAD_ended,      /* its key is to be deleted */
	OFFLOAD_deleting,   /* a cycle does that */
};

/* Slots of one flow at most: packets of one flow that the kernel tells apart, by their TTL or where
 * the flow's key is wider than the packets'. */
#define OFFLOAD_SLOTS_OF_FLOW 16

/* A slot in this process. */
struct offload_link {
	flow_place place; /* its flow, FLOW_NONE if that is not cached */
	uint32_t next;    /* number + 1 of the next one of this flow */
	bool is_to_end;   /* once its key is installed */
};

struct offload_list {
	uint32_t *numbers; /* owned; room for all slots */
	size_t count;
};

struct flow_offload {
	struct flow_cache *cache; /* borrowed */
	struct flow_offload_slot *slots;
	struct flow_offload_entry *entries;
	struct offload_link *links; /* owned */
	uint32_t *heads;            /* owned; by flow_number(): number + 1 of its first slot */
	uint32_t slot_count, threshold;
	int64_t offset_ns;
	struct offload_list free, wanted, ended;
	struct offload_list deleting, installing; /* of the cycle under way */
	size_t deleting_done, installing_done;    /* of them, at its end */
	struct flow_offload_statistics statistics;
	struct flow_offload_candidate candidates[FLOW_CACHE_BATCH];
	size_t candidate_count;
};

/* ---- flow_offload_take.c ---- */

/* Take what has come to a slot into its flow. Returns whether packets have. */
bool flow_offload_take_slot(struct flow_offload *offload, uint32_t number);
/* The last time, when nobody adds to it any more: also where the flow is not cached, if there is
 * 'room' for it. Returns whether a flow has come into the cache. */
bool flow_offload_take_last(struct flow_offload *offload, uint32_t number, bool has_room,
			    cache_ms now, const struct flow_sink *sink);
/* A process before this one may have been killed while it took. */
void flow_offload_recover(struct flow_offload *offload, bool is_continued);

/* ---- what the cache asks; flow_offload.c ---- */

/* A flow is about to be looked at, or to leave: have what was counted of it. Returns whether
 * packets have come. */
bool flow_offload_take(struct flow_cache *cache, flow_place place);
/* It has begun a new record. */
void flow_offload_renew(struct flow_cache *cache, flow_place place);
/* It ends: FIN or RST. */
void flow_offload_end(struct flow_cache *cache, flow_place place);
/* It has left the cache. */
void flow_offload_leave(struct flow_cache *cache, flow_place place);
/* Timeouts have changed. */
void flow_offload_set_expiry(struct flow_cache *cache);
/* A packet has come up for it: is it one to be offered, or counted no more? */
void flow_offload_note(struct flow_offload *offload, uint32_t packet, flow_place place);

/* ---- flow_cache.c ---- */

/* It is now; a clock that goes back stands still. */
void flow_cache_advance(struct flow_cache *cache, cache_ms now);

/* Begin a flow that no packet has brought; as the cache would with 'packet', whose key is not in
 * it. What it holds is to be undone until the caller says more. */
flow_place flow_cache_begin_flow(struct flow_cache *cache, const struct packet_info *packet,
				 const struct flow_sink *sink);

#endif
