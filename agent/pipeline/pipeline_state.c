/* pipeline_state.c - sections of what a pipeline leaves.
 *
 * Invariant: the ledgers that are written close, and flows are as many as they say. */
#include "pipeline_state.h"

#include "handover_flow.h"
#include "handover_translation.h"
#include "pipeline_parts.h"
#include "pipeline_uncounted.h"
#include "pipeline_waiting.h"
#include "time_now.h"

#include <stdio.h>
#include <string.h>

/* Flows that are written at once. */
#define FLOWS_AT_ONCE 64
/* Likewise, translated connections. */
#define CONNECTIONS_AT_ONCE 64

static void write_counters(struct handover_writer *writer, enum handover_kind kind,
			   const char *name, const uint64_t *counters, size_t count)
{
	handover_write_head(writer, kind, name, count * sizeof(uint64_t));
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[sizeof(uint64_t)];

		store_be64(bytes, counters[i]);
		handover_write_body(writer, bytes, sizeof(bytes));
	}
}

static void write_u32(struct handover_writer *writer, enum handover_kind kind, const char *name,
		      uint32_t value)
{
	uint8_t bytes[sizeof(value)];

	store_be32(bytes, value);
	handover_write_section(writer, kind, name, bytes, sizeof(bytes));
}

/* A record of the ring as a flow of 'size' bytes: it was in the cache until now. */
static void write_record(struct handover_writer *writer, const struct flow_record *record,
			 size_t size)
{
	const cache_ms now_ms = time_now_ms(CLOCK_MONOTONIC);
	struct moved_flow flow = { .created_ms = now_ms, .seen_ms = now_ms };
	uint8_t bytes[HANDOVER_FLOW_SIZE];
	struct writer body = writer_of(bytes, sizeof(bytes));

	memcpy(&flow.record, record, size);
	handover_flow_write(&body, &flow);
	handover_write_body(writer, bytes, sizeof(bytes));
}

/* The records among the entries; they are written if 'writer' is not NULL, and their sum is
 * 'amount'. */
static void walk_ring(const struct pipeline_state_source *source, struct handover_writer *writer,
		      struct worker_ledger *ledger)
{
	for (uint32_t i = source->ring_next; source->ring && i != source->ring_end; i++) {
		const struct ring_entry *entry = record_ring_at(source->ring, i);
		const struct flow_record *flow = &entry->record.flow;

		if (entry->kind != RING_RECORD)
			continue;
		if (writer)
			write_record(writer, flow, record_ring_flow_size(source->ring));
		if (!ledger)
			continue;
		ledger->cache.records_expired[flow->end_reason]--;
		ledger->cache.packets_expired -= flow->packets;
		ledger->cache.octets_expired -= flow->octets;
		ledger->cache.flows_cached++;
		ledger->cache.packets_cached += flow->packets;
		ledger->cache.octets_cached += flow->octets;
	}
}

static void write_flows(struct handover_writer *writer, const struct pipeline_state_source *source,
			uint64_t flows)
{
	uint8_t bytes[FLOWS_AT_ONCE * HANDOVER_FLOW_SIZE];
	struct moved_flow moved[FLOWS_AT_ONCE];
	uint64_t cursor = 0;
	size_t count;

	handover_write_head(writer, HANDOVER_flows, source->name, 4 + flows * HANDOVER_FLOW_SIZE);
	store_be32(bytes, HANDOVER_FLOW_SIZE);
	handover_write_body(writer, bytes, 4);
	walk_ring(source, writer, NULL);
	while ((count = flow_cache_move_out(source->cache, &cursor, moved, FLOWS_AT_ONCE)) > 0) {
		struct writer part = writer_of(bytes, sizeof(bytes));

		for (size_t i = 0; i < count; i++)
			handover_flow_write(&part, &moved[i]);
		handover_write_body(writer, bytes, writer_size(&part));
	}
}

/* Flows of no source are exported at once. */
static void write_leaving(struct handover_writer *writer,
			  const struct pipeline_state_source *source, struct worker_ledger *sum)
{
	struct pipeline_state_source nameless = *source;

	nameless.name = "";
	walk_ring(source, NULL, &nameless.ledger);
	if (nameless.ledger.cache.flows_cached)
		write_flows(writer, &nameless, nameless.ledger.cache.flows_cached);
	worker_ledger_add(sum, &nameless.ledger);
}

static void write_source(struct handover_writer *writer, const char *build,
			 const struct pipeline_state_source *source,
			 const struct worker_ledger *others)
{
	const uint64_t counts[] = { source->counted.seen, source->counted.foreign,
				    source->more.seen, source->more.foreign };
	struct worker_ledger ledger = source->ledger;
	uint64_t flows;

	walk_ring(source, NULL, &ledger);
	flows = ledger.cache.flows_cached;
	if (others)
		worker_ledger_add(&ledger, others);
	if (source->has_sequence)
		write_u32(writer, HANDOVER_sequence, source->name, source->next_sequence);
	if (source->is_loss_unknown)
		handover_write_section(writer, HANDOVER_loss_unknown, source->name, NULL, 0);
	write_counters(writer, HANDOVER_counts, source->name, counts,
		       sizeof(counts) / sizeof(counts[0]));
	write_counters(writer, HANDOVER_worker, source->name,
		       (const uint64_t *)(const void *)&ledger,
		       PIPELINE_STATE_COUNTERS_OF(struct worker_ledger));
	if (flows)
		write_flows(writer, source, flows);
	if (source->left)
		pipeline_uncounted_write(writer, build, source->name, source->left);
}

static void write_sources(struct handover_writer *writer, const char *build,
			  const struct pipeline_state_source *sources, size_t count)
{
	struct worker_ledger leaving = { 0 };

	for (size_t i = 0; i < count; i++)
		if (sources[i].is_leaving)
			write_leaving(writer, &sources[i], &leaving);
	for (size_t i = 0; i < count; i++)
		if (!sources[i].is_leaving)
			write_source(writer, build, &sources[i], i ? NULL : &leaving);
}

static void write_waiting(struct handover_writer *writer, const struct exporter *exporter,
			  size_t collector, const char *name)
{
	const struct queued_datagram *datagram;
	uint64_t size = 0;

	for (size_t i = 0; (datagram = exporter_waiting(exporter, collector, i)) != NULL; i++)
		size += PIPELINE_WAITING_SIZE + datagram->size;
	if (!size)
		return;
	handover_write_head(writer, HANDOVER_waiting, name, size);
	for (size_t i = 0; (datagram = exporter_waiting(exporter, collector, i)) != NULL; i++) {
		uint8_t head[PIPELINE_WAITING_SIZE];
		struct writer bytes = writer_of(head, sizeof(head));

		pipeline_waiting_write(&bytes, datagram);
		handover_write_body(writer, head, sizeof(head));
		handover_write_body(writer, datagram->bytes, datagram->size);
	}
}

static void write_export(struct handover_writer *writer, const struct pipeline *pipeline)
{
	const struct exporter *exporter = pipeline->export.config.exporter;
	const size_t count = exporter_collector_count(exporter);
	uint8_t uptime[16];

	for (size_t i = 0; i <= count; i++) {
		struct collector_status status = { .ledger = *exporter_collector_ledger(exporter,
											count) };
		char number[24];

		if (i < count)
			exporter_collector_status(exporter, i, &status);
		if (i < count && status.has_sequence)
			write_u32(writer, HANDOVER_export_sequence, status.name, status.sequence);
		if (i < count)
			write_waiting(writer, exporter, i, status.name);
		if (i < count && exporter_port(exporter, i))
			write_u32(writer, HANDOVER_port, status.name, exporter_port(exporter, i));
		(void)snprintf(number, sizeof(number), "%zu", i);
		write_counters(writer, HANDOVER_collector, number,
			       (const uint64_t *)(const void *)&status.ledger,
			       PIPELINE_STATE_COUNTERS_OF(struct collector_ledger));
	}
	store_be64(uptime, (uint64_t)pipeline->export.origin_ms);
	store_be64(uptime + 8, (uint64_t)pipeline->export.start_ms);
	handover_write_section(writer, HANDOVER_uptime, "", uptime, sizeof(uptime));
}

/* Connections on their way into a section. */
struct translations {
	struct handover_writer *writer;
	struct writer part; /* of 'bytes' */
	uint8_t bytes[CONNECTIONS_AT_ONCE * HANDOVER_TRANSLATION_SIZE];
};

static void write_connection(void *context, const struct nat_connection *connection,
			     int64_t ended_ms)
{
	struct translations *translations = context;

	handover_translation_write(&translations->part, connection, ended_ms);
	if (writer_size(&translations->part) < sizeof(translations->bytes))
		return;
	handover_write_body(translations->writer, translations->bytes, sizeof(translations->bytes));
	translations->part = writer_of(translations->bytes, sizeof(translations->bytes));
}

/* What the kernel has translated: of a connection that has ended it says nothing any more, and its
 * flows are still to be exported. */
static void write_translations(struct handover_writer *writer, const struct nat_table *table)
{
	struct translations translations = { .writer = writer };
	const uint32_t count = table ? nat_table_counts(table).connections : 0;
	uint8_t size[4];

	if (!count)
		return;
	translations.part = writer_of(translations.bytes, sizeof(translations.bytes));
	handover_write_head(writer, HANDOVER_translations, "",
			    sizeof(size) + (uint64_t)count * HANDOVER_TRANSLATION_SIZE);
	store_be32(size, HANDOVER_TRANSLATION_SIZE);
	handover_write_body(writer, size, sizeof(size));
	nat_table_visit(table, write_connection, &translations);
	handover_write_body(writer, translations.bytes, writer_size(&translations.part));
}

static void write_samplers(struct handover_writer *writer, const struct samplers *samplers)
{
	const uint8_t count = samplers_count(samplers);
	uint8_t bytes[UINT8_MAX * 5];
	struct writer body = writer_of(bytes, sizeof(bytes));

	for (unsigned int i = 1; i <= count; i++) {
		const struct sampler sampler = samplers_at(samplers, (uint8_t)i);

		writer_u8(&body, sampler.method);
		writer_u32(&body, sampler.interval);
	}
	handover_write_section(writer, HANDOVER_samplers, "", bytes, writer_size(&body));
}

int pipeline_state_write(const struct pipeline *pipeline, const char *shape, const char *layout,
			 const struct pipeline_state_source *sources, size_t count)
{
	struct handover_writer writer;

	handover_write_begin(&writer);
	handover_write_section(&writer, HANDOVER_shape, "", shape, strlen(shape));
	handover_write_section(&writer, HANDOVER_layout, "", layout, strlen(layout));
	write_u32(&writer, HANDOVER_source_id, "", pipeline->source_id);
	write_sources(&writer, pipeline->kept.build, sources, count);
	write_export(&writer, pipeline);
	write_samplers(&writer, pipeline->samplers);
	write_translations(&writer, pipeline->export.config.nat.table);
	return handover_write_end(&writer);
}
