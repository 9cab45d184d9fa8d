/* worker_offload.c - when a worker looks at what its source has counted itself.
 *
 * Invariant: worker->offload is that of the capture that is open; it goes before that closes. */
#include "worker_offload.h"

#include "log.h"
#include "time_now.h"
#include "worker_sink.h"

#include <time.h>

#define TAKE_MS    1000 /* between two looks at all slots */
#define CYCLE_MS   20   /* from the begin of one cycle to that of the next */
#define CYCLE_KEYS 4096 /* of each kind */

static const struct capture_offload_type *type_of(const struct worker *worker)
{
	return worker->type->offload;
}

/* As the source dates packets. */
static void set_offset(struct worker *worker)
{
	struct timespec day, boot;

	if (worker->step_view != SIZE_MAX || worker->flush_left)
		return; /* the clock was set: flows still end before that */
	(void)clock_gettime(CLOCK_REALTIME, &day);
	(void)clock_gettime(CLOCK_MONOTONIC, &boot);
	flow_offload_set_offset(worker->offload, (int64_t)(day.tv_sec - boot.tv_sec) * 1000000000 +
							 (day.tv_nsec - boot.tv_nsec));
}

/* The source is there: begin with what an agent before this one has left in it, or with nothing. */
static void open_offload(struct worker *worker)
{
	struct flow_offload_config config;

	worker->offload_tried = worker->source.capture;
	if (!type_of(worker)->config(worker->source.capture, &config))
		return;
	worker->offload = flow_offload_create(&config, worker->cache);
	if (!worker->offload)
		log_warning("%s: no memory for offload: all packets are read", worker->name);
}

/* Packets that were counted have come as well as those that are read. */
static void take_all(struct worker *worker, cache_ms now)
{
	const uint64_t before = flow_cache_offloaded(worker->cache).packets;

	flow_offload_take_all(worker->offload, now);
	if (flow_cache_offloaded(worker->cache).packets != before)
		worker->last_packet_ms = now;
}

static void end_cycle(struct worker *worker)
{
	const struct flow_sink sink = worker_sink(worker);

	worker->has_offload_cycle = flow_offload_end_cycle(worker->offload, worker->clock_ms,
							   WORKER_OFFLOAD_FLOWS, &sink);
}

static void begin_cycle(struct worker *worker)
{
	struct flow_offload_cycle cycle;

	if (!flow_offload_begin_cycle(worker->offload, CYCLE_KEYS, &cycle))
		return;
	worker->offload_cycle_ms = worker->clock_ms + CYCLE_MS;
	worker->has_offload_cycle = true;
	type_of(worker)->begin(worker->source.capture, &cycle);
}

void worker_offload_turn(struct worker *worker)
{
	if (!worker->source.capture)
		return;
	if (!worker->has_ended && worker->source.capture != worker->offload_tried)
		open_offload(worker);
	if (!worker->offload)
		return;
	set_offset(worker);
	worker->clock_ms = time_now_ms(CLOCK_MONOTONIC);
	if (worker->has_offload_cycle && type_of(worker)->is_done(worker->source.capture))
		end_cycle(worker);
	if (worker->is_pausing || worker->is_stopping || worker->has_ended)
		return;
	if (worker->clock_ms >= worker->offload_take_ms) {
		worker->offload_take_ms = worker->clock_ms + TAKE_MS;
		take_all(worker, worker->clock_ms);
	}
	if (!worker->has_offload_cycle && worker->clock_ms >= worker->offload_cycle_ms)
		begin_cycle(worker);
}

/* The view that packet number 'number' of those accounted is of: reasons say which are ignored. */
static const struct packet_view *view_of(const struct worker *worker, size_t first, size_t number)
{
	size_t view = first;

	for (; view < worker->view_count; view++)
		if (!worker->reasons[view] && !number--)
			break;
	return &worker->views[view];
}

static void offer(struct worker *worker, const struct flow_offload_candidate *candidate,
		  const struct packet_info *info, const struct packet_view *view)
{
	uint8_t key[FLOW_OFFLOAD_KEY_SIZE];
	uint8_t ttl = 0;
	const size_t size = type_of(worker)->key(worker->source.capture, view, key, &ttl);

	if (size)
		(void)flow_offload_offer(worker->offload, candidate, info, key, size, ttl);
}

void worker_offload_account(struct worker *worker, const struct packet_info *infos,
			    const struct packet_note *notes, size_t count, size_t first,
			    const struct flow_sink *sink)
{
	const struct flow_offload_candidate *candidates;
	const size_t candidate_count =
		flow_cache_add_offered(worker->cache, infos, notes, count, sink, &candidates);

	if (worker->is_pausing || worker->is_stopping || worker->is_leaving)
		return;
	for (size_t i = 0; i < candidate_count; i++)
		offer(worker, &candidates[i], &infos[candidates[i].packet],
		      view_of(worker, first, candidates[i].packet));
}

void worker_offload_take(struct worker *worker)
{
	if (worker->offload && !worker->is_pausing && !worker->is_stopping)
		take_all(worker, time_now_ms(CLOCK_MONOTONIC));
}

void worker_offload_rest(struct worker *worker)
{
	if (!worker->offload)
		return;
	type_of(worker)->wait(worker->source.capture);
}

void worker_offload_finish(struct worker *worker)
{
	const struct flow_sink sink = worker_sink(worker);
	struct flow_offload_statistics statistics;

	if (!worker->offload)
		return;
	type_of(worker)->wait(worker->source.capture);
	flow_offload_finish(worker->offload, worker->clock_ms, WORKER_OFFLOAD_FLOWS, &sink);
	flow_offload_statistics(worker->offload, &statistics);
	capture_source_lose(&worker->source, statistics.lost.packets - statistics.lost.segments);
	worker_offload_clear(worker);
}

void worker_offload_fill(const struct worker *worker, struct worker_ledger *ledger)
{
	const struct flow_offload_sums counted = flow_cache_offloaded(worker->cache);

	ledger->packets_read += counted.packets - counted.segments;
	ledger->packets_split += counted.segments;
	ledger->octets_split += counted.segment_octets;
	ledger->packets_super += counted.superpackets;
}

void worker_offload_status(const struct worker *worker, struct capture_statistics *capture)
{
	struct flow_offload_statistics statistics;

	if (!worker->offload)
		return;
	flow_offload_statistics(worker->offload, &statistics);
	capture->flows_counted = statistics.slots_used;
	capture->packets_without_room = statistics.full;
}

cache_ms worker_offload_sleep_ms(const struct worker *worker, cache_ms sleep_ms)
{
	return worker->offload && sleep_ms > CYCLE_MS && flow_offload_has_work(worker->offload)
		       ? CYCLE_MS
		       : sleep_ms;
}

static void leave(void *context)
{
	worker_offload_finish(context);
}

void worker_offload_init(struct worker *worker)
{
	if (!worker->type->offload)
		return;
	worker->source.leaving = leave;
	worker->source.leaving_context = worker;
}

void worker_offload_clear(struct worker *worker)
{
	flow_offload_destroy(worker->offload);
	worker->offload = NULL;
	worker->offload_tried = NULL;
	worker->has_offload_cycle = false;
}
