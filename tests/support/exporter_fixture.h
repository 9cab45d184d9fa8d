/* exporter_fixture.h - an exporter with up to three collectors over a fake transport that can fail
 * in all the ways a real one can, and a reader of NetFlow v9 that knows only headers and FlowSets.
 *
 * For tests of exporter, collectors and outboxes, each of which includes this once. */
#ifndef EXPORTER_FIXTURE_H
#define EXPORTER_FIXTURE_H

#include "exporter.h"

#include "check.h"
#include "fake_transport.c"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SOURCE_ID  7
#define COLLECTORS 3
#define SECOND_US  1000000

static struct fake_transport *const fakes = fake_transports; /* by number of the collector */

/* What the exporter announced of each. */
static struct heard {
	struct collector_event events[64];
	size_t event_count;
} heard[COLLECTORS];

static inline void on_event(void *context, const struct collector_event *event)
{
	struct heard *of = &heard[atoi(event->collector)];

	(void)context;
	CHECK(of->event_count < 64);
	of->events[of->event_count++] = *event;
}

/* What a test changes of the usual exporter. */
struct setup {
	size_t collectors;
	uint32_t refresh_ms, refresh_datagrams;
	uint32_t rate;
	uint32_t datagram_size;
	struct template_choice choice;
	uint8_t versions[COLLECTORS]; /* 0: 9 */
	uint64_t spool_size;
};

static inline struct exporter *create(const struct setup *setup)
{
	static const char *const names[COLLECTORS] = { "0", "1", "2" };
	struct collector_config collectors[COLLECTORS];
	struct exporter_config config = {
		.collectors = collectors,
		.collector_count = setup->collectors,
		.source_id = SOURCE_ID,
		.template_refresh_ms = setup->refresh_ms,
		.template_refresh_datagrams = setup->refresh_datagrams,
		.choice = setup->choice,
		.on_event = on_event,
	};
	struct error_text error;
	struct exporter *exporter;

	fake_transport_reset();
	memset(heard, 0, sizeof(heard));
	for (size_t i = 0; i < COLLECTORS; i++) {
		collectors[i] = (struct collector_config){
			.name = names[i],
			.transport_type = &fake_transport_datagrams,
			.version = setup->versions[i] ? setup->versions[i] : 9,
			.address = { .host = "fake", .port = (uint16_t)i },
			.datagram_size = setup->datagram_size ? setup->datagram_size : 1400,
			.datagrams_per_second = setup->rate,
			.spool_size = setup->spool_size,
		};
	}
	exporter = exporter_create(&config, &error);
	CHECK(exporter != NULL);
	return exporter;
}

static inline struct export_time at(uint32_t uptime_ms)
{
	return (struct export_time){ .unix_ms = 1700000000000 + uptime_ms, .uptime_ms = uptime_ms };
}

static inline void add_sized(struct exporter *exporter, uint32_t now_ms, uint8_t ip_version,
			     uint64_t packets, uint64_t octets)
{
	const struct export_time time = at(now_ms);
	struct export_record record = { .flow = { .packets = packets, .octets = octets } };

	record.flow.key.ip_version = ip_version;
	record.flow.key.input_interface = 65536; /* wide records: 22 in a datagram */
	exporter_add(exporter, &record, &time);
}

static inline void add(struct exporter *exporter, uint32_t now_ms)
{
	add_sized(exporter, now_ms, 4, 10, 1000);
}

static inline void advance(struct exporter *exporter, uint32_t now_ms)
{
	const struct export_time time = at(now_ms);

	exporter_advance(exporter, &time);
}

static inline void finish(struct exporter *exporter, uint32_t now_ms)
{
	const struct export_time time = at(now_ms);

	exporter_finish(exporter, &time);
}

/* Number of FlowSets with this id in a datagram. */
static inline size_t sets_of(const struct fake_datagram *sent, uint16_t id)
{
	size_t found = 0;
	size_t offset = 20;

	while (offset + 4 <= sent->size) {
		found += load_be16(sent->bytes + offset) == id;
		CHECK(load_be16(sent->bytes + offset + 2) >= 4);
		offset += load_be16(sent->bytes + offset + 2);
	}
	CHECK_EQ(offset, sent->size);
	return found;
}

static inline bool has_templates(const struct fake_datagram *sent)
{
	return sets_of(sent, 0) == 1 && sets_of(sent, 1) == 3;
}

/* Flow records of datagrams from 'first' on; all IPv4 without choice. */
static inline size_t records_in(const struct fake_transport *fake, size_t first)
{
	size_t records = 0;

	for (size_t i = first; i < fake->count; i++)
		for (size_t offset = 20; offset < fake->sent[i].size;) {
			const size_t length = load_be16(fake->sent[i].bytes + offset + 2);

			if (load_be16(fake->sent[i].bytes + offset) == 260)
				records += (length - 4) / 61;
			offset += length;
		}
	return records;
}

/* Value number 'index' of the statistics in a datagram. */
static inline uint64_t statistic(const struct fake_datagram *sent, size_t index)
{
	for (size_t offset = 20; offset < sent->size; offset += load_be16(sent->bytes + offset + 2))
		if (load_be16(sent->bytes + offset) == 401)
			return load_be64(sent->bytes + offset + 8 + 8 * index);
	fail_msg("no statistics");
	return 0;
}

static inline struct collector_status status_of(const struct exporter *exporter, size_t collector)
{
	struct collector_status status;

	exporter_collector_status(exporter, collector, &status);
	return status;
}

static inline void check_ledger(const struct exporter *exporter)
{
	for (size_t i = 0; i < exporter_collector_count(exporter); i++) {
		const struct collector_status status = status_of(exporter, i);
		const struct collector_ledger *ledger = &status.ledger;
		struct amount sum = collector_ledger_not_sent(ledger);

		amount_add(&sum, &ledger->sent);
		amount_add(&sum, &ledger->waiting);
		CHECK_EQ(sum.records, ledger->taken.records);
		CHECK_EQ(sum.packets, ledger->taken.packets);
		CHECK_EQ(sum.octets, ledger->taken.octets);
	}
}

/* Data records of an IPFIX message without choice. */
static inline uint32_t data_records(const struct fake_datagram *sent)
{
	uint32_t records = 0;

	CHECK_EQ(load_be16(sent->bytes + 2), sent->size);
	for (size_t offset = 16; offset < sent->size;) {
		const size_t length = load_be16(sent->bytes + offset + 2);

		switch (load_be16(sent->bytes + offset)) {
		case 260: records += (uint32_t)(length - 4) / 61; break;
		case 261: records += (uint32_t)(length - 4) / 85; break;
		case 400:
		case 401:
		case 402: records++; break;
		default: break;
		}
		offset += length;
	}
	return records;
}

/* Sequence numbers of what was not refused begin at 'first' and have no gap. Returns the next. */
static inline uint32_t check_sequence(const struct fake_transport *fake, uint32_t first)
{
	uint32_t next = first;

	for (size_t i = 0; i < fake->count; i++) {
		const uint8_t *bytes = fake->sent[i].bytes;

		if (fake->sent[i].is_refused)
			continue;
		switch (load_be16(bytes)) {
		case 5:
			CHECK_EQ(load_be32(bytes + 16), next);
			CHECK_EQ(fake->sent[i].size, 24 + 48 * load_be16(bytes + 2));
			next += load_be16(bytes + 2);
			break;
		case 9: CHECK_EQ(load_be32(bytes + 12), next++); break;
		default:
			CHECK_EQ(load_be16(bytes), 10);
			CHECK_EQ(load_be32(bytes + 8), next);
			next += data_records(&fake->sent[i]);
		}
	}
	return next;
}

/* Packets and octets of all records of NetFlow v5, which are 'records'. */
static inline struct amount sum_of_netflow5(const struct fake_transport *fake)
{
	struct amount sum = { 0 };

	for (size_t i = 0; i < fake->count; i++)
		for (size_t at = 24; at < fake->sent[i].size; at += 48) {
			sum.records++;
			sum.packets += load_be32(fake->sent[i].bytes + at + 16);
			sum.octets += load_be32(fake->sent[i].bytes + at + 20);
		}
	return sum;
}

#endif
