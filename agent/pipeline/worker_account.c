/* worker_account.c - accounts what a worker has read.
 *
 * Place: worker_decode.c -> here -> flow cache, ring. Invariant: after each batch the worker's
 * ledger closes; a build with FLOWAGENT_INVARIANTS checks it. */
#include "worker_account.h"

#include "log.h"
#include "worker_decode.h"
#include "worker_offload.h"
#include "worker_sink.h"

#include <stdlib.h>
#include <string.h>

/* At most one batch of 32 packets in this time is looked at for duplicates. That is 340
 * instructions for each of them, so 110,000 a second at most: 2 % of what 12,000 packets cost. */
#define DUPLICATES_INTERVAL_MS 100
/* Between two questions of a note what a source has lost, where that may take system calls. */
#define LOSSES_INTERVAL_MS 100

/* All but what the source counts. */
static void fill_ledger(struct worker *worker, struct worker_ledger *ledger)
{
	*ledger = worker->ledger;
	flow_cache_statistics(worker->cache, &ledger->cache);
	ledger->fragments = *fragment_table_statistics(worker->fragments);
	ledger->fragments.first += worker->fragments_before.first;
	ledger->fragments.matched += worker->fragments_before.matched;
	ledger->fragments.unmatched += worker->fragments_before.unmatched;
	ledger->fragments.replaced += worker->fragments_before.replaced;
	ledger->duplicates = worker->duplicates.statistics;
	worker_offload_fill(worker, ledger);
}

void worker_account_ledger(struct worker *worker, struct worker_ledger *ledger)
{
	struct capture_statistics capture;

	capture_source_statistics(&worker->source, &capture);
	fill_ledger(worker, ledger);
	ledger->packets_lost_kernel = capture.packets_lost;
}

void worker_account_note(struct worker *worker, uint64_t lost_before, struct worker_ledger *ledger)
{
	if (worker->type->can_resume || worker->clock_ms >= worker->losses_due_ms) {
		worker_account_ledger(worker, ledger);
		worker->losses_due_ms = worker->clock_ms + LOSSES_INTERVAL_MS;
	} else {
		fill_ledger(worker, ledger);
		ledger->packets_lost_kernel = lost_before;
	}
}

void worker_account_continue(struct worker *worker, const struct worker_ledger *before)
{
	worker->ledger = *before; /* without what this cache has counted: nothing yet */
	worker->fragments_before = before->fragments;
	worker->duplicates.statistics = before->duplicates;
	worker->duplicates.statistics.sources_suspected = 0;
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

void worker_account_mark(struct worker *worker)
{
	struct worker_ledger ledger;
	struct ring_entry *entry = record_ring_push(worker->ring);

	worker_account_ledger(worker, &ledger);
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

	worker_account_ledger(worker, &ledger);
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
			    worker->name, *worker->own.label ? " " : "", worker->own.label);
	else if (was_suspected && !worker->duplicates.statistics.sources_suspected)
		log_problem_over("duplicates", worker->name);
}

/* Which packets are ignored, where no note keeps that for the next process. */
static void note_reasons(struct worker *worker)
{
	worker->reasons = worker->offload_reasons;
	memset(worker->offload_reasons, 0, sizeof(worker->offload_reasons));
}

/* Account what waits in worker->views, as far as worker_decode() goes. 'notes' is a constant NULL
 * where flows have no columns. */
static inline __attribute__((always_inline)) void account_views(struct worker *worker,
								struct packet_note *notes)
{
	const struct flow_sink sink = worker_sink(worker);
	const struct packet_view *views = &worker->views[worker->view_next];
	const struct packet_view *end =
		&worker->views[worker->step_view < worker->view_count ? worker->step_view
								      : worker->view_count];
	const struct packet_view *next;
	struct packet_info infos[FLOW_CACHE_BATCH];
	size_t accounted, count;

	if (worker->own_exports)
		own_exports_read(worker->own_exports, &worker->own_list);
	if (worker->offload && !worker->kept)
		note_reasons(worker);
	next = worker_decode(worker, views, end, infos, notes, &accounted);
	count = (size_t)(next - views);
	worker->view_next += count;
	worker->ledger.packets_read += count;
	if (worker->clock_ms >= worker->duplicates_due_ms)
		look_for_duplicates(worker, views, count);
	if (worker->key_mask.has_effect)
		flow_key_mask_apply(&worker->key_mask, infos, accounted);
	if (notes && __builtin_expect(worker->offload != NULL, 0))
		worker_offload_account(worker, infos, notes, accounted,
				       (size_t)(views - worker->views), &sink);
	else if (notes)
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

void worker_account(struct worker *worker)
{
	if (worker->noted || worker->offload)
		account_noted(worker);
	else
		account_views(worker, NULL);
}
