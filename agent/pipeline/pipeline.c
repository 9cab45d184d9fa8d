/* pipeline.c - puts the stages together: sources and workers, rings, AS table, exporter and its
 * thread.
 *
 * Order at start: AS table, exporter, then one worker per source, so that what fails does so before
 * packets are read. Order at the end: workers finish, the export thread sends what is left, threads
 * are joined, all is freed. */
#include "pipeline.h"

#include "asn_table.h"
#include "collector_setup.h"
#include "config_tables.h"
#include "export_thread.h"
#include "log.h"
#include "sequence_file.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define CALL_TIMEOUT_MS 1000

struct pipeline {
	struct pipeline_events events;
	uint32_t source_id;
	struct sequence_file *sequences;        /* owned; NULL: none are kept */
	struct asn_table *asn_table;            /* owned; NULL without networks file */
	struct application_table *applications; /* owned; NULL without applications file */
	struct template_choice choice;
	struct own_exports *own_exports; /* owned */
	struct samplers *samplers;       /* owned */
	struct interface_mtus mtus;
	struct export_thread export;
	struct worker *workers;  /* owned */
	size_t worker_count;     /* initialized ones */
	int finished_descriptor; /* eventfd, owned */
};

static bool is_live(const struct config *config, size_t source)
{
	const struct capture_type *type = capture_find(config->sources[source].kind);

	return type && type->is_live;
}

static int load_networks_file(struct pipeline *pipeline, const char *path, struct error_text *error)
{
	if (!path)
		return 0;
	pipeline->asn_table = config_networks_load(path, error);
	if (!pipeline->asn_table)
		return -EINVAL;
	pipeline->choice.has_as_numbers = true;
	pipeline->choice.has_next_hop = asn_table_has_next_hops(pipeline->asn_table);
	pipeline->choice.has_peers = asn_table_has_peers(pipeline->asn_table);
	log_info("%s: %zu IPv4 and %zu IPv6 prefixes", path,
		 asn_table_count(pipeline->asn_table, 4), asn_table_count(pipeline->asn_table, 6));
	return 0;
}

static int load_applications_file(struct pipeline *pipeline, const char *path,
				  struct error_text *error)
{
	if (!path)
		return 0;
	pipeline->applications = config_applications_load(path, error);
	if (!pipeline->applications)
		return -EINVAL;
	pipeline->choice.has_applications = true;
	log_info("%s: %zu applications", path, application_table_count(pipeline->applications));
	return 0;
}

/* What all workers share, and what is the same for all. */
static struct worker_config worker_config_of(struct pipeline *pipeline, const struct config *config)
{
	const uint32_t share = config->max_flows / (uint32_t)config->source_count;

	return (struct worker_config){
		.cache = {
			.max_flows = share ? share : 1,
			.expiry = config->expiry,
			.is_bidirectional = config->has_biflows,
			.has_ports = flow_key_has(&config->flow_key, FLOW_KEY_ports),
		},
		.flow_key = config->flow_key,
		.splits_superpackets = config->splits_superpackets,
		.samplers = pipeline->samplers,
		.mtus = &pipeline->mtus,
		.export_wake = &pipeline->export.wake,
	};
}

/* Numbers that nobody outside may know. A file is sampled alike at every run. */
static int draw_secrets(struct worker_config *worker, bool is_live, struct error_text *error)
{
	uint8_t *const key = worker->cache.hash_key;
	uint8_t *const seed = worker->sampling_seed;

	if (getrandom(key, sizeof(worker->cache.hash_key), 0) !=
	    (ssize_t)sizeof(worker->cache.hash_key)) {
		error_text_set(error, "no random key for the flow cache: %s", strerror(errno));
		return -errno;
	}
	memset(seed, 0, SAMPLING_SEED_SIZE);
	seed[0] = 1;
	if (is_live && getrandom(seed, SAMPLING_SEED_SIZE, 0) != SAMPLING_SEED_SIZE) {
		error_text_set(error, "no random seed for sampling: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

static int create_workers(struct pipeline *pipeline, const struct config *config,
			  struct error_text *error)
{
	struct worker_config worker = worker_config_of(pipeline, config);

	pipeline->workers = calloc(config->source_count, sizeof(*pipeline->workers));
	if (!pipeline->workers) {
		error_text_set(error, "no memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < config->source_count; i++) {
		int result;

		worker.source = &config->sources[i];
		worker.type = capture_find(worker.source->kind);
		worker.own_exports = is_live(config, i) ? pipeline->own_exports : NULL;
		result = draw_secrets(&worker, is_live(config, i), error);
		if (result == 0)
			result = worker_init(&pipeline->workers[i], &worker, error);
		if (result < 0)
			return result;
		pipeline->worker_count++;
		export_thread_connect(&pipeline->export, i, pipeline->workers[i].ring,
				      &pipeline->workers[i].wake);
	}
	return 0;
}

/* 'exporter' is taken, also on failure. Returns 0 or -ENOMEM. */
static int create_export_thread(struct pipeline *pipeline, const struct config *config,
				struct exporter *exporter)
{
	struct export_thread_config thread = {
		.exporter = exporter,
		.applications = pipeline->applications,
		.own_exports = pipeline->own_exports,
		.flow_key = config->flow_key,
		.input_count = config->source_count,
		.is_live = is_live(config, 0),
		.finished_descriptor = pipeline->finished_descriptor,
	};

	if (flow_key_has(&config->flow_key, FLOW_KEY_addresses))
		thread.asn_table = pipeline->asn_table;
	interface_mtus_init(&pipeline->mtus, config->interface_mtu);
	thread.interfaces = interface_monitor_create(&(struct interface_monitor_config){
		.exporter = exporter,
		.mtus = &pipeline->mtus,
		.rules = &config->if_map,
		.expiry = &config->expiry,
		.is_live = thread.is_live,
	});
	if (!thread.interfaces ||
	    (thread.applications && exporter_set_applications(exporter, thread.applications))) {
		interface_monitor_destroy(thread.interfaces);
		exporter_destroy(exporter);
		return -ENOMEM;
	}
	return export_thread_init(&pipeline->export, &thread);
}

struct pipeline *pipeline_create(const struct config *config, const struct pipeline_events *events,
				 struct error_text *error)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	struct exporter *exporter = NULL;

	if (!pipeline || !(pipeline->own_exports = own_exports_create()) ||
	    !(pipeline->samplers = samplers_create())) {
		error_text_set(error, "no memory");
		if (pipeline)
			own_exports_destroy(pipeline->own_exports);
		free(pipeline);
		return NULL;
	}
	pipeline->events = *events;
	pipeline->source_id = config->source_id;
	pipeline->choice.key = config->flow_key;
	pipeline->choice.has_biflows = config->has_biflows;
	pipeline->export.wake.descriptor = pipeline->export.call.done = -1;
	pipeline->finished_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pipeline->finished_descriptor < 0) {
		error_text_set(error, "eventfd: %s", strerror(errno));
		goto fail;
	}
	if (load_networks_file(pipeline, config->networks_file, error) < 0 ||
	    load_applications_file(pipeline, config->applications_file, error) < 0)
		goto fail;
	exporter = collector_setup_exporter(config, &pipeline->choice, error);
	if (!exporter)
		goto fail;
	if (create_export_thread(pipeline, config, exporter) < 0) {
		error_text_set(error, "no memory");
		goto fail;
	}
	if (create_workers(pipeline, config, error) < 0)
		goto fail;
	exporter_set_samplers(exporter, pipeline->samplers); /* as far as sources know them */
	if (pipeline->export.config.is_live) {
		collector_setup_warn(config);
		pipeline->sequences = sequence_file_open(exporter, pipeline->source_id);
	}
	return pipeline;
fail:
	pipeline_destroy(pipeline);
	return NULL;
}

int pipeline_start(struct pipeline *pipeline, struct error_text *error)
{
	int result = export_thread_start(&pipeline->export);

	if (result < 0)
		error_text_set(error, "cannot start a thread: %s", strerror(-result));
	for (size_t i = 0; result == 0 && i < pipeline->worker_count; i++)
		result = worker_start(&pipeline->workers[i], error);
	return result;
}

int pipeline_descriptor(const struct pipeline *pipeline)
{
	return pipeline->finished_descriptor;
}

void pipeline_dispatch(struct pipeline *pipeline)
{
	uint64_t count;

	if (read(pipeline->finished_descriptor, &count, sizeof(count)) == (ssize_t)sizeof(count))
		pipeline->events.finished(pipeline->events.context);
}

void pipeline_stop(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		atomic_store(&pipeline->workers[i].stop_requested, true);
		wake_signal(&pipeline->workers[i].wake);
	}
}

void pipeline_abandon(struct pipeline *pipeline)
{
	pipeline_stop(pipeline);
	atomic_store(&pipeline->export.abandon_requested, true);
	wake_signal(&pipeline->export.wake);
}

const char *pipeline_hung_thread(struct pipeline *pipeline)
{
	const char *hung = NULL;

	/* Each is asked, also after the first that hangs: all are woken. */
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		struct worker *worker = &pipeline->workers[i];

		if (worker->is_running && !thread_call_is_answering(&worker->call))
			hung = worker->name;
	}
	if (pipeline->export.is_running && !thread_call_is_answering(&pipeline->export.call))
		hung = "the export thread";
	return hung;
}

void pipeline_destroy(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	for (size_t i = 0; i < pipeline->worker_count; i++)
		worker_join(&pipeline->workers[i]);
	export_thread_join(&pipeline->export);
	sequence_file_close(pipeline->sequences);
	for (size_t i = 0; i < pipeline->worker_count; i++)
		worker_clear(&pipeline->workers[i]);
	free(pipeline->workers);
	export_thread_clear(&pipeline->export);
	own_exports_destroy(pipeline->own_exports);
	asn_table_destroy(pipeline->asn_table);
	application_table_destroy(pipeline->applications);
	samplers_destroy(pipeline->samplers);
	if (pipeline->finished_descriptor >= 0)
		(void)close(pipeline->finished_descriptor);
	free(pipeline);
}

bool pipeline_source_has_begun_away(const struct pipeline *pipeline, size_t number)
{
	return pipeline->workers[number].source.has_begun_away;
}

bool pipeline_has_failed(const struct pipeline *pipeline, struct error_text *error)
{
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		if (pipeline->workers[i].failure.text[0]) {
			*error = pipeline->workers[i].failure;
			return true;
		}
	}
	return false;
}

/* Have a worker run a function; at once if its thread does not run. */
static int ask_worker(struct worker *worker, void (*function)(void *, void *), void *argument)
{
	if (worker->is_running)
		return thread_call_run(&worker->call, function, argument, CALL_TIMEOUT_MS);
	function(worker, argument);
	return 0;
}

static int ask_exporter(struct pipeline *pipeline, void (*function)(void *, void *), void *argument)
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

	status->name = worker->name;
	status->label = worker->label;
	status->is_live = worker->type->is_live;
	status->has_ended = worker->has_ended;
	status->is_away = !worker->has_ended && capture_source_is_away(&worker->source);
	memcpy(status->failure, status->is_away ? worker->source.reason.text : worker->failure.text,
	       sizeof(status->failure));
	status->last_packet_ms = worker->last_packet_ms;
	worker_read_ledger(worker, &status->ledger);
	capture_source_statistics(&worker->source, &status->capture);
	status->gets_single_packets = worker->message_watch.is_single;
	(void)source_sampling_format(&worker->sampling, status->sampling);
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
	part.taken = calloc(pipeline->worker_count, sizeof(*part.taken));
	result = snapshot->sources && snapshot->collectors && part.taken ? 0 : -ENOMEM;

	/* The exporter first: what workers expire meanwhile is then in the rings. */
	if (result == 0)
		result = ask_exporter(pipeline, fill_exporter_part, &part);
	for (size_t i = 0; result == 0 && i < pipeline->worker_count; i++) {
		const struct worker_ledger *ledger = &snapshot->sources[i].ledger;

		result = ask_worker(&pipeline->workers[i], fill_source_status,
				    &snapshot->sources[i]);
		worker_ledger_add(&snapshot->workers, ledger);
		snapshot->ring.records += worker_ledger_expired(ledger) - part.taken[i].records;
		snapshot->ring.packets += ledger->cache.packets_expired - part.taken[i].packets;
		snapshot->ring.octets += ledger->cache.octets_expired - part.taken[i].octets;
	}
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
		int result = ask_worker(&pipeline->workers[number], fill_flows_part, &part);

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
		result = ask_worker(&pipeline->workers[i], add_drops, drops);
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
		int result = ask_worker(&pipeline->workers[i], begin_flush, &flows);

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
	result = ask_exporter(pipeline, list_interfaces, list);
	return result || list->entries ? result : -ENOMEM;
}

static void send_template(void *owner, void *argument)
{
	struct export_thread *thread = owner;

	(void)argument;
	exporter_send_template(thread->config.exporter);
}

int pipeline_send_template(struct pipeline *pipeline)
{
	return ask_exporter(pipeline, send_template, NULL);
}

const struct asn_entry *pipeline_asn(const struct pipeline *pipeline, uint8_t ip_version,
				     const uint8_t *address)
{
	static const struct asn_entry none;

	if (!pipeline->asn_table || !flow_key_has(&pipeline->choice.key, FLOW_KEY_addresses))
		return &none;
	return asn_table_find(pipeline->asn_table, ip_version, address);
}

struct sampler pipeline_sampler(const struct pipeline *pipeline, uint8_t number)
{
	return samplers_at(pipeline->samplers, number);
}

struct template_choice pipeline_template_choice(const struct pipeline *pipeline)
{
	struct template_choice choice = pipeline->choice;

	choice.has_samplers = samplers_count(pipeline->samplers) != 0;
	return choice;
}
