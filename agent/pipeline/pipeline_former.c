/* pipeline_former.c - the memories of another agent, read by what it has written of itself.
 *
 * Invariant: they stay valid until the state is in the store, so that this process may be killed as
 * well; from then on the state counts. */
#include "pipeline_former.h"

#include "collector_setup.h"
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
	struct export_keeping keeping; /* owned */
	struct worker *workers; /* owned; 'count' of them, of which the threads are no more */
	size_t count;
	size_t staying; /* of them, from the first on; then those whose source was removed */
	int state;      /* descriptor, owned; negative: none */
	uint64_t flows, in_doubt;
};

/* ---- facts: lines of a word and a value ---- */

/* Datagrams that wait for a collector can go to it if this is the same. */
static void write_protocol(FILE *file, const struct config *config, size_t collector)
{
	const struct collector_config one = collector_setup_one(config, collector);

	(void)fprintf(file, "protocol %u %s\n", one.version,
		      one.transport ? one.transport : "none");
}

char *pipeline_former_facts(const struct pipeline *pipeline, const struct config *config,
			    const char *layout)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	(void)fprintf(file, "max-flows %" PRIu32 "\ncolumns %u\nlookups %u\nshape %s\n",
		      config->max_flows, pipeline->columns & ~EXPORT_RECORD_LOOKUPS,
		      pipeline->columns & EXPORT_RECORD_LOOKUPS, pipeline->handover.shape);
	for (size_t i = 0; i < config->collector_count; i++)
		write_protocol(file, config, i);
	(void)fprintf(file, "%s", layout);
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

static int open_worker(struct pipeline_former *former, struct worker *worker, char *name,
		       size_t number, const struct worker_config *now)
{
	const char *facts = export_kept_facts(&former->keeping.head);
	const struct export_kept_source left = export_kept_source(&former->keeping.head, number);
	const struct capture_type type = { .memory_size = (size_t)left.memory_size };
	const struct source_config source = { .type = &type };
	struct worker_config config = *now;
	int result;

	*worker = (struct worker){ .own.name = name };
	worker->wake.descriptor = worker->call.done = -1;
	worker->name = worker->own.name;
	if (!worker->name)
		return -ENOMEM;
	config.source = &source;
	config.consumed = export_kept_consumed(&former->keeping.head, number);
	config.cache.max_flows = left.max_flows;
	config.cache.columns = (unsigned int)find_number(facts, "columns", 0);
	config.lookups = (unsigned int)find_number(facts, "lookups", 0);
	result = export_keeping_open(&former->keeping, left.file, worker_kept_size(&config),
				     &worker->memory);
	return result ? result : worker_kept_recover(worker, &config);
}

static int open_workers(struct pipeline_former *former, const struct worker_config *now)
{
	const char *facts = export_kept_facts(&former->keeping.head);
	const size_t count = export_kept_input_count(&former->keeping.head);
	int result = 0;

	former->staying = count_lines(facts, "source");
	former->workers = calloc(count + 1, sizeof(*former->workers));
	if (!former->workers)
		return -ENOMEM;
	if (former->staying + count_lines(facts, PIPELINE_FORMER_LEAVING) != count)
		return -EINVAL;
	for (size_t i = 0; i < count && !result; i++) {
		char *name = i < former->staying ? find_line(facts, "source", i)
						 : find_line(facts, PIPELINE_FORMER_LEAVING,
							     i - former->staying);

		result = open_worker(former, &former->workers[former->count++], name, i, now);
	}
	return result;
}

static struct pipeline_state_source source_of(const struct worker *worker, bool is_leaving)
{
	struct pipeline_state_source source = {
		.name = worker->name,
		.is_leaving = is_leaving,
		.cache = worker->cache,
		.ring = worker->ring,
		.ring_next = record_ring_consumed(worker->ring),
		.ring_end = record_ring_pushed(worker->ring),
		.left = worker,
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

static bool is_line(const char *facts, const char *word, size_t number, const char *line)
{
	char *other = find_line(facts, word, number);
	const bool is_same = line && other && !strcmp(line, other);

	free(other);
	return is_same;
}

/* What each collector of this agent was: that of the same line. 'own' has the facts of now. */
static void match_collectors(const char *facts, const char *own, size_t count,
			     struct export_kept_match *matches)
{
	const size_t former_count = count_lines(facts, "collector");

	for (size_t i = 0; i < count; i++) {
		char *line = find_line(own, "collector", i);
		char *protocol = find_line(own, "protocol", i);
		size_t number = 0;

		while (number < former_count && !is_line(facts, "collector", number, line))
			number++;
		matches[i] = (struct export_kept_match){
			.number = number < former_count ? number : SIZE_MAX,
			.is_same = is_line(facts, "protocol", number, protocol),
		};
		free(line);
		free(protocol);
	}
}

static int adopt_collectors(struct pipeline *pipeline, struct pipeline_former *former)
{
	const struct kept_memory *head = &former->keeping.head;
	const size_t count = exporter_collector_count(pipeline->export.config.exporter);
	struct export_kept_match *matches = calloc(count + 1, sizeof(*matches));
	int result = matches ? export_keeping_open_files(&former->keeping) : -ENOMEM;

	if (!result) {
		match_collectors(export_kept_facts(head), pipeline->kept.facts, count, matches);
		former->in_doubt = export_kept_recover(&pipeline->export, head,
						       former->keeping.files, matches);
	}
	free(matches);
	return result;
}

/* ---- the state ---- */

/* What sources that are no more have counted goes on in the first one, as in any state. */
static int write_state(struct pipeline *pipeline, struct pipeline_former *former)
{
	const char *facts = export_kept_facts(&former->keeping.head);
	struct pipeline_state_source *sources = calloc(former->count + 1, sizeof(*sources));
	const char *layout = strstr(facts, "\nsource ");
	char *shape = find_line(facts, "shape", 0);

	former->state = layout ? -ENOMEM : -EINVAL;
	if (sources && layout && shape) {
		for (size_t i = 0; i < former->count; i++) {
			sources[i] = source_of(&former->workers[i], i >= former->staying);
			former->flows += sources[i].ledger.cache.flows_cached;
		}
		worker_ledger_add(&sources[0].ledger, export_kept_removed(&former->keeping.head));
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

static void invalidate(const struct pipeline_former *former)
{
	const struct export_keeping *keeping = &former->keeping;

	export_kept_set_valid(&keeping->head, false);
	export_keeping_forget(keeping->store, &keeping->head, keeping->is_second);
}

/* What waited is sent, but nobody has counted it. */
static void give_up(struct pipeline *pipeline)
{
	exporter_uncount(pipeline->export.config.exporter);
	clear_workers(pipeline->former);
	invalidate(pipeline->former);
}

int pipeline_former_take(struct pipeline *pipeline, const struct worker_config *worker)
{
	struct pipeline_former *former = calloc(1, sizeof(*former));
	const struct kept_memory *head;
	cache_ms origin_ms;
	unix_ms start_ms;
	int result;

	if (!former)
		return -ENOMEM;
	pipeline->former = former;
	former->state = -1;
	export_keeping_leave(&pipeline->kept.keeping, &former->keeping);
	head = &former->keeping.head;
	result = open_workers(former, worker);
	if (!result) {
		export_kept_recover_samplers(head, pipeline->samplers);
		if (export_kept_origin(head, &origin_ms, &start_ms))
			export_take_set_origin(&pipeline->export, origin_ms, start_ms);
		result = adopt_collectors(pipeline, former);
	}
	if (!result)
		result = write_state(pipeline, former);
	if (result)
		give_up(pipeline);
	else
		clear_workers(former);
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
	invalidate(former);
	log_warning("the last agent was killed, and had another configuration: %s taken over; of "
		    "%s it is in doubt whether they were sent",
		    count_text(former->flows, "flow", flows),
		    count_text(former->in_doubt, "record", records));
	pipeline_kept_say_translations(pipeline, former->flows);
}

/* What waits for collectors may be in its memory until the end. */
void pipeline_former_clear(struct pipeline *pipeline)
{
	if (!pipeline->former)
		return;
	clear_workers(pipeline->former);
	export_keeping_clear(&pipeline->former->keeping);
	if (pipeline->former->state >= 0)
		(void)close(pipeline->former->state);
	free(pipeline->former);
}
