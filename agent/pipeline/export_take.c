/* export_take.c - takes records from the rings, completes them, and gives them to the exporter.
 *
 * Invariant: records are taken only while every collector has room, so what cannot be sent yet
 * stays in the rings and then in the caches. */
#include "export_take.h"

#include "export_complete.h"
#include "export_kept.h"

/* How many records are taken between two looks at the transports: about what one burst of datagrams
 * holds. */
#define RECORDS_PER_TURN 1024
/* A stage that stood still continues when there is plenty to do, not for each datagram that was
 * sent: what it works on has left the caches of the CPU meanwhile. The export thread stops when the
 * room of the collectors is down to a sixteenth, and continues at half; a worker continues when
 * half of its ring is free. Or, after this time, with any room. */
#define ROOM_MOST         64 /* of an empty queue; a spool may have more */
#define ROOM_SCARCE_SHIFT 4
#define ROOM_PLENTY_SHIFT 1
#define HOLD_US           50000

void export_take_set_origin(struct export_thread *thread, cache_ms origin_ms, unix_ms start_ms)
{
	thread->origin_ms = origin_ms;
	thread->start_ms = start_ms;
	thread->has_origin = true;
	exporter_set_start(thread->config.exporter, start_ms);
}

void export_take_set_time(struct export_thread *thread, cache_ms clock_ms, unix_ms now_ms)
{
	if (!thread->has_origin)
		export_take_set_origin(thread, clock_ms, now_ms);
	thread->time.unix_ms = now_ms;
	thread->time.uptime_ms = (uint32_t)(clock_ms - thread->origin_ms);
}

static inline void count_record(struct export_thread *thread, struct export_input *input,
				const struct flow_record *flow)
{
	if (!thread->config.is_live &&
	    (flow->expired_ms != thread->time.unix_ms || !thread->has_origin))
		export_take_set_time(thread, flow->expired_ms, flow->expired_ms);
	input->taken.records++;
	input->taken.packets += flow->packets;
	input->taken.octets += flow->octets;
}

/* Take the two oldest entries of a ring, the directions of a biflow: the worker publishes both at
 * once. The second one is left to pop. */
static __attribute__((noinline)) void take_pair(struct export_thread *thread,
						struct export_input *input,
						const struct export_record *forward, bool completes)
{
	struct export_record *own = &record_ring_peek_second(input->ring)->record;
	const struct export_record *reverse = own;
	struct export_record numbered;

	if (completes)
		reverse = export_complete(thread, own, &numbered);
	count_record(thread, input, &forward->flow);
	count_record(thread, input, &reverse->flow);
	exporter_add_pair(thread->config.exporter, forward, reverse, &thread->time);
	record_ring_pop(input->ring);
}

/* Sum of the marks of all workers, as far as options data show them. */
static __attribute__((noinline)) void
take_mark(struct export_thread *thread, struct export_input *input, const struct ring_mark *mark)
{
	struct ring_mark sum = thread->gone;

	input->mark = *mark;
	for (size_t i = 0; i < thread->config.input_count; i++)
		record_ring_add_mark(&sum, &thread->inputs[i].mark);
	exporter_set_workers(thread->config.exporter, &sum);
	if (!thread->config.is_live) {
		export_take_set_time(thread, mark->now, mark->now);
		exporter_advance(thread->config.exporter, &thread->time);
	}
}

static bool is_beyond_32_bits(const struct ring_entry *entry)
{
	const struct flow_record *flow = &entry->record.flow;

	return entry->kind == RING_RECORD && (flow->octets | flow->packets) > UINT32_MAX;
}

/* Whether a collector may get the oldest entry, or the reverse that is taken with it, in parts. */
static bool is_next_in_parts(const struct export_input *input)
{
	const struct ring_entry *entry = record_ring_peek(input->ring);

	return is_beyond_32_bits(entry) ||
	       (entry->kind == RING_RECORD && entry->record.flow.pairing == FLOW_forward &&
		is_beyond_32_bits(record_ring_peek_second(input->ring)));
}

/* Take one that is there, and the reverse of a forward direction. Returns how many entries. */
static inline size_t take_record(struct export_thread *thread, struct export_input *input,
				 const struct export_record *record, bool completes)
{
	if (record->flow.pairing == FLOW_forward) {
		take_pair(thread, input, record, completes);
		return 2;
	}
	count_record(thread, input, &record->flow);
	exporter_add(thread->config.exporter, record, &thread->time);
	return 1;
}

static __attribute__((noinline)) size_t take_completed(struct export_thread *thread,
						       struct export_input *input,
						       struct export_record *record)
{
	struct export_record numbered;

	return take_record(thread, input, export_complete(thread, record, &numbered), true);
}

/* Take up to 'count' entries of one ring, which are there, and the reverse of the last if that is
 * the forward direction of a biflow: it is there, too. Stops where the room must be asked for
 * again. Returns how many of 'count' are taken. */
static __attribute__((noinline)) size_t take_entries(struct export_thread *thread,
						     struct export_input *input, size_t count)
{
	const bool completes = export_complete_is_needed(thread);
	const bool splits = exporter_splits(thread->config.exporter);
	const size_t wanted = count;

	for (; count; count--) {
		struct ring_entry *entry = record_ring_peek(input->ring);

		if (splits && count < wanted && is_next_in_parts(input))
			break;
		if (__builtin_expect(entry->kind == RING_RECORD, 1)) {
			const size_t taken =
				completes ? take_completed(thread, input, &entry->record)
					  : take_record(thread, input, &entry->record, false);

			count -= count > 1 && taken > 1;
		} else if (entry->kind == RING_MARK) {
			take_mark(thread, input, &entry->mark);
		} else {
			input->has_ended = true;
		}
		record_ring_pop(input->ring);
	}
	return wanted - count;
}

size_t export_take_room(struct export_thread *thread, int64_t now_us)
{
	const size_t room = exporter_room(thread->config.exporter);

	if (room > thread->room_most)
		thread->room_most = room < ROOM_MOST ? room : ROOM_MOST;
	if (thread->is_held) {
		thread->is_held = !room || (room < thread->room_most >> ROOM_PLENTY_SHIFT &&
					    now_us < thread->held_until_us);
	} else if (room <= thread->room_most >> ROOM_SCARCE_SHIFT) {
		thread->is_held = true;
		thread->held_until_us = now_us + HOLD_US;
	}
	return thread->is_held ? 0 : room;
}

/* The worker may wait for room. */
static void offer_room(struct export_input *input, int64_t now_us)
{
	if (!record_ring_is_half_free(input->ring) && now_us - input->offered_us < HOLD_US)
		return;
	input->offered_us = now_us;
	wake_offer(input->worker_wake);
}

/* Places of what was taken are free again. */
static void release(struct export_input *input, int64_t now_us)
{
	if (!input->has_taken)
		return;
	input->has_taken = false;
	record_ring_release(input->ring);
	offer_room(input, now_us);
}

/* Take up to RECORDS_PER_TURN entries of one ring. */
static void take_turn(struct export_thread *thread, struct export_input *input, int64_t now_us)
{
	size_t taken = 0;
	size_t count;

	for (; taken < RECORDS_PER_TURN; taken += count) {
		const size_t room = export_take_room(thread, now_us);

		count = record_ring_waiting(input->ring);
		if (count > room)
			count = room;
		if (count > RECORDS_PER_TURN - taken)
			count = RECORDS_PER_TURN - taken;
		if (!count)
			break;
		count = take_entries(thread, input, count);
	}
	input->has_taken = taken != 0;
}

/* Another one is first each time: room that is scarce goes to all of them in turn. */
void export_take(struct export_thread *thread, int64_t now_us)
{
	for (size_t i = 0; i < thread->config.input_count; i++)
		take_turn(thread,
			  &thread->inputs[(thread->first_input + i) % thread->config.input_count],
			  now_us);
	if (++thread->first_input >= thread->config.input_count)
		thread->first_input = 0;
}

void export_take_release(struct export_thread *thread, int64_t now_us)
{
	if (thread->kept)
		export_kept_note(thread);
	for (size_t i = 0; i < thread->config.input_count; i++)
		release(&thread->inputs[i], now_us);
}

bool export_take_is_waiting(const struct export_thread *thread)
{
	for (size_t i = 0; i < thread->config.input_count; i++)
		if (record_ring_waiting(thread->inputs[i].ring))
			return true;
	return false;
}

int64_t export_take_hold_us(const struct export_thread *thread, int64_t now_us)
{
	if (!thread->is_held || !exporter_has_room(thread->config.exporter))
		return -1;
	return now_us < thread->held_until_us ? thread->held_until_us - now_us : 0;
}
