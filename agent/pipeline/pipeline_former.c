/* pipeline_former.c - the memories of another agent, read by what it has written of itself.
 *
 * Invariant: they stay valid until the state is in the store, so that this process may be killed as
 * well; from then on the state counts. */
#include "pipeline_former.h"

#include "config.h"
#include "count_text.h"
#include "export_kept.h"
#include "export_take.h"
#include "fault_text.h"
#include "handover_state.h"
#include "log.h"
#include "pipeline_parts.h"
#include "pipeline_state.h"
#include "worker_kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pipeline_former {
	struct kept_memory export; /* owned */
	struct worker *workers;    /* owned; 'count' of them, of which the threads are no more */
	size_t count;
	int state; /* descriptor, owned; negative: none */
	uint64_t flows, in_doubt;
};

/* ---- facts: lines of a word and a value ---- */

char *pipeline_former_facts(const struct pipeline *pipeline, const struct config *config,
			    const struct worker_config *worker)
{
	const struct exporter *exporter = pipeline->export.config.exporter;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	(void)fprintf(file, "max-flows %" PRIu32 "\ncolumns %u\nlookups %u\nshape %s\n",
		      worker->cache.max_flows, worker->cache.columns, worker->lookups,
		      pipeline->handover.shape);
	for (size_t i = 0; i < config->source_count; i++)
		(void)fprintf(file, "memory %zu\n", config->sources[i].type->memory_size);
	for (size_t i = 0; i < exporter_collector_count(exporter); i++)
		(void)fprintf(file, "size %" PRIu64 "\n", exporter_kept_size(exporter, i));
	(void)fprintf(file, "%s", pipeline->handover.layout);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Line number 'number' of those that begin with a word, for free(); what follows the word and a
 * space. NULL if there is none. */
static char *find_line(const char *text, const char *word, size_t number)
{
	const size_t length = strlen(word);

	for (; *text; text += strcspn(text, "\n") + 1) {
		if (!strncmp(text, word, length) && text[length] == ' ' && number-- == 0)
			return strndup(text + length + 1, strcspn(text + length + 1, "\n"));
		if (!strchr(text, '\n'))
			break;
	}
	return NULL;
}

static uint64_t find_number(const char *text, const char *word, size_t number)
{
	char *line = find_line(text, word, number);
	const uint64_t value = line ? strtoull(line, NULL, 10) : 0;

	free(line);
	return value;
}

static size_t count_lines(const char *text, const char *word)
{
	size_t count = 0;
	char *line;

	while ((line = find_line(text, word, count)) != NULL) {
		free(line);
		count++;
	}
	return count;
}

/* ---- its workers ---- */

static int open_worker(struct pipeline *pipeline, struct worker *worker, const char *facts,
		       size_t number, const char *build, const struct worker_config *now,
		       uint32_t consumed)
{
	const struct capture_type type = {
		.memory_size = (size_t)find_number(facts, "memory", number),
	};
	const struct source_config source = { .type = &type };
	struct worker_config config = *now;
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	int descriptor, result;

	*worker = (struct worker){ .own.name = find_line(facts, "source", number) };
	worker->wake.descriptor = worker->call.done = -1;
	worker->name = worker->own.name;
	if (!worker->name)
		return -ENOMEM;
	config.source = &source;
	config.consumed = consumed;
	config.cache.max_flows = (uint32_t)find_number(facts, "max-flows", 0);
	config.cache.columns = (unsigned int)find_number(facts, "columns", 0);
	config.lookups = (unsigned int)find_number(facts, "lookups", 0);
	descriptor = descriptor_store_take(pipeline->handover.store,
					   descriptor_store_name("kept-", worker->name, name));
	if (descriptor < 0)
		return -ENOENT;
	result = kept_memory_open(&worker->memory, descriptor, build, worker_kept_size(&config));
	return result ? result : worker_kept_recover(worker, &config);
}

static int open_workers(struct pipeline *pipeline, struct pipeline_former *former,
			const char *facts, const char *build, const struct worker_config *now)
{
	const size_t count = count_lines(facts, "source");
	int result = 0;

	former->workers = calloc(count + 1, sizeof(*former->workers));
	if (!former->workers)
		return -ENOMEM;
	for (size_t i = 0; i < count && !result; i++)
		result = open_worker(pipeline, &former->workers[former->count++], facts, i, build,
				     now, export_kept_consumed(&former->export, i));
	return result;
}

static struct pipeline_state_source source_of(const struct worker *worker)
{
	struct pipeline_state_source source = {
		.name = worker->name,
		.cache = worker->cache,
		.ring = worker->ring,
		.ring_next = record_ring_consumed(worker->ring),
		.ring_end = record_ring_pushed(worker->ring),
	};
	struct capture_position position;

	worker_kept_left(worker, &source.ledger);
	worker_kept_position(&worker->memory, &position);
	source.has_sequence = !position.is_sequence_unknown;
	source.next_sequence = position.next_sequence;
	source.is_loss_unknown = position.is_loss_unknown;
	source.counted = position.counted;
	source.more = position.more;
	return source;
}

/* ---- its collectors ---- */

/* The number that each collector of this agent had: that of the same line; SIZE_MAX: none. */
static void find_collectors(const char *facts, const char *layout, size_t count, size_t *numbers)
{
	const size_t former_count = count_lines(facts, "collector");

	for (size_t i = 0; i < count; i++) {
		char *line = find_line(layout, "collector", i);

		numbers[i] = SIZE_MAX;
		for (size_t j = 0; line && j < former_count && numbers[i] == SIZE_MAX; j++) {
			char *other = find_line(facts, "collector", j);

			if (other && !strcmp(line, other))
				numbers[i] = j;
			free(other);
		}
		free(line);
	}
}

static int adopt_collectors(struct pipeline *pipeline, struct pipeline_former *former,
			    const char *facts)
{
	const size_t former_count = count_lines(facts, "collector");
	const size_t count = exporter_collector_count(pipeline->export.config.exporter);
	uint64_t *sizes = calloc(former_count + 1, sizeof(*sizes));
	size_t *numbers = calloc(count + 1, sizeof(*numbers));
	int result = sizes && numbers ? 0 : -ENOMEM;

	if (!result) {
		for (size_t i = 0; i < former_count; i++)
			sizes[i] = find_number(facts, "size", i);
		find_collectors(facts, pipeline->handover.layout, count, numbers);
		former->in_doubt =
			export_kept_adopt(&pipeline->export, &former->export, sizes, numbers);
	}
	free(sizes);
	free(numbers);
	return result;
}

/* ---- the state ---- */

static int write_state(struct pipeline *pipeline, struct pipeline_former *former, const char *facts)
{
	struct pipeline_state_source *sources = calloc(former->count + 1, sizeof(*sources));
	const char *layout = strstr(facts, "\nsource ");
	char *shape = find_line(facts, "shape", 0);

	former->state = layout ? -ENOMEM : -EINVAL;
	if (sources && layout && shape) {
		for (size_t i = 0; i < former->count; i++) {
			sources[i] = source_of(&former->workers[i]);
			former->flows += sources[i].ledger.cache.flows_cached;
		}
		former->state =
			pipeline_state_write(pipeline, shape, layout + 1, sources, former->count);
		if (strcmp(layout + 1, pipeline->handover.layout) != 0)
			exporter_uncount(pipeline->export.config.exporter);
	}
	free(sources);
	free(shape);
	return former->state < 0 ? former->state : 0;
}

static void clear_workers(struct pipeline_former *former)
{
	for (size_t i = 0; i < former->count; i++)
		worker_clear(&former->workers[i]);
	free(former->workers);
	former->workers = NULL;
	former->count = 0;
}

/* What waited is sent, but nobody has counted it. */
static void give_up(struct pipeline *pipeline)
{
	exporter_uncount(pipeline->export.config.exporter);
	clear_workers(pipeline->former);
}

int pipeline_former_take(struct pipeline *pipeline, struct kept_memory *export, const char *build,
			 const struct worker_config *worker)
{
	struct pipeline_former *former = calloc(1, sizeof(*former));
	cache_ms origin_ms;
	unix_ms start_ms;
	const char *facts;
	int result;

	if (!former)
		return -ENOMEM;
	pipeline->former = former;
	*former = (struct pipeline_former){ .export = *export, .state = -1 };
	*export = (struct kept_memory){ .descriptor = -1 };
	facts = export_kept_facts(&former->export);
	result = facts ? open_workers(pipeline, former, facts, build, worker) : -EINVAL;
	if (!result) {
		export_kept_recover_samplers(&former->export, pipeline->samplers);
		if (export_kept_origin(&former->export, &origin_ms, &start_ms))
			export_take_set_origin(&pipeline->export, origin_ms, start_ms);
		result = adopt_collectors(pipeline, former, facts);
	}
	if (!result)
		result = write_state(pipeline, former, facts);
	if (result)
		give_up(pipeline);
	return result;
}

int pipeline_former_state(struct pipeline *pipeline)
{
	struct pipeline_former *former = pipeline->former;
	const int state = former ? former->state : -1;

	if (former)
		former->state = -1;
	return state;
}

void pipeline_former_left(struct pipeline *pipeline, int result)
{
	const struct pipeline_former *former = pipeline->former;
	char flows[COUNT_TEXT_SIZE];
	char records[COUNT_TEXT_SIZE];

	if (result) {
		log_error("the last agent was killed, and the flows that it had cached are lost: "
			  "%s",
			  fault_text(-result));
		give_up(pipeline);
		return;
	}
	export_kept_set_valid(&former->export, false);
	log_warning("the last agent was killed, and had another configuration: %s taken over; of "
		    "%s it is in doubt whether they were sent",
		    count_text(former->flows, "flow", flows),
		    count_text(former->in_doubt, "record", records));
}

void pipeline_former_finish(struct pipeline *pipeline)
{
	struct pipeline_former *former = pipeline->former;

	for (size_t i = 0; former && i < former->count; i++)
		for (size_t j = 0; j < pipeline->worker_count; j++)
			if (!strcmp(pipeline->workers[j]->name, former->workers[i].name))
				worker_kept_resume_from(pipeline->workers[j], &former->workers[i]);
	if (former)
		clear_workers(former);
}

/* What waits for collectors may be in its memory until the end. */
void pipeline_former_clear(struct pipeline *pipeline)
{
	if (!pipeline->former)
		return;
	clear_workers(pipeline->former);
	kept_memory_clear(&pipeline->former->export);
	if (pipeline->former->state >= 0)
		(void)close(pipeline->former->state);
	free(pipeline->former);
}
