/* export_thread.c - takes records from the rings and drives the exporter.
 *
 * Records are taken only while every collector has room, so what cannot be sent yet stays in the
 * rings and then in the caches. The exporter's clock is real time when live; with files it is the
 * clock in the records and marks, so that datagrams do not depend on how fast the file is read.
 * Pacing always goes by real time. */
#include "export_thread.h"

#include "config.h"
#include "export_kept.h"
#include "exporter_change.h"
#include "log.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* How many records are taken between two looks at the transports: about what one burst of datagrams
 * holds. */
#define RECORDS_PER_TURN 1024
#define TURN_MAX_US      1000000 /* names are looked up and reports read at least this often */
#define LINKS_MS         100     /* while busy, messages of interfaces are looked for this often */
/* A stage that stood still continues when there is plenty to do, not for each datagram that was
 * sent: what it works on has left the caches of the CPU meanwhile. The export thread stops when the
 * room of the collectors is down to a sixteenth, and continues at half; a worker continues when
 * half of its ring is free. Or, after this time, with any room. */
#define ROOM_MOST         64 /* of an empty queue; a spool may have more */
#define ROOM_SCARCE_SHIFT 4
#define ROOM_PLENTY_SHIFT 1
#define HOLD_US           50000
/* At the end: how long without anything sent before what is left is given up and counted. */
#define PATIENCE_MS 2000
/* More collectors are looked at by time. */
#define DESCRIPTORS_MAX (CONFIG_COLLECTORS_MAX * EXPORTER_DESCRIPTORS)

_Static_assert(OWN_EXPORTS_MAX == 2 * CONFIG_COLLECTORS_MAX,
	       "own_exports has room for all collectors, and for all that were given up");

int export_thread_init(struct export_thread *thread, const struct export_thread_config *config)
{
	int result;

	*thread = (struct export_thread){ .config = *config };
	thread->wake.descriptor = thread->call.done = -1;
	thread->inputs = calloc(config->input_count, sizeof(*thread->inputs));
	result = thread->inputs ? wake_init(&thread->wake) : -ENOMEM;
	if (result == 0)
		result = thread_call_init(&thread->call, &thread->wake);
	if (result < 0)
		export_thread_clear(thread);
	return result;
}

void export_thread_connect(struct export_thread *thread, size_t number, struct record_ring *ring,
			   struct wake *worker_wake)
{
	thread->inputs[number] = (struct export_input){ .ring = ring, .worker_wake = worker_wake };
}

void export_thread_clear(struct export_thread *thread)
{
	interface_monitor_destroy(thread->config.interfaces);
	thread->config.interfaces = NULL;
	exporter_destroy(thread->config.exporter);
	thread->config.exporter = NULL;
	free(thread->inputs);
	thread->inputs = NULL;
	thread_call_clear(&thread->call);
	wake_clear(&thread->wake);
}

void export_thread_set_asn_table(void *owner, void *argument)
{
	struct export_thread *thread = owner;

	thread->config.asn_table = argument;
}

static void add_mark(struct ring_mark *sum, const struct ring_mark *part)
{
	sum->packets_read += part->packets_read;
	sum->packets_lost_kernel += part->packets_lost_kernel;
	sum->packets_ignored += part->packets_ignored;
	sum->octets_ignored += part->octets_ignored;
	sum->flows_created += part->flows_created;
}

static struct export_input *find_input(struct export_input *inputs, size_t count,
				       const struct record_ring *ring)
{
	for (size_t i = 0; i < count; i++)
		if (inputs[i].ring == ring)
			return &inputs[i];
	return NULL;
}

void export_thread_set_inputs(void *owner, void *argument)
{
	struct export_thread *thread = owner;
	struct export_inputs *next = argument;
	struct export_input *before = thread->inputs;
	const size_t count = thread->config.input_count;

	export_kept_stop(thread);
	for (size_t i = 0; i < count; i++) {
		struct export_input *same = find_input(next->inputs, next->count, before[i].ring);

		if (same)
			*same = before[i];
		else
			add_mark(&thread->gone, &before[i].mark);
	}
	thread->inputs = next->inputs;
	thread->config.input_count = next->count;
	*next = (struct export_inputs){ before, count };
}

void export_thread_look_for_end(void *owner, void *argument)
{
	struct export_thread *thread = owner;
	struct export_end *end = argument;
	const struct export_input *input =
		find_input(thread->inputs, thread->config.input_count, end->ring);

	end->has_come = !input || input->has_ended;
}

void export_thread_set_origin(struct export_thread *thread, cache_ms origin_ms, unix_ms start_ms)
{
	thread->origin_ms = origin_ms;
	thread->start_ms = start_ms;
	thread->has_origin = true;
	exporter_set_start(thread->config.exporter, start_ms);
}

void export_thread_watch(void *owner, void *argument)
{
	struct export_thread *thread = owner;
	struct export_watch *watch = argument;

	watch->result = thread->watch_count == RECORD_WATCHES ? -EBUSY : 0;
	if (!watch->result)
		thread->watches[thread->watch_count++] = watch->watch;
}

void export_thread_unwatch(void *owner, void *argument)
{
	struct export_thread *thread = owner;
	struct export_watch *watch = argument;

	for (size_t i = 0; i < thread->watch_count; i++)
		if (thread->watches[i] == watch->watch)
			thread->watches[i--] = thread->watches[--thread->watch_count];
	watch->result = 0;
}

/* The clock as the exporter sees it. */
static void set_time(struct export_thread *thread, cache_ms clock_ms, unix_ms now_ms)
{
	if (!thread->has_origin)
		export_thread_set_origin(thread, clock_ms, now_ms);
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
		set_time(thread, flow->expired_ms, flow->expired_ms);
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
		add_mark(&sum, &thread->inputs[i].mark);
	exporter_set_workers(thread->config.exporter, &sum);
	if (!thread->config.is_live) {
		set_time(thread, mark->now, mark->now);
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

/* How many entries may be taken before asking again. */
static size_t room_to_take(struct export_thread *thread, int64_t now_us)
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
		const size_t room = room_to_take(thread, now_us);

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
static void take_from_all(struct export_thread *thread, int64_t now_us)
{
	for (size_t i = 0; i < thread->config.input_count; i++)
		take_turn(thread,
			  &thread->inputs[(thread->first_input + i) % thread->config.input_count],
			  now_us);
	thread->first_input = (thread->first_input + 1) % thread->config.input_count;
}

/* Places in the rings of what was taken are free again, once that is noted. */
static void release_all(struct export_thread *thread, int64_t now_us)
{
	if (thread->kept)
		export_kept_note(thread);
	for (size_t i = 0; i < thread->config.input_count; i++)
		release(&thread->inputs[i], now_us);
}

/* What the kernel says of interfaces. While the thread is busy it does not poll, so it looks by
 * itself then. */
static void read_links(struct export_thread *thread, int64_t now_ms)
{
	if (!thread->has_link_messages && now_ms - thread->links_read_ms < LINKS_MS)
		return;
	thread->links_read_ms = now_ms;
	thread->has_link_messages = interface_monitor_read(thread->config.interfaces, now_ms);
}

static void publish_remotes(struct export_thread *thread, int64_t now_ms)
{
	struct export_remote remotes[CONFIG_COLLECTORS_MAX];
	size_t count = exporter_remotes(thread->config.exporter, remotes, CONFIG_COLLECTORS_MAX);

	own_exports_set(thread->config.own_exports, remotes,
			count < CONFIG_COLLECTORS_MAX ? count : CONFIG_COLLECTORS_MAX, now_ms);
}

static bool all_inputs_have_ended(const struct export_thread *thread)
{
	for (size_t i = 0; i < thread->config.input_count; i++)
		if (!thread->inputs[i].has_ended)
			return false;
	return true;
}

/* What is worth waiting for at the end: records and datagrams that wait, and whether it is for a
 * reader: of standard output, say, as any program does. A live agent does not wait for collectors
 * that were known to be down before. */
struct awaited {
	uint64_t waiting;
	bool has_reader;
};

static struct awaited find_awaited(const struct export_thread *thread)
{
	struct awaited awaited = { 0 };

	for (size_t i = 0; i < exporter_collector_count(thread->config.exporter); i++) {
		struct collector_status status;

		exporter_collector_status(thread->config.exporter, i, &status);
		if (thread->config.is_live && status.is_known_down)
			continue;
		awaited.waiting += status.ledger.waiting.records + status.queued_datagrams;
		awaited.has_reader |= status.waits_for_reader;
	}
	return awaited;
}

static bool is_abandoned(const struct export_thread *thread)
{
	return atomic_load_explicit(&thread->abandon_requested, memory_order_relaxed);
}

/* All records are in: close the last datagrams, wait until they are sent, give up what nobody
 * takes. Returns whether there is more to do at once. */
static bool finish(struct export_thread *thread, int64_t now_ms, bool has_more)
{
	struct awaited awaited;
	uint64_t one = 1;

	if (!thread->has_closed) {
		exporter_finish(thread->config.exporter, &thread->time);
		thread->has_closed = true;
		thread->progress_ms = now_ms;
		thread->progress_waiting = UINT64_MAX;
		return true;
	}
	if (exporter_is_leaving(thread->config.exporter) && !is_abandoned(thread))
		return false;
	awaited = find_awaited(thread);
	if (awaited.waiting < thread->progress_waiting) {
		thread->progress_waiting = awaited.waiting;
		thread->progress_ms = now_ms;
	}
	if (has_more && awaited.waiting && !is_abandoned(thread) &&
	    (now_ms - thread->progress_ms < PATIENCE_MS || awaited.has_reader))
		return false;
	exporter_abandon(thread->config.exporter);
	thread->has_finished = true;
	(void)!write(thread->config.finished_descriptor, &one, sizeof(one));
	return false;
}

static bool is_input_waiting(const struct export_thread *thread)
{
	for (size_t i = 0; i < thread->config.input_count; i++)
		if (record_ring_waiting(thread->inputs[i].ring))
			return true;
	return false;
}

/* When the hold ends for want of plenty, from now on; -1: not by time. */
static int64_t hold_left_us(const struct export_thread *thread, int64_t now_us)
{
	if (!thread->is_held || !exporter_has_room(thread->config.exporter))
		return -1;
	return now_us < thread->held_until_us ? thread->held_until_us - now_us : 0;
}

/* The sooner of two waits, of which -1 is never. */
static int64_t sooner(int64_t one, int64_t other)
{
	return one < 0 || (other >= 0 && other < one) ? other : one;
}

/* Sleep until there are records that can be taken, a call, or 'more_in_us' (-1: not by time) is
 * over. */
static void sleep_until_work(struct export_thread *thread, int64_t more_in_us)
{
	struct pollfd descriptors[2 + DESCRIPTORS_MAX] = {
		{ .fd = thread->wake.descriptor, .events = POLLIN },
		{ .fd = interface_monitor_descriptor(thread->config.interfaces), .events = POLLIN },
	};
	const size_t count =
		2 + exporter_descriptors(thread->config.exporter, &descriptors[2], DESCRIPTORS_MAX);
	const int64_t timeout_us = sooner(more_in_us, TURN_MAX_US);
	const struct timespec timeout = { .tv_sec = (time_t)(timeout_us / 1000000),
					  .tv_nsec = (long)(timeout_us % 1000000 * 1000) };

	wake_prepare(&thread->wake, !thread->is_held);
	if (!thread_call_is_waiting(&thread->call) && !atomic_load(&thread->quit_requested) &&
	    (thread->is_held || !is_input_waiting(thread)) && !thread->has_link_messages) {
		thread_call_does(&thread->call, "waiting for records");
		(void)ppoll(descriptors, count, &timeout, NULL);
	}
	thread->has_link_messages |= descriptors[1].revents != 0;
	wake_finish(&thread->wake, descriptors[0].revents != 0);
}

/* The exporter's own clock, when it is that of the machine. Returns when it has to move again, in
 * microseconds, -1 if nothing waits for it. Once all is in it stands still: what it brought, the
 * next file or statistics, would only have to be sent as well. */
static int64_t advance(struct export_thread *thread)
{
	int64_t next_ms;

	if (!thread->config.is_live || thread->has_closed)
		return -1;
	exporter_advance(thread->config.exporter, &thread->time);
	next_ms = exporter_next(thread->config.exporter);
	return next_ms < 0 ? -1 : next_ms * 1000;
}

#ifdef FLOWAGENT_INVARIANTS
/* Taken = sent + waiting + lost, for each collector: in records, packets and octets. */
static void check_invariants(const struct export_thread *thread)
{
	size_t count = exporter_collector_count(thread->config.exporter);
	struct collector_ledger all;
	bool closes;

	exporter_ledger(thread->config.exporter, &all);
	closes = collector_ledger_closes(&all);
	for (size_t i = 0; i < count; i++) {
		struct collector_status status;

		exporter_collector_status(thread->config.exporter, i, &status);
		closes = closes && collector_ledger_closes(&status.ledger);
	}
	if (!closes) {
		log_error("a collector's ledger does not close: a defect of this program");
		abort();
	}
}
#else
static void check_invariants(const struct export_thread *thread)
{
	(void)thread;
}
#endif

static void export_turn(struct export_thread *thread)
{
	int64_t now_us = time_now_us(CLOCK_MONOTONIC);
	int64_t next_us, more_in_us;
	bool goes_on;

	thread_call_answer(&thread->call, thread);
	if (thread->config.is_live)
		set_time(thread, now_us / 1000, time_now_ms(CLOCK_REALTIME));
	thread_call_does(&thread->call, "reading what the kernel says of interfaces");
	read_links(thread, now_us / 1000);
	thread_call_does(&thread->call, "taking records from the workers");
	take_from_all(thread, now_us);
	next_us = advance(thread);
	release_all(thread, now_us);
	thread_call_does(&thread->call, "sending");
	/* Workers know our ends before the first packet leaves from there. */
	exporter_poll(thread->config.exporter, now_us);
	publish_remotes(thread, now_us / 1000);
	more_in_us = exporter_send(thread->config.exporter, now_us);
	goes_on = room_to_take(thread, now_us) && is_input_waiting(thread);
	/* What still comes out of caches and rings gets room, and is sent or lost in turn. */
	if (is_abandoned(thread) && thread->is_held) {
		exporter_abandon(thread->config.exporter);
		goes_on = true;
	}
	if (!thread->has_finished && all_inputs_have_ended(thread))
		goes_on |= finish(thread, now_us / 1000, more_in_us >= 0);
	check_invariants(thread);
	if (!goes_on)
		sleep_until_work(thread,
				 sooner(sooner(more_in_us, next_us), hold_left_us(thread, now_us)));
}

static void *export_main(void *context)
{
	struct export_thread *thread = context;

	while (!atomic_load_explicit(&thread->quit_requested, memory_order_relaxed))
		export_turn(thread);
	return NULL;
}

int export_thread_start(struct export_thread *thread)
{
	int result = pthread_create(&thread->thread, NULL, export_main, thread);

	thread->is_running = result == 0;
	return -result;
}

void export_thread_join(struct export_thread *thread)
{
	if (!thread->is_running)
		return;
	atomic_store(&thread->quit_requested, true);
	wake_signal(&thread->wake);
	(void)pthread_join(thread->thread, NULL);
	thread->is_running = false;
}
