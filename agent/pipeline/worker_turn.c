/* worker_turn.c - what a worker does, again and again: read a batch, account it, hand over what is
 * due, let the export thread see it, and sleep when there is nothing to do.
 *
 * Place: capture source -> here -> ring. Invariant: a turn is begun only if the ring has room for
 * all records that it may produce, so no record is ever without a place. When the exporter is slow,
 * records stay in the cache, and packets in the kernel's queue or in the file. */
#include "worker_turn.h"

#include "log.h"
#include "time_now.h"
#include "worker_account.h"
#include "worker_decode.h"
#include "worker_inherit.h"
#include "worker_kept.h"
#include "worker_offload.h"
#include "worker_sink.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Records of one batch, the reverse of the last record handed over, a mark and the end; and of what
 * comes from a source that counts, in its turn and when it closes. */
#define RING_RESERVE \
	((FLOW_CACHE_BATCH + 2 * WORKER_OFFLOAD_FLOWS) * FLOW_CACHE_RECORDS_AT_ONCE + 3)
#define RING_NEARLY_EMPTY 1024

/* While it leaves: between two looks whether the export thread has taken enough. */
#define LEAVING_MS       10
#define MARK_INTERVAL_MS 1000
/* In a gap of a file of this length its clock stops where flows are due. */
#define FILE_GAP_MS 1000

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
	const int64_t after_ms = time_now_ms(CLOCK_MONOTONIC_COARSE);
	const int64_t step_ms =
		clock_step_look(&worker->clock_step, monotonic_ms, now_ms, after_ms);

	if (__builtin_expect(step_ms != 0, 0))
		note_clock_step(worker, now_ms, step_ms);
}

static void end_input(struct worker *worker, int result, const struct error_text *error)
{
	worker->has_ended = true;
	if (!worker->keeps_flows)
		worker_offload_finish(worker);
	if (result < 0 && result != -ENODATA) {
		worker->failure = *error;
		log_problem_text("failed", worker->name, error);
	}
}

/* The source has come or gone: until the store has an entry for it, a kill loses what it holds. */
__attribute__((noinline)) static void report_change(struct worker *worker, unsigned int changes)
{
	const uint64_t one = 1;

	worker->changes_said = changes;
	if (worker->source_news)
		(void)!write(*worker->source_news, &one, sizeof(one));
}

static void look_for_change(struct worker *worker)
{
	const unsigned int changes =
		atomic_load_explicit(&worker->source.changes, memory_order_relaxed);

	if (__builtin_expect(changes != worker->changes_said, 0))
		report_change(worker, changes);
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
	look_for_change(worker);
	worker->view_next = 0;
	worker->view_count = result > 0 ? (size_t)result : 0;
	if (result == -ENODATA && worker->is_pausing)
		worker->is_read_out = true;
	else if (result < 0)
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
	const struct flow_sink sink = worker_sink(worker);
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
		record_ring_room(worker->ring) > WORKER_RING_ENTRIES - RING_NEARLY_EMPTY);
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
	worker_offload_rest(worker);
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
		return worker_offload_sleep_ms(worker, MARK_INTERVAL_MS);
	return worker_offload_sleep_ms(worker, until_expiry < 10 ? 10 : until_expiry);
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

/* Whether flows of another worker are still moving in: that takes a moment. */
static bool is_awaiting(struct worker *worker)
{
	if (!atomic_load(&worker->awaited->is_on)) {
		worker->awaited = NULL;
		return false;
	}
	thread_call_does(&worker->call, "waiting for flows to be taken over");
	(void)poll(NULL, 0, 1);
	return true;
}

/* Input, accounting, and what is due. Needs room in the ring. Returns whether there may be more to
 * do at once. */
static bool work(struct worker *worker)
{
	if (__builtin_expect(worker->inheritance.parts != NULL, 0)) {
		const struct flow_sink sink = worker_sink(worker);

		thread_call_does(&worker->call, "taking over flows");
		(void)worker_inherit_flows(worker, &sink);
		return true;
	}
	if (__builtin_expect(worker->awaited != NULL, 0) && is_awaiting(worker))
		return true;
	if (worker->type->offload)
		worker_offload_turn(worker);
	if (worker->kept)
		worker_kept_begin(worker);
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
			worker_account_mark(worker);
	}
	if (worker->view_next < worker->view_count) {
		if (!is_in_gap(worker))
			worker_account(worker);
		return true;
	}
	/* A source that stops ends its read() soon, and says so. */
	if (!worker->has_ended)
		return worker->is_stopping;
	if (worker->keeps_flows ? worker->has_offload_cycle : !cache_is_empty(worker))
		return true;
	worker_account_mark(worker);
	record_ring_push(worker->ring)->kind = RING_END;
	worker->has_finished = true;
	return false;
}

void worker_turn(struct worker *worker)
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

/* Whether all that was taken out of the source is counted. */
static bool can_rest(const struct worker *worker)
{
	return !worker->inheritance.parts && worker->view_next >= worker->view_count &&
	       !worker->has_offload_cycle && (worker->is_read_out || worker->has_ended);
}

static void begin_pause(struct worker *worker)
{
	worker->is_pausing = true;
	worker_offload_rest(worker);
	worker->is_read_out = !capture_source_rest(&worker->source, true);
}

static void end_pause(struct worker *worker)
{
	(void)capture_source_rest(&worker->source, false);
	worker->is_pausing = worker->is_read_out = false;
}

bool worker_turn_rests(struct worker *worker)
{
	if (__builtin_expect(!thread_rest_is_wanted(&worker->rest), 1)) {
		if (__builtin_expect(worker->is_pausing, 0))
			end_pause(worker);
		return false;
	}
	if (!worker->is_pausing)
		begin_pause(worker);
	if (!can_rest(worker))
		return false;
	thread_call_does(&worker->call, "resting while another agent takes over");
	thread_rest_wait(&worker->rest, &worker->quit_requested);
	if (!atomic_load(&worker->quit_requested))
		end_pause(worker);
	return true;
}
