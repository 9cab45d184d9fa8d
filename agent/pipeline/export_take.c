/* export_take.c - takes records from the rings, completes them, and gives them to the exporter.
 *
 * Invariant: records are taken only while every collector has room, so what cannot be sent yet
 * stays in the rings and then in the caches. */
#include "export_take.h"

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

/* Masks of addresses that were cut to a prefix: not longer than that. Without a table the entries
 * are not set for each record, and may hold the masks of an earlier one in the same place. */
static void limit_masks(struct export_record *record, uint8_t prefix_length, bool has_table)
{
	uint8_t *masks[] = { &record->source.prefix_length, &record->destination.prefix_length };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		if (!has_table || *masks[i] == 0 || *masks[i] > prefix_length)
			*masks[i] = prefix_length;
}

/* From here on interfaces have the numbers that collectors see. */
static void number_interfaces(const struct interface_monitor *interfaces, struct flow_record *flow)
{
	uint32_t *const members[] = { &flow->key.input_interface, &flow->key.output_interface,
				      &flow->physical_input, &flow->physical_output };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		*members[i] = interface_monitor_number(interfaces, *members[i]);
}

/* Whether complete_record() has something to do. */
static bool completes_records(const struct export_thread *thread)
{
	return thread->watch_count || thread->config.asn_table || thread->config.applications ||
	       flow_key_prefix_length(&thread->config.flow_key, 4) ||
	       flow_key_prefix_length(&thread->config.flow_key, 6) ||
	       interface_monitor_has_rules(thread->config.interfaces);
}

/* What is looked up or changed for each record. */
static __attribute__((noinline)) void complete_record(const struct export_thread *thread,
						      struct export_record *record)
{
	struct flow_record *flow = &record->flow;
	uint8_t prefix_length =
		flow_key_prefix_length(&thread->config.flow_key, flow->key.ip_version);

	if (thread->config.asn_table) {
		const struct flow_key *key = &flow->key;

		asn_table_find(thread->config.asn_table, key->ip_version, flow_source_address(key),
			       &record->source);
		asn_table_find(thread->config.asn_table, key->ip_version,
			       flow_destination_address(key), &record->destination);
	}
	if (thread->config.applications)
		record->application =
			application_table_find(thread->config.applications, flow->key.protocol,
					       flow->key.source_port, flow->key.destination_port);
	if (prefix_length)
		limit_masks(record, prefix_length, thread->config.asn_table != NULL);
	for (size_t i = 0; i < thread->watch_count; i++)
		record_watch_give(thread->watches[i], record, thread->config.asn_table != NULL);
	if (interface_monitor_has_rules(thread->config.interfaces))
		number_interfaces(thread->config.interfaces, flow);
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

static inline void take_record(struct export_thread *thread, struct export_input *input,
			       const struct export_record *record)
{
	count_record(thread, input, &record->flow);
	exporter_add(thread->config.exporter, record, &thread->time);
}

/* Take the two oldest entries of a ring, the directions of a biflow: the worker publishes both at
 * once. The second one is left to pop. */
static __attribute__((noinline)) void take_pair(struct export_thread *thread,
						struct export_input *input,
						const struct export_record *forward, bool completes)
{
	struct export_record *reverse = &record_ring_peek_second(input->ring)->record;

	if (completes)
		complete_record(thread, reverse);
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

/* Take up to 'count' entries of one ring, which are there, and the reverse of the last if that is
 * the forward direction of a biflow: it is there, too. Stops where the room must be asked for
 * again. Returns how many of 'count' are taken. */
static __attribute__((noinline)) size_t take_entries(struct export_thread *thread,
						     struct export_input *input, size_t count)
{
	const bool completes = completes_records(thread);
	const bool splits = exporter_splits(thread->config.exporter);
	const size_t wanted = count;

	for (; count; count--) {
		struct ring_entry *entry = record_ring_peek(input->ring);

		if (splits && count < wanted && is_next_in_parts(input))
			break;
		if (__builtin_expect(entry->kind == RING_RECORD, 1)) {
			if (completes)
				complete_record(thread, &entry->record);
			if (entry->record.flow.pairing == FLOW_forward) {
				take_pair(thread, input, &entry->record, completes);
				count -= count > 1; /* two entries */
			} else {
				take_record(thread, input, &entry->record);
			}
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
	thread->first_input = (thread->first_input + 1) % thread->config.input_count;
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
