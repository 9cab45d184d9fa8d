/* pipeline_handover.c - names of descriptors, and what stands in the state.
 *
 * Invariant: before the first packet is read the state is removed from the store, or not valid any
 * more (pipeline_kept.h), so that nothing is taken over twice, however this process ends; and not
 * before that is so, so that nothing is lost. A source
 * is in the store under its own name as long as it is open. Counters continue where sources and
 * collectors are those of before: otherwise the equalities of the ledger would not hold. Flows
 * continue in any case. */
#include "pipeline_handover.h"

#include "config.h"
#include "export_take.h"
#include "fault_text.h"
#include "handover_translation.h"
#include "log.h"
#include "pipeline_kept.h"
#include "pipeline_parts.h"
#include "pipeline_state.h"
#include "pipeline_stored.h"
#include "pipeline_uncounted.h"
#include "pipeline_waiting.h"
#include "time_now.h"
#include "worker_account.h"
#include "worker_inherit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What makes a flow: cached ones of another shape are no flows of this agent. */
static char *shape_of(const struct config *config)
{
	const struct flow_key_choice *key = &config->flow_key;
	char *text = NULL;

	if (asprintf(&text, "key %u/%u/%u%s", key->changed, key->ipv4_prefix_length,
		     key->ipv6_prefix_length, key->has_mark_as_tos ? " mark as ToS" : "") < 0)
		return NULL;
	return text;
}

char *pipeline_handover_layout(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	for (size_t i = 0; i < config->source_count; i++)
		(void)fprintf(file, "source %s\n", config->sources[i].name);
	for (size_t i = 0; i < config->collector_count; i++) {
		const struct config_collector *collector = &config->collectors[i];

		(void)fprintf(file, "collector %s %d %s\n", collector->name, (int)collector->mode,
			      collector->group ? collector->group : "");
	}
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

int pipeline_handover_begin(struct pipeline *pipeline, struct descriptor_store *store,
			    const struct config *config)
{
	struct pipeline_handover *handover = &pipeline->handover;
	int result;

	*handover = (struct pipeline_handover){
		.store = store,
		.state_descriptor = descriptor_store_take(store, PIPELINE_HANDOVER_STATE),
		.shape = shape_of(config),
		.layout = pipeline_handover_layout(config),
	};
	if (!handover->shape || !handover->layout)
		return -ENOMEM;
	if (handover->state_descriptor < 0)
		return 0;
	result = handover_state_map(&handover->state, handover->state_descriptor);
	if (result)
		log_warning("what the last agent has left cannot be used: %s",
			    result == -EINVAL ? "it is of another version" : fault_text(-result));
	return 0;
}

void pipeline_handover_renew(struct pipeline *pipeline, char *layout)
{
	free(pipeline->handover.layout);
	pipeline->handover.layout = layout;
}

static bool find(const struct pipeline_handover *handover, enum handover_kind kind,
		 const char *name, struct reader *body)
{
	return handover_state_find(handover->state.bytes, handover->state.size, kind, name, body);
}

static bool is_text(const struct pipeline_handover *handover, enum handover_kind kind,
		    const char *text)
{
	struct reader body;

	return find(handover, kind, "", &body) && reader_left(&body) == strlen(text) &&
	       memcmp(body.next, text, strlen(text)) == 0;
}

static void take_counts(struct reader *body, struct capture_counts *counts)
{
	counts->seen = reader_u64(body);
	counts->foreign = reader_u64(body);
}

void pipeline_handover_take(struct pipeline *pipeline, const struct source_config *source,
			    struct capture_kept *kept)
{
	const struct pipeline_handover *handover = &pipeline->handover;
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	struct reader body;

	*kept = (struct capture_kept){ .descriptor = -1 };
	if (!source->type->adopt)
		return;
	kept->descriptor = descriptor_store_take(handover->store,
						 descriptor_store_name("", source->name, name));
	if (find(handover, HANDOVER_sequence, source->name, &body)) {
		kept->next_sequence = reader_u32(&body);
		kept->has_sequence = !body.failed;
	}
	kept->is_loss_unknown = find(handover, HANDOVER_loss_unknown, source->name, &body);
	if (!find(handover, HANDOVER_counts, source->name, &body))
		return;
	take_counts(&body, &kept->counted);
	take_counts(&body, &kept->more);
}

/* ---- taking over ---- */

static bool read_counters(const struct pipeline_handover *handover, enum handover_kind kind,
			  const char *name, uint64_t *counters, size_t count)
{
	struct reader body;

	if (!find(handover, kind, name, &body) || reader_left(&body) != count * sizeof(uint64_t))
		return false;
	for (size_t i = 0; i < count; i++)
		counters[i] = reader_u64(&body);
	return true;
}

static bool read_collector(const struct pipeline_handover *handover, const char *number,
			   struct collector_ledger *ledger)
{
	return read_counters(handover, HANDOVER_collector, number, (uint64_t *)(void *)ledger,
			     PIPELINE_STATE_COUNTERS_OF(struct collector_ledger)) &&
	       collector_ledger_closes(ledger);
}

/* Either all ledgers are there and close, or none is used. */
static bool read_ledgers(const struct pipeline *pipeline, struct worker_ledger *workers,
			 struct collector_ledger *collectors)
{
	const struct pipeline_handover *handover = &pipeline->handover;
	const size_t count = exporter_collector_count(pipeline->export.config.exporter);
	char number[24];

	if (!is_text(handover, HANDOVER_layout, handover->layout))
		return false;
	for (size_t i = 0; i < pipeline->worker_count; i++)
		if (!read_counters(handover, HANDOVER_worker, pipeline->workers[i]->name,
				   (uint64_t *)(void *)&workers[i],
				   PIPELINE_STATE_COUNTERS_OF(struct worker_ledger)) ||
		    !worker_ledger_closes(&workers[i]))
			return false;
	for (size_t i = 0; i <= count; i++) {
		(void)snprintf(number, sizeof(number), "%zu", i);
		if (!read_collector(handover, number, &collectors[i]))
			return false;
	}
	return true;
}

/* What waited, and does not wait here, went with the process that had it. */
static void put_in_doubt(const struct pipeline *pipeline, size_t number,
			 struct collector_ledger *before)
{
	const struct collector_ledger *now =
		exporter_collector_ledger(pipeline->export.config.exporter, number);

	amount_add(&before->lost[LOSS_IN_DOUBT], &before->waiting);
	amount_subtract(&before->lost[LOSS_IN_DOUBT], &now->waiting);
	before->waiting = now->waiting;
}

/* What waits for a collector waits again. */
static void continue_waiting(struct pipeline *pipeline)
{
	struct exporter *exporter = pipeline->export.config.exporter;

	for (size_t i = 0; i < exporter_collector_count(exporter); i++) {
		struct collector_status status;
		struct queued_datagram datagram;
		struct reader body;

		exporter_collector_status(exporter, i, &status);
		if (exporter_waiting(exporter, i, 0) || /* it has them already */
		    !find(&pipeline->handover, HANDOVER_waiting, status.name, &body))
			continue;
		while (pipeline_waiting_read(&body, &datagram))
			exporter_give(exporter, i, &datagram);
	}
}

static void continue_ledgers(struct pipeline *pipeline)
{
	const size_t count = exporter_collector_count(pipeline->export.config.exporter);
	struct worker_ledger *workers = calloc(pipeline->worker_count, sizeof(*workers));
	struct collector_ledger *collectors = calloc(count + 1, sizeof(*collectors));

	if (workers && collectors && read_ledgers(pipeline, workers, collectors)) {
		for (size_t i = 0; i < count; i++)
			put_in_doubt(pipeline, i, &collectors[i]);
		for (size_t i = 0; i < pipeline->worker_count; i++) {
			pipeline->export.inputs[i].taken = (struct amount){
				.records = worker_ledger_expired(&workers[i]),
				.packets = workers[i].cache.packets_expired,
				.octets = workers[i].cache.octets_expired,
			};
			worker_inherit_ledger(pipeline->workers[i], &workers[i]);
		}
		for (size_t i = 0; i <= count; i++)
			exporter_continue(pipeline->export.config.exporter, i, &collectors[i]);
	} else {
		exporter_uncount(pipeline->export.config.exporter);
		log_notice("counters begin with 0: sources, collectors or counters are others than "
			   "those of the last agent");
	}
	free(workers);
	free(collectors);
}

/* What the kernel lists no more has ended: the flows of these connections are still here. */
static void continue_translations(struct pipeline *pipeline)
{
	struct nat_table *table = pipeline->export.config.nat.table;
	const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);
	struct nat_connection connection;
	struct reader body;
	int64_t ended_ms;
	uint32_t size;

	if (!table || !find(&pipeline->handover, HANDOVER_translations, "", &body))
		return;
	size = handover_translation_begin(&body);
	while (size && handover_translation_read(&body, size, &connection, &ended_ms))
		nat_table_remember(table, &connection, ended_ms < now_ms ? ended_ms : now_ms);
}

static void continue_export(struct pipeline *pipeline)
{
	struct exporter *exporter = pipeline->export.config.exporter;
	struct reader body;

	for (size_t i = 0; i < exporter_collector_count(exporter); i++) {
		struct collector_status status;

		exporter_collector_status(exporter, i, &status);
		if (find(&pipeline->handover, HANDOVER_export_sequence, status.name, &body) &&
		    reader_left(&body) == 4)
			exporter_set_sequence(exporter, i, reader_u32(&body));
		if (find(&pipeline->handover, HANDOVER_port, status.name, &body) &&
		    reader_left(&body) == 4)
			exporter_set_port(exporter, i, (uint16_t)reader_u32(&body));
	}
	if (find(&pipeline->handover, HANDOVER_uptime, "", &body) && reader_left(&body) == 16) {
		const cache_ms origin_ms = (cache_ms)reader_u64(&body);

		export_take_set_origin(&pipeline->export, origin_ms, (unix_ms)reader_u64(&body));
	}
}

/* Number of the worker that gets the flows of a section: the first one, if their source is no
 * more. */
static size_t heir_of(const struct pipeline *pipeline, const struct handover_section *section,
		      bool *is_own)
{
	*is_own = false;
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		const char *name = pipeline->workers[i]->name;

		*is_own = section->name_length == strlen(name) &&
			  !memcmp(section->name, name, section->name_length);
		if (*is_own)
			return i;
	}
	return 0;
}

/* The numbers that the last agent's samplers have now. */
static void map_samplers(struct pipeline *pipeline, uint8_t map[static UINT8_MAX + 1])
{
	struct reader body;

	for (unsigned int i = 0; i <= UINT8_MAX; i++)
		map[i] = i == SAMPLER_NONE ? SAMPLER_NONE : SAMPLER_UNKNOWN;
	if (!find(&pipeline->handover, HANDOVER_samplers, "", &body))
		return;
	for (unsigned int i = 1; i < SAMPLER_UNKNOWN && reader_left(&body) >= 5; i++) {
		const uint8_t method = reader_u8(&body);
		const uint32_t interval = reader_u32(&body);

		if (method < SAMPLING_METHOD_COUNT)
			map[i] = samplers_number(pipeline->samplers, (enum sampling_method)method,
						 interval);
	}
}

/* The sections of flows that this worker gets. Each has a mapping of its own to let go of. */
static int give_flows(struct pipeline *pipeline, size_t number)
{
	struct worker_inheritance *inheritance = &pipeline->workers[number]->inheritance;
	struct handover_section section;
	size_t cursor = 0;
	int result = handover_state_map(&inheritance->state, pipeline->handover.state_descriptor);

	map_samplers(pipeline, inheritance->samplers);
	inheritance->must_leave =
		!is_text(&pipeline->handover, HANDOVER_shape, pipeline->handover.shape);
	while (!result && handover_state_next(inheritance->state.bytes, inheritance->state.size,
					      &cursor, &section)) {
		bool is_own;
		struct reader *parts;

		if (section.kind != HANDOVER_flows ||
		    heir_of(pipeline, &section, &is_own) != number)
			continue;
		inheritance->must_leave |= !is_own;
		parts = realloc(inheritance->parts,
				(inheritance->part_count + 1) * sizeof(*inheritance->parts));
		if (!parts)
			return -ENOMEM;
		parts[inheritance->part_count++] = section.body;
		inheritance->parts = parts;
	}
	if (!inheritance->parts)
		handover_state_clear(&inheritance->state);
	else if (pipeline_kept_is_there(pipeline))
		pipeline_kept_await(pipeline, number);
	return result;
}

void pipeline_handover_inherit(struct pipeline *pipeline)
{
	int result = 0;

	if (!pipeline->handover.state.bytes || pipeline_kept_is_continued(pipeline))
		return;
	continue_waiting(pipeline);
	continue_ledgers(pipeline);
	continue_export(pipeline);
	continue_translations(pipeline);
	for (size_t i = 0; i < pipeline->worker_count && !result; i++)
		result = give_flows(pipeline, i);
	if (result)
		log_warning("flows of the last agent are lost: %s", fault_text(-result));
	pipeline_uncounted_give(pipeline);
}

static void forget_state(struct pipeline_handover *handover)
{
	handover_state_clear(&handover->state);
	if (handover->state_descriptor >= 0)
		(void)close(handover->state_descriptor);
	handover->state_descriptor = -1;
}

void pipeline_handover_forget_state(struct pipeline *pipeline)
{
	const int result =
		descriptor_store_remove(pipeline->handover.store, PIPELINE_HANDOVER_STATE);

	if (result)
		log_warning(
			"the service manager has not forgotten the flows of the last agent: %s; "
			"after a kill they would be counted again",
			fault_text(-result));
}

int pipeline_handover_take_state(struct pipeline *pipeline, int descriptor)
{
	struct pipeline_handover *handover = &pipeline->handover;
	int result = descriptor_store_put(handover->store, PIPELINE_HANDOVER_STATE, descriptor);

	forget_state(handover);
	handover->state_descriptor = descriptor;
	if (!result)
		result = descriptor_store_flush(handover->store);
	return result ? result : handover_state_map(&handover->state, descriptor);
}

void pipeline_handover_end(struct pipeline *pipeline)
{
	struct pipeline_handover *handover = &pipeline->handover;

	forget_state(handover);
	descriptor_store_remove_untaken(handover->store);
	pipeline_stored_keep_all(pipeline);
}

void pipeline_handover_warn(const struct pipeline *pipeline)
{
	struct descriptor_store *store = pipeline->handover.store;

	if (pipeline->export.config.is_live && descriptor_store_is_there(store) &&
	    !descriptor_store_has_room(store))
		log_warning("the service manager keeps too few descriptors "
			    "(FileDescriptorStoreMax=): a restart exports what is cached, and "
			    "packets that come while the agent is restarted may be lost");
}

/* ---- leaving ---- */

int pipeline_handover_write_state(struct pipeline *pipeline)
{
	const struct pipeline_handover *handover = &pipeline->handover;
	struct pipeline_state_source *sources = calloc(pipeline->worker_count, sizeof(*sources));
	int descriptor;

	if (!sources)
		return -ENOMEM;
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		struct worker *worker = pipeline->workers[i];
		struct capture_kept kept;

		sources[i] = (struct pipeline_state_source){
			.name = worker->name,
			.cache = worker->cache,
			.ring = worker->ring,
			.ring_next = record_ring_consumed(worker->ring),
			.ring_end = record_ring_pushed(worker->ring),
		};
		worker_account_ledger(worker, &sources[i].ledger);
		/* The next agent knows nothing of sources that were removed. */
		if (i == 0)
			worker_ledger_add(&sources[i].ledger, &pipeline->removed);
		(void)capture_source_keep(&worker->source, &kept);
		sources[i].counted = kept.counted;
		sources[i].more = kept.more;
		sources[i].has_sequence = kept.has_sequence;
		sources[i].next_sequence = kept.next_sequence;
		sources[i].is_loss_unknown = kept.is_loss_unknown;
	}
	descriptor = pipeline_state_write(pipeline, handover->shape, handover->layout, sources,
					  pipeline->worker_count);
	free(sources);
	return descriptor;
}

/* What is cached goes with this process. */
static void explain_loss(const struct pipeline *pipeline, int result, struct error_text *error)
{
	const struct worker_ledger sum = pipeline_workers_ledger(pipeline);

	error_text_set(error,
		       "cannot hand over to the next agent: %s; lost are %" PRIu64
		       " cached flows of %" PRIu64 " packets",
		       fault_text(-result), sum.cache.flows_cached, sum.cache.packets_cached);
}

int pipeline_handover_leave(struct pipeline *pipeline, struct error_text *error)
{
	struct descriptor_store *store = pipeline->handover.store;
	const int descriptor = pipeline_handover_write_state(pipeline);
	int result = descriptor < 0 ? descriptor : 0;

	if (!result)
		result = pipeline_stored_put(pipeline);
	if (!result)
		result = descriptor_store_put(store, PIPELINE_HANDOVER_STATE, descriptor);
	if (!result)
		result = descriptor_store_flush(store);
	if (descriptor >= 0)
		(void)close(descriptor);
	if (!result)
		pipeline_kept_leave(pipeline);
	else
		explain_loss(pipeline, result, error);
	return result;
}

void pipeline_handover_clear(struct pipeline *pipeline)
{
	forget_state(&pipeline->handover);
	free(pipeline->handover.shape);
	free(pipeline->handover.layout);
}
