/* pipeline_ask.c - questions to the threads of a pipeline, and what comes back.
 *
 * Place: control thread -> thread_call -> worker or export thread, which answers between two
 * batches. Invariant: what a thread owns is read by that thread alone; the control thread gets
 * copies. */
#include "pipeline.h"
#include "exporter_change.h"
#include "log.h"
#include "pipeline_parts.h"
#include "time_now.h"
#include "worker_account.h"
#include "worker_offload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALL_TIMEOUT_MS 1000

int pipeline_ask_worker(struct worker *worker, void (*function)(void *, void *), void *argument)
{
	if (worker->is_running)
		return thread_call_run(&worker->call, function, argument, CALL_TIMEOUT_MS);
	function(worker, argument);
	return 0;
}

int pipeline_ask_exporter(struct pipeline *pipeline, void (*function)(void *, void *),
			  void *argument)
{
	if (pipeline->export.is_running)
		return thread_call_run(&pipeline->export.call, function, argument, CALL_TIMEOUT_MS);
	function(&pipeline->export, argument);
	return 0;
}

/* The exporter's half of a snapshot. */
struct exporter_part {
	struct pipeline_snapshot *snapshot;
	struct amount *taken; /* per worker */
};

static void fill_exporter_part(void *owner, void *argument)
{
	struct export_thread *thread = owner;
	struct exporter_part *part = argument;

	exporter_ledger(thread->config.exporter, &part->snapshot->exported);
	exporter_removed(thread->config.exporter, &part->snapshot->removed);
	for (size_t i = 0; i < part->snapshot->collector_count; i++)
		exporter_collector_status(thread->config.exporter, i,
					  &part->snapshot->collectors[i]);
	for (size_t i = 0; i < thread->config.input_count; i++)
		part->taken[i] = thread->inputs[i].taken;
}

static void fill_source_status(void *owner, void *argument)
{
	struct worker *worker = owner;
	struct source_status *status = argument;

	worker_offload_take(worker);
	capture_source_refresh(&worker->source);
	status->name = worker->name;
	status->label = worker->own.label;
	status->is_live = worker->type->is_live;
	status->has_ended = worker->has_ended;
	status->is_away = !worker->has_ended && capture_source_is_away(&worker->source);
	memcpy(status->failure, status->is_away ? worker->source.reason.text : worker->failure.text,
	       sizeof(status->failure));
	status->last_packet_ms = worker->last_packet_ms;
	worker_account_ledger(worker, &status->ledger);
	capture_source_statistics(&worker->source, &status->capture);
	worker_offload_status(worker, &status->capture);
	status->gets_single_packets = worker->message_watch.is_single;
	(void)source_sampling_format(&worker->sampling, status->sampling);
}

/* What a worker has counted, into the sums: 'taken' of it the exporter has. */
static void add_worker(struct pipeline_snapshot *snapshot, const struct worker_ledger *ledger,
		       const struct amount *taken)
{
	worker_ledger_add(&snapshot->workers, ledger);
	snapshot->ring.records += worker_ledger_expired(ledger) - taken->records;
	snapshot->ring.packets += ledger->cache.packets_expired - taken->packets;
	snapshot->ring.octets += ledger->cache.octets_expired - taken->octets;
}

/* The workers' half; those that leave have no row. */
static int fill_workers_part(struct pipeline *pipeline, struct pipeline_snapshot *snapshot,
			     const struct amount *taken)
{
	int result = 0;

	snapshot->workers = pipeline->removed;
	for (size_t i = 0; !result && i < pipeline->worker_count; i++) {
		result = pipeline_ask_worker(pipeline->workers[i], fill_source_status,
					     &snapshot->sources[i]);
		add_worker(snapshot, &snapshot->sources[i].ledger, &taken[i]);
	}
	for (size_t i = 0; !result && i < pipeline->leaving_count; i++) {
		struct source_status status = { .name = NULL };

		result = pipeline_ask_worker(pipeline->leaving[i], fill_source_status, &status);
		add_worker(snapshot, &status.ledger, &taken[pipeline->worker_count + i]);
	}
	return result;
}

int pipeline_snapshot(struct pipeline *pipeline, struct pipeline_snapshot *snapshot)
{
	struct exporter_part part = { .snapshot = snapshot };
	int result;

	*snapshot = (struct pipeline_snapshot){
		.source_count = pipeline->worker_count,
		.collector_count = exporter_collector_count(pipeline->export.config.exporter),
	};
	snapshot->sources = calloc(pipeline->worker_count, sizeof(*snapshot->sources));
	snapshot->collectors = calloc(snapshot->collector_count + 1, sizeof(*snapshot->collectors));
	part.taken = calloc(pipeline->worker_count + pipeline->leaving_count, sizeof(*part.taken));
	result = snapshot->sources && snapshot->collectors && part.taken ? 0 : -ENOMEM;

	/* The exporter first: what workers expire meanwhile is then in the rings. */
	if (result == 0)
		result = pipeline_ask_exporter(pipeline, fill_exporter_part, &part);
	if (result == 0)
		result = fill_workers_part(pipeline, snapshot, part.taken);
	free(part.taken);
	if (result < 0)
		pipeline_snapshot_clear(snapshot);
	return result;
}

void pipeline_snapshot_clear(struct pipeline_snapshot *snapshot)
{
	free(snapshot->sources);
	free(snapshot->collectors);
	*snapshot = (struct pipeline_snapshot){ 0 };
}

/* A piece of one worker's flows. */
struct flows_part {
	uint64_t cursor;
	struct flow_record *records;
	size_t count;
	size_t filled;
};

static void fill_flows_part(void *owner, void *argument)
{
	struct worker *worker = owner;
	struct flows_part *part = argument;

	if (!part->cursor)
		worker_offload_take(worker);
	part->filled =
		flow_cache_snapshot(worker->cache, &part->cursor, part->records, part->count);
}

/* The cursor has the worker's number in the bits above the cache's own cursor. */
#define CURSOR_WORKER_SHIFT 40

int pipeline_flows(struct pipeline *pipeline, uint64_t *cursor, struct flow_record *records,
		   size_t count, size_t *filled)
{
	size_t number = (size_t)(*cursor >> CURSOR_WORKER_SHIFT);
	struct flows_part part = {
		.cursor = *cursor & ((1ull << CURSOR_WORKER_SHIFT) - 1),
		.records = records,
		.count = count,
	};

	*filled = 0;
	while (number < pipeline->worker_count && !part.filled) {
		int result = pipeline_ask_worker(pipeline->workers[number], fill_flows_part, &part);

		if (result < 0)
			return result;
		if (part.cursor != FLOW_CACHE_CURSOR_END)
			continue;
		part.cursor = 0;
		number++;
	}
	*cursor = (uint64_t)number << CURSOR_WORKER_SHIFT | part.cursor;
	*filled = part.filled;
	return 0;
}

/* Flows that are to leave one worker's cache. */
struct ending_part {
	const struct flow_record *records;
	size_t count;
	enum flow_end_reason reason;
	uint64_t found;
};

static void end_flows(void *owner, void *argument)
{
	struct worker *worker = owner;
	struct ending_part *part = argument;

	for (size_t i = 0; i < part->count; i++)
		part->found += flow_cache_end(worker->cache, &part->records[i].key, part->reason);
}

int pipeline_end_flows(struct pipeline *pipeline, uint64_t cursor,
		       const struct flow_record *records, size_t count, enum flow_end_reason reason,
		       uint64_t *ended)
{
	/* At the end of a worker's flows the cursor is at the begin of the next one's. */
	const bool is_end = (cursor & ((1ull << CURSOR_WORKER_SHIFT) - 1)) == 0;
	const size_t number = (size_t)(cursor >> CURSOR_WORKER_SHIFT) - is_end;
	struct ending_part part = { .records = records, .count = count, .reason = reason };
	int result = 0;

	if (count && number < pipeline->worker_count)
		result = pipeline_ask_worker(pipeline->workers[number], end_flows, &part);
	*ended = part.found;
	return result;
}

static void add_drops(void *owner, void *argument)
{
	const struct worker *worker = owner;
	struct pipeline_drop *drops = argument;

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++) {
		const struct drop_example *example = &worker->drop_examples[i];

		if (!worker->ledger.packets_ignored[i])
			continue;
		drops[i].packets += worker->ledger.packets_ignored[i];
		if (drops[i].source && drops[i].example.time_ms > example->time_ms)
			continue;
		drops[i].source = worker->name;
		drops[i].example = *example;
	}
}

int pipeline_drops(struct pipeline *pipeline, struct pipeline_drop drops[static DROP_REASON_COUNT])
{
	int result = 0;

	memset(drops, 0, DROP_REASON_COUNT * sizeof(*drops));
	for (size_t i = 0; result == 0 && i < pipeline->worker_count; i++)
		result = pipeline_ask_worker(pipeline->workers[i], add_drops, drops);
	return result;
}

static void begin_flush(void *owner, void *argument)
{
	struct worker *worker = owner;
	uint64_t *flows = argument;
	struct flow_cache_statistics statistics;

	flow_cache_statistics(worker->cache, &statistics);
	worker->flush_left = statistics.flows_cached;
	*flows = statistics.flows_cached;
}

int pipeline_flush(struct pipeline *pipeline, uint64_t *flushed)
{
	*flushed = 0;
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		uint64_t flows = 0;
		int result = pipeline_ask_worker(pipeline->workers[i], begin_flush, &flows);

		if (result < 0)
			return result;
		*flushed += flows;
	}
	return 0;
}

static void list_interfaces(void *owner, void *argument)
{
	const struct export_thread *thread = owner;

	(void)interface_monitor_list(thread->config.interfaces, argument);
}

int pipeline_interfaces(struct pipeline *pipeline, struct interface_list *list)
{
	int result;

	*list = (struct interface_list){ 0 };
	result = pipeline_ask_exporter(pipeline, list_interfaces, list);
	return result || list->entries ? result : -ENOMEM;
}

/* Templates are made at the start: what they do not have cannot be sent. */
static void check_fields(const struct pipeline *pipeline, const struct asn_table *table)
{
	const bool has_more = (asn_table_has_next_hops(table) && !pipeline->choice.has_next_hop) ||
			      (asn_table_has_peers(table) && !pipeline->choice.has_peers);

	if (has_more)
		log_event(LOG_LEVEL_warning, "asn-table-fields", asn_supply_path(pipeline->asn),
			  "%s: has next hops or neighbouring AS numbers, which the table at the "
			  "start had not: restart the agent to export them",
			  asn_supply_path(pipeline->asn));
}

int pipeline_asn_descriptor(const struct pipeline *pipeline)
{
	return pipeline->asn_news;
}

void pipeline_asn_dispatch(struct pipeline *pipeline)
{
	struct asn_table *table;
	uint64_t count;
	int result = 0;

	/* Before the look, so that news that comes meanwhile wakes again; and in any case: it may
	 * be of a supply that a reload has dropped. */
	(void)!read(pipeline->asn_news, &count, sizeof(count));
	table = pipeline->asn ? asn_supply_take(pipeline->asn) : NULL;
	if (!table)
		return;
	if (pipeline->export.config.asn_table)
		result = pipeline_ask_exporter(pipeline, export_thread_set_asn_table, table);
	if (result < 0) {
		asn_supply_return(pipeline->asn, table);
		return;
	}
	asn_supply_use(pipeline->asn, table);
	check_fields(pipeline, table);
}

struct template_part {
	const char *name;
	size_t count;
};

static void send_template(void *owner, void *argument)
{
	struct exporter *exporter = ((struct export_thread *)owner)->config.exporter;
	struct template_part *part = argument;

	if (part->name) {
		part->count = exporter_send_template_to(exporter, part->name);
		return;
	}
	exporter_send_template(exporter);
	part->count = exporter_collector_count(exporter);
}

int pipeline_send_template(struct pipeline *pipeline, const char *name, size_t *count)
{
	struct template_part part = { .name = name };
	const int result = pipeline_ask_exporter(pipeline, send_template, &part);

	*count = part.count;
	return result;
}

int pipeline_watch(struct pipeline *pipeline, struct record_watch *watch)
{
	struct export_watch question = { .watch = watch };
	const int result = pipeline_ask_exporter(pipeline, export_thread_watch, &question);

	return result < 0 ? result : question.result;
}

int pipeline_unwatch(struct pipeline *pipeline, struct record_watch *watch)
{
	struct export_watch question = { .watch = watch };

	return pipeline_ask_exporter(pipeline, export_thread_unwatch, &question);
}

bool pipeline_owner_begin(struct pipeline *pipeline, size_t flows)
{
	owner_lookup_set_time(&pipeline->owner, time_now_ms(CLOCK_MONOTONIC));
	return owner_lookup_room(&pipeline->owner) >= flows;
}

int64_t pipeline_owner_walk(struct pipeline *pipeline)
{
	if (!pipeline->owner.is_walking)
		return -1;
	owner_lookup_set_time(&pipeline->owner, time_now_ms(CLOCK_MONOTONIC));
	return owner_lookup_next_us(&pipeline->owner);
}

static const char *unit_name(const struct owner_lookup *lookup, uint32_t unit)
{
	return lookup->units ? capture_units_name(lookup->units, unit) : "";
}

const char *pipeline_owner(struct pipeline *pipeline, const struct flow_record *flow,
			   uint32_t *user)
{
	struct owner owner;

	if (!(pipeline->columns & FLOW_COLUMNS_OF_OWNER))
		return "";
	owner = owner_lookup_find(&pipeline->owner, flow);
	*user = owner.socket.user;
	return unit_name(&pipeline->owner, owner.unit);
}

const char *pipeline_owner_of_record(struct pipeline *pipeline, const struct flow_record *flow)
{
	struct owner_lookup *lookup = &pipeline->owner;

	/* Where units are not asked for, records may end before that member. */
	return unit_name(lookup, lookup->units ? owner_lookup_unit(lookup, flow->cgroup) : 0);
}

void pipeline_owner_end(struct pipeline *pipeline)
{
	owner_lookup_report(&pipeline->owner);
}

struct translations_question {
	const struct flow_record *flows;
	size_t count;
	struct nat_translation *translations;
};

static void ask_translations(void *owner, void *argument)
{
	const struct export_thread *thread = owner;
	const struct translations_question *question = argument;

	for (size_t i = 0; i < question->count; i++)
		(void)nat_table_find(thread->config.nat.table, &question->flows[i].key,
				     &question->translations[i]);
}

int pipeline_translations(struct pipeline *pipeline, const struct flow_record *flows, size_t count,
			  struct nat_translation *translations)
{
	struct translations_question question = { flows, count, translations };

	return pipeline_ask_exporter(pipeline, ask_translations, &question);
}

struct units_question {
	struct owner_sum *sums;
	size_t count;
};

static void ask_units(void *owner, void *argument)
{
	const struct export_thread *thread = owner;
	struct units_question *question = argument;

	if (thread->config.owner)
		question->count = export_owner_sums(thread->config.owner, &question->sums);
}

int pipeline_units(struct pipeline *pipeline, struct owner_sum **sums, size_t *count)
{
	struct units_question question = { .sums = NULL };
	const int result = pipeline_ask_exporter(pipeline, ask_units, &question);

	*sums = question.sums;
	*count = question.count;
	return result;
}
