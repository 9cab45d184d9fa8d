/* equalities.c - adds up both sides of each equality of the ledger. */
#include "equalities.h"

#include <stdio.h>
#include <string.h>

/* What an equality is handed to, and what came out so far. */
struct visit {
	void (*function)(void *context, const struct equality *equality);
	void *context;
	size_t failed;
};

static void visit_one(struct visit *visit, const struct equality *equality)
{
	visit->failed += equality->left != equality->right;
	visit->function(visit->context, equality);
}

static void visit_packets(struct visit *visit, const struct pipeline_snapshot *snapshot)
{
	const struct worker_ledger *workers = &snapshot->workers;
	const struct collector_ledger *exported = &snapshot->exported;
	const struct equality equality = {
		.name = "packets_read",
		.object = "all sources",
		.left = workers->packets_read + workers->packets_split,
		.right = exported->sent.packets + exported->waiting.packets +
			 snapshot->ring.packets + workers->cache.packets_cached +
			 collector_ledger_not_sent(exported).packets +
			 worker_ledger_ignored(workers),
	};

	visit_one(visit, &equality);
}

static void visit_flows(struct visit *visit, const struct pipeline_snapshot *snapshot)
{
	const struct worker_ledger *workers = &snapshot->workers;
	const struct equality equality = {
		.name = "flows_created",
		.object = "all sources",
		.left = workers->cache.flows_created,
		.right = worker_ledger_expired(workers) + workers->cache.flows_cached,
	};

	visit_one(visit, &equality);
}

/* For one collector or one group of them; what waits includes the rings. */
static void visit_records(struct visit *visit, const struct pipeline_snapshot *snapshot,
			  const char *object, const struct collector_ledger *ledger)
{
	const struct equality equality = {
		.name = "records_expired",
		.object = object,
		.left = worker_ledger_expired(&snapshot->workers),
		.right = ledger->sent.records + ledger->waiting.records + snapshot->ring.records +
			 collector_ledger_not_sent(ledger).records,
	};

	visit_one(visit, &equality);
}

static bool is_same_group(const struct collector_status *one, const struct collector_status *other)
{
	return one->mode == other->mode && strcmp(one->group, other->group) == 0;
}

/* Collectors that share the records have them all together: the sum, at the first of them. */
static void visit_group(struct visit *visit, const struct pipeline_snapshot *snapshot, size_t first)
{
	const struct collector_status *collectors = snapshot->collectors;
	struct collector_ledger sum = collectors[first].ledger;
	char name[sizeof(collectors->group) + 8];

	for (size_t i = 0; i < first; i++)
		if (is_same_group(&collectors[i], &collectors[first]))
			return;
	for (size_t i = first + 1; i < snapshot->collector_count; i++)
		if (is_same_group(&collectors[i], &collectors[first]))
			collector_ledger_add(&sum, &collectors[i].ledger);
	(void)snprintf(name, sizeof(name), "group %s", collectors[first].group);
	visit_records(visit, snapshot, name, &sum);
}

size_t equalities_visit(const struct pipeline_snapshot *snapshot,
			void (*visit)(void *context, const struct equality *equality),
			void *context)
{
	struct visit state = { visit, context, 0 };

	visit_packets(&state, snapshot);
	visit_flows(&state, snapshot);
	if (snapshot->collector_count == 0)
		visit_records(&state, snapshot, "no collector", &snapshot->exported);
	for (size_t i = 0; i < snapshot->collector_count; i++) {
		const struct collector_status *collector = &snapshot->collectors[i];

		if (collector->mode == COLLECTOR_mirror)
			visit_records(&state, snapshot, collector->name, &collector->ledger);
		else
			visit_group(&state, snapshot, i);
	}
	return state.failed;
}
