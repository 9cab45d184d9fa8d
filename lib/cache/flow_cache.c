/* flow_cache.c - the flow cache: accounts packets, closes and hands over records.
 *
 * Place: decode -> flow cache -> ring. A packet finds its flow by flow_index.c; flow_wheel.c says
 * who leaves when. Invariant: each flow in use is in one bucket, in the age list and armed in the
 * wheel; after each call the counters agree with what is there (flow_cache_is_consistent()). */
#include "flow_cache.h"

#include "flow_cache_marks.h"
#include "flow_cache_record.h"
#include "flow_columns_layout.h"
#include "flow_index_look.h"
#include "flow_offload_layout.h"
#include "tcp_flags.h"

/* Clock differences are kept in 32 bits: a jump beyond this is taken as one of this length. */
#define CLOCK_JUMP_MAX_MS INT32_MAX

/* A clock that jumps further than 32 bits of milliseconds (a file with years between two packets)
 * makes everything old, not young. */
static void limit_ages(struct flow_cache *cache)
{
	uint32_t oldest = (uint32_t)cache->now - CLOCK_JUMP_MAX_MS;

	for (flow_place index = cache->age.head; index != FLOW_NONE;) {
		struct cached_flow *flow = flow_at(cache, index);

		flow->created = oldest;
		flow->seen = oldest;
		index = flow->age_next;
	}
}

static void set_clock(struct flow_cache *cache, cache_ms now)
{
	cache_ms jump = now - cache->now;

	if (jump <= 0)
		return;
	cache->now = now;
	if (cache->statistics.flows_cached == 0)
		cache->wheel_tick = wheel_tick_of(now);
	else if (jump > CLOCK_JUMP_MAX_MS)
		limit_ages(cache);
}

/* Hand a flow's record over and count it as expired. The flow itself stays. Returns the record.
 * Inlined like remove_flow(): what a flow costs is two thirds of what a packet of a scan does. */
static inline __attribute__((always_inline)) struct flow_record *
emit(struct flow_cache *cache, const struct cached_flow *flow, enum flow_end_reason reason,
     const struct flow_sink *sink, const unsigned int noted)
{
	struct flow_cache_statistics *statistics = &cache->statistics;
	struct flow_record *record = sink->place(sink->context);

	if ((noted & PACKET_NOTES_SHARED) && (cache->columns.set & FLOW_COLUMNS_SHARED))
		flow_pair_share(cache, flow_place_of(cache, flow));
	flow_cache_fill_record(cache, flow, reason, record, noted);
	statistics->records_expired[reason]++;
	statistics->packets_expired += flow->packets;
	statistics->packets_cached -= flow->packets;
	statistics->octets_expired += flow->octets;
	statistics->octets_cached -= flow->octets;
	statistics->flows_cached--;
	return record;
}

static __attribute__((noinline)) struct flow_record *emit_called(struct flow_cache *cache,
								 const struct cached_flow *flow,
								 enum flow_end_reason reason,
								 const struct flow_sink *sink)
{
	return emit(cache, flow, reason, sink, PACKET_NOTES_ALL);
}

static inline __attribute__((always_inline)) void remove_flow(struct flow_cache *cache,
							      flow_place index)
{
	struct cached_flow *flow = flow_at(cache, index);
	unsigned int part = flow_part(&flow->key);

	flow_index_take_out(cache, index, flow->hash);
	flow_list_remove(cache, index);
	flow_wheel_disarm(cache, index);
	if (__builtin_expect(cache->offload != NULL, 0))
		flow_offload_leave(cache, index);
	flow->key.ip_version = 0;
	flow->idle_next = cache->flows_free[part];
	cache->flows_free[part] = index;
}

/* A flow alone: its record is the sink's from here on. The caller takes the flow out, or begins its
 * next record. */
static inline __attribute__((always_inline)) void
emit_alone(struct flow_cache *cache, flow_place index, enum flow_end_reason reason,
	   const struct flow_sink *sink, const unsigned int noted)
{
	flow_index_prefetch(cache, flow_at(cache, index)->age_next); /* likely leaves next */
	flow_marks_leave(cache, index);
	(void)emit(cache, flow_at(cache, index), reason, sink, noted);
	flow_marks_left(cache, 1);
}

static __attribute__((noinline)) void emit_alone_called(struct flow_cache *cache, flow_place index,
							enum flow_end_reason reason,
							const struct flow_sink *sink)
{
	emit_alone(cache, index, reason, sink, PACKET_NOTES_ALL);
}

/* Take out a flow that was handed over. */
static inline __attribute__((always_inline)) void remove_left(struct flow_cache *cache,
							      flow_place index)
{
	remove_flow(cache, index);
	flow_marks_done(cache);
}

/* Hand over both directions, the forward one first. The second of the pair leaves the cache here,
 * the first stays, as with emit_alone(). */
static void emit_pair(struct flow_cache *cache, const flow_place pair[static 2],
		      const enum flow_end_reason reasons[static 2], const struct flow_sink *sink)
{
	enum biflow_direction direction;
	const size_t first = flow_pair_is_in_order(cache, pair, &direction) ? 0 : 1;
	struct flow_record *record;

	flow_marks_leave_both(cache, pair);
	record = emit_called(cache, flow_at(cache, pair[first]), reasons[first], sink);
	record->pairing = FLOW_forward;
	record->biflow_direction = (uint8_t)direction;
	record = emit_called(cache, flow_at(cache, pair[1 - first]), reasons[1 - first], sink);
	record->pairing = FLOW_reverse;
	flow_marks_left(cache, 2);
	remove_flow(cache, pair[1]);
	flow_marks_other_done(cache);
}

/* The reverse of a flow that is about to leave, with what was counted of both. */
static flow_place reverse_of(struct flow_cache *cache, flow_place index)
{
	const flow_place reverse =
		cache->is_bidirectional ? flow_pair_find(cache, index) : FLOW_NONE;

	if (cache->offload && reverse != FLOW_NONE)
		(void)flow_offload_take(cache, reverse);
	return reverse;
}

static __attribute__((noinline)) size_t emit_forced_pair(struct flow_cache *cache, flow_place index,
							 enum flow_end_reason reason,
							 const struct flow_sink *sink)
{
	const flow_place pair[2] = { index, reverse_of(cache, index) };
	const enum flow_end_reason reasons[2] = { reason, reason };

	if (pair[1] == FLOW_NONE) {
		emit_alone_called(cache, index, reason, sink);
		return 1;
	}
	emit_pair(cache, pair, reasons, sink);
	return 2;
}

/* Emit a flow whatever its timeouts say, and its reverse. Returns how many records that were. */
static inline __attribute__((always_inline)) size_t
emit_forced(struct flow_cache *cache, flow_place index, enum flow_end_reason reason,
	    const struct flow_sink *sink, const unsigned int noted)
{
	if (__builtin_expect(cache->offload != NULL, 0))
		(void)flow_offload_take(cache, index);
	if (cache->is_bidirectional)
		return emit_forced_pair(cache, index, reason, sink);
	emit_alone(cache, index, reason, sink, noted);
	return 1;
}

/* Emit a flow with a timeout that is over for 'reason', and its reverse. Returns how many records
 * that were: none if the reverse keeps both here. Then the flow comes up again when that is due, so
 * it is touched once a timeout, like any flow whose packets move its deadline. */
static __attribute__((noinline)) size_t emit_due_pair(struct flow_cache *cache, flow_place index,
						      enum flow_end_reason reason,
						      const struct flow_sink *sink)
{
	const flow_place pair[2] = { index, reverse_of(cache, index) };
	enum flow_end_reason reasons[2];

	if (pair[1] == FLOW_NONE) {
		emit_alone_called(cache, index, reason, sink);
		return 1;
	}
	if (flow_pair_is_due(cache, pair, reasons)) {
		emit_pair(cache, pair, reasons, sink);
		return 2;
	}
	flow_wheel_disarm(cache, index);
	flow_wheel_arm_with(cache, index, pair[1]);
	return 0;
}

static inline __attribute__((always_inline)) size_t
emit_due(struct flow_cache *cache, flow_place index, enum flow_end_reason reason,
	 const struct flow_sink *sink, const unsigned int noted)
{
	if (cache->is_bidirectional)
		return emit_due_pair(cache, index, reason, sink);
	emit_alone(cache, index, reason, sink, noted);
	return 1;
}

static flow_place allocate_flow(struct flow_cache *cache, const struct flow_key *key)
{
	unsigned int part = flow_part(key);
	flow_place index = cache->flows_free[part];

	if (index == FLOW_NONE)
		return flow_place_in_part(cache, part, cache->flows_used[part]++);
	cache->flows_free[part] = flow_at(cache, index)->idle_next;
	return index;
}

static uint8_t class_of(const struct flow_cache *cache, const struct cached_flow *flow)
{
	return (uint8_t)expiry_class_of(flow->key.protocol,
					(uint8_t)(flow->tcp_flags & ~cache->expiry.ignored_flags));
}

/* Begin a record with this packet, in a flow whose key is set. */
static void begin_record(struct flow_cache *cache, flow_place index,
			 const struct packet_info *packet)
{
	struct cached_flow *flow = flow_at(cache, index);
	struct flow_cache_statistics *statistics = &cache->statistics;

	flow->packets = 1;
	flow->octets = packet->octets;
	flow->first_ms = packet->time_ms;
	flow->last_ms = packet->time_ms;
	flow->created = (uint32_t)cache->now;
	flow->seen = (uint32_t)cache->now;
	flow->tcp_flags = packet->tcp_flags;
	flow->expiry_class = class_of(cache, flow);
	flow_list_append(cache, index);
	flow_wheel_arm(cache, index);
	statistics->flows_created++;
	statistics->flows_cached++;
	if (statistics->flows_cached > statistics->flows_cached_peak)
		statistics->flows_cached_peak = statistics->flows_cached;
}

/* 'home' is the bucket of 'hash'. */
static inline __attribute__((always_inline)) struct cached_flow *
add_new_flow(struct flow_cache *cache, const struct packet_info *packet, struct bucket *home,
	     uint32_t hash, const struct flow_sink *sink, const unsigned int noted)
{
	struct cached_flow *flow;
	flow_place index;

	if (cache->statistics.flows_cached == cache->max_flows) {
		index = flow_wheel_nearest(cache);
		(void)emit_forced(cache, index, FLOW_END_lackOfResources, sink, noted);
		remove_left(cache, index);
	}
	index = allocate_flow(cache, &packet->key);
	flow = flow_at(cache, index);
	flow_marks_packet(cache, flow, (struct flow_sums){ 0 });
	flow_cache_copy_key(&flow->key, &packet->key);
	flow->hash = hash;
	begin_record(cache, index, packet);
	flow_index_insert(cache, home, index, hash);
	return flow;
}

/* Account a packet to the record that it belongs to. */
static inline void update_record(struct flow_cache *cache, struct cached_flow *flow,
				 const struct packet_info *packet)
{
	flow_marks_packet(cache, flow, flow->sums);
	flow->packets++;
	flow->octets += packet->octets;
	flow->seen = (uint32_t)cache->now;
	if (packet->time_ms < flow->first_ms)
		flow->first_ms = packet->time_ms;
	if (packet->time_ms > flow->last_ms)
		flow->last_ms = packet->time_ms;
	flow->tcp_flags |= packet->tcp_flags;
	if (packet->tcp_flags & (TCP_FLAG_FIN | TCP_FLAG_RST)) {
		flow_place index = flow_place_of(cache, flow);

		/* The deadline may come nearer: the lazy wheel only follows deadlines that move
		 * away. */
		flow->expiry_class = class_of(cache, flow);
		flow_wheel_disarm(cache, index);
		flow_wheel_arm(cache, index);
		if (cache->offload)
			flow_offload_end(cache, index);
	}
}

/* The record's time is over: hand it over, and begin the flow's next one with this packet. Returns
 * false if the reverse direction keeps it here. */
static bool renew_record(struct flow_cache *cache, struct cached_flow *flow,
			 enum flow_end_reason reason, const struct packet_info *packet,
			 const struct flow_sink *sink)
{
	flow_place index = flow_place_of(cache, flow);

	if (emit_due(cache, index, reason, sink, PACKET_NOTES_ALL) == 0)
		return false;
	flow_marks_packet(cache, flow, (struct flow_sums){ 0 });
	flow_marks_done(cache);
	flow_list_remove(cache, index);
	flow_wheel_disarm(cache, index);
	begin_record(cache, index, packet);
	if (cache->offload)
		flow_offload_renew(cache, index);
	return true;
}

/* Why a flow that a packet has come to must leave first; with what was counted of it, it may not.
 */
static inline __attribute__((always_inline)) enum flow_end_reason
reason_of(const struct flow_cache *cache, const struct cached_flow *flow)
{
	return flow_expiry_reason(&cache->expiry, flow->expiry_class,
				  flow_elapsed(cache, flow->created),
				  flow_elapsed(cache, flow->seen));
}

static __attribute__((noinline)) enum flow_end_reason
reason_with_counted(struct flow_cache *cache, const struct cached_flow *flow)
{
	(void)flow_offload_take(cache, flow_place_of(cache, flow));
	return reason_of(cache, flow);
}

/* 'flow' is what the index named for this packet before the batch began, or NULL. 'may_differ': the
 * columns of a flow that was named have to be looked at. Returns the flow that the packet has come
 * to. */
static inline __attribute__((always_inline)) struct cached_flow *
add_packet(struct flow_cache *cache, const struct packet_info *packet,
	   const struct packet_note *note, uint32_t hash, struct cached_flow *flow, bool may_differ,
	   const struct flow_sink *sink, const unsigned int noted)
{
	enum flow_end_reason reason;

	if (packet->clock_ms != cache->now)
		set_clock(cache, packet->clock_ms);
	if (!flow || !flow_index_key_equals(&packet->key, &flow->key)) {
		struct bucket *home = flow_index_home(cache, hash);
		flow_place index = flow_index_find_from(cache, home, &packet->key, hash);

		if (index == FLOW_NONE) {
			flow = add_new_flow(cache, packet, home, hash, sink, noted);
			if (noted)
				flow_columns_begin(cache, flow, packet, note, true, noted);
			return flow;
		}
		flow = flow_at(cache, index);
		may_differ = true;
	}
	reason = reason_of(cache, flow);
	if (reason != FLOW_END_none && cache->offload)
		reason = reason_with_counted(cache, flow);
	if (reason != FLOW_END_none && renew_record(cache, flow, reason, packet, sink)) {
		if (noted)
			flow_columns_begin(cache, flow, packet, note, false, noted);
		return flow;
	}
	if ((noted & PACKET_NOTE_BIT(tcp)) && cache->columns.tcp)
		flow_marks_track(cache, flow_number(cache, flow));
	update_record(cache, flow, packet);
	if (noted && may_differ)
		flow_columns_add(cache, flow, packet, note);
	return flow;
}

/* The packet just accounted to a flow stands for more than one. */
static void add_segments(struct flow_cache *cache, struct cached_flow *flow, uint64_t segments)
{
	flow->packets += segments;
	cache->statistics.packets_added += segments;
	cache->statistics.packets_cached += segments;
}

/* 'noted' is a constant, PACKET_NOTES_NONE where there are no columns: so nobody else pays for
 * them. So is 'offers'. */
static inline __attribute__((always_inline)) void
add_packets(struct flow_cache *cache, const struct packet_info *packets,
	    const struct packet_note *notes, size_t count, const struct flow_sink *sink,
	    const unsigned int noted, const bool offers)
{
	uint32_t hashes[FLOW_CACHE_BATCH];
	struct cached_flow *guesses[FLOW_CACHE_BATCH];
	uint64_t octets = 0;
	bool may_differ = false;

	/* Three passes: buckets are read side by side, and all flows are on their way early. */
	for (size_t i = 0; i < count; i++) {
		hashes[i] = flow_hash(&cache->hash_key, &packets[i].key);
		octets += packets[i].octets;
	}
	cache->statistics.packets_added += count;
	cache->statistics.packets_cached += count;
	cache->statistics.octets_added += octets;
	cache->statistics.octets_cached += octets;
	for (size_t i = 0; i < count; i++) {
		flow_place place;

		if (!flow_index_guess(cache, hashes[i], &place)) {
			guesses[i] = NULL;
			continue;
		}
		guesses[i] = flow_at(cache, place);
		if (noted && noted != PACKET_NOTES_ALL)
			may_differ |= flow_columns_differs(cache, place, &notes[i], noted);
	}
	if (noted == PACKET_NOTES_ALL)
		may_differ = flow_columns_differ(cache, guesses, notes, count);
	for (size_t i = 0; i < count; i++) {
		struct cached_flow *flow =
			add_packet(cache, &packets[i], noted ? &notes[i] : NULL, hashes[i],
				   guesses[i], may_differ, sink, noted);

		if (packets[i].packets_added)
			add_segments(cache, flow, packets[i].packets_added);
		flow_marks_added(cache);
		if (offers && flow->packets >= cache->offload->threshold)
			flow_offload_note(cache->offload, (uint32_t)i, flow_place_of(cache, flow));
	}
}

/* Flows have columns, and the caller notes nothing: a new flow must not have what another one left
 * there. A call away: its place on the stack costs nobody else. */
static __attribute__((noinline)) void add_unnoted(struct flow_cache *cache,
						  const struct packet_info *packets, size_t count,
						  const struct flow_sink *sink)
{
	const struct packet_note nothing[FLOW_CACHE_BATCH] = { 0 };

	flow_cache_add_noted(cache, packets, nothing, count, sink);
}

void flow_cache_add(struct flow_cache *cache, const struct packet_info *packets, size_t count,
		    const struct flow_sink *sink)
{
	if (__builtin_expect(cache->columns.set != 0, 0))
		add_unnoted(cache, packets, count, sink);
	else
		add_packets(cache, packets, NULL, count, sink, PACKET_NOTES_NONE, false);
}

void flow_cache_add_noted(struct flow_cache *cache, const struct packet_info *packets,
			  const struct packet_note *notes, size_t count,
			  const struct flow_sink *sink)
{
	switch (cache->columns.notes) {
#define COPY(name)                                                                           \
	case PACKET_NOTES_##name:                                                            \
		add_packets(cache, packets, notes, count, sink, PACKET_NOTES_##name, false); \
		break;
		PACKET_NOTES_NAMED(COPY)
#undef COPY
	default: add_packets(cache, packets, notes, count, sink, PACKET_NOTES_ALL, false);
	}
}

size_t flow_cache_add_offered(struct flow_cache *cache, const struct packet_info *packets,
			      const struct packet_note *notes, size_t count,
			      const struct flow_sink *sink,
			      const struct flow_offload_candidate **candidates)
{
	cache->offload->candidate_count = 0;
	add_packets(cache, packets, notes, count, sink, PACKET_NOTES_ALL, true);
	*candidates = cache->offload->candidates;
	return cache->offload->candidate_count;
}

void flow_cache_advance(struct flow_cache *cache, cache_ms now)
{
	set_clock(cache, now);
}

flow_place flow_cache_begin_flow(struct flow_cache *cache, const struct packet_info *packet,
				 const struct flow_sink *sink)
{
	const uint32_t hash = flow_hash(&cache->hash_key, &packet->key);

	set_clock(cache, packet->clock_ms);
	return flow_place_of(cache, add_new_flow(cache, packet, flow_index_home(cache, hash), hash,
						 sink, PACKET_NOTES_ALL));
}

static inline __attribute__((always_inline)) size_t expire_flows(struct flow_cache *cache,
								 cache_ms now, size_t budget,
								 const struct flow_sink *sink,
								 const unsigned int noted)
{
	size_t expired = 0;

	set_clock(cache, now);
	while (expired < budget) {
		flow_place index = cache->age.head;
		const struct cached_flow *flow;
		size_t records;

		/* The oldest flow if its active timeout is over, else whatever has been idle long
		 * enough. */
		if (index == FLOW_NONE ||
		    flow_elapsed(cache, flow_at(cache, index)->created) < cache->expiry.active_ms)
			index = flow_wheel_due(cache);
		if (index == FLOW_NONE)
			break;
		flow = flow_at(cache, index);
		if (__builtin_expect(cache->offload != NULL, 0) &&
		    reason_with_counted(cache, flow) == FLOW_END_none)
			continue; /* it was not idle */
		records = emit_due(cache, index, reason_of(cache, flow), sink, noted);
		if (records)
			remove_left(cache, index);
		expired += records;
	}
	return expired;
}

/* A copy for each: who has no columns does not pay for them, who has pays no call a record. */
size_t flow_cache_expire(struct flow_cache *cache, cache_ms now, size_t budget,
			 const struct flow_sink *sink)
{
	switch (cache->columns.notes) {
	case PACKET_NOTES_NONE: return expire_flows(cache, now, budget, sink, PACKET_NOTES_NONE);
#define COPY(name)                \
	case PACKET_NOTES_##name: \
		return expire_flows(cache, now, budget, sink, PACKET_NOTES_##name);
		PACKET_NOTES_NAMED(COPY)
#undef COPY
	default: return expire_flows(cache, now, budget, sink, PACKET_NOTES_ALL);
	}
}

cache_ms flow_cache_next_expiry(const struct flow_cache *cache)
{
	cache_ms active;
	cache_ms idle = flow_wheel_next(cache);

	if (cache->age.head == FLOW_NONE)
		return INT64_MAX;
	active = cache->now -
		 (cache_ms)flow_elapsed(cache, flow_at(cache, cache->age.head)->created) +
		 (cache_ms)cache->expiry.active_ms;
	return active < idle ? active : idle;
}

static inline __attribute__((always_inline)) size_t flush_flows(struct flow_cache *cache,
								cache_ms now, size_t budget,
								const struct flow_sink *sink,
								const unsigned int noted)
{
	size_t flushed = 0;

	set_clock(cache, now);
	while (flushed < budget && cache->age.head != FLOW_NONE) {
		flow_place index = cache->age.head;

		flushed += emit_forced(cache, index, FLOW_END_forcedEnd, sink, noted);
		remove_left(cache, index);
	}
	return flushed;
}

size_t flow_cache_flush(struct flow_cache *cache, cache_ms now, size_t budget,
			const struct flow_sink *sink)
{
	switch (cache->columns.notes) {
	case PACKET_NOTES_NONE: return flush_flows(cache, now, budget, sink, PACKET_NOTES_NONE);
#define COPY(name) \
	case PACKET_NOTES_##name: return flush_flows(cache, now, budget, sink, PACKET_NOTES_##name);
		PACKET_NOTES_NAMED(COPY)
#undef COPY
	default: return flush_flows(cache, now, budget, sink, PACKET_NOTES_ALL);
	}
}
