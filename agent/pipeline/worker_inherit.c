/* worker_inherit.c - flows of the state into the cache, some at each turn.
 *
 * Invariant: the ledger closes after each flow: its packets count as read when it comes in, and
 * the counters that went before do without those of flows that are still to come. */
#include "worker_inherit.h"

#include "export_kept.h"
#include "handover_flow.h"
#include "log.h"
#include "time_now.h"
#include "worker_account.h"
#include "worker_kept.h"

#include <stdlib.h>

#define FLOWS_PER_TURN 256 /* each may evict one, and that takes its reverse along */

void worker_inherit_ledger(struct worker *worker, const struct worker_ledger *before)
{
	worker_account_continue(worker, before);
	worker->ledger.packets_read -= before->cache.packets_cached;
	capture_source_continue(&worker->source, before->packets_lost_kernel);
	flow_cache_continue(worker->cache, &before->cache);
}

/* The next part that has flows. Returns false if there is none. */
static bool next_part(struct worker_inheritance *inheritance)
{
	while (!inheritance->size && inheritance->next_part < inheritance->part_count) {
		inheritance->part = inheritance->parts[inheritance->next_part++];
		inheritance->size = handover_flow_begin(&inheritance->part);
	}
	return inheritance->size != 0;
}

bool worker_inherit_flows(struct worker *worker, const struct flow_sink *sink)
{
	struct worker_inheritance *inheritance = &worker->inheritance;
	struct moved_flow flow;
	size_t budget = FLOWS_PER_TURN;

	worker->clock_ms = time_now_ms(CLOCK_MONOTONIC);
	worker->has_clock = true;
	while (budget && next_part(inheritance)) {
		if (!handover_flow_read(&inheritance->part, inheritance->size, &flow)) {
			if (inheritance->part.failed)
				log_warning("%s: the last agent has left flows that are none",
					    worker->name);
			inheritance->size = 0;
			continue;
		}
		flow.record.key.sampler = inheritance->samplers[flow.record.key.sampler];
		flow_cache_move_in(worker->cache, &flow, worker->clock_ms, sink);
		worker->ledger.packets_read += flow.record.packets;
		budget--;
	}
	if (!budget)
		return true;
	if (inheritance->must_leave) {
		struct flow_cache_statistics statistics;

		flow_cache_statistics(worker->cache, &statistics);
		worker->flush_left = statistics.flows_cached;
	}
	if (worker->kept)
		worker_kept_begin(worker); /* what has moved in is noted before it is valid */
	if (inheritance->is_awaited && atomic_fetch_sub(&worker->awaited->left, 1) == 1) {
		export_kept_set_valid(worker->awaited->export, true);
		atomic_store(&worker->awaited->is_on, false);
	}
	worker_inherit_clear(worker);
	return false;
}

void worker_inherit_clear(struct worker *worker)
{
	handover_state_clear(&worker->inheritance.state);
	free(worker->inheritance.parts);
	worker->inheritance = (struct worker_inheritance){ .parts = NULL };
}
