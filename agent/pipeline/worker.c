/* worker.c - one capture source, one shard of the cache, one thread.
 *
 * A turn: read a batch, decode it, account it, hand over what is due, and let the export thread see
 * it. A turn is begun only if the ring has room for all records that it may produce, so no record
 * is ever without a place: when the exporter is slow, records stay in the cache, and packets in the
 * kernel's queue or in the file. */
#include "worker.h"

#include "fault_text.h"
#include "log.h"
#include "time_now.h"
#include "worker_decode.h"
#include "worker_inherit.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define RING_ENTRIES 8192
/* Records of one batch, the reverse of the last record handed over, a mark and the end. */
#define RING_RESERVE (FLOW_CACHE_BATCH * FLOW_CACHE_RECORDS_AT_ONCE + 3)

/* Datagrams whose first fragment is remembered: half as many as flows, and this at least. */
#define FRAGMENTS_REMEMBERED_MIN 4096
#define RING_NEARLY_EMPTY        1024
/* While it leaves: between two looks whether the export thread has taken enough. */
#define LEAVING_MS       10
#define MARK_INTERVAL_MS 1000
/* In a gap of a file of this length its clock stops where flows are due. */
#define FILE_GAP_MS 1000
/* At most one batch of 32 packets in this time is looked at for duplicates. That is 340
 * instructions for each of them, so 110,000 a second at most: 2 % of what 12,000 packets cost. */
#define DUPLICATES_INTERVAL_MS 100

static uint32_t fragments_remembered(uint32_t max_flows)
{
	return max_flows / 2 > FRAGMENTS_REMEMBERED_MIN ? max_flows / 2 : FRAGMENTS_REMEMBERED_MIN;
}

/* What needs no release. */
static void set_up(struct worker *worker, const struct worker_config *config)
{
	const struct source_config *source = config->source;

	*worker = (struct worker){
		.name = source->name,
		.label = source->label,
		.type = source->type,
		.cpu = source->cpu,
		.own_exports = config->own_exports,
		.export_wake = config->export_wake,
		.mtus = config->mtus,
		.splits_superpackets = config->splits_superpackets,
		.has_columns = config->cache.columns != 0,
		.duplicates_due_ms = source->type->has_rules ? 0 : INT64_MAX,
		.last_packet_ms = -1,
		.step_view = SIZE_MAX,
		.last_mark_ms = INT64_MIN / 2,
		.handed_over_tick = INT64_MIN,
	};
	flow_key_mask_init(&worker->key_mask, &config->flow_key,
			   source->has_side ? source->side : FLOW_KEY_NO_SIDE);
	duplicate_detector_init(&worker->duplicates, config->cache.hash_key);
	source_sampling_init(&worker->sampling, &source->sampling, config->samplers,
			     config->sampling_seed);
	worker->wake.descriptor = worker->call.done = -1;
}

static int allocate(struct worker *worker, const struct worker_config *config,
		    struct error_text *error)
{
	const struct flow_cache_config *cache = &config->cache;
	int result;

	worker->cache = flow_cache_create(cache);
	worker->fragments =
		fragment_table_create(fragments_remembered(cache->max_flows), cache->hash_key);
	worker->ring = record_ring_create(RING_ENTRIES);
	if (!worker->cache || !worker->fragments || !worker->ring) {
		result = -errno;
		error_text_set(error, "%s: no memory for %u flows: %s", worker->name,
			       cache->max_flows, fault_text(errno));
		if (result == -ENOMEM)
			error_text_hint(error, "choose a smaller max-flows");
		return result;
	}
	result = wake_init(&worker->wake);
	if (result == 0)
		result = thread_call_init(&worker->call, &worker->wake);
	if (result < 0)
		error_text_set(error, "%s: eventfd: %s", worker->name, fault_text(-result));
	return result;
}

int worker_init(struct worker *worker, const struct worker_config *config, struct error_text *error)
{
	int result;

	set_up(worker, config);
	result = allocate(worker, config, error);
	if (result == 0)
		result = capture_source_open(&worker->source, config->source, config->kept, error);
	if (result < 0)
		worker_clear(worker);
	return result;
}

void worker_clear(struct worker *worker)
{
	worker_inherit_clear(worker);
	capture_source_close(&worker->source);
	flow_cache_destroy(worker->cache);
	worker->cache = NULL;
	fragment_table_destroy(worker->fragments);
	worker->fragments = NULL;
	record_ring_destroy(worker->ring);
	worker->ring = NULL;
	thread_call_clear(&worker->call);
	wake_clear(&worker->wake);
}

void worker_read_ledger(struct worker *worker, struct worker_ledger *ledger)
{
	struct capture_statistics capture;

	capture_source_statistics(&worker->source, &capture);
	*ledger = worker->ledger;
	ledger->packets_lost_kernel = capture.packets_lost;
	flow_cache_statistics(worker->cache, &ledger->cache);
	ledger->fragments = *fragment_table_statistics(worker->fragments);
	ledger->fragments.first += worker->fragments_before.first;
	ledger->fragments.matched += worker->fragments_before.matched;
	ledger->fragments.unmatched += worker->fragments_before.unmatched;
	ledger->fragments.replaced += worker->fragments_before.replaced;
	ledger->duplicates = worker->duplicates.statistics;
}

static struct flow_record *place_record(void *context)
{
	struct ring_entry *entry = record_ring_push(context);

	entry->kind = RING_RECORD;
	return &entry->record.flow;
}

/* Report once if the rule makes us work harder than need be. */
static void watch_messages(struct worker *worker)
{
	struct capture_statistics capture;

	if (!worker->type->has_rules)
		return;
	capture_source_statistics(&worker->source, &capture);
	if (message_watch_update(&worker->message_watch, worker->clock_ms, capture.messages,
				 worker->ledger.packets_read))
		log_event(LOG_LEVEL_warning, "single-packets", worker->name,
			  "%s: the rule hands over packets one by one, which costs the server "
			  "several times the CPU time: take --nflog-threshold or queue-threshold "
			  "out of it",
			  worker->name);
}

static void push_mark(struct worker *worker)
{
	struct worker_ledger ledger;
	struct ring_entry *entry = record_ring_push(worker->ring);

	worker_read_ledger(worker, &ledger);
	watch_messages(worker);
	entry->kind = RING_MARK;
	entry->mark = (struct ring_mark){
		.now = worker->clock_ms,
		.packets_read = ledger.packets_read + ledger.packets_split,
		.packets_lost_kernel = ledger.packets_lost_kernel,
		.packets_ignored = worker_ledger_ignored(&ledger),
		.octets_ignored = ledger.octets_ignored,
		.flows_created = ledger.cache.flows_created,
	};
	worker->last_mark_ms = worker->clock_ms;
}

#ifdef FLOWAGENT_INVARIANTS
/* The ledger closes, and the cache agrees with itself; the full walk only
 * now and then. */
static void check_invariants(struct worker *worker)
{
	struct worker_ledger ledger;

	worker_read_ledger(worker, &ledger);
	if (!worker_ledger_closes(&ledger) || (ledger.packets_read % 4096 < FLOW_CACHE_BATCH &&
					       !flow_cache_is_consistent(worker->cache))) {
		log_error("%s: the ledger does not close: a defect of this program", worker->name);
		abort();
	}
}
#else
static void check_invariants(struct worker *worker)
{
	(void)worker;
}
#endif

/* Two rules that log the same packets double every flow. The sample is bounded by time, so that it
 * costs nothing where packets are many. */
__attribute__((noinline)) static void
look_for_duplicates(struct worker *worker, const struct packet_view *views, size_t count)
{
	const bool was_suspected = worker->duplicates.statistics.sources_suspected != 0;

	worker->duplicates_due_ms = worker->clock_ms + DUPLICATES_INTERVAL_MS;
	if (duplicate_detector_sample(&worker->duplicates, views, count))
		log_problem(LOG_LEVEL_warning, "duplicates", "duplicates", worker->name,
			    "%s%s%s: the same packets come twice, so their flows count twice: two "
			    "rules log them (see agentctl rules status)",
			    worker->name, *worker->label ? " " : "", worker->label);
	else if (was_suspected && !worker->duplicates.statistics.sources_suspected)
		log_problem_over("duplicates", worker->name);
}

/* Have everything that is cached handed over before more is accounted. */
static void end_flows(struct worker *worker)
{
	struct flow_cache_statistics statistics;

	flow_cache_statistics(worker->cache, &statistics);
	worker->flush_left = statistics.flows_cached;
}

/* The clock of the machine has been set: find the first view after that. */
__attribute__((noinline)) static void note_clock_step(struct worker *worker, unix_ms now_ms,
						      int64_t step_ms)
{
	worker->step_view = clock_step_first(worker->views, worker->view_count, now_ms, step_ms);
	log_event(LOG_LEVEL_notice, "clock-step", worker->name,
		  "%s: the clock was set by %+.3f s: flows that are open end before that",
		  worker->name, (double)step_ms / 1000);
}

/* Live packets have come: are they of the same time as those before? Coarse clocks, as a step of
 * less than a tick is none. */
static void look_at_clock(struct worker *worker)
{
	const int64_t monotonic_ms = time_now_ms(CLOCK_MONOTONIC_COARSE);
	const unix_ms now_ms = time_now_ms(CLOCK_REALTIME_COARSE);
	const int64_t step_ms = clock_step_look(&worker->clock_step, monotonic_ms, now_ms);

	if (__builtin_expect(step_ms != 0, 0))
		note_clock_step(worker, now_ms, step_ms);
}

/* Account what waits in worker->views, as far as worker_decode() goes. 'notes' is a constant NULL
 * where flows have no columns. */
static inline __attribute__((always_inline)) void account_views(struct worker *worker,
								struct packet_note *notes)
{
	const struct flow_sink sink = { place_record, worker->ring };
	const struct packet_view *views = &worker->views[worker->view_next];
	const struct packet_view *end =
		&worker->views[worker->step_view < worker->view_count ? worker->step_view
								      : worker->view_count];
	const struct packet_view *next;
	struct packet_info infos[FLOW_CACHE_BATCH];
	size_t accounted, count;

	if (worker->own_exports)
		own_exports_read(worker->own_exports, &worker->own_list);
	next = worker_decode(worker, views, end, infos, notes, &accounted);
	count = (size_t)(next - views);
	worker->view_next += count;
	worker->ledger.packets_read += count;
	if (worker->clock_ms >= worker->duplicates_due_ms)
		look_for_duplicates(worker, views, count);
	if (worker->key_mask.has_effect)
		flow_key_mask_apply(&worker->key_mask, infos, accounted);
	if (notes)
		flow_cache_add_noted(worker->cache, infos, notes, accounted, &sink);
	else
		flow_cache_add(worker->cache, infos, accounted, &sink);
	check_invariants(worker);
}

/* A call away: their place on the stack costs nobody else. */
static __attribute__((noinline)) void account_noted(struct worker *worker)
{
	struct packet_note notes[FLOW_CACHE_BATCH];

	account_views(worker, notes);
}

static void account(struct worker *worker)
{
	if (worker->has_columns)
		account_noted(worker);
	else
		account_views(worker, NULL);
}

static void end_input(struct worker *worker, int result, const struct error_text *error)
{
	worker->has_ended = true;
	if (result < 0 && result != -ENODATA) {
		worker->failure = *error;
		log_problem_text("failed", worker->name, error);
	}
}

/* Have packets in worker->views, if the source has any. */
static void read_views(struct worker *worker)
{
	struct error_text error; /* filled when result < 0 */
	int result;

	if (worker->view_next < worker->view_count)
		return;
	if (worker->step_view != SIZE_MAX)
		return; /* flows have to end first */
	result = capture_source_read(&worker->source, worker->views, FLOW_CACHE_BATCH, &error);
	worker->view_next = 0;
	worker->view_count = result > 0 ? (size_t)result : 0;
	if (result < 0)
		end_input(worker, result, &error);
	if (result > 0 && worker->type->is_live) {
		worker->last_packet_ms = worker->clock_ms;
		look_at_clock(worker);
	}
}

/* Where a file's clock goes next on its way to a packet. In a gap it stops in each tick in which a
 * flow is due, so that records leave at the time that they would leave at live. What is due is
 * handed over before the clock continues, so the stops do not depend on the room in the ring. */
static cache_ms next_file_ms(const struct worker *worker, cache_ms packet_ms)
{
	const int64_t tick = worker_decode_tick(worker->clock_ms);
	cache_ms next_ms;

	if (packet_ms <= worker->clock_ms || tick != worker->handed_over_tick)
		return worker->clock_ms;
	if (packet_ms - worker->clock_ms < FILE_GAP_MS)
		return packet_ms;
	next_ms = flow_cache_next_expiry(worker->cache);
	if (worker_decode_tick(next_ms) <= tick)
		next_ms = (tick + 1) * (1 << WORKER_DECODE_TICK_SHIFT);
	return next_ms < packet_ms ? next_ms : packet_ms;
}

/* Set the clock to now: the real one, or that of the next packet. */
static void advance_clock(struct worker *worker)
{
	if (worker->type->is_live) {
		worker->clock_ms = time_now_ms(CLOCK_MONOTONIC);
	} else if (worker->view_next < worker->view_count) {
		const cache_ms packet_ms = worker->views[worker->view_next].time_ms;

		/* The first one may be before 1970. */
		worker->clock_ms = worker->has_clock ? next_file_ms(worker, packet_ms) : packet_ms;
	} else {
		return;
	}
	worker->has_clock = true;
}

/* Whether a file's clock is still on its way to the next packet. */
static bool is_in_gap(const struct worker *worker)
{
	return !worker->type->is_live &&
	       worker->views[worker->view_next].time_ms > worker->clock_ms;
}

/* Whether nothing may stay in the cache. */
static bool leaves_all(const struct worker *worker)
{
	return worker->has_ended && !worker->keeps_flows;
}

/* Hand over what is due, has been asked for, or is left at the end, as far as the ring has room.
 * Returns whether that was all. */
static bool hand_over(struct worker *worker)
{
	const struct flow_sink sink = { place_record, worker->ring };
	uint32_t budget = record_ring_room(worker->ring) - RING_RESERVE;
	size_t flushed;

	if (!leaves_all(worker) && !worker->flush_left)
		return flow_cache_expire(worker->cache, worker->clock_ms, budget, &sink) < budget;
	if (!leaves_all(worker) && worker->flush_left < budget)
		budget = (uint32_t)worker->flush_left;
	flushed = flow_cache_flush(worker->cache, worker->clock_ms, budget, &sink);
	worker->flush_left =
		flushed && worker->flush_left > flushed ? worker->flush_left - flushed : 0;
	return !worker->flush_left && !(leaves_all(worker) && flushed >= budget);
}

static bool cache_is_empty(const struct worker *worker)
{
	struct flow_cache_statistics statistics;

	flow_cache_statistics(worker->cache, &statistics);
	return statistics.flows_cached == 0;
}

/* Before a live source is stopped: everything cached is handed over, and nearly all of it taken,
 * while packets are still read. Collectors may be slow to take it, and what the rule matches
 * meanwhile is accounted. Returns whether that is done. */
static bool has_left(struct worker *worker)
{
	if (!worker->is_leaving && worker->type->is_live && !worker->has_ended)
		end_flows(worker);
	worker->is_leaving = true;
	return worker->has_ended || !worker->type->is_live ||
	       (!worker->flush_left &&
		record_ring_room(worker->ring) > RING_ENTRIES - RING_NEARLY_EMPTY);
}

/* Whether the source gives what it had taken before, then its end. */
static bool end_source(struct worker *worker)
{
	return atomic_load(&worker->hold_requested) ? capture_source_hold(&worker->source)
						    : capture_source_stop(&worker->source);
}

/* Stop was asked for. A source that can stop in order still gives what it had taken before; a file
 * ends here. */
static void begin_stop(struct worker *worker)
{
	if (worker->is_stopping || worker->inheritance.parts)
		return;
	worker->keeps_flows = worker->type->is_live && atomic_load(&worker->hold_requested);
	if (!worker->keeps_flows && !has_left(worker))
		return;
	worker->is_stopping = true;
	if (worker->has_ended || !end_source(worker)) {
		worker->view_next = worker->view_count;
		worker->has_ended = true;
	}
}

/* From a file, timeouts are looked at once a tick: when its first packet has set the clock. */
static bool is_hand_over_due(const struct worker *worker)
{
	return worker->type->is_live || worker->has_ended || worker->flush_left ||
	       worker_decode_tick(worker->clock_ms) != worker->handed_over_tick;
}

/* How long to sleep if nothing happens. Without room, time brings nothing to do. */
static cache_ms sleep_ms(const struct worker *worker, bool has_room)
{
	cache_ms until_expiry;

	if (worker->is_leaving && !worker->is_stopping)
		return LEAVING_MS;
	if (!has_room || !worker->type->is_live || worker->has_ended)
		return MARK_INTERVAL_MS;
	until_expiry = flow_cache_next_expiry(worker->cache) - worker->clock_ms;
	if (until_expiry >= MARK_INTERVAL_MS)
		return MARK_INTERVAL_MS;
	return until_expiry < 10 ? 10 : until_expiry;
}

/* Sleep until there is input or something to do by the clock; without room in the ring, until the
 * export thread offers that. A call ends it in any case. */
static void sleep_until_work(struct worker *worker, bool has_room)
{
	const bool wants_input = has_room && !worker->has_ended;
	const bool wants_room = !has_room && !worker->has_finished;
	struct pollfd descriptors[2] = {
		{ .fd = worker->wake.descriptor, .events = POLLIN },
		{ .fd = wants_input ? capture_source_descriptor(&worker->source) : -1,
		  .events = POLLIN },
	};

	wake_prepare(&worker->wake, wants_room);
	/* What may have come since it was last looked for. */
	if (!thread_call_is_waiting(&worker->call) && !atomic_load(&worker->quit_requested) &&
	    (worker->is_leaving || !atomic_load(&worker->stop_requested)) &&
	    (!wants_room || record_ring_room(worker->ring) <= RING_RESERVE)) {
		thread_call_does(&worker->call, "waiting for packets");
		(void)poll(descriptors, 2, (int)sleep_ms(worker, has_room));
	}
	wake_finish(&worker->wake, descriptors[0].revents != 0);
}

/* Input, accounting, and what is due. Needs room in the ring. Returns whether there may be more to
 * do at once. */
static bool work(struct worker *worker)
{
	if (__builtin_expect(worker->inheritance.parts != NULL, 0)) {
		const struct flow_sink sink = { place_record, worker->ring };

		thread_call_does(&worker->call, "taking over flows");
		(void)worker_inherit_flows(worker, &sink);
		return true;
	}
	if (!worker->has_ended) {
		thread_call_does(&worker->call, "reading packets");
		read_views(worker);
	}
	thread_call_does(&worker->call, "counting packets and handing over flows");
	if (worker->view_next == worker->step_view) {
		end_flows(worker);
		worker->step_view = SIZE_MAX;
	}
	advance_clock(worker);
	if (!worker->has_clock && !worker->has_ended)
		return false;
	if (is_hand_over_due(worker)) {
		if (!hand_over(worker))
			return true;
		worker->handed_over_tick = worker_decode_tick(worker->clock_ms);
		if (worker->clock_ms - worker->last_mark_ms >= MARK_INTERVAL_MS)
			push_mark(worker);
	}
	if (worker->view_next < worker->view_count) {
		if (!is_in_gap(worker))
			account(worker);
		return true;
	}
	/* A source that stops ends its read() soon, and says so. */
	if (!worker->has_ended)
		return worker->is_stopping;
	if (!worker->keeps_flows && !cache_is_empty(worker))
		return true;
	push_mark(worker);
	record_ring_push(worker->ring)->kind = RING_END;
	worker->has_finished = true;
	return false;
}

static void worker_turn(struct worker *worker)
{
	bool has_room = record_ring_room(worker->ring) > RING_RESERVE;
	bool goes_on = false;

	thread_call_answer(&worker->call, worker);
	if (atomic_load_explicit(&worker->stop_requested, memory_order_relaxed))
		begin_stop(worker);
	if (has_room && !worker->has_finished)
		goes_on = work(worker);
	if (record_ring_publish(worker->ring))
		wake_offer(worker->export_wake);
	if (!goes_on)
		sleep_until_work(worker, has_room);
}

static void *worker_main(void *context)
{
	struct worker *worker = context;

	while (!atomic_load_explicit(&worker->quit_requested, memory_order_relaxed))
		worker_turn(worker);
	return NULL;
}

/* Have the thread start on its CPU. Returns 0 or a positive errno. */
static int set_cpu(pthread_attr_t *attributes, uint32_t cpu)
{
	cpu_set_t set;

	if (!cpu)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu - 1, &set);
	return pthread_attr_setaffinity_np(attributes, sizeof(set), &set);
}

/* Returns 0 or a positive errno. */
static int start_thread(struct worker *worker, uint32_t cpu)
{
	pthread_attr_t attributes;
	int result = pthread_attr_init(&attributes);

	if (result)
		return result;
	result = set_cpu(&attributes, cpu);
	if (!result)
		result = pthread_create(&worker->thread, &attributes, worker_main, worker);
	(void)pthread_attr_destroy(&attributes);
	return result;
}

int worker_start(struct worker *worker, struct error_text *error)
{
	int result = start_thread(worker, worker->cpu);

	if (result == EPERM && worker->cpu) {
		log_warning("%s: not bound to CPU %u: the service may not do that (let it: "
			    "SystemCallFilter=sched_setaffinity)",
			    worker->name, worker->cpu - 1);
		result = start_thread(worker, 0);
	}
	worker->is_running = result == 0;
	if (result == EINVAL && worker->cpu) {
		error_text_set(error,
			       "%s: this machine has no CPU %u for it, or does not let us "
			       "run there",
			       worker->name, worker->cpu - 1);
		error_text_hint(error, "cpu= takes a number from /sys/devices/system/cpu/online, "
				       "or auto");
	} else if (result) {
		error_text_set(error, "%s: cannot start a thread: %s", worker->name,
			       fault_text(result));
	}
	return -result;
}

void worker_join(struct worker *worker)
{
	if (!worker->is_running)
		return;
	atomic_store(&worker->quit_requested, true);
	wake_signal(&worker->wake);
	(void)pthread_join(worker->thread, NULL);
	worker->is_running = false;
}
