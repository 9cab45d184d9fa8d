/* test_exporter.c - exporter, collectors and outboxes over a fake transport that can fail in all
 * the ways a real one can. Its reader of NetFlow v9 knows only headers and FlowSets. */
#include "exporter.h"

#include "outbox.h"

#include "check.h"
#include "fake_transport.c"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SOURCE_ID  7
#define COLLECTORS 3
#define SECOND_US  1000000

static struct fake_transport *const fakes = fake_transports; /* by number of the collector */

/* What the exporter told of each. */
static struct heard {
	struct collector_event events[64];
	size_t event_count;
} heard[COLLECTORS];

static void on_event(void *context, const struct collector_event *event)
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

static struct exporter *create(const struct setup *setup)
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

static struct export_time at(uint32_t uptime_ms)
{
	return (struct export_time){ .unix_ms = 1700000000000 + uptime_ms, .uptime_ms = uptime_ms };
}

static void add_sized(struct exporter *exporter, uint32_t now_ms, uint8_t ip_version,
		      uint64_t packets, uint64_t octets)
{
	const struct export_time time = at(now_ms);
	struct export_record record = { .flow = { .packets = packets, .octets = octets } };

	record.flow.key.ip_version = ip_version;
	record.flow.key.input_interface = 65536; /* wide records: 22 in a datagram */
	exporter_add(exporter, &record, &time);
}

static void add(struct exporter *exporter, uint32_t now_ms)
{
	add_sized(exporter, now_ms, 4, 10, 1000);
}

static void advance(struct exporter *exporter, uint32_t now_ms)
{
	const struct export_time time = at(now_ms);

	exporter_advance(exporter, &time);
}

static void finish(struct exporter *exporter, uint32_t now_ms)
{
	const struct export_time time = at(now_ms);

	exporter_finish(exporter, &time);
}

/* Number of FlowSets with this id in a datagram. */
static size_t sets_of(const struct fake_datagram *sent, uint16_t id)
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

static bool has_templates(const struct fake_datagram *sent)
{
	return sets_of(sent, 0) == 1 && sets_of(sent, 1) == 3;
}

/* Flow records of datagrams from 'first' on; all IPv4 without choice. */
static size_t records_in(const struct fake_transport *fake, size_t first)
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
static uint64_t statistic(const struct fake_datagram *sent, size_t index)
{
	for (size_t offset = 20; offset < sent->size; offset += load_be16(sent->bytes + offset + 2))
		if (load_be16(sent->bytes + offset) == 401)
			return load_be64(sent->bytes + offset + 8 + 8 * index);
	fail_msg("no statistics");
	return 0;
}

static struct collector_status status_of(const struct exporter *exporter, size_t collector)
{
	struct collector_status status;

	exporter_collector_status(exporter, collector, &status);
	return status;
}

static void check_ledger(const struct exporter *exporter)
{
	for (size_t i = 0; i < exporter_collector_count(exporter); i++) {
		const struct collector_status status = status_of(exporter, i);
		const struct collector_ledger *ledger = &status.ledger;
		struct amount sum = collector_ledger_lost(ledger);

		amount_add(&sum, &ledger->sent);
		amount_add(&sum, &ledger->waiting);
		CHECK_EQ(sum.records, ledger->taken.records);
		CHECK_EQ(sum.packets, ledger->taken.packets);
		CHECK_EQ(sum.octets, ledger->taken.octets);
	}
}

/* Data records of an IPFIX message without choice. */
static uint32_t data_records(const struct fake_datagram *sent)
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

/* Sequence numbers begin at 'first' and have no gap. Returns the next. */
static uint32_t check_sequence(const struct fake_transport *fake, uint32_t first)
{
	uint32_t next = first;

	for (size_t i = 0; i < fake->count; i++) {
		const uint8_t *bytes = fake->sent[i].bytes;

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

TEST(templates_statistics_and_names_come_before_the_first_flow)
{
	const struct interface_name names[] = { { 1, "lo", "lo" }, { 2, "eth0", "uplink" } };
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	const struct fake_datagram *first = &fakes[0].sent[0];

	CHECK_EQ(exporter_set_interface(exporter, &names[0]), 0);
	CHECK_EQ(exporter_set_interface(exporter, &names[1]), 0);
	advance(exporter, 0);
	add(exporter, 10);
	CHECK_EQ(exporter_send(exporter, 0), -1);
	CHECK_EQ(fakes[0].count, 0);
	advance(exporter, 999);
	CHECK_EQ(exporter_send(exporter, 999000), -1);
	CHECK_EQ(fakes[0].count, 0);
	advance(exporter, 1000);
	CHECK_EQ(exporter_send(exporter, 1000000), -1);
	CHECK_EQ(fakes[0].count, 1);
	/* FlowSets in this order: templates, options templates, statistics, rate, names, flows. */
	CHECK(has_templates(first));
	CHECK_EQ(load_be16(first->bytes + 20), 0);
	CHECK_EQ(sets_of(first, 401), 1);
	CHECK_EQ(sets_of(first, 402), 1);
	CHECK_EQ(sets_of(first, 400), 2);
	CHECK_EQ(load_be16(first->bytes + first->size - 68), 260);
	CHECK_EQ(load_be16(first->bytes + 2), 11 + 1 + 1 + 2 + 1);
	CHECK_EQ(load_be32(first->bytes + 16), SOURCE_ID);
	exporter_destroy(exporter);
}

TEST(datagrams_are_full_while_records_wait)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	for (int i = 0; i < 500; i++)
		add(exporter, 0);
	(void)exporter_send(exporter, 0);
	CHECK(fakes[0].count > 20);
	for (size_t i = 1; i < fakes[0].count; i++)
		CHECK_EQ(records_in(&fakes[0], i) - records_in(&fakes[0], i + 1), 22);
	(void)check_sequence(&fakes[0], 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(mixed_ip_versions_do_not_cost_the_fill)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	size_t bytes = 0;

	for (int i = 0; i < 1000; i++)
		add_sized(exporter, 0, i % 5 ? 4 : 6, 1, 40);
	(void)exporter_send(exporter, 0);
	for (size_t i = 1; i < fakes[0].count; i++) {
		bytes += fakes[0].sent[i].size;
		CHECK(fakes[0].sent[i].size > 1400 - 85 - 4 - 6);
	}
	CHECK(bytes / (fakes[0].count - 1) > 1350);
	exporter_destroy(exporter);
}

TEST(templates_return_by_time_by_count_and_on_request)
{
	struct exporter *exporter = create(
		&(struct setup){ .collectors = 1, .refresh_ms = 60000, .refresh_datagrams = 20 });
	const struct fake_transport *fake = &fakes[0];

	for (int i = 0; i < 22 * 45; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	for (size_t i = 0; i + 1 < fake->count; i++)
		CHECK_EQ(has_templates(&fake->sent[i]), i % 20 == 0);

	/* By time: a quiet minute brings a datagram of its own, a second later. */
	fakes[0].count = 0;
	advance(exporter, 59999);
	advance(exporter, 60000);
	advance(exporter, 60999);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(fake->count, 0);
	advance(exporter, 61000);
	(void)exporter_send(exporter, 2 * SECOND_US);
	CHECK_EQ(fake->count, 1);
	CHECK(has_templates(&fake->sent[0]));

	exporter_send_template(exporter);
	advance(exporter, 62000);
	advance(exporter, 63000);
	(void)exporter_send(exporter, 3 * SECOND_US);
	CHECK_EQ(fake->count, 2);
	CHECK(has_templates(&fake->sent[1]));
	exporter_destroy(exporter);
}

TEST(without_refresh_there_are_templates_only_at_the_start)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	for (uint32_t i = 0; i < 3000; i++)
		add(exporter, i * 1000);
	(void)exporter_send(exporter, 0);
	CHECK(has_templates(&fakes[0].sent[0]));
	for (size_t i = 1; i < fakes[0].count; i++)
		CHECK(!has_templates(&fakes[0].sent[i]));
	exporter_destroy(exporter);
}

TEST(a_wrap_of_the_uptime_is_no_leap)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .refresh_ms = 60000 });

	advance(exporter, UINT32_MAX - 1500);
	advance(exporter, UINT32_MAX - 500);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(fakes[0].count, 1);
	add(exporter, UINT32_MAX - 100);
	advance(exporter, 800);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(fakes[0].count, 1);
	advance(exporter, 899);
	(void)exporter_send(exporter, 2 * SECOND_US);
	CHECK_EQ(fakes[0].count, 2);
	CHECK(!has_templates(&fakes[0].sent[1]));
	exporter_destroy(exporter);
}

TEST(a_clock_that_steps_back_stands_still)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .refresh_ms = 60000 });

	add(exporter, 10000);
	add(exporter, 9000); /* of another file */
	add(exporter, 10999);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(fakes[0].count, 0);
	advance(exporter, 11000);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(fakes[0].count, 1);
	CHECK_EQ(records_in(&fakes[0], 0), 3);
	CHECK_EQ(load_be32(fakes[0].sent[0].bytes + 4), 11000);
	exporter_destroy(exporter);
}

static void set_thousand_names(struct exporter *exporter)
{
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQ(exporter_set_interface(exporter,
						&(struct interface_name){ .index = i + 1 }),
			 0);
}

/* From 'from_ms' on for 12 s, in small steps; returns how many names were told meanwhile. */
static size_t names_told(struct exporter *exporter, uint32_t from_ms)
{
	size_t told = 0;

	fakes[0].count = 0;
	for (uint32_t now = from_ms; now <= from_ms + 12000; now += 50) {
		const size_t before = fakes[0].count;

		advance(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
		CHECK(fakes[0].count - before <= 1);
	}
	for (size_t i = 0; i < fakes[0].count; i++)
		told += sets_of(&fakes[0].sent[i], 400);
	return told;
}

TEST(a_thousand_names_are_spread_over_time)
{
	const struct interface_name other = { .index = 500, .name = "eth0" };
	struct exporter *exporter =
		create(&(struct setup){ .collectors = 1, .refresh_ms = 600000 });

	set_thousand_names(exporter);
	CHECK_EQ(names_told(exporter, 0), 1000);

	/* The same names again are no news; one that is another now is, and it alone. */
	set_thousand_names(exporter);
	CHECK_EQ(names_told(exporter, 20000), 0);
	CHECK_EQ(exporter_set_interface(exporter, &other), 0);
	CHECK_EQ(names_told(exporter, 40000), 1);

	/* On request all are told, less those that are gone. */
	exporter_remove_interface(exporter, 7);
	exporter_remove_interface(exporter, 7);
	exporter_send_template(exporter);
	CHECK_EQ(names_told(exporter, 60000), 999);
	exporter_destroy(exporter);
}

TEST(news_of_names_do_not_wait_for_a_refresh)
{
	const struct interface_name other = { .index = 1000, .name = "eth0" };
	struct exporter *exporter =
		create(&(struct setup){ .collectors = 1, .refresh_ms = 600000 });
	size_t at;

	set_thousand_names(exporter);
	CHECK_EQ(names_told(exporter, 0), 1000);
	exporter_send_template(exporter);
	advance(exporter, 20000);
	advance(exporter, 21000);
	(void)exporter_send(exporter, 21 * SECOND_US);
	fakes[0].count = 0;
	CHECK_EQ(exporter_set_interface(exporter, &other), 0);
	advance(exporter, 21200);
	advance(exporter, 22200);
	(void)exporter_send(exporter, 23 * SECOND_US);
	CHECK_EQ(fakes[0].count, 1);
	at = fakes[0].sent[0].size - sets_of(&fakes[0].sent[0], 400) * 60;
	/* After those that had room beside the templates. */
	CHECK_EQ(load_be32(fakes[0].sent[0].bytes + at + 4), 11);
	CHECK_EQ(load_be32(fakes[0].sent[0].bytes + at + 12 * 60 + 4), 1000);
	exporter_destroy(exporter);
}

/* Records without end, 50 ms after 50 ms: how often each of a thousand names was told from
 * 'from_ms' to 'to_ms'. Never more than 12 go with one datagram. */
static void count_names_under_load(struct exporter *exporter, uint32_t from_ms, uint32_t to_ms,
				   unsigned int told[static 1001], size_t *datagrams)
{
	memset(told, 0, 1001 * sizeof(*told));
	*datagrams = 0;
	for (uint32_t now = from_ms; now < to_ms; now += 50) {
		fakes[0].count = 0;
		for (int i = 0; i < 50; i++)
			add(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
		*datagrams += fakes[0].count;
		for (size_t i = 0; i < fakes[0].count; i++) {
			const struct fake_datagram *sent = &fakes[0].sent[i];

			CHECK(sets_of(sent, 400) <= 12);
			for (size_t offset = 20; offset < sent->size;
			     offset += load_be16(sent->bytes + offset + 2))
				if (load_be16(sent->bytes + offset) == 400)
					told[load_be32(sent->bytes + offset + 4)]++;
		}
	}
}

TEST(names_are_repeated_by_time_and_by_count_also_under_load)
{
	struct exporter *exporter = create(
		&(struct setup){ .collectors = 1, .refresh_ms = 60000, .refresh_datagrams = 20 });
	unsigned int told[1001];
	size_t datagrams, sum = 0, most = 0;

	set_thousand_names(exporter);
	count_names_under_load(exporter, 0, 12000, told, &datagrams);
	for (size_t i = 1; i <= 1000; i++)
		CHECK(told[i] == 1 || told[i] == 2);
	/* By count: with each refresh the next ones that have room beside the templates, in turn.
	 */
	count_names_under_load(exporter, 12000, 59000, told, &datagrams);
	for (size_t i = 1; i <= 1000; i++) {
		sum += told[i];
		most = told[i] > most ? told[i] : most;
	}
	CHECK(sum >= 9 * (datagrams / 20 - 1) && sum <= 12 * (datagrams / 20 + 1));
	CHECK(most <= sum / 1000 + 1);
	/* By time: all of them, though refreshes by count never let the templates become old. */
	count_names_under_load(exporter, 59000, 72000, told, &datagrams);
	for (size_t i = 1; i <= 1000; i++)
		CHECK(told[i] >= 1);
	exporter_destroy(exporter);
}

TEST(names_alone_do_not_make_refreshes_that_repeat_names)
{
	struct exporter *exporter = create(
		&(struct setup){ .collectors = 1, .refresh_ms = 600000, .refresh_datagrams = 20 });

	set_thousand_names(exporter);
	CHECK_EQ(names_told(exporter, 0), 1000);
	for (uint32_t from_ms = 20000; from_ms < 200000; from_ms += 20000)
		CHECK_EQ(names_told(exporter, from_ms), 0);
	exporter_destroy(exporter);
}

/* The same records at the same times, with more or fewer calls of advance and send between them. */
static void play(unsigned int calls, struct fake_datagram *datagrams, size_t *count)
{
	const struct interface_name names[] = { { 1, "lo", "lo" }, { 2, "eth0", "eth0" } };
	struct exporter *exporter = create(&(struct setup){ .collectors = 1,
							    .refresh_ms = 60000,
							    .refresh_datagrams = 20,
							    .rate = calls * 1000 });
	uint32_t now = 0;
	int64_t now_us = 0;

	srandom(3);
	CHECK_EQ(exporter_set_interface(exporter, &names[0]), 0);
	CHECK_EQ(exporter_set_interface(exporter, &names[1]), 0);
	for (int i = 0; i < 5000; i++) {
		now += (uint32_t)(random() % 8 ? 0 : random() % 400);
		while (!exporter_has_room(exporter))
			(void)exporter_send(exporter, now_us += 1000);
		add_sized(exporter, now, random() % 4 ? 4 : 6, 1, 100);
		for (unsigned int call = 0; call < calls; call++) {
			advance(exporter, now);
			(void)exporter_send(exporter, now_us++);
		}
	}
	finish(exporter, now);
	while (exporter_send(exporter, now_us) >= 0)
		now_us += 1000;
	*count = fakes[0].count;
	memcpy(datagrams, fakes[0].sent, *count * sizeof(*datagrams));
	exporter_destroy(exporter);
}

TEST(datagrams_do_not_depend_on_how_often_or_how_fast_they_are_sent)
{
	struct fake_datagram *one = calloc(2000, sizeof(*one));
	struct fake_datagram *other = calloc(2000, sizeof(*other));
	size_t one_count, other_count;

	CHECK(one && other);
	play(0, one, &one_count);
	for (unsigned int calls = 1; calls < 4; calls++) {
		play(calls, other, &other_count);
		CHECK_EQ(one_count, other_count);
		for (size_t i = 0; i < one_count; i++) {
			CHECK_EQ(one[i].size, other[i].size);
			CHECK_BYTES(one[i].bytes, other[i].bytes, one[i].size);
		}
	}
	free(one);
	free(other);
}

TEST(pacing_allows_a_burst_and_then_the_rate)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .rate = 5000 });
	int64_t now_us = 5 * SECOND_US;

	while (exporter_has_room(exporter))
		add(exporter, 0);
	/* Half a burst is worth waking up for. */
	CHECK_EQ(exporter_send(exporter, now_us), 3201);
	CHECK_EQ(fakes[0].count, EXPORTER_BURST_DATAGRAMS);
	CHECK_EQ(exporter_send(exporter, now_us), 3201);
	CHECK_EQ(fakes[0].count, EXPORTER_BURST_DATAGRAMS);
	for (int step = 1; step <= 20; step++) {
		(void)exporter_send(exporter, now_us += 1000);
		CHECK_EQ(fakes[0].count, EXPORTER_BURST_DATAGRAMS + 5 * step);
	}
	/* A thread that slept long does not catch up by more than a burst. */
	(void)exporter_send(exporter, now_us += SECOND_US);
	CHECK_EQ(fakes[0].count, 2 * EXPORTER_BURST_DATAGRAMS + 100);
	exporter_destroy(exporter);
}

TEST(a_slow_rate_waits_as_long_as_it_must)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .rate = 10 });

	while (exporter_has_room(exporter))
		add(exporter, 0);
	CHECK_EQ(exporter_send(exporter, 0), 100001);
	CHECK_EQ(exporter_send(exporter, 99000), 1001);
	CHECK_EQ(fakes[0].count, EXPORTER_BURST_DATAGRAMS);
	(void)exporter_send(exporter, 100001);
	CHECK_EQ(fakes[0].count, EXPORTER_BURST_DATAGRAMS + 1);
	exporter_destroy(exporter);
}

TEST(without_a_rate_a_call_is_still_bounded)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	while (exporter_has_room(exporter))
		add(exporter, 0);
	CHECK_EQ(exporter_send(exporter, 0), 0);
	CHECK_EQ(fakes[0].count, 128);
	CHECK_EQ(exporter_send(exporter, 0), -1);
	exporter_destroy(exporter);
}

TEST(a_full_queue_holds_records_back_and_loses_none)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });
	uint64_t added = 0;

	(void)exporter_send(exporter, 0);
	fakes[1].accept = 0;
	for (int round = 0; round < 10; round++) {
		while (exporter_has_room(exporter)) {
			add(exporter, 0);
			added++;
		}
		(void)exporter_send(exporter, 1000);
	}
	/* The queue of collector 1 is full; its socket is, for a moment. */
	CHECK(!exporter_has_room(exporter));
	finish(exporter, 0);
	CHECK_EQ(status_of(exporter, 1).ledger.waiting.records, added);
	fakes[1].accept = 1000;
	while (exporter_send(exporter, 2000) >= 0)
		;
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, added);
	CHECK_EQ(status_of(exporter, 1).ledger.sent.records, added);
	CHECK_EQ(records_in(&fakes[1], 0), added);
	(void)check_sequence(&fakes[1], 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* Every record in a datagram of its own, with templates in one of theirs: the most that records can
 * take. */
TEST(as_many_records_have_room_as_was_said)
{
	struct exporter *exporter = create(
		&(struct setup){ .collectors = 1, .refresh_ms = 1000, .datagram_size = 512 });
	uint64_t added = 0;
	uint32_t now_ms = 0;
	size_t room;

	(void)exporter_send(exporter, 0);
	fakes[0].accept = 0;
	while ((room = exporter_room(exporter)) != 0) {
		CHECK(room <= DATAGRAM_QUEUE_CAPACITY);
		while (room--) {
			CHECK(exporter_has_room(exporter));
			add(exporter, now_ms += 60000);
			added++;
		}
	}
	CHECK(added > DATAGRAM_QUEUE_CAPACITY / OUTBOX_STEP / 2);
	finish(exporter, now_ms);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, added);
	check_ledger(exporter);
	exporter_destroy(exporter);

	/* A record may be cut into many parts, so none is promised but the next. */
	exporter = create(&(struct setup){ .collectors = 1, .versions = { 5 } });
	CHECK_EQ(exporter_room(exporter), 1);
	exporter_destroy(exporter);
}

TEST(an_unresolved_collector_drops_the_oldest_and_holds_nobody_up)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });
	struct collector_status status;

	fakes[1].poll_error = -ENOENT;
	for (int i = 0; i < 100000; i++) {
		CHECK(exporter_has_room(exporter) || i % 1000);
		while (!exporter_has_room(exporter))
			(void)exporter_send(exporter, 1000);
		add(exporter, 0);
		(void)exporter_send(exporter, 1000);
	}
	CHECK_EQ(heard[1].event_count, 1);
	CHECK_EQ(heard[1].events[0].kind, COLLECTOR_DOWN);
	CHECK_EQ(heard[1].events[0].reason, LOSS_UNRESOLVED);
	CHECK_EQ(heard[1].events[0].error, ENOENT);
	status = status_of(exporter, 1);
	CHECK(!status.is_up);
	CHECK(status.ledger.lost[LOSS_UNRESOLVED].records > 90000);
	CHECK(status.queued_datagrams >= DATAGRAM_QUEUE_CAPACITY - 2);
	CHECK_EQ(status.sequence, 0);
	check_ledger(exporter);

	/* The name has an address now: templates go first, though the first ones were dropped. */
	fakes[1].poll_error = 0;
	while (exporter_send(exporter, 2 * SECOND_US) >= 0)
		;
	CHECK(has_templates(&fakes[1].sent[0]));
	CHECK_EQ(records_in(&fakes[1], 0), status_of(exporter, 1).ledger.sent.records);
	(void)check_sequence(&fakes[1], 0);
	CHECK_EQ(heard[1].event_count, 2);
	CHECK_EQ(heard[1].events[1].kind, COLLECTOR_UP);
	CHECK_EQ(heard[1].events[1].records_lost, status.ledger.lost[LOSS_UNRESOLVED].records);
	CHECK(status_of(exporter, 1).is_up);
	CHECK_EQ(records_in(&fakes[0], 0), status_of(exporter, 0).ledger.sent.records);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_look_up_holds_records_back_at_first_and_not_for_ever)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	fakes[0].poll_error = -EINPROGRESS;
	while (exporter_has_room(exporter))
		add(exporter, 0);
	CHECK(exporter_send(exporter, 0) > 0);
	CHECK(!exporter_has_room(exporter));
	CHECK_EQ(heard[0].event_count, 0);
	(void)exporter_send(exporter, OUTBOX_PATIENCE_US);
	CHECK(exporter_has_room(exporter));
	CHECK_EQ(heard[0].event_count, 1);
	CHECK_EQ(heard[0].events[0].reason, LOSS_UNRESOLVED);
	while (status_of(exporter, 0).ledger.lost[LOSS_UNRESOLVED].records == 0)
		add(exporter, 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(an_unreachable_network_is_tried_again_and_then_counted)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	(void)exporter_send(exporter, 0);
	CHECK_EQ(heard[0].events[0].kind, COLLECTOR_UP);
	fakes[0].send_error = -ENETUNREACH;
	add(exporter, 0);
	finish(exporter, 0);
	CHECK_EQ(exporter_send(exporter, SECOND_US), 100000);
	CHECK_EQ(heard[0].event_count, 2);
	CHECK_EQ(heard[0].events[1].reason, LOSS_UNREACHABLE);
	CHECK_EQ(heard[0].events[1].error, ENETUNREACH);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 1);
	CHECK_EQ(status_of(exporter, 0).ledger.send_errors, 2); /* once more at once */
	/* A short outage loses nothing. */
	fakes[0].send_error = 0;
	CHECK_EQ(exporter_send(exporter, 2 * SECOND_US), -1);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 1);
	CHECK(!status_of(exporter, 0).is_up); /* that is not said before ten quiet seconds */
	CHECK_EQ(exporter_send(exporter, 11 * SECOND_US), -1);
	CHECK(status_of(exporter, 0).is_up);
	CHECK_EQ(heard[0].event_count, 3);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_datagram_too_large_for_the_path_is_lost_alone)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	fakes[0].size_max = 1300;
	for (int i = 0; i < 60; i++)
		add(exporter, 0);
	finish(exporter, 0);
	CHECK_EQ(exporter_send(exporter, 0), -1);
	CHECK_EQ(heard[0].events[0].kind, COLLECTOR_DOWN);
	CHECK_EQ(heard[0].events[0].error, EMSGSIZE);
	CHECK(status_of(exporter, 0).ledger.lost[LOSS_SEND_FAILED].records > 0);
	CHECK_EQ(records_in(&fakes[0], 0), status_of(exporter, 0).ledger.sent.records);
	(void)check_sequence(&fakes[0], 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_failure_that_tells_of_an_earlier_datagram_costs_nothing)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	add(exporter, 0);
	finish(exporter, 0);
	fakes[0].send_error = -ECONNREFUSED;
	fakes[0].is_once = true;
	CHECK_EQ(exporter_send(exporter, 0), -1);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 1);
	CHECK_EQ(status_of(exporter, 0).ledger.send_errors, 1);
	exporter_destroy(exporter);
}

TEST(unreachable_datagrams_move_from_sent_to_lost)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	struct collector_status status;

	(void)exporter_send(exporter, 0);
	for (int i = 0; i < 22 * 10; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 1000);
	status = status_of(exporter, 0);
	CHECK_EQ(status.ledger.sent.records, 220);
	fakes[0].report = EHOSTUNREACH;

	/* The third datagram comes back, then again, then the fifth: the one between is taken to
	 * have been refused without a report. */
	fake_transport_refuse(&fakes[0], 2);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNREACHABLE].records, 22);
	CHECK_EQ(heard[0].event_count, 2);
	CHECK_EQ(heard[0].events[1].kind, COLLECTOR_DOWN);
	CHECK_EQ(heard[0].events[1].reason, LOSS_UNREACHABLE);
	fake_transport_refuse(&fakes[0], 2);
	fake_transport_refuse(&fakes[0], 4);
	(void)exporter_send(exporter, 2 * SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNREACHABLE].records, 66);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNREACHABLE].packets, 660);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNREACHABLE].octets, 66000);
	CHECK_EQ(status_of(exporter, 0).ledger.datagrams_lost, 3);
	check_ledger(exporter);

	/* It goes on being away, so what was sent between went there, too. */
	fake_transport_refuse(&fakes[0], 8);
	(void)exporter_send(exporter, 5 * SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNREACHABLE].records, 7 * 22);
	CHECK_EQ(heard[0].event_count, 2);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* A host reports a few of them only: what was sent behind one that it refused was on its way when
 * the report came. */
TEST(what_follows_a_refused_datagram_is_lost_with_it)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	struct collector_status status;

	for (int i = 0; i < 22 * 10; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 220);
	fake_transport_refuse(&fakes[0], 2);
	(void)exporter_send(exporter, 1000);
	status = status_of(exporter, 0);
	CHECK_EQ(status.ledger.sent.records, records_in(&fakes[0], 0) - records_in(&fakes[0], 2));
	CHECK_EQ(status.ledger.lost[LOSS_REFUSED].records, records_in(&fakes[0], 2));
	fake_transport_refuse(&fakes[0], 3);
	fake_transport_refuse(&fakes[0], 2);
	(void)exporter_send(exporter, 2000);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, status.ledger.sent.records);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* Reports are so few that probes get none, and it seems to be back: what it is sent then and for
 * which a report comes soon was lost, and the next time more probes must go without a report. */
TEST(a_collector_that_only_seemed_to_be_back_is_held_for_longer)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	int64_t now_us = SECOND_US;
	size_t probes;

	add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	fake_transport_refuse(&fakes[0], 0);
	/* Of the next two probes the second is reported: so not every one is. */
	for (probes = fakes[0].count + 2; fakes[0].count < probes; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	fake_transport_refuse(&fakes[0], fakes[0].count - 1);
	for (int i = 0; i < 100; i++)
		add(exporter, 10);
	finish(exporter, 10);
	now_us = 3 * SECOND_US;
	for (; status_of(exporter, 0).ledger.sent.records < 100; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	probes = fakes[0].count;
	CHECK_EQ(now_us, 3 * SECOND_US + 1500000 + 100000); /* two probes, half a second */
	fake_transport_refuse(&fakes[0], fakes[0].count - 1);
	(void)exporter_send(exporter, now_us);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_REFUSED].records, 101);
	add(exporter, 20);
	finish(exporter, 20);
	for (; status_of(exporter, 0).ledger.sent.records < 1; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK(fakes[0].count > probes + 4);
	for (size_t i = probes; i < probes + 4; i++)
		CHECK(has_templates(&fakes[0].sent[i]));
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_report_about_a_packet_of_several_datagrams_is_about_all_of_them)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	struct collector_status status;

	fakes[0].is_one_packet = true;
	fakes[0].accept = 5;
	for (int i = 0; i < 22 * 10; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	status = status_of(exporter, 0);
	CHECK_EQ(status.ledger.sent.records, 220);
	fakes[0].report = EHOSTUNREACH;
	/* The second packet. */
	fakes[0].is_one_packet = false;
	fake_transport_refuse(&fakes[0], 5);
	(void)exporter_send(exporter, SECOND_US);
	status = status_of(exporter, 0);
	CHECK_EQ(status.ledger.datagrams_lost, 5);
	CHECK_EQ(status.ledger.lost[LOSS_UNREACHABLE].records, 5 * 22);
	check_ledger(exporter);
	/* Cut apart on the way, the others are reported as well. */
	fake_transport_refuse(&fakes[0], 7);
	(void)exporter_send(exporter, SECOND_US + 1000);
	CHECK_EQ(status_of(exporter, 0).ledger.datagrams_lost, 5);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(it_says_when_time_alone_asks_for_something)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .refresh_ms = 60000 });

	CHECK_EQ(exporter_next(exporter), -1); /* no time has come in yet */
	advance(exporter, 1000);
	CHECK_EQ(exporter_next(exporter), EXPORTER_RECORD_WAIT_MS); /* the first templates */
	advance(exporter, 1400);
	CHECK_EQ(exporter_next(exporter), 600);
	advance(exporter, 2000);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(fakes[0].count, 1);
	CHECK_EQ(exporter_next(exporter), 59000);
	add(exporter, 2500);
	CHECK_EQ(exporter_next(exporter), EXPORTER_RECORD_WAIT_MS);
	advance(exporter, 3499);
	CHECK_EQ(exporter_next(exporter), 1);
	advance(exporter, 3500);
	CHECK_EQ(exporter_next(exporter), 57500);
	exporter_send_template(exporter);
	CHECK_EQ(exporter_next(exporter), 0);
	advance(exporter, 3500);
	CHECK_EQ(exporter_next(exporter), EXPORTER_RECORD_WAIT_MS);
	/* Without room it is the network that must move first. */
	while (exporter_has_room(exporter))
		add(exporter, 4000);
	CHECK_EQ(exporter_next(exporter), -1);
	exporter_destroy(exporter);
}

TEST(a_report_that_quotes_too_little_means_the_last_datagram)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	add(exporter, 0);
	finish(exporter, 0);
	fakes[0].quoted = 8;
	(void)exporter_send(exporter, 0);
	fake_transport_refuse(&fakes[0], 1);
	(void)exporter_send(exporter, 1000);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_REFUSED].records, 0); /* statistics */
	CHECK_EQ(status_of(exporter, 0).ledger.datagrams_lost, 1);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_report_before_anything_was_sent_is_harmless)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	const uint8_t nothing[64] = { 0 };

	fake_transport_refuse_bytes(&fakes[0], nothing, sizeof(nothing));
	fakes[0].quoted = 8;
	fake_transport_refuse_bytes(&fakes[0], nothing, sizeof(nothing));
	(void)exporter_send(exporter, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.datagrams_lost, 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_collector_that_refuses_is_probed_with_templates_and_then_gets_what_waited)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });
	struct fake_transport *fake = &fakes[0];
	uint64_t lost;
	size_t back;

	fake->refuses = true;
	for (uint32_t now = 0; now < 5000; now += 10) {
		CHECK(exporter_has_room(exporter));
		add(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
	}
	/* The first datagram is lost; then templates alone go, once a second. */
	lost = records_in(fake, 0);
	CHECK(lost > 0 && lost <= 22);
	CHECK_EQ(fake->count, 1 + 5);
	CHECK_EQ(records_in(fake, 1), 0);
	for (size_t i = 0; i < fake->count; i++)
		CHECK(has_templates(&fake->sent[i]));
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 500 - lost);
	CHECK_EQ(heard[0].event_count, 2);
	CHECK_EQ(heard[0].events[1].reason, LOSS_REFUSED);
	check_ledger(exporter);

	/* Back: the next probe finds it, half a second later all that waited follows. */
	fake->refuses = false;
	finish(exporter, 5000);
	back = fake->count;
	for (int64_t now_us = 5 * SECOND_US; now_us < 15 * SECOND_US; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK(has_templates(&fake->sent[back]));
	CHECK_EQ(records_in(fake, back), 500 - lost);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 500 - lost);
	CHECK(!status_of(exporter, 0).is_up);
	(void)exporter_send(exporter, 16 * SECOND_US);
	CHECK_EQ(heard[0].event_count, 3);
	CHECK_EQ(heard[0].events[2].kind, COLLECTOR_UP);
	CHECK_EQ(heard[0].events[2].records_lost, lost);
	CHECK(status_of(exporter, 0).is_up);
	CHECK_EQ(status_of(exporter, 0).last_error, 0);
	CHECK_EQ(status_of(exporter, 1).ledger.sent.records, 500);
	(void)check_sequence(fake, 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_collector_that_refuses_for_long_drops_the_oldest)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	struct collector_status status;

	fakes[0].refuses = true;
	for (int i = 0; i < 20000; i++) {
		add(exporter, 0);
		(void)exporter_send(exporter, i * 1000);
	}
	status = status_of(exporter, 0);
	CHECK_EQ(status.ledger.sent.records, 0);
	CHECK(status.ledger.waiting.records > 5000);
	CHECK_EQ(status.ledger.lost[LOSS_REFUSED].records + status.ledger.waiting.records, 20000);
	CHECK(fakes[0].count <= 1 + 20 + 1);
	CHECK_EQ(heard[0].event_count, 2);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_quiet_collector_that_refuses_is_asked_once_a_second)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	fakes[0].refuses = true;
	advance(exporter, 0);
	advance(exporter, 1000);
	for (int64_t now_us = SECOND_US; now_us < 11 * SECOND_US; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK_EQ(fakes[0].count, 1 + 10);
	CHECK_EQ(heard[0].event_count, 1);
	fakes[0].refuses = false;
	for (int64_t now_us = 11 * SECOND_US; now_us < 23 * SECOND_US; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK_EQ(fakes[0].count, 1 + 11 + 10); /* and until it is up */
	CHECK(status_of(exporter, 0).is_up);
	exporter_destroy(exporter);
}

TEST(statistics_say_what_this_collector_should_have)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	const struct ring_mark workers = { .packets_read = 5000,
					   .packets_lost_kernel = 3,
					   .packets_ignored = 7,
					   .octets_ignored = 420,
					   .flows_created = 230 };
	const struct fake_datagram *last;
	size_t bytes = 0;
	size_t lost;

	exporter_set_start(exporter, 1700000000000);
	(void)exporter_send(exporter, 0);
	for (int i = 0; i < 22 * 10; i++)
		add(exporter, 0);
	exporter_set_workers(exporter, &workers);
	finish(exporter, 0);
	(void)exporter_send(exporter, 1000);
	last = &fakes[0].sent[fakes[0].count - 1];
	CHECK(has_templates(last));
	for (size_t i = 0; i + 1 < fakes[0].count; i++)
		bytes += fakes[0].sent[i].size;
	CHECK_EQ(statistic(last, 0), fakes[0].count - 1);
	CHECK_EQ(statistic(last, 1), 220);
	CHECK_EQ(statistic(last, 2), bytes);
	CHECK_EQ(statistic(last, 3), 7);
	CHECK_EQ(statistic(last, 4), 420);
	CHECK_EQ(statistic(last, 5), 0);
	CHECK_EQ(statistic(last, 8), 230);
	CHECK_EQ(statistic(last, 9), 3);
	CHECK_EQ(statistic(last, 10), 5000);
	CHECK_EQ(statistic(last, 11), 1700000000000);

	/* A second finish has nothing to add. */
	finish(exporter, 0);
	CHECK_EQ(exporter_send(exporter, 2000), -1);
	CHECK_EQ(statistic(&fakes[0].sent[fakes[0].count - 1], 1), 220);

	/* Losses move from 42 to 166. */
	lost = records_in(&fakes[0], fakes[0].count - 3);
	fake_transport_refuse(&fakes[0], fakes[0].count - 3);
	(void)exporter_send(exporter, 3000);
	add(exporter, 10);
	finish(exporter, 10);
	for (int64_t now_us = 4000; now_us < 2 * SECOND_US;
	     now_us += 100000) /* probes, then that */
		(void)exporter_send(exporter, now_us);
	last = &fakes[0].sent[fakes[0].count - 1];
	CHECK(lost > 22);
	CHECK_EQ(statistic(last, 1), 220 - lost + 1);
	CHECK_EQ(statistic(last, 5), lost);
	CHECK_EQ(statistic(last, 6), 10 * lost);
	CHECK_EQ(statistic(last, 7), 1000 * lost);
	exporter_destroy(exporter);
}

/* 2^32 packets and 4 GiB are 8 minutes at 100 Gbit/s; 2106 is where the header's seconds end. */
TEST(counters_and_times_are_64_bits_to_the_wire)
{
	static const uint8_t expected[] = {
		0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x07, /* octets 2^44 + 7 */
		0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x05, /* packets 2^32 + 5 */
		0x00, 0x00, 0x01, 0xf3, 0xff, 0xff, 0xfc, 0x18, /* 2038-01-19, 1 s before 2^31 s */
		0x00, 0x00, 0x03, 0xf2, 0xbd, 0xba, 0xfc, 0x00, /* 2107-07-26 */
	};
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	const struct export_time time = { .unix_ms = 2147483648000, .uptime_ms = 0 };
	struct export_record record = { .flow = { .key = { .ip_version = 4 },
						  .packets = (1ull << 32) + 5,
						  .octets = (1ull << 44) + 7,
						  .first_ms = 0x1f3fffffc18,
						  .last_ms = 0x3f2bdbafc00 } };
	const uint8_t *bytes;

	exporter_add(exporter, &record, &time);
	exporter_add(exporter, &record, &time);
	exporter_finish(exporter, &time);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(records_in(&fakes[0], 0), 2);
	CHECK_EQ(load_be32(fakes[0].sent[0].bytes + 8), 2147483648u);
	for (bytes = fakes[0].sent[0].bytes + 20; load_be16(bytes) != 260;)
		bytes += load_be16(bytes + 2);
	CHECK_BYTES(bytes + 4 + 29, expected, sizeof(expected));
	CHECK_EQ(status_of(exporter, 0).ledger.sent.packets, 2 * ((1ull << 32) + 5));
	CHECK_EQ(status_of(exporter, 0).ledger.sent.octets, 2 * ((1ull << 44) + 7));
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(sequence_numbers_go_on_where_they_are_told)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });

	exporter_set_sequence(exporter, 1, UINT32_MAX - 1);
	for (int i = 0; i < 100; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	(void)check_sequence(&fakes[0], 0);
	(void)check_sequence(&fakes[1], UINT32_MAX - 1);
	CHECK_EQ(status_of(exporter, 1).sequence, fakes[1].count - 2);
	exporter_destroy(exporter);
}

TEST(abandon_counts_all_that_waits)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	fakes[0].poll_error = -ENOENT;
	for (int i = 0; i < 1000; i++)
		add(exporter, 0);
	(void)exporter_send(exporter, 0);
	exporter_abandon(exporter);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNRESOLVED].records, 1000);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 0);
	check_ledger(exporter);
	CHECK_EQ(exporter_send(exporter, 1000), -1);
	exporter_destroy(exporter);
}

TEST(without_collectors_every_record_is_counted)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 0 });
	struct collector_ledger ledger;
	struct export_remote address;

	CHECK(exporter_has_room(exporter));
	add(exporter, 0);
	add(exporter, 5000);
	advance(exporter, 10000);
	CHECK_EQ(exporter_send(exporter, 0), -1);
	finish(exporter, 10000);
	exporter_abandon(exporter);
	exporter_send_template(exporter);
	exporter_ledger(exporter, &ledger);
	CHECK_EQ(ledger.taken.records, 2);
	CHECK_EQ(ledger.lost[LOSS_NO_COLLECTOR].records, 2);
	CHECK_EQ(ledger.lost[LOSS_NO_COLLECTOR].octets, 2000);
	CHECK_EQ(exporter_remotes(exporter, &address, 1), 0);
	exporter_destroy(exporter);
}

TEST(the_ledger_for_all_is_that_of_the_collector_that_got_most)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 3 });
	struct export_remote addresses[1];
	struct collector_ledger ledger;

	fakes[0].poll_error = -ENOENT;
	fakes[2].poll_error = -ENOENT;
	add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	exporter_ledger(exporter, &ledger);
	CHECK_EQ(ledger.sent.records, 1);
	CHECK_EQ(exporter_remotes(exporter, addresses, 1), 1);
	fakes[0].poll_error = 0;
	CHECK_EQ(exporter_remotes(exporter, addresses, 1), 2);
	exporter_destroy(exporter);
}

TEST(a_wrong_configuration_is_named)
{
	const struct collector_config good = { .name = "c:1",
					       .transport = "udp",
					       .version = 9,
					       .address = { .host = "127.0.0.1", .port = 1 },
					       .datagram_size = 1400 };
	struct collector_config bad = good;
	struct exporter_config config = { .collectors = &bad, .collector_count = 1 };
	struct error_text error;

	bad.version = 8;
	CHECK(exporter_create(&config, &error) == NULL);
	CHECK(strstr(error.text, "version 8") != NULL);
	bad = good;
	bad.transport = "carrier pigeon";
	CHECK(exporter_create(&config, &error) == NULL);
	CHECK(strstr(error.text, "carrier pigeon") != NULL);
	bad = good;
	bad.datagram_size = 511;
	CHECK(exporter_create(&config, &error) == NULL);
	CHECK(strstr(error.text, "511") != NULL);
	bad = good;
	bad.address.source_address = "nowhere";
	CHECK(exporter_create(&config, &error) == NULL);
	CHECK(strstr(error.text, "nowhere") != NULL);
}

/* Packets and octets of all records of NetFlow v5, which are 'records'. */
static struct amount sum_of_netflow5(const struct fake_transport *fake)
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

TEST(netflow5_has_neither_templates_nor_statistics)
{
	const struct interface_name name = { 2, "eth0", "uplink" };
	struct exporter *exporter = create(&(struct setup){
		.collectors = 1, .refresh_ms = 1000, .refresh_datagrams = 1, .versions = { 5 } });

	CHECK_EQ(exporter_set_interface(exporter, &name), 0);
	for (uint32_t now = 0; now < 10000; now += 100)
		advance(exporter, now);
	exporter_send_template(exporter);
	advance(exporter, 10000);
	finish(exporter, 10000);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(fakes[0].count, 0);
	for (int i = 0; i < 29; i++)
		add(exporter, 10000);
	finish(exporter, 10000);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(fakes[0].count, 2); /* 28 records in 1400 bytes */
	CHECK_EQ(fakes[0].sent[0].size, 24 + 28 * 48);
	CHECK_EQ(check_sequence(&fakes[0], 0), 29);
	exporter_destroy(exporter);
}

TEST(what_netflow5_cannot_carry_is_counted_for_that_collector_alone)
{
	struct exporter *exporter =
		create(&(struct setup){ .collectors = 3, .versions = { 5, 9, 10 } });
	struct collector_status status;

	add_sized(exporter, 0, 6, 10, 1000);
	add_sized(exporter, 0, 4, 20, 2000);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	status = status_of(exporter, 0);
	CHECK_EQ(status.ledger.taken.records, 2);
	CHECK_EQ(status.ledger.lost[LOSS_UNSUPPORTED].records, 1);
	CHECK_EQ(status.ledger.lost[LOSS_UNSUPPORTED].packets, 10);
	CHECK_EQ(status.ledger.lost[LOSS_UNSUPPORTED].octets, 1000);
	CHECK_EQ(status.ledger.sent.packets, 20);
	CHECK_EQ(status.ledger.datagrams_lost, 0);
	CHECK(status.is_up);
	CHECK_EQ(sum_of_netflow5(&fakes[0]).packets, 20);
	CHECK_EQ(status_of(exporter, 1).ledger.sent.records, 2);
	CHECK_EQ(status_of(exporter, 2).ledger.sent.records, 2);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(netflow5_splits_what_does_not_fit_into_32_bits)
{
	static const struct amount cases[] = {
		/* parts, packets, octets */
		{ 1, 10, UINT32_MAX },
		{ 2, 10, UINT64_C(1) << 32 },
		{ 2, UINT64_C(1) << 32, UINT64_C(40) }, /* never seen: packets have octets */
		{ 3, 1000001, UINT64_C(2) * UINT32_MAX + 1 },
		{ 2, 1, (UINT64_C(1) << 32) + 39 }, /* one jumbogram */
		{ 233, 700000000, UINT64_C(1000000000001) },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exporter *exporter =
			create(&(struct setup){ .collectors = 1, .versions = { 5 } });
		struct amount sum;

		add_sized(exporter, 0, 4, cases[i].packets, cases[i].octets);
		finish(exporter, 0);
		(void)exporter_send(exporter, 0);
		sum = sum_of_netflow5(&fakes[0]);
		CHECK_EQ(sum.records, cases[i].records);
		CHECK_EQ(sum.packets, cases[i].packets);
		CHECK_EQ(sum.octets, cases[i].octets);
		CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 1);
		CHECK_EQ(status_of(exporter, 0).ledger.sent.octets, cases[i].octets);
		CHECK_EQ(check_sequence(&fakes[0], 0), cases[i].records);
		check_ledger(exporter);
		exporter_destroy(exporter);
	}
}

/* Reports name the right datagram where numbers count records, and where a message of templates has
 * the number of the next. */
TEST(refused_datagrams_are_found_in_every_version)
{
	static const uint8_t versions[] = { 5, 9, 10 };
	static const uint64_t in_two[] = { 28 + 28, 9 + 22, 10 + 22 };

	for (size_t i = 0; i < sizeof(versions); i++) {
		struct exporter *exporter =
			create(&(struct setup){ .collectors = 1, .versions = { versions[i] } });
		uint64_t before, lost;

		for (int j = 0; j < 22 * 10; j++)
			add_sized(exporter, 0, 4, 10, 1000);
		finish(exporter, 0);
		(void)exporter_send(exporter, 1000);
		before = status_of(exporter, 0).ledger.sent.records;
		lost = 220 - in_two[i]; /* what follows, too */
		CHECK_EQ(before, 220);
		fake_transport_refuse(&fakes[0], 2);
		(void)exporter_send(exporter, 2000);
		CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_REFUSED].records, lost);
		/* The probe, which is refused too, takes nothing with it. */
		CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 220 - lost);
		(void)exporter_send(exporter, 3000);
		fake_transport_refuse(&fakes[0], fakes[0].count - 1);
		(void)exporter_send(exporter, 4 * SECOND_US);
		CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_REFUSED].records, lost);
		check_ledger(exporter);
		exporter_destroy(exporter);
	}
}

/* As with templates in other versions, by headers without records. */
TEST(a_netflow5_collector_that_refuses_is_probed_and_then_gets_what_waited)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .versions = { 5 } });
	struct fake_transport *fake = &fakes[0];
	uint64_t lost;

	fake->refuses = true;
	for (uint32_t now = 0; now < 5000; now += 10) {
		add(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
	}
	lost = status_of(exporter, 0).ledger.lost[LOSS_REFUSED].records;
	CHECK(lost > 0 && lost <= 28);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 0);
	for (size_t i = 1; i < fake->count; i++)
		CHECK_EQ(fake->sent[i].size, 24);
	fake->refuses = false;
	finish(exporter, 5000);
	for (int64_t now_us = 5 * SECOND_US; now_us < 15 * SECOND_US; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 500 - lost);
	CHECK_EQ(sum_of_netflow5(fake).records, 500);
	(void)check_sequence(fake, 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* Whatever the network does: nothing hangs, nothing is counted twice or not at all, and the
 * sequence numbers of what was handed over have no gap. */
static void add_pair(struct exporter *exporter, uint32_t now_ms, uint8_t ip_version)
{
	const struct export_time time = at(now_ms);
	struct export_record forward = {
		.flow = { .packets = 10, .octets = 1000, .pairing = FLOW_forward }
	};
	struct export_record reverse = {
		.flow = { .packets = 20, .octets = 5000, .pairing = FLOW_reverse }
	};

	forward.flow.key.input_interface = reverse.flow.key.output_interface = 65536;
	forward.flow.key.ip_version = reverse.flow.key.ip_version = ip_version;
	forward.flow.key.source_port = reverse.flow.key.destination_port = 1;
	exporter_add_pair(exporter, &forward, &reverse, &time);
}

static void check_amount(const struct amount *amount, uint64_t records, uint64_t packets,
			 uint64_t octets)
{
	CHECK_EQ(amount->records, records);
	CHECK_EQ(amount->packets, packets);
	CHECK_EQ(amount->octets, octets);
}

TEST(a_biflow_is_two_records_in_every_ledger_and_one_in_ipfix)
{
	struct exporter *exporter = create(&(struct setup){
		.collectors = 3, .versions = { 9, 10, 5 }, .choice = { .has_biflows = true } });
	struct collector_status status;

	for (int i = 0; i < 100; i++) {
		CHECK(exporter_has_room(exporter));
		add_pair(exporter, 0, i % 4 ? 4 : 6);
	}
	finish(exporter, 0);
	for (int i = 0; i < 100; i++)
		(void)exporter_send(exporter, i * 1000000);
	check_ledger(exporter);
	status = status_of(exporter, 0);
	check_amount(&status.ledger.sent, 200, 3000, 600000);
	status = status_of(exporter, 1);
	check_amount(&status.ledger.sent, 200, 3000, 600000);
	CHECK_EQ(status.sequence,
		 100 + 4); /* statistics and rate at the beginning and at the end */
	status = status_of(exporter, 2);
	check_amount(&status.ledger.sent, 150, 2250, 450000);
	check_amount(&status.ledger.lost[LOSS_UNSUPPORTED], 50, 750, 150000);
	exporter_destroy(exporter);
}

TEST(without_collectors_both_directions_are_counted)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 0 });
	struct collector_ledger ledger;

	add_pair(exporter, 0, 4);
	exporter_ledger(exporter, &ledger);
	check_amount(&ledger.lost[LOSS_NO_COLLECTOR], 2, 30, 6000);
	exporter_destroy(exporter);
}

TEST(random_faults_leave_the_ledger_exact)
{
	static const int poll_errors[] = { 0, 0, 0, -ENOENT, -EINPROGRESS, -ENETUNREACH };
	static const int send_errors[] = {
		0, 0, 0, 0, -EAGAIN, -ENOBUFS, -ECONNREFUSED, -EPERM, -EHOSTUNREACH
	};

	srandom(4);
	for (int round = 0; round < 30; round++) {
		struct exporter *exporter =
			create(&(struct setup){ .collectors = COLLECTORS,
						.refresh_ms = 2000,
						.refresh_datagrams = 20,
						.rate = round % 3 ? 3000 : 0,
						.datagram_size = round % 2 ? 1400 : 512,
						.spool_size = round % 5 == 0 ? SPOOL_SIZE_MIN : 0,
						.versions = { 9, 10, 5 } });
		uint32_t now = 0;
		uint64_t added = 0;

		for (int turn = 0; turn < 300; turn++) {
			struct fake_transport *fake = &fakes[random() % COLLECTORS];

			now += (uint32_t)random() % 300;
			fake->poll_error = poll_errors[random() % 6];
			fake->send_error = send_errors[random() % 9];
			fake->is_once = random() % 2;
			fake->accept = (size_t)random() % 40;
			fake->refuses = random() % 6 == 0 && fake->refusal_count < 3000;
			fake->size_max = random() % 10 ? 65535 : 1000;
			for (int i = 0; i < random() % 300 && exporter_has_room(exporter); i++) {
				add_sized(exporter, now, random() % 4 ? 4 : 6, (uint64_t)random(),
					  (uint64_t)random() << random() % 6);
				added++;
			}
			if (random() % 50 == 0)
				exporter_send_template(exporter);
			advance(exporter, now);
			(void)exporter_send(exporter, (int64_t)now * 1000);
			check_ledger(exporter);
		}
		finish(exporter, now);
		exporter_abandon(exporter);
		check_ledger(exporter);
		for (size_t i = 0; i < COLLECTORS; i++) {
			const struct collector_status status = status_of(exporter, i);

			CHECK_EQ(status.ledger.taken.records, added);
			CHECK_EQ(status.ledger.waiting.records, 0);
			CHECK_EQ(status.sequence, check_sequence(&fakes[i], 0));
			CHECK(status.ledger.datagrams_sent <= fakes[i].count);
		}
		exporter_destroy(exporter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_statistics_and_names_come_before_the_first_flow),
		cmocka_unit_test(datagrams_are_full_while_records_wait),
		cmocka_unit_test(mixed_ip_versions_do_not_cost_the_fill),
		cmocka_unit_test(templates_return_by_time_by_count_and_on_request),
		cmocka_unit_test(without_refresh_there_are_templates_only_at_the_start),
		cmocka_unit_test(a_wrap_of_the_uptime_is_no_leap),
		cmocka_unit_test(a_clock_that_steps_back_stands_still),
		cmocka_unit_test(a_thousand_names_are_spread_over_time),
		cmocka_unit_test(news_of_names_do_not_wait_for_a_refresh),
		cmocka_unit_test(names_are_repeated_by_time_and_by_count_also_under_load),
		cmocka_unit_test(names_alone_do_not_make_refreshes_that_repeat_names),
		cmocka_unit_test(datagrams_do_not_depend_on_how_often_or_how_fast_they_are_sent),
		cmocka_unit_test(pacing_allows_a_burst_and_then_the_rate),
		cmocka_unit_test(a_slow_rate_waits_as_long_as_it_must),
		cmocka_unit_test(without_a_rate_a_call_is_still_bounded),
		cmocka_unit_test(a_full_queue_holds_records_back_and_loses_none),
		cmocka_unit_test(as_many_records_have_room_as_was_said),
		cmocka_unit_test(an_unresolved_collector_drops_the_oldest_and_holds_nobody_up),
		cmocka_unit_test(a_look_up_holds_records_back_at_first_and_not_for_ever),
		cmocka_unit_test(an_unreachable_network_is_tried_again_and_then_counted),
		cmocka_unit_test(a_datagram_too_large_for_the_path_is_lost_alone),
		cmocka_unit_test(a_failure_that_tells_of_an_earlier_datagram_costs_nothing),
		cmocka_unit_test(unreachable_datagrams_move_from_sent_to_lost),
		cmocka_unit_test(what_follows_a_refused_datagram_is_lost_with_it),
		cmocka_unit_test(a_collector_that_only_seemed_to_be_back_is_held_for_longer),
		cmocka_unit_test(a_report_about_a_packet_of_several_datagrams_is_about_all_of_them),
		cmocka_unit_test(it_says_when_time_alone_asks_for_something),
		cmocka_unit_test(a_report_that_quotes_too_little_means_the_last_datagram),
		cmocka_unit_test(a_report_before_anything_was_sent_is_harmless),
		cmocka_unit_test(
			a_collector_that_refuses_is_probed_with_templates_and_then_gets_what_waited),
		cmocka_unit_test(a_collector_that_refuses_for_long_drops_the_oldest),
		cmocka_unit_test(a_quiet_collector_that_refuses_is_asked_once_a_second),
		cmocka_unit_test(statistics_say_what_this_collector_should_have),
		cmocka_unit_test(counters_and_times_are_64_bits_to_the_wire),
		cmocka_unit_test(sequence_numbers_go_on_where_they_are_told),
		cmocka_unit_test(abandon_counts_all_that_waits),
		cmocka_unit_test(without_collectors_every_record_is_counted),
		cmocka_unit_test(the_ledger_for_all_is_that_of_the_collector_that_got_most),
		cmocka_unit_test(a_wrong_configuration_is_named),
		cmocka_unit_test(netflow5_has_neither_templates_nor_statistics),
		cmocka_unit_test(what_netflow5_cannot_carry_is_counted_for_that_collector_alone),
		cmocka_unit_test(netflow5_splits_what_does_not_fit_into_32_bits),
		cmocka_unit_test(refused_datagrams_are_found_in_every_version),
		cmocka_unit_test(
			a_netflow5_collector_that_refuses_is_probed_and_then_gets_what_waited),
		cmocka_unit_test(a_biflow_is_two_records_in_every_ledger_and_one_in_ipfix),
		cmocka_unit_test(without_collectors_both_directions_are_counted),
		cmocka_unit_test(random_faults_leave_the_ledger_exact),
	};

	return RUN_TESTS(tests);
}
