/* pipeline_kept.c - memories into the store, and out of it.
 *
 * Invariant: the word of export_kept_is_valid() decides alone, whatever else is in the store. */
#include "pipeline_kept.h"

#include "config.h"
#include "count_text.h"
#include "export_kept.h"
#include "export_take.h"
#include "fault_text.h"
#include "log.h"
#include "pipeline_former.h"
#include "pipeline_parts.h"
#include "worker_account.h"
#include "worker_kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT_NAME "kept"
#define BUILD_SIZE  128
/* Processes in a row that have not lived with what they had continued: it may be what ends them. */
#define RESTARTS_MAX 10

/* What must be alike for memories to be read. */
static const char *build_of(char text[static BUILD_SIZE])
{
	(void)snprintf(text, BUILD_SIZE, "%s %d %d %zu %zu %zu %zu %zu", FLOWAGENT_VERSION,
		       WORKER_KEPT_LAYOUT, EXPORT_KEPT_LAYOUT, sizeof(struct ring_entry),
		       sizeof(struct worker_ledger), sizeof(struct collector_ledger),
		       sizeof(struct capture_position), sizeof(void *));
	return text;
}

/* ---- what was left ---- */

static int open_one(struct descriptor_store *store, const char *name, const char *build,
		    uint64_t size, struct kept_memory *memory)
{
	const int descriptor = descriptor_store_take(store, name);

	return descriptor < 0 ? -ENOENT : kept_memory_open(memory, descriptor, build, size);
}

static int open_workers(struct pipeline *pipeline, const struct config *config,
			struct worker_config worker, const char *build)
{
	struct pipeline_kept *kept = &pipeline->kept;
	int result = 0;

	for (size_t i = 0; i < kept->count && !result; i++) {
		worker.source = &config->sources[i];
		result = open_one(pipeline->handover.store, kept->names[i], build,
				  worker_kept_size(&worker), &kept->workers[i]);
	}
	return result;
}

static void close_all(struct pipeline_kept *kept)
{
	kept_memory_clear(&kept->export);
	for (size_t i = 0; i < kept->count; i++)
		kept_memory_clear(&kept->workers[i]);
}

/* Continue what was left, if it is of this configuration; else have it taken over otherwise. */
static int use_left(struct pipeline *pipeline, const struct config *config,
		    const struct worker_config *worker, const char *build, const char *facts)
{
	struct pipeline_kept *kept = &pipeline->kept;
	const char *left = export_kept_facts(&kept->export);
	int result;

	if (!left || strcmp(left, facts) != 0)
		return pipeline_former_take(pipeline, &kept->export, build, worker);
	result = open_workers(pipeline, config, *worker, build);
	kept->is_continued = !result;
	return result;
}

/* Says what is lost, if something is. */
static void find_left(struct pipeline *pipeline, const struct config *config,
		      const struct worker_config *worker, const char *build, const char *facts)
{
	struct pipeline_kept *kept = &pipeline->kept;
	int result = open_one(pipeline->handover.store, EXPORT_NAME, build, 0, &kept->export);

	if (result == -ENOENT || (!result && !export_kept_is_valid(&kept->export)))
		return;
	if (!result && export_kept_count_restart(&kept->export) > RESTARTS_MAX) {
		log_error("the agent ended %d times right after having taken over flows: they are "
			  "lost, it begins anew",
			  RESTARTS_MAX);
		return;
	}
	if (!result)
		result = use_left(pipeline, config, worker, build, facts);
	if (result)
		log_error("the last agent was killed, and the flows that it had cached are lost: "
			  "%s",
			  result == -EINVAL ? "it had another version" : fault_text(-result));
}

static int create_all(struct pipeline *pipeline, const struct config *config,
		      struct worker_config worker, const char *build, const char *facts)
{
	struct pipeline_kept *kept = &pipeline->kept;
	int result = kept_memory_create(
		&kept->export, build,
		export_kept_size(pipeline->export.config.exporter, kept->count, facts));

	if (!result)
		export_kept_set_facts(&kept->export, facts);
	for (size_t i = 0; i < kept->count && !result; i++) {
		worker.source = &config->sources[i];
		result = kept_memory_create(&kept->workers[i], build, worker_kept_size(&worker));
	}
	return result;
}

void pipeline_kept_begin(struct pipeline *pipeline, const struct config *config,
			 const struct worker_config *worker)
{
	struct pipeline_kept *kept = &pipeline->kept;
	char build[BUILD_SIZE];
	char *facts;
	int result = 0;

	if (!config->sources[0].type->is_live ||
	    !descriptor_store_is_there(pipeline->handover.store))
		return;
	(void)build_of(build);
	facts = pipeline_former_facts(pipeline, config, worker);
	kept->workers = calloc(config->source_count, sizeof(*kept->workers));
	kept->names = calloc(config->source_count, sizeof(*kept->names));
	if (facts && kept->workers && kept->names) {
		kept->count = config->source_count;
		for (size_t i = 0; i < kept->count; i++)
			descriptor_store_name("kept-", config->sources[i].name, kept->names[i]);
		find_left(pipeline, config, worker, build, facts);
		if (kept->is_continued) {
			export_kept_recover_samplers(&kept->export, pipeline->samplers);
		} else {
			close_all(kept);
			result = create_all(pipeline, config, *worker, build, facts);
		}
	}
	free(facts);
	if (!result)
		return;
	log_warning("no memory that outlives a kill of the agent: %s", fault_text(-result));
	close_all(kept);
	kept->count = 0;
}

bool pipeline_kept_is_continued(const struct pipeline *pipeline)
{
	return pipeline->kept.is_continued;
}

void pipeline_kept_worker(struct pipeline *pipeline, size_t number, struct worker_config *worker,
			  struct capture_kept *source)
{
	struct pipeline_kept *kept = &pipeline->kept;
	struct capture_position position;

	/* None is left for those that a reload brings. */
	worker->memory =
		number < kept->count && kept->workers[number].bytes ? &kept->workers[number] : NULL;
	worker->is_continued = worker->memory && kept->is_continued;
	if (!worker->is_continued)
		return;
	worker->consumed = export_kept_consumed(&kept->export, number);
	worker_kept_position(worker->memory, &position);
	source->has_sequence = !position.is_sequence_unknown;
	source->next_sequence = position.next_sequence;
	source->counted = position.counted;
	source->more = position.more;
}

struct worker_ledger pipeline_workers_ledger(const struct pipeline *pipeline)
{
	struct worker_ledger sum = { 0 };

	for (size_t i = 0; i < pipeline->worker_count; i++) {
		struct worker_ledger ledger;

		worker_account_ledger(pipeline->workers[i], &ledger);
		worker_ledger_add(&sum, &ledger);
	}
	return sum;
}

static void say_continued(const struct pipeline *pipeline, uint64_t in_doubt)
{
	const struct worker_ledger sum = pipeline_workers_ledger(pipeline);
	char flows[COUNT_TEXT_SIZE];
	char records[COUNT_TEXT_SIZE];

	log_warning("the last agent was killed: %s continued; of %s it is in doubt whether they "
		    "were sent",
		    count_text(sum.cache.flows_cached, "flow", flows),
		    count_text(in_doubt, "record", records));
}

void pipeline_kept_inherit(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;
	uint64_t in_doubt;
	cache_ms origin_ms;
	unix_ms start_ms;

	if (!kept->count)
		return;
	in_doubt = export_kept_begin(&pipeline->export, &kept->export, pipeline->samplers,
				     kept->is_continued);
	if (!kept->is_continued)
		return;
	if (export_kept_origin(&kept->export, &origin_ms, &start_ms))
		export_take_set_origin(&pipeline->export, origin_ms, start_ms);
	say_continued(pipeline, in_doubt);
}

/* ---- in the store ---- */

void pipeline_kept_await(struct pipeline *pipeline, size_t number)
{
	struct pipeline_kept *kept = &pipeline->kept;

	kept->awaited.export = &kept->export;
	atomic_fetch_add(&kept->awaited.left, 1);
	pipeline->workers[number]->inheritance.is_awaited = true;
	for (size_t i = 0; i < pipeline->worker_count; i++)
		pipeline->workers[i]->awaited = &kept->awaited;
}

bool pipeline_kept_is_awaited(const struct pipeline *pipeline)
{
	return atomic_load(&pipeline->kept.awaited.left) != 0;
}

void pipeline_kept_end(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;
	struct descriptor_store *store = pipeline->handover.store;
	int result;

	if (!kept->count)
		return;
	export_kept_note(&pipeline->export);
	result = descriptor_store_put(store, EXPORT_NAME, kept->export.descriptor);
	for (size_t i = 0; i < kept->count && !result; i++)
		result = descriptor_store_put(store, kept->names[i],
					      pipeline->workers[i]->memory.descriptor);
	if (!result && !pipeline_kept_is_awaited(pipeline))
		export_kept_set_valid(&kept->export, true);
	if (result)
		log_warning("the service manager cannot keep the flows: %s; those that are cached "
			    "when the agent is killed are lost",
			    fault_text(-result));
}

bool pipeline_kept_settle(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;

	if (!kept->count || kept->has_left)
		return false;
	if (kept->is_settled || pipeline_kept_is_awaited(pipeline))
		return false;
	kept->is_settled = true;
	return true;
}

static void forget(struct pipeline *pipeline)
{
	const struct pipeline_kept *kept = &pipeline->kept;

	(void)descriptor_store_remove(pipeline->handover.store, EXPORT_NAME);
	for (size_t i = 0; i < kept->count; i++)
		(void)descriptor_store_remove(pipeline->handover.store, kept->names[i]);
}

static void stop_worker(void *owner, void *argument)
{
	(void)argument;
	worker_kept_stop(owner);
}

/* A worker that does not answer notes for nobody, and no harm is done. */
static void stop_workers(struct worker *const *workers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)pipeline_ask_worker(workers[i], stop_worker, NULL);
}

void pipeline_kept_stop(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;

	if (!kept->count || kept->has_stopped || pipeline->export.kept)
		return;
	kept->has_stopped = true;
	forget(pipeline);
	stop_workers(pipeline->workers, pipeline->worker_count);
	stop_workers(pipeline->leaving, pipeline->leaving_count);
}

void pipeline_kept_leave(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;

	if (!kept->count)
		return;
	kept->has_left = true;
	export_kept_set_valid(&kept->export, false);
	forget(pipeline);
}

void pipeline_kept_clear(struct pipeline *pipeline)
{
	close_all(&pipeline->kept);
	free(pipeline->kept.workers);
	free(pipeline->kept.names);
}
