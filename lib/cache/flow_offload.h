/* flow_offload.h - flows whose packets the kernel counts, and how what it counts comes into them.
 *
 * Place: beside the flow cache: flow cache <-> here <-> slots that a program of the kernel adds to.
 * Pure: who installs keys, and in what, is the caller's; so a test is the kernel as well.
 *
 * A flow of many packets is offered (flow_offload_offer()), gets a slot, and its key is installed.
 * From then on its packets are added to the slot, and what has come since the last look is taken
 * into the flow before anything is decided about it: whether it is idle, what its record says, what
 * a copy of it shows. Sums in a slot only grow, and 'taken' says how far they are in flows; so a
 * slot is nobody's to reset, and what is not taken yet is not lost.
 *
 *     free -> wanted -> installing -> live -> ended -> deleting -> free
 *
 * Who counts into a slot has found its key in the table. A cycle deletes the keys of flows that
 * have ended, then waits until whoever may have found one of them is done (a grace period); after
 * that nobody adds to these slots, what they hold is taken a last time, and they are free. Keys are
 * installed after that wait too: the kernel uses the room of a deleted key for the next one at
 * once, and who is looking there would count for another flow. Invariant: no key is installed
 * between a deletion and the end of its grace period (the caller's), and no slot is given anew
 * before that.
 *
 * What comes to a slot after its flow has left the cache (few packets: those that a CPU was just
 * counting) begins a new record of that flow. */
#ifndef FLOW_OFFLOAD_H
#define FLOW_OFFLOAD_H

#include "flow_cache.h"
#include "flow_offload_slot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_offload; /* opaque */

struct flow_offload_config {
	uint32_t slot_count;
	uint32_t threshold; /* packets of a flow after which it is offered; 2 at least */
	struct flow_offload_slot *slots;    /* borrowed, like the next; zeroed at first */
	struct flow_offload_entry *entries; /* as many */
	bool is_continued; /* they are of an agent before this one, or of an earlier call */
};

/* Keys for the kernel: numbers of their slots. Borrowed until flow_offload_end_cycle(). */
struct flow_offload_cycle {
	const uint32_t *deleted;
	size_t deleted_count;
	const uint32_t *installed;
	size_t installed_count;
};

/* Begin with what is in the memory: of an agent before this one, whose flows 'cache' has, or
 * nothing. Its flows go on; whose flow the cache does not have is ended, and so are those that were
 * on their way. From then on the cache takes what is counted. Returns NULL with errno set. */
struct flow_offload *flow_offload_create(const struct flow_offload_config *config,
					 struct flow_cache *cache);
/* The cache goes on alone. What the slots hold that is not taken stays there. */
void flow_offload_destroy(struct flow_offload *offload);

/* From CLOCK_MONOTONIC to the time of day, in ns. */
void flow_offload_set_offset(struct flow_offload *offload, int64_t offset_ns);

/* Have a flow that flow_cache_add_offered() names counted under 'key', which is that of its packet
 * 'info'. Returns whether a slot was given. */
bool flow_offload_offer(struct flow_offload *offload,
			const struct flow_offload_candidate *candidate,
			const struct packet_info *info, const uint8_t *key, size_t key_size,
			uint8_t ttl);

/* Take what was counted until now of all flows that are cached. 20 to 50 ns each. */
void flow_offload_take_all(struct flow_offload *offload, cache_ms now);

/* Whether a cycle would have something to do, or is under way. */
bool flow_offload_has_work(const struct flow_offload *offload);
/* What a cycle has to do, at most 'maximum' of each kind; false: nothing. The last one is over. */
bool flow_offload_begin_cycle(struct flow_offload *offload, size_t maximum,
			      struct flow_offload_cycle *cycle);
/* The kernel has done it, and the grace period between the two is over: entries[].result says of
 * each whether its key is installed, or is gone and its grace period over. What is not gone is
 * tried again. At most 'budget' flows come into the cache; where that is not enough, true
 * is returned: call it again. */
bool flow_offload_end_cycle(struct flow_offload *offload, cache_ms now, size_t budget,
			    const struct flow_sink *sink);

/* Nobody adds to any slot any more, and no cycle is under way: take all. What does not come into
 * the cache within 'budget' is lost, and counted. */
void flow_offload_finish(struct flow_offload *offload, cache_ms now, size_t budget,
			 const struct flow_sink *sink);

/* What all slots hold that is not taken; for who cannot continue with them. */
struct flow_offload_sums flow_offload_left(const struct flow_offload_slot *slots,
					   const struct flow_offload_entry *entries,
					   uint32_t slot_count);

void flow_offload_statistics(const struct flow_offload *offload,
			     struct flow_offload_statistics *statistics);

/* All that was ever taken into flows of this cache; in its memory, so it is exact after a kill. */
struct flow_offload_sums flow_cache_offloaded(const struct flow_cache *cache);

/* Walk everything: whether lists, states and chains agree. Slow: tests. */
bool flow_offload_is_consistent(const struct flow_offload *offload);

#endif
