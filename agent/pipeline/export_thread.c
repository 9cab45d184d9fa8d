/* export_thread.c - the turns of the export thread: take records, drive the exporter, sleep, end.
 *
 * The exporter's clock is real time when live; with files it is the clock in the records and marks,
 * so that datagrams do not depend on how fast the file is read. Pacing always goes by real time. */
#include "export_thread.h"

#include "config.h"
#include "export_kept.h"
#include "export_take.h"
#include "exporter_change.h"
#include "log.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TURN_MAX_US 1000000 /* names are looked up and reports read at least this often */
#define LINKS_MS    100     /* while busy, messages of interfaces are looked for this often */
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
	export_nat_close(&thread->config.nat);
	export_owner_destroy(thread->config.owner);
	thread->config.owner = NULL;
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

	for (size_t i = 0; i < count; i++) {
		struct export_input *same = find_input(next->inputs, next->count, before[i].ring);

		if (same)
			*same = before[i];
		else
			record_ring_add_mark(&thread->gone, &before[i].mark);
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
	const int64_t turn_us = thread->config.nat.conntrack ? EXPORT_NAT_TURN_US : TURN_MAX_US;
	const int64_t timeout_us = sooner(more_in_us, turn_us);
	const struct timespec timeout = { .tv_sec = (time_t)(timeout_us / 1000000),
					  .tv_nsec = (long)(timeout_us % 1000000 * 1000) };

	wake_prepare(&thread->wake, !thread->is_held);
	if (!thread_call_is_waiting(&thread->call) && !atomic_load(&thread->quit_requested) &&
	    (thread->is_held || !export_take_is_waiting(thread)) && !thread->has_link_messages) {
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

/* While flows of the last agent move in, a third agent would begin with the same datagrams. */
static void look_for_flows(struct export_thread *thread)
{
	if (!thread->awaited || atomic_load(thread->awaited))
		return;
	exporter_hold(thread->config.exporter, false);
	thread->awaited = NULL;
}

static void export_turn(struct export_thread *thread)
{
	int64_t now_us = time_now_us(CLOCK_MONOTONIC);
	int64_t next_us, more_in_us;
	bool goes_on;

	thread_call_answer(&thread->call, thread);
	look_for_flows(thread);
	if (thread->config.is_live)
		export_take_set_time(thread, now_us / 1000, time_now_ms(CLOCK_REALTIME));
	thread_call_does(&thread->call, "reading what the kernel says of interfaces");
	read_links(thread, now_us / 1000);
	if (thread->config.nat.conntrack) {
		thread_call_does(&thread->call, "reading what the kernel translates");
		export_nat_read(&thread->config.nat, now_us / 1000);
	}
	if (thread->config.owner)
		export_owner_look(thread->config.owner, now_us / 1000);
	thread_call_does(&thread->call, "looking after connections");
	/* Before records are taken: they may say which address they are sent from. */
	exporter_poll(thread->config.exporter, now_us);
	/* Workers know our ends before the first packet leaves from there. */
	publish_remotes(thread, now_us / 1000);
	thread_call_does(&thread->call, "taking records from the workers");
	export_take(thread, now_us);
	next_us = advance(thread);
	if (thread->config.owner)
		next_us = sooner(next_us, export_owner_next_us(thread->config.owner));
	export_take_release(thread, now_us);
	thread_call_does(&thread->call, "sending");
	more_in_us = exporter_send(thread->config.exporter, now_us);
	goes_on = (export_take_room(thread, now_us) && export_take_is_waiting(thread)) ||
		  thread->config.nat.has_more;
	/* What still comes out of caches and rings gets room, and is sent or lost in turn. */
	if (is_abandoned(thread) && thread->is_held) {
		exporter_abandon(thread->config.exporter);
		goes_on = true;
	}
	if (!thread->has_finished && all_inputs_have_ended(thread))
		goes_on |= finish(thread, now_us / 1000, more_in_us >= 0);
	check_invariants(thread);
	if (!goes_on)
		sleep_until_work(thread, sooner(sooner(more_in_us, next_us),
						export_take_hold_us(thread, now_us)));
}

/* Whether all that workers have given has gone, or does not go for too long. */
static bool can_rest(struct export_thread *thread)
{
	const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);

	if (!thread->pausing_ms)
		thread->pausing_ms = now_ms;
	if (now_ms - thread->pausing_ms >= PATIENCE_MS)
		return true;
	if (export_take_is_waiting(thread))
		return false;
	if (!thread->has_paused)
		exporter_finish(thread->config.exporter, &thread->time);
	thread->has_paused = true;
	return !find_awaited(thread).waiting;
}

/* Returns whether it has stood still. */
static bool rests(struct export_thread *thread)
{
	const bool is_wanted = thread_rest_is_wanted(&thread->rest);

	if (is_wanted && !can_rest(thread))
		return false;
	thread->pausing_ms = 0;
	thread->has_paused = false;
	if (!is_wanted)
		return false;
	thread_call_does(&thread->call, "resting while another agent takes over");
	thread_rest_wait(&thread->rest, &thread->quit_requested);
	return true;
}

static void *export_main(void *context)
{
	struct export_thread *thread = context;

	thread_rest_wait(&thread->start, &thread->quit_requested);
	while (!atomic_load_explicit(&thread->quit_requested, memory_order_relaxed))
		if (!rests(thread))
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
