/* counters_log.c - the ledger in words, with the terms of `agentctl show stats`. */
#include "counters_log.h"

#include "fault_text.h"
#include "log.h"

#include <inttypes.h>

static void log_whole(const struct pipeline_snapshot *snapshot)
{
	const struct worker_ledger *workers = &snapshot->workers;
	const struct collector_ledger *exported = &snapshot->exported;
	const struct amount lost = collector_ledger_lost(exported);

	log_notice("counters: packets: %" PRIu64 " read, %" PRIu64 " lost in the kernel, %" PRIu64
		   " ignored, %" PRIu64 " exported, %" PRIu64 " cached, %" PRIu64
		   " waiting, %" PRIu64 " lost; flows: %" PRIu64 " created, %" PRIu64
		   " cached; records: %" PRIu64 " expired, %" PRIu64 " sent, %" PRIu64
		   " waiting, %" PRIu64 " lost; datagrams: %" PRIu64 " sent",
		   workers->packets_read, workers->packets_lost_kernel,
		   worker_ledger_ignored(workers), exported->sent.packets,
		   workers->cache.packets_cached,
		   snapshot->ring.packets + exported->waiting.packets, lost.packets,
		   workers->cache.flows_created, workers->cache.flows_cached,
		   worker_ledger_expired(workers), exported->sent.records,
		   snapshot->ring.records + exported->waiting.records, lost.records,
		   exported->datagrams_sent);
}

static void log_source(const struct source_status *source)
{
	const struct worker_ledger *ledger = &source->ledger;

	log_notice("counters: %s: packets: %" PRIu64 " read, %" PRIu64
		   " lost in the kernel, %" PRIu64 " ignored; flows: %" PRIu64 " created, %" PRIu64
		   " cached%s%s",
		   source->name, ledger->packets_read, ledger->packets_lost_kernel,
		   worker_ledger_ignored(ledger), ledger->cache.flows_created,
		   ledger->cache.flows_cached, source->failure[0] ? "; failed: " : "",
		   source->failure);
}

static void log_collector(const struct collector_status *collector)
{
	const struct collector_ledger *ledger = &collector->ledger;

	log_notice("counters: %s (%s): records: %" PRIu64 " sent, %" PRIu64 " waiting, %" PRIu64
		   " lost; datagrams: %" PRIu64 " sent, %" PRIu64 " lost",
		   collector->name, collector->is_up ? "up" : "down", ledger->sent.records,
		   ledger->waiting.records, collector_ledger_lost(ledger).records,
		   ledger->datagrams_sent, ledger->datagrams_lost);
}

void counters_log(const struct pipeline_snapshot *snapshot)
{
	log_whole(snapshot);
	for (size_t i = 0; i < snapshot->source_count; i++)
		log_source(&snapshot->sources[i]);
	for (size_t i = 0; i < snapshot->collector_count; i++)
		log_collector(&snapshot->collectors[i]);
}

void counters_log_now(struct pipeline *pipeline)
{
	struct pipeline_snapshot snapshot;
	const int result = pipeline_snapshot(pipeline, &snapshot);

	if (result < 0) {
		log_warning("no counters: %s", fault_text(-result));
		return;
	}
	counters_log(&snapshot);
	pipeline_snapshot_clear(&snapshot);
}
