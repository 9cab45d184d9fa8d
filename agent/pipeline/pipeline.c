/* pipeline.c - puts the stages together: sources and workers, rings, AS table, exporter and its
 * thread.
 *
 * Order at start: AS table, exporter, then one worker per source, so that what fails does so before
 * packets are read. Order at the end: workers finish, the export thread sends what is left, threads
 * are joined, all is freed. */
#include "pipeline.h"

#include "asn_table.h"
#include "collector_setup.h"
#include "config_hash_key.h"
#include "config_overlap.h"
#include "config_source_id.h"
#include "fault_text.h"
#include "log.h"
#include "pipeline_export.h"
#include "pipeline_former.h"
#include "pipeline_handover.h"
#include "pipeline_kept.h"
#include "pipeline_parts.h"
#include "pipeline_translations.h"
#include "pipeline_stored.h"
#include "sequence_file.h"
#include "worker_kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

static bool is_live(const struct config *config, size_t source)
{
	return config->sources[source].type->is_live;
}

void pipeline_choose_asn(struct template_choice *choice, const struct asn_table *table)
{
	choice->has_as_numbers = table != NULL;
	choice->has_next_hop = table && asn_table_has_next_hops(table);
	choice->has_peers = table && asn_table_has_peers(table);
}

static int load_asn_table(struct pipeline *pipeline, const struct config *config,
			  struct error_text *error)
{
	if (!config->asn_table && !config->networks_file)
		return 0;
	pipeline->asn = asn_supply_create(config, pipeline->asn_news, error);
	if (!pipeline->asn)
		return -EINVAL;
	pipeline_choose_asn(&pipeline->choice, asn_supply_table(pipeline->asn));
	return 0;
}

static int make_applications(struct pipeline *pipeline, const struct config *config,
			     struct error_text *error)
{
	if (!config->applications_file && config->owner != CONFIG_OWNER_unit)
		return 0;
	if (config->applications_file)
		(void)file_watch_identify(config->applications_file, &pipeline->applications_file);
	pipeline->applications = pipeline_create_applications(config, error);
	pipeline->choice.has_applications = pipeline->applications != NULL;
	return pipeline->applications ? 0 : -EINVAL;
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
			.columns = pipeline->columns & ~EXPORT_RECORD_LOOKUPS,
		},
		.flow_key = config->flow_key,
		.lookups = pipeline->columns & EXPORT_RECORD_LOOKUPS,
		.fragment_lifetime_ms = config->fragment_lifetime_ms,
		.splits_superpackets = config->splits_superpackets,
		.sampling = { .key = pipeline->secret, .is_shared = config->hash_key_file },
		.samplers = pipeline->samplers,
		.mtus = &pipeline->mtus,
		.export_wake = &pipeline->export.wake,
		.source_news = &pipeline->source_news,
	};
}

/* Numbers that nobody outside may know. A file is sampled alike at every run. */
static int draw_secrets(struct worker_config *worker, bool is_live, struct error_text *error)
{
	uint8_t *const key = worker->cache.hash_key;
	uint8_t *const seed = worker->sampling.seed;

	if (getrandom(key, sizeof(worker->cache.hash_key), 0) !=
	    (ssize_t)sizeof(worker->cache.hash_key)) {
		error_text_set(error, "no random key for the flow cache: %s", fault_text(errno));
		return -errno;
	}
	memset(seed, 0, SAMPLING_SEED_SIZE);
	seed[0] = 1;
	if (is_live && getrandom(seed, SAMPLING_SEED_SIZE, 0) != SAMPLING_SEED_SIZE) {
		error_text_set(error, "no random seed for sampling: %s", fault_text(errno));
		return -errno;
	}
	return 0;
}

struct worker *pipeline_create_worker(struct pipeline *pipeline, const struct config *config,
				      size_t number, struct error_text *error)
{
	struct worker_config settings = worker_config_of(pipeline, config);
	struct worker *worker = calloc(1, sizeof(*worker));
	struct capture_kept kept = { .descriptor = -1 };
	struct kept_memory memory;
	int result;

	if (!worker) {
		error_text_set(error, "no memory");
		return NULL;
	}
	settings.source = &config->sources[number];
	settings.own_exports = is_live(config, number) ? pipeline->own_exports : NULL;
	settings.kept = &kept;
	pipeline_handover_take(pipeline, settings.source, &kept);
	pipeline_kept_worker(pipeline, number, &memory, &settings, &kept);
	result = draw_secrets(&settings, is_live(config, number), error);
	if (result == 0)
		result = worker_init(worker, &settings, error);
	if (result == 0)
		return worker;
	kept_memory_clear(&memory);
	free(worker);
	return NULL;
}

/* What is made of an agent that was killed is taken over as from one that has ended in order. */
static void take_former_state(struct pipeline *pipeline)
{
	const int state = pipeline_former_state(pipeline);

	if (state >= 0)
		pipeline_former_left(pipeline, pipeline_handover_take_state(pipeline, state));
}

static int create_workers(struct pipeline *pipeline, const struct config *config,
			  struct error_text *error)
{
	const struct worker_config settings = worker_config_of(pipeline, config);

	pipeline_kept_begin(pipeline, config, &settings);
	take_former_state(pipeline);
	pipeline->workers = calloc(config->source_count, sizeof(*pipeline->workers));
	if (!pipeline->workers) {
		error_text_set(error, "no memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < config->source_count; i++) {
		struct worker *worker = pipeline_create_worker(pipeline, config, i, error);

		if (!worker)
			return -EINVAL;
		pipeline->workers[pipeline->worker_count++] = worker;
		export_thread_connect(&pipeline->export, i, worker->ring, &worker->wake);
		pipeline->export.inputs[i].kept = worker_kept_source(worker);
	}
	return 0;
}

/* What collectors know this agent by. */
static void open_numbers(struct pipeline *pipeline, const struct config *config)
{
	pipeline->sequences =
		sequence_file_open(pipeline->export.config.exporter, pipeline->source_id,
				   config->takes_over || pipeline_kept_is_continued(pipeline));
	config_source_id_keep(config);
}

struct pipeline *pipeline_create(const struct config *config, const struct pipeline_events *events,
				 struct descriptor_store *store, struct error_text *error)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	struct exporter *exporter = NULL;
	int result;

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
	pipeline->handover.state_descriptor = -1;
	pipeline->finished_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pipeline->asn_news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pipeline->source_news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pipeline->finished_descriptor < 0 || pipeline->asn_news < 0 ||
	    pipeline->source_news < 0) {
		error_text_set(error, "eventfd: %s", fault_text(errno));
		goto fail;
	}
	if (pipeline_handover_begin(pipeline, store, config) < 0) {
		error_text_set(error, "no memory");
		goto fail;
	}
	if (config_hash_key_load(config, &pipeline->secret, error) < 0 ||
	    load_asn_table(pipeline, config, error) < 0 ||
	    make_applications(pipeline, config, error) < 0)
		goto fail;
	pipeline->columns = collector_setup_columns(config, &pipeline->choice);
	exporter = collector_setup_exporter(config, &pipeline->choice, pipeline->secret, error);
	if (!exporter)
		goto fail;
	result = pipeline_export_create(pipeline, config, exporter);
	if (result < 0) {
		error_text_set(error, "cannot set up the export thread: %s", fault_text(-result));
		goto fail;
	}
	pipeline_translations_continue(pipeline);
	if (create_workers(pipeline, config, error) < 0)
		goto fail;
	exporter_set_samplers(exporter, pipeline->samplers); /* as far as sources know them */
	if (pipeline->export.config.is_live) {
		collector_setup_warn(config);
		pipeline_export_delay(exporter, config->start_delay_ms);
		pipeline_kept_inherit(pipeline);
		pipeline_handover_inherit(pipeline);
		if (!config->takes_over) /* else they are the other agent's still */
			open_numbers(pipeline, config);
	}
	return pipeline;
fail:
	pipeline_destroy(pipeline);
	return NULL;
}

static int start_threads(struct pipeline *pipeline, struct error_text *error)
{
	int result;

	thread_rest_hold(&pipeline->export.start);
	for (size_t i = 0; i < pipeline->worker_count; i++)
		thread_rest_hold(&pipeline->workers[i]->start);
	result = export_thread_start(&pipeline->export);
	if (result < 0)
		error_text_set(error, "cannot start a thread: %s", fault_text(-result));
	for (size_t i = 0; result == 0 && i < pipeline->worker_count; i++)
		result = worker_start(pipeline->workers[i], error);
	if (result < 0 || !pipeline->asn || !pipeline->export.config.is_live)
		return result;
	result = asn_supply_start(pipeline->asn);
	if (result < 0)
		error_text_set(error, "cannot start a thread: %s", fault_text(-result));
	return result;
}

int pipeline_start(struct pipeline *pipeline, struct error_text *error)
{
	const int result = start_threads(pipeline, error);

	if (result == -EAGAIN)
		error_text_hint(error, "the number of threads is limited: see ulimit -u, or "
				       "TasksMax= and LimitNPROC= of its unit");
	return result;
}

static void do_nothing(void *owner, void *argument)
{
	(void)owner;
	(void)argument;
}

/* In which the export thread finds out where it sends from. What the last agent has sent from there
 * may wait in a source, and is our own, too. It answers before a turn: so the second answer comes
 * after the first turn. */
static void await_first_turn(struct pipeline *pipeline)
{
	if (!pipeline_ask_exporter(pipeline, do_nothing, NULL))
		(void)pipeline_ask_exporter(pipeline, do_nothing, NULL);
}

void pipeline_begin(struct pipeline *pipeline, const struct config *config)
{
	const bool is_live = pipeline->export.config.is_live;

	pipeline->has_begun = true;
	for (size_t i = 0; i < pipeline->worker_count; i++)
		capture_source_begin(&pipeline->workers[i]->source);
	if (is_live && config->takes_over)
		open_numbers(pipeline, config);
	if (is_live)
		pipeline->claims = source_id_claims_create(config);
	source_id_claims_look(pipeline->claims);
	pipeline_handover_end(pipeline);
	pipeline_kept_end(pipeline);
	if (!pipeline_kept_is_there(pipeline) || !pipeline_kept_is_awaited(pipeline))
		pipeline_handover_forget_state(pipeline);
	pipeline_handover_warn(pipeline);
	thread_rest_end(&pipeline->export.start);
	if (is_live)
		await_first_turn(pipeline);
	for (size_t i = 0; i < pipeline->worker_count; i++)
		thread_rest_end(&pipeline->workers[i]->start);
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
		atomic_store(&pipeline->workers[i]->stop_requested, true);
		wake_signal(&pipeline->workers[i]->wake);
	}
}

void pipeline_stop_and_hold(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->worker_count; i++)
		atomic_store(&pipeline->workers[i]->hold_requested, true);
	pipeline_stop(pipeline);
}

static void join_workers(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->worker_count; i++)
		worker_join(pipeline->workers[i]);
	for (size_t i = 0; i < pipeline->leaving_count; i++)
		worker_join(pipeline->leaving[i]);
}

void pipeline_join(struct pipeline *pipeline)
{
	join_workers(pipeline);
	export_thread_join(&pipeline->export);
}

int pipeline_hand_over(struct pipeline *pipeline, struct error_text *error)
{
	pipeline_join(pipeline);
	return pipeline_handover_leave(pipeline, error);
}

void pipeline_leave_nothing(struct pipeline *pipeline)
{
	pipeline_kept_leave(pipeline);
}

int pipeline_source_descriptor(const struct pipeline *pipeline)
{
	return pipeline->source_news;
}

void pipeline_source_dispatch(struct pipeline *pipeline)
{
	uint64_t count;

	if (read(pipeline->source_news, &count, sizeof(count)) == (ssize_t)sizeof(count))
		pipeline_stored_look(pipeline);
}

void pipeline_forget_taken(struct pipeline *pipeline)
{
	if (pipeline_kept_settle(pipeline))
		pipeline_handover_forget_state(pipeline);
	pipeline_stored_look(pipeline);
}

void pipeline_abandon(struct pipeline *pipeline)
{
	pipeline_stop(pipeline);
	atomic_store(&pipeline->export.abandon_requested, true);
	wake_signal(&pipeline->export.wake);
}

static void format_doing(const struct thread_call *call, const char *collector,
			 char doing[static PIPELINE_DOING_SIZE])
{
	const char *what = atomic_load_explicit(&call->doing, memory_order_relaxed);

	(void)snprintf(doing, PIPELINE_DOING_SIZE, "%s%s%s", what ? what : "starting",
		       collector ? " to collector " : "", collector ? collector : "");
}

const char *pipeline_hung_thread(struct pipeline *pipeline, char doing[static PIPELINE_DOING_SIZE])
{
	struct export_thread *export = &pipeline->export;
	const char *hung = NULL;

	doing[0] = '\0';

	/* Each is asked, also after the first that hangs: all are woken. */
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		struct worker *worker = pipeline->workers[i];

		if (worker->is_running && !thread_call_is_answering(&worker->call)) {
			hung = worker->name;
			format_doing(&worker->call, NULL, doing);
		}
	}
	if (export->is_running && !thread_call_is_answering(&export->call)) {
		hung = "the export thread";
		format_doing(&export->call, exporter_serving(export->config.exporter), doing);
	}
	return hung;
}

void pipeline_destroy(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	pipeline_join(pipeline);
	sequence_file_close(pipeline->sequences);
	source_id_claims_destroy(pipeline->claims);
	pipeline_handover_clear(pipeline);
	pipeline_kept_clear(pipeline);
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		if (!pipeline->has_begun) /* another agent reads them, or the next one will */
			capture_source_leave(&pipeline->workers[i]->source);
		worker_clear(pipeline->workers[i]);
		free(pipeline->workers[i]);
	}
	for (size_t i = 0; i < pipeline->leaving_count; i++) {
		worker_clear(pipeline->leaving[i]);
		free(pipeline->leaving[i]);
	}
	free(pipeline->workers);
	free(pipeline->leaving);
	export_thread_clear(&pipeline->export);
	pipeline_translations_clear(pipeline);
	pipeline_former_clear(pipeline);
	own_exports_destroy(pipeline->own_exports);
	asn_supply_destroy(pipeline->asn);
	application_table_destroy(pipeline->applications);
	owner_lookup_close(&pipeline->owner);
	samplers_destroy(pipeline->samplers);
	if (pipeline->finished_descriptor >= 0)
		(void)close(pipeline->finished_descriptor);
	if (pipeline->asn_news >= 0)
		(void)close(pipeline->asn_news);
	if (pipeline->source_news >= 0)
		(void)close(pipeline->source_news);
	free(pipeline);
}

void pipeline_log_start(const struct pipeline *pipeline, const struct config *config)
{
	for (size_t i = 0; i < config->source_count; i++) {
		const struct source_config *source = &config->sources[i];
		char more[48] = "";

		if (pipeline->workers[i]->source.has_begun_away)
			continue;
		if (source->also_count)
			(void)snprintf(more, sizeof(more), " and %zu more", source->also_count);
		log_event(LOG_LEVEL_info, "source-read", source->name, "reading %s%s%s%s",
			  source->name, more, source->label[0] ? " " : "", source->label);
	}
	config_overlap_warn(config, NULL);
	if (config->collector_count == 0)
		log_notice("no collector is configured: flows are kept for a local view (agentctl "
			   "show flows) and exported nowhere");
}

bool pipeline_has_failed(const struct pipeline *pipeline, struct error_text *error)
{
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		if (pipeline->workers[i]->failure.text[0]) {
			*error = pipeline->workers[i]->failure;
			return true;
		}
	}
	return false;
}

struct asn_entry pipeline_asn(const struct pipeline *pipeline, uint8_t ip_version,
			      const uint8_t *address)
{
	struct asn_entry entry = { .as_number = 0 };

	if (pipeline->asn && flow_key_has(&pipeline->choice.key, FLOW_KEY_addresses))
		asn_table_find(asn_supply_table(pipeline->asn), ip_version, address, &entry);
	return entry;
}

bool pipeline_asn_name(const struct pipeline *pipeline, uint32_t as_number,
		       char name[static ASN_NAME_SIZE])
{
	name[0] = '\0';
	return pipeline->asn && asn_table_name(asn_supply_table(pipeline->asn), as_number, name);
}

bool pipeline_asn_status(const struct pipeline *pipeline, struct pipeline_asn_status *status)
{
	if (!pipeline->asn)
		return false;
	*status = (struct pipeline_asn_status){
		.path = asn_supply_path(pipeline->asn),
		.table = asn_supply_table(pipeline->asn),
		.counts = asn_supply_counts(pipeline->asn),
	};
	return true;
}

struct sampler pipeline_sampler(const struct pipeline *pipeline, uint8_t number)
{
	return samplers_at(pipeline->samplers, number);
}

unsigned int pipeline_columns(const struct pipeline *pipeline)
{
	return pipeline->columns;
}

struct template_choice pipeline_template_choice(const struct pipeline *pipeline)
{
	struct template_choice choice = pipeline->choice;

	choice.has_samplers = samplers_count(pipeline->samplers) != 0;
	return choice;
}
