/* pipeline_sources.c - workers for new sources, and the end of those that are gone.
 *
 * Invariant: a worker is in the export thread's list from before its end is asked for until its end
 * has come out of its ring; what it has counted then goes on in pipeline.removed. */
#include "pipeline_sources.h"

#include "config.h"
#include "count_text.h"
#include "log.h"
#include "pipeline_kept.h"
#include "pipeline_parts.h"
#include "pipeline_stored.h"
#include "worker_account.h"
#include "worker_kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct worker *find(const struct pipeline *pipeline, const struct source_config *source)
{
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		struct worker *worker = pipeline->workers[i];

		if (worker->type == source->type && !strcmp(worker->name, source->name))
			return worker;
	}
	return NULL;
}

static bool is_among(struct worker *const *workers, size_t count, const struct worker *worker)
{
	for (size_t i = 0; i < count; i++)
		if (workers[i] == worker)
			return true;
	return false;
}

static struct export_input input_of(struct worker *worker)
{
	return (struct export_input){
		.ring = worker->ring,
		.worker_wake = &worker->wake,
		.kept = worker_kept_source(worker),
	};
}

/* Those that still finish, and those that go. */
static void list_leaving(const struct pipeline *pipeline, struct pipeline_sources *sources)
{
	for (size_t i = 0; i < pipeline->leaving_count; i++)
		sources->leaving[sources->leaving_count++] = pipeline->leaving[i];
	for (size_t i = 0; i < pipeline->worker_count; i++)
		if (!is_among(sources->workers, sources->count, pipeline->workers[i]))
			sources->leaving[sources->leaving_count++] = pipeline->workers[i];
}

/* All that have a ring. */
static void list_inputs(struct pipeline_sources *sources)
{
	struct export_inputs *list = &sources->inputs;

	for (size_t i = 0; i < sources->count; i++)
		list->inputs[list->count++] = input_of(sources->workers[i]);
	for (size_t i = 0; i < sources->leaving_count; i++)
		list->inputs[list->count++] = input_of(sources->leaving[i]);
}

static int make_room(const struct pipeline *pipeline, size_t count,
		     struct pipeline_sources *sources, struct error_text *error)
{
	const size_t others = pipeline->worker_count + pipeline->leaving_count;

	sources->workers = calloc(count, sizeof(*sources->workers));
	sources->are_new = calloc(count, sizeof(*sources->are_new));
	sources->leaving = calloc(others + 1, sizeof(*sources->leaving));
	sources->inputs.inputs = calloc(count + others, sizeof(*sources->inputs.inputs));
	if (sources->workers && sources->are_new && sources->leaving && sources->inputs.inputs)
		return 0;
	error_text_set(error, "no memory");
	return -ENOMEM;
}

/* Returns 0, or a negative errno with 'error' filled. */
static int add_new(struct pipeline *pipeline, const struct config *config, size_t number,
		   struct pipeline_sources *sources, struct error_text *error)
{
	struct worker *worker = pipeline_create_worker(pipeline, config, number, error);

	if (!worker)
		return -EIO;
	sources->workers[sources->count] = worker;
	sources->are_new[sources->count++] = true;
	pipeline_stored_keep(pipeline, worker);
	if (pipeline_kept_put_worker(pipeline, worker))
		worker->memory.number = 0; /* pipeline_kept_renew() says that nothing is kept */
	thread_rest_hold(&worker->start);  /* nothing is read before it can be kept */
	/* No agent before it has this source: what one has left of it, killed, goes. */
	capture_source_begin(&worker->source);
	pipeline_kept_note_worker(worker);
	return worker_start(worker, error);
}

int pipeline_sources_prepare(struct pipeline *pipeline, const struct config *config,
			     struct pipeline_sources *sources, struct error_text *error)
{
	int result;

	*sources = (struct pipeline_sources){ .differs = config->source_count !=
							 pipeline->worker_count };
	result = make_room(pipeline, config->source_count, sources, error);
	for (size_t i = 0; !result && i < config->source_count; i++) {
		struct worker *known = find(pipeline, &config->sources[i]);

		sources->differs |=
			!known || i >= pipeline->worker_count || pipeline->workers[i] != known;
		if (known)
			sources->workers[sources->count++] = known;
		else
			result = add_new(pipeline, config, i, sources, error);
	}
	if (!result) {
		list_leaving(pipeline, sources);
		list_inputs(sources);
	}
	return result;
}

void pipeline_sources_clear(struct pipeline *pipeline, struct pipeline_sources *sources)
{
	for (size_t i = 0; sources->workers && i < sources->count; i++) {
		if (!sources->are_new[i])
			continue;
		pipeline_stored_forget(pipeline, sources->workers[i]->name);
		pipeline_kept_forget_worker(pipeline, sources->workers[i]);
		worker_join(sources->workers[i]);
		worker_clear(sources->workers[i]);
		free(sources->workers[i]);
	}
	free(sources->workers);
	free(sources->are_new);
	free(sources->leaving);
	free(sources->inputs.inputs);
}

void pipeline_sources_take(struct pipeline *pipeline, struct pipeline_sources *sources)
{
	const size_t before = pipeline->leaving_count;

	free(pipeline->leaving);
	free(pipeline->workers);
	pipeline->leaving = sources->leaving;
	pipeline->leaving_count = sources->leaving_count;
	pipeline->workers = sources->workers;
	pipeline->worker_count = sources->count;
	sources->leaving = NULL;
	sources->workers = NULL;
	for (size_t i = 0; i < pipeline->worker_count; i++)
		if (sources->are_new[i])
			thread_rest_end(&pipeline->workers[i]->start);
	for (size_t i = before; i < pipeline->leaving_count; i++) {
		struct worker *worker = pipeline->leaving[i];

		pipeline_stored_forget(pipeline, worker->name);
		atomic_store(&worker->stop_requested, true);
		wake_signal(&worker->wake);
	}
}

/* ---- the end of a worker ---- */

/* What it has counted goes on; what it had at one time does not. */
static struct worker_ledger removed_with(const struct pipeline *pipeline, struct worker *worker)
{
	struct worker_ledger sum = pipeline->removed;
	struct worker_ledger ledger;

	worker_account_ledger(worker, &ledger);
	ledger.cache.flows_cached_peak = ledger.cache.memory_bytes = 0;
	ledger.duplicates.sources_suspected = 0;
	worker_ledger_add(&sum, &ledger);
	return sum;
}

static void say_removed(struct worker *worker)
{
	struct worker_ledger ledger;
	char read[COUNT_TEXT_SIZE];

	worker_account_ledger(worker, &ledger);
	log_notice("%s: removed: %s %s read", worker->name,
		   count_text(ledger.packets_read, "packet", read),
		   count_verb(ledger.packets_read, "was", "were"));
}

/* What the export thread is to be without. */
struct disconnection {
	struct pipeline *pipeline;
	struct export_inputs inputs;
	char *facts;
	const struct worker_ledger *removed;
};

static void disconnect(void *owner, void *argument)
{
	struct disconnection *without = argument;

	export_thread_set_inputs(owner, &without->inputs);
	pipeline_kept_renew(without->pipeline, without->facts, without->removed);
}

/* Take the export thread its inputs without this one, which has counted into 'removed'. */
static int end_input(struct pipeline *pipeline, const struct worker *ended,
		     const struct worker_ledger *removed)
{
	const size_t most = pipeline->worker_count + pipeline->leaving_count;
	struct worker **others = calloc(most, sizeof(struct worker *));
	struct disconnection without = {
		.pipeline = pipeline,
		.inputs = { .inputs = calloc(most, sizeof(*without.inputs.inputs)) },
		.removed = removed,
	};
	size_t count = 0;
	int result = others && without.inputs.inputs ? 0 : -ENOMEM;

	for (size_t i = 0; !result && i < pipeline->worker_count; i++)
		without.inputs.inputs[without.inputs.count++] = input_of(pipeline->workers[i]);
	for (size_t i = 0; !result && i < pipeline->leaving_count; i++)
		if (pipeline->leaving[i] != ended) {
			others[count++] = pipeline->leaving[i];
			without.inputs.inputs[without.inputs.count++] =
				input_of(pipeline->leaving[i]);
		}
	if (!result) {
		without.facts = pipeline_kept_all_facts(pipeline->kept.facts, others, count);
		result = pipeline_ask_exporter(pipeline, disconnect, &without);
	}
	free(without.facts);
	free(others);
	free(without.inputs.inputs);
	return result;
}

/* Returns whether it is gone. */
static bool settle(struct pipeline *pipeline, struct worker *worker)
{
	static const char *const kinds[] = { "away", "rules", "duplicates", "failed", "not-kept" };
	struct export_end end = { .ring = worker->ring };
	struct worker_ledger removed;

	if (pipeline_ask_exporter(pipeline, export_thread_look_for_end, &end) || !end.has_come)
		return false;
	worker_join(worker);
	removed = removed_with(pipeline, worker);
	if (end_input(pipeline, worker, &removed))
		return false;
	pipeline->removed = removed;
	pipeline_kept_look(pipeline);
	say_removed(worker);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		log_problem_over(kinds[i], worker->name);
	pipeline_kept_forget_worker(pipeline, worker);
	worker_clear(worker);
	free(worker);
	return true;
}

void pipeline_sources_settle(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->leaving_count;) {
		if (settle(pipeline, pipeline->leaving[i])) {
			pipeline->leaving_count--;
			for (size_t j = i; j < pipeline->leaving_count; j++)
				pipeline->leaving[j] = pipeline->leaving[j + 1];
		} else {
			i++;
		}
	}
}
