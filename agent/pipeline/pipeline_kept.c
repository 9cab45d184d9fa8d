/* pipeline_kept.c - memories into the store, and out of it.
 *
 * Invariant: the word of export_kept_is_valid() in the head decides alone, whatever else is in the
 * store. */
#include "pipeline_kept.h"

#include "config.h"
#include "count_text.h"
#include "export_kept.h"
#include "export_take.h"
#include "fault_text.h"
#include "flow_cache_recover.h"
#include "log.h"
#include "pipeline_former.h"
#include "pipeline_parts.h"
#include "pipeline_translations.h"
#include "worker_account.h"
#include "worker_kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Processes in a row that have not lived with what they had continued: it may be what ends them. */
#define RESTARTS_MAX 10

/* What must be alike for memories to be read. */
static void set_build(char build[static PIPELINE_KEPT_BUILD_SIZE])
{
	(void)snprintf(build, PIPELINE_KEPT_BUILD_SIZE, "%s %d %d %zu %zu %zu %zu %zu %" PRIx64,
		       FLOWAGENT_VERSION, WORKER_KEPT_LAYOUT, EXPORT_KEPT_LAYOUT,
		       sizeof(struct ring_entry), sizeof(struct worker_ledger),
		       sizeof(struct collector_ledger), sizeof(struct capture_position),
		       sizeof(void *), flow_cache_layout());
}

char *pipeline_kept_all_facts(const char *facts, struct worker *const *leaving, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *file = facts ? open_memstream(&text, &size) : NULL;

	if (!file)
		return NULL;
	for (size_t i = 0; i < count; i++)
		(void)fprintf(file, PIPELINE_FORMER_LEAVING " %s\n", leaving[i]->name);
	(void)fprintf(file, "%s", facts);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- what was left ---- */

/* Whether collectors and sources need as much as those of a head. */
static bool fits(const struct pipeline *pipeline, const struct config *config,
		 const struct kept_memory *head)
{
	const struct exporter *exporter = pipeline->export.config.exporter;
	bool fits = export_kept_input_count(head) == config->source_count &&
		    export_kept_collector_count(head) == exporter_collector_count(exporter);

	for (size_t i = 0; fits && i < config->source_count; i++)
		fits = export_kept_source(head, i).memory_size ==
		       config->sources[i].type->memory_size;
	for (size_t i = 0; fits && i < exporter_collector_count(exporter); i++)
		fits = export_kept_collector(head, i).size == exporter_kept_size(exporter, i);
	return fits;
}

static int open_workers(struct pipeline_kept *kept, const struct config *config,
			struct worker_config worker)
{
	int result = 0;

	kept->left = calloc(config->source_count, sizeof(*kept->left));
	if (!kept->left)
		return -ENOMEM;
	for (size_t i = 0; i < config->source_count && !result; i++) {
		const struct export_kept_source source = export_kept_source(&kept->keeping.head, i);

		worker.source = &config->sources[i];
		worker.cache.max_flows = source.max_flows;
		result = export_keeping_open(&kept->keeping, source.file, worker_kept_size(&worker),
					     &kept->left[i]);
		kept->left[i].number = source.file;
		kept->left_count++;
	}
	return result;
}

static void close_left(struct pipeline_kept *kept)
{
	for (size_t i = 0; i < kept->left_count; i++)
		kept_memory_clear(&kept->left[i]);
	free(kept->left);
	kept->left = NULL;
	kept->left_count = 0;
}

/* Continue what was left, if it is of this configuration; else have it taken over otherwise. */
static int use_left(struct pipeline *pipeline, const struct config *config,
		    const struct worker_config *worker)
{
	struct pipeline_kept *kept = &pipeline->kept;
	const struct kept_memory *head = &kept->keeping.head;
	int result;

	if (strcmp(export_kept_facts(head), kept->facts) != 0 || !fits(pipeline, config, head))
		return pipeline_former_take(pipeline, worker);
	result = open_workers(kept, config, *worker);
	if (!result)
		result = export_keeping_open_files(&kept->keeping);
	kept->is_continued = !result;
	return result;
}

/* Says what is lost, if something is. */
static void find_left(struct pipeline *pipeline, const struct config *config,
		      const struct worker_config *worker)
{
	struct pipeline_kept *kept = &pipeline->kept;
	int result = export_keeping_find(&kept->keeping);

	if (result == -ENOENT)
		return;
	if (!result && export_kept_count_restart(&kept->keeping.head) > RESTARTS_MAX) {
		log_error("the agent ended %d times right after having taken over flows: they are "
			  "lost, it begins anew",
			  RESTARTS_MAX);
		return;
	}
	if (!result)
		result = use_left(pipeline, config, worker);
	if (result)
		log_error("the last agent was killed, and the flows that it had cached are lost: "
			  "%s",
			  result == -EINVAL ? "it had another version" : fault_text(-result));
}

/* Nothing of what was left is used. */
static void let_go(struct pipeline_kept *kept)
{
	struct export_keeping left;

	close_left(kept);
	if (!kept->keeping.head.bytes)
		return;
	export_keeping_leave(&kept->keeping, &left);
	export_kept_set_valid(&left.head, false);
	export_keeping_forget(left.store, &left.head, left.is_second);
	export_keeping_clear(&left);
}

void pipeline_kept_begin(struct pipeline *pipeline, const struct config *config,
			 const struct worker_config *worker)
{
	struct pipeline_kept *kept = &pipeline->kept;

	if (!config->sources[0].type->is_live ||
	    !descriptor_store_is_there(pipeline->handover.store))
		return;
	set_build(kept->build);
	kept->keeping = (struct export_keeping){
		.store = pipeline->handover.store,
		.samplers = pipeline->samplers,
		.build = kept->build,
		.head = { .descriptor = -1 },
		.next_file = 1,
	};
	kept->facts = pipeline_former_facts(pipeline, config, pipeline->handover.layout);
	if (!kept->facts)
		return;
	find_left(pipeline, config, worker);
	if (kept->is_continued) {
		export_kept_recover_samplers(&kept->keeping.head, pipeline->samplers);
		pipeline->removed = *export_kept_removed(&kept->keeping.head);
	} else {
		let_go(kept);
	}
}

bool pipeline_kept_is_there(const struct pipeline *pipeline)
{
	return pipeline->kept.facts && !pipeline->kept.has_stopped;
}

bool pipeline_kept_is_continued(const struct pipeline *pipeline)
{
	return pipeline->kept.is_continued;
}

/* One that continues. */
static void continue_worker(struct pipeline_kept *kept, size_t number, struct kept_memory *memory,
			    struct worker_config *worker, struct capture_kept *source)
{
	struct capture_position position;

	*memory = kept->left[number];
	kept->left[number] = (struct kept_memory){ .descriptor = -1 };
	worker->is_continued = true;
	worker->cache.max_flows = export_kept_source(&kept->keeping.head, number).max_flows;
	worker->consumed = export_kept_consumed(&kept->keeping.head, number);
	worker_kept_position(memory, &position);
	source->has_sequence = !position.is_sequence_unknown;
	source->next_sequence = position.next_sequence;
	source->counted = position.counted;
	source->more = position.more;
}

/* A worker without is not kept, and so none is. */
static void create_memory(struct pipeline_kept *kept, struct kept_memory *memory,
			  const struct worker_config *worker)
{
	if (!kept_memory_create(memory, kept->build, worker_kept_size(worker)))
		memory->number = export_keeping_number(&kept->keeping);
}

void pipeline_kept_worker(struct pipeline *pipeline, size_t number, struct kept_memory *memory,
			  struct worker_config *worker, struct capture_kept *source)
{
	struct pipeline_kept *kept = &pipeline->kept;

	*memory = (struct kept_memory){ .descriptor = -1 };
	if (!pipeline_kept_is_there(pipeline))
		return;
	if (kept->is_continued && !pipeline->has_begun)
		continue_worker(kept, number, memory, worker, source);
	else
		create_memory(kept, memory, worker);
	if (memory->bytes)
		worker->memory = memory;
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

void pipeline_kept_say_translations(const struct pipeline *pipeline, uint64_t flows)
{
	if (flows && pipeline->export.config.nat.is_wanted &&
	    !pipeline_translations_are_left(pipeline))
		log_warning("of connections that had ended before the last agent was killed it is "
			    "not known what the kernel translated: those fields of their flows "
			    "are 0");
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
	pipeline_kept_say_translations(pipeline, sum.cache.flows_cached);
}

/* What cannot be kept is noted for nobody. */
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

static void keep_nothing(struct pipeline *pipeline)
{
	pipeline->kept.has_stopped = true;
	stop_workers(pipeline->workers, pipeline->worker_count);
	stop_workers(pipeline->leaving, pipeline->leaving_count);
}

/* Returns the most records that are in doubt. */
static uint64_t continue_export(struct pipeline *pipeline)
{
	const struct export_keeping *keeping = &pipeline->kept.keeping;
	const uint64_t in_doubt =
		export_kept_recover(&pipeline->export, &keeping->head, keeping->files, NULL);
	cache_ms origin_ms;
	unix_ms start_ms;

	export_kept_begin(&pipeline->export, &keeping->head, keeping->files, pipeline->samplers);
	if (export_kept_origin(&keeping->head, &origin_ms, &start_ms))
		export_take_set_origin(&pipeline->export, origin_ms, start_ms);
	return in_doubt;
}

void pipeline_kept_inherit(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;
	int result;

	if (!kept->facts)
		return;
	if (kept->is_continued) {
		say_continued(pipeline, continue_export(pipeline));
		return;
	}
	result = export_keeping_make(&kept->keeping, &pipeline->export, kept->facts,
				     &pipeline->removed);
	if (!result)
		return;
	log_warning("no memory that outlives a kill of the agent: %s", fault_text(-result));
	keep_nothing(pipeline);
}

/* ---- in the store ---- */

void pipeline_kept_await(struct pipeline *pipeline, size_t number)
{
	struct pipeline_kept *kept = &pipeline->kept;

	kept->awaited.export = &kept->keeping.head;
	atomic_store(&kept->awaited.is_on, true);
	atomic_fetch_add(&kept->awaited.left, 1);
	pipeline->export.awaited = &kept->awaited.is_on;
	exporter_hold(pipeline->export.config.exporter, true);
	pipeline->workers[number]->inheritance.is_awaited = true;
	for (size_t i = 0; i < pipeline->worker_count; i++)
		pipeline->workers[i]->awaited = &kept->awaited;
}

bool pipeline_kept_is_awaited(const struct pipeline *pipeline)
{
	return atomic_load(&pipeline->kept.awaited.is_on);
}

/* In new memory nothing is noted, which would mean that the first packet has number 0. */
void pipeline_kept_note_worker(struct worker *worker)
{
	if (worker->kept)
		worker_kept_begin(worker);
}

int pipeline_kept_put_worker(struct pipeline *pipeline, const struct worker *worker)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];

	return worker->memory.bytes
		       ? descriptor_store_put(pipeline->handover.store,
					      export_keeping_name(worker->memory.number, name),
					      worker->memory.descriptor)
		       : 0;
}

void pipeline_kept_forget_worker(struct pipeline *pipeline, const struct worker *worker)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];

	if (worker->memory.bytes)
		(void)descriptor_store_remove(pipeline->handover.store,
					      export_keeping_name(worker->memory.number, name));
}

static void forget(struct pipeline *pipeline)
{
	const struct export_keeping *keeping = &pipeline->kept.keeping;

	if (keeping->head.bytes)
		export_keeping_forget(keeping->store, &keeping->head, keeping->is_second);
	pipeline_translations_forget(pipeline);
	for (size_t i = 0; i < pipeline->worker_count; i++)
		pipeline_kept_forget_worker(pipeline, pipeline->workers[i]);
	for (size_t i = 0; i < pipeline->leaving_count; i++)
		pipeline_kept_forget_worker(pipeline, pipeline->leaving[i]);
}

void pipeline_kept_end(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;
	int result = 0;

	if (!pipeline_kept_is_there(pipeline))
		return;
	export_kept_note(&pipeline->export);
	for (size_t i = 0; i < pipeline->worker_count && !kept->is_continued; i++)
		pipeline_kept_note_worker(pipeline->workers[i]);
	for (size_t i = 0; i < pipeline->worker_count && !result; i++)
		result = pipeline_kept_put_worker(pipeline, pipeline->workers[i]);
	if (!result)
		result = pipeline_translations_put(pipeline);
	if (!result)
		result = export_keeping_put(&kept->keeping);
	if (!result && !pipeline_kept_is_awaited(pipeline))
		export_kept_set_valid(&kept->keeping.head, true);
	if (!result)
		return;
	export_kept_stop(&pipeline->export);
	kept->has_stopped = true;
	forget(pipeline);
	log_warning("the service manager cannot keep the flows: %s; those that are cached when the "
		    "agent is killed are lost",
		    fault_text(-result));
}

bool pipeline_kept_settle(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;

	if (!kept->facts || kept->has_left)
		return false;
	if (kept->is_settled || pipeline_kept_is_awaited(pipeline))
		return false;
	kept->is_settled = true;
	return true;
}

/* ---- other sources or collectors ---- */

void pipeline_kept_renew(struct pipeline *pipeline, const char *facts,
			 const struct worker_ledger *removed)
{
	int result;

	if (!pipeline->export.kept)
		return;
	result = export_keeping_renew(&pipeline->kept.keeping, &pipeline->export, facts, removed);
	if (result)
		log_warning("sources or collectors are others, and cannot be kept: %s; if the "
			    "agent is killed before its next restart, the flows that are cached "
			    "then are lost",
			    fault_text(-result));
}

void pipeline_kept_look(struct pipeline *pipeline)
{
	if (!pipeline_kept_is_there(pipeline) || pipeline->export.kept)
		return;
	forget(pipeline);
	keep_nothing(pipeline);
}

void pipeline_kept_leave(struct pipeline *pipeline)
{
	struct pipeline_kept *kept = &pipeline->kept;

	if (!kept->facts || kept->has_left)
		return;
	kept->has_left = true;
	if (kept->keeping.head.bytes)
		export_kept_set_valid(&kept->keeping.head, false);
	forget(pipeline);
}

void pipeline_kept_clear(struct pipeline *pipeline)
{
	close_left(&pipeline->kept);
	export_keeping_clear(&pipeline->kept.keeping);
	free(pipeline->kept.facts);
}
