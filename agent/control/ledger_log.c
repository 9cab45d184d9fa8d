/* ledger_log.c - sums of a snapshot, held against those of the last one. */
#include "ledger_log.h"

#include "count_text.h"
#include "equalities.h"
#include "log.h"
#include "loss_report.h"

#include <inttypes.h>
#include <stdlib.h>

void ledger_log_begin(struct ledger_log *log, const struct pipeline_snapshot *snapshot)
{
	log->packets_lost = snapshot->workers.packets_lost_kernel;
	log->flows_evicted = snapshot->workers.cache.records_expired[FLOW_END_lackOfResources];
}

static void log_kernel_loss(struct ledger_log *log, const struct pipeline_snapshot *snapshot)
{
	const uint64_t lost = snapshot->workers.packets_lost_kernel;
	char text[COUNT_TEXT_SIZE];

	if (lost == log->packets_lost) {
		log_problem_over("packets-lost", "kernel");
		return;
	}
	log_problem(LOG_LEVEL_warning, "packets-lost", "packets-lost", "kernel",
		    "%s %s been lost in the kernel's queue since the start",
		    count_text(lost, "packet", text), count_verb(lost, "has", "have"));
	log->packets_lost = lost;
}

/* No packet has come since the kernel reported a full queue: only that would say how many are
 * missing, so no counter has them. */
static void log_unknown_losses(const struct pipeline_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *source = &snapshot->sources[i];

		if (source->capture.is_loss_unknown)
			log_problem(LOG_LEVEL_warning, "loss-unknown", "packets-lost", source->name,
				    "%s: its queue was full, and no packet has come since that "
				    "would tell how many were lost then: these are not counted",
				    source->name);
		else
			log_problem_over("loss-unknown", source->name);
	}
}

static void log_evictions(struct ledger_log *log, const struct pipeline_snapshot *snapshot,
			  uint32_t max_flows)
{
	const uint64_t evicted = snapshot->workers.cache.records_expired[FLOW_END_lackOfResources];
	char text[COUNT_TEXT_SIZE];

	if (evicted == log->flows_evicted) {
		log_problem_over("cache-full", "flows");
		return;
	}
	log_problem(LOG_LEVEL_warning, "cache-full", "cache-full", "flows",
		    "the cache is full (max-flows %u): %s %s been exported early since the start, "
		    "those that were idle for longest; nothing of them is lost",
		    max_flows, count_text(evicted, "flow", text),
		    count_verb(evicted, "has", "have"));
	log->flows_evicted = evicted;
}

void ledger_log_look(struct ledger_log *log, const struct pipeline_snapshot *snapshot,
		     uint32_t max_flows)
{
	log_kernel_loss(log, snapshot);
	log_unknown_losses(snapshot);
	log_evictions(log, snapshot, max_flows);
}

/* A ledger that does not close is a defect: with invariants it must not pass unseen. */
static void abort_if_debugging(void)
{
#ifdef FLOWAGENT_INVARIANTS
	abort();
#endif
}

static void log_failed_equality(void *context, const struct equality *equality)
{
	(void)context;
	if (equality->left != equality->right)
		log_error("the ledger does not close: %s (%s) is %" PRIu64
			  " on one side and %" PRIu64
			  " on the other: this is a defect of flowagent, please report it",
			  equality->name, equality->object, equality->left, equality->right);
}

uint64_t ledger_log_end(struct ledger_log *log, const struct pipeline_snapshot *snapshot,
			uint32_t max_flows)
{
	const uint64_t packets_lost = snapshot->workers.packets_lost_kernel;
	char text[COUNT_TEXT_SIZE];
	uint64_t records_lost;

	if (packets_lost)
		log_warning("%s %s lost in the kernel's queue in all",
			    count_text(packets_lost, "packet", text),
			    count_verb(packets_lost, "was", "were"));
	log_unknown_losses(snapshot);
	log_evictions(log, snapshot, max_flows);
	log_held_back(true);
	records_lost = loss_report_log(snapshot);
	if (equalities_visit(snapshot, log_failed_equality, NULL))
		abort_if_debugging();
	return records_lost;
}
