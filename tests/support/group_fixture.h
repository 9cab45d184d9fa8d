/* group_fixture.h - an exporter with several collectors over fake transports, and what arrived at
 * each.
 *
 * For tests of groups and of the selection of records, each of which includes this once. */
#ifndef GROUP_FIXTURE_H
#define GROUP_FIXTURE_H

#include "exporter.h"

#include "check.h"
#include "fake_transport.c"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define COLLECTORS 4
#define RECORDS    20000
#define SECOND_US  1000000

static struct fake_transport *const fakes = fake_transports; /* by number of the collector */
static struct arrivals {
	uint8_t copies[RECORDS]; /* how often each record has arrived */
	uint32_t order[RECORDS]; /* which have, in which order */
	size_t records;
} arrivals[COLLECTORS];
/* All are ports of one host, which sends one report a second after a burst of six, as Linux does.
 */
static bool are_reports_limited;
static int64_t report_tokens_us, reported_us;
static char events[2000]; /* "GROUP: BEFORE > NOW; " of each move */
static struct exporter *exporter;
static int64_t now_us;
static uint64_t record_count;

static inline void arrive(size_t number, const struct datagram *datagram)
{
	CHECK_EQ(datagram->size, 24 + 48 * load_be16(datagram->bytes + 2));
	for (size_t at = 24; at < datagram->size; at += 48) {
		const uint32_t record = load_be32(datagram->bytes + at + 20);

		CHECK(record < RECORDS && arrivals[number].records < RECORDS);
		arrivals[number].order[arrivals[number].records] = record;
		arrivals[number].copies[record]++;
		arrivals[number].records++;
	}
}

static inline bool may_report(void)
{
	if (!are_reports_limited)
		return true;
	report_tokens_us += now_us - reported_us;
	reported_us = now_us;
	if (report_tokens_us > 6 * SECOND_US)
		report_tokens_us = 6 * SECOND_US;
	if (report_tokens_us < SECOND_US)
		return false;
	report_tokens_us -= SECOND_US;
	return true;
}

static inline void on_event(void *context, const struct collector_event *event)
{
	const size_t length = strlen(events);

	(void)context;
	if (event->kind == COLLECTOR_TAKES_OVER)
		(void)snprintf(events + length, sizeof(events) - length, "%s: %s > %s; ",
			       event->group, event->before, event->collector);
}

struct member {
	struct collector_role role;
	const char *filter;
	uint32_t sampling;
};

static inline struct collector_config config_of(size_t number, const struct member *member)
{
	static const char *const names[COLLECTORS] = { "0", "1", "2", "3" };

	return (struct collector_config){
		.name = names[number],
		.transport_type = &fake_transport_datagrams,
		.version = 5,
		.address = { .host = "fake", .port = (uint16_t)number },
		.datagram_size = 1400,
		.role = member->role,
		.filter = member->filter,
		.sampling = member->sampling,
	};
}

static inline void create(const struct member *members, size_t count)
{
	struct collector_config collectors[COLLECTORS];
	const struct exporter_config config = {
		.collectors = collectors,
		.collector_count = count,
		.on_event = on_event,
	};
	struct error_text error = { .text = "" };

	fake_transport_reset();
	memset(arrivals, 0, sizeof(arrivals));
	events[0] = '\0';
	are_reports_limited = false;
	report_tokens_us = 6 * SECOND_US;
	reported_us = 0;
	now_us = 0;
	record_count = 0;
	for (size_t i = 0; i < count; i++) {
		collectors[i] = config_of(i, &members[i]);
		fakes[i].arrive = arrive;
		fakes[i].may_report = may_report;
	}
	exporter = exporter_create(&config, &error);
	CHECK_TEXT(error.text, "");
	CHECK(exporter != NULL);
}

static inline struct export_time time_now(void)
{
	return (struct export_time){ .unix_ms = 1700000000000 + now_us / 1000,
				     .uptime_ms = (uint32_t)(now_us / 1000) };
}

/* Record number 'record_count': 192.0.2.1 with a port of its own -> 198.51.100.1:80. */
static inline struct export_record record_next(void)
{
	const uint64_t number = record_count++;
	const uint16_t port = (uint16_t)(1024 + number);

	return (struct export_record){
		.flow = { .key = { .source_port = port,
				   .destination_port = 80,
				   .protocol = number % 2 ? 17 : 6,
				   .ip_version = 4,
				   .addresses = { 192, 0, 2, 1, 198, 51, 100, 1 } },
			  .packets = 1,
			  .octets = number },
	};
}

static inline void add(int count)
{
	const struct export_time time = time_now();

	for (int i = 0; i < count; i++) {
		const struct export_record record = record_next();

		exporter_add(exporter, &record, &time);
	}
}

/* Let time pass, in steps as the export thread would. */
static inline void pass(int64_t milliseconds)
{
	for (int64_t step = 0; step <= milliseconds; step += 100) {
		const struct export_time time = time_now();

		exporter_advance(exporter, &time);
		(void)exporter_send(exporter, now_us);
		now_us += 100000;
	}
}

static inline struct collector_status status_of(size_t collector)
{
	struct collector_status status;

	exporter_collector_status(exporter, collector, &status);
	CHECK(collector_ledger_closes(&status.ledger));
	return status;
}

static inline uint64_t lost_by(size_t collector)
{
	const struct collector_status status = status_of(collector);

	return collector_ledger_lost(&status.ledger).records;
}

static inline void finish(void)
{
	const struct export_time time = time_now();

	exporter_finish(exporter, &time);
	pass(20000);
	exporter_abandon(exporter);
}

/* Each record has arrived once at one of the collectors 'first' to 'last', which are a group, or is
 * in what they have lost. */
static inline void check_group(size_t first, size_t last)
{
	uint64_t arrived = 0;
	uint64_t lost = 0;

	for (size_t i = first; i <= last; i++) {
		const struct collector_status status = status_of(i);

		CHECK_EQ(status.ledger.sent.records, arrivals[i].records);
		CHECK_EQ(status.ledger.waiting.records, 0);
		lost += collector_ledger_lost(&status.ledger).records;
	}
	for (uint64_t number = 0; number < record_count; number++) {
		int copies = 0;

		for (size_t i = first; i <= last; i++)
			copies += arrivals[i].copies[number];
		CHECK(copies <= 1);
		arrived += (uint64_t)copies;
	}
	CHECK_EQ(arrived + lost, record_count);
}

static inline void check_exactly_once(size_t first, size_t last)
{
	finish();
	check_group(first, last);
	exporter_destroy(exporter);
}

#endif
