/* test_collector_group.c - who of several collectors gets a record, while some go down and come
 * back. The transports are fake, and their collectors read NetFlow v5, in which a record is 48
 * bytes at a fixed place: its octets are the number of the record. */
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

static void arrive(size_t number, const struct datagram *datagram)
{
	CHECK_EQ(datagram->size, 24 + 48 * load_be16(datagram->bytes + 2));
	for (size_t at = 24; at < datagram->size; at += 48) {
		const uint32_t record = load_be32(datagram->bytes + at + 20);

		CHECK(record < RECORDS);
		arrivals[number].copies[record]++;
		arrivals[number].records++;
	}
}

static bool may_report(void)
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

static void on_event(void *context, const struct collector_event *event)
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

static struct collector_config config_of(size_t number, const struct member *member)
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

static void create(const struct member *members, size_t count)
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

static struct export_time time_now(void)
{
	return (struct export_time){ .unix_ms = 1700000000000 + now_us / 1000,
				     .uptime_ms = (uint32_t)(now_us / 1000) };
}

/* Record number 'record_count': 192.0.2.1 with a port of its own -> 198.51.100.1:80. */
static struct export_record record_next(void)
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

static void add(int count)
{
	const struct export_time time = time_now();

	for (int i = 0; i < count; i++) {
		const struct export_record record = record_next();

		exporter_add(exporter, &record, &time);
	}
}

/* Let time pass, in steps as the export thread would. */
static void pass(int64_t milliseconds)
{
	for (int64_t step = 0; step <= milliseconds; step += 100) {
		const struct export_time time = time_now();

		exporter_advance(exporter, &time);
		(void)exporter_send(exporter, now_us);
		now_us += 100000;
	}
}

static struct collector_status status_of(size_t collector)
{
	struct collector_status status;

	exporter_collector_status(exporter, collector, &status);
	CHECK(collector_ledger_closes(&status.ledger));
	return status;
}

static uint64_t lost_by(size_t collector)
{
	const struct collector_status status = status_of(collector);

	return collector_ledger_lost(&status.ledger).records;
}

static void finish(void)
{
	const struct export_time time = time_now();

	exporter_finish(exporter, &time);
	pass(20000);
	exporter_abandon(exporter);
}

/* Each record has arrived once at one of the collectors 'first' to 'last', which are a group, or is
 * in what they have lost. */
static void check_group(size_t first, size_t last)
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

static void check_exactly_once(size_t first, size_t last)
{
	finish();
	check_group(first, last);
	exporter_destroy(exporter);
}

TEST(mirror_is_the_default_and_gets_all)
{
	struct collector_ledger ledger;

	create((struct member[]){ { .filter = NULL }, { .filter = NULL } }, 2);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 100);
	CHECK_EQ(arrivals[1].records, 100);
	CHECK_EQ(status_of(0).mode, COLLECTOR_mirror);
	CHECK_TEXT(status_of(0).group, "");
	CHECK(status_of(0).is_used);
	exporter_ledger(exporter, &ledger);
	CHECK_EQ(ledger.sent.records, 100);
	exporter_destroy(exporter);
}

TEST(balance_gives_each_flow_to_one_always)
{
	static const struct collector_role balance = { .mode = COLLECTOR_balance };
	struct collector_ledger ledger;
	size_t first[3];

	create((struct member[]){ { .role = balance }, { .role = balance }, { .role = balance } },
	       3);
	add(3000);
	pass(1100);
	for (size_t i = 0; i < 3; i++) {
		first[i] = arrivals[i].records;
		CHECK(first[i] > 900 && first[i] < 1100);
	}
	exporter_ledger(exporter, &ledger);
	CHECK_EQ(ledger.sent.records, 3000);
	CHECK(collector_ledger_closes(&ledger));
	/* The same flows again, and one is down: its share is its own. */
	record_count = 0;
	fakes[1].refuses = true;
	add(3000);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 2 * first[0]);
	CHECK_EQ(arrivals[2].records, 2 * first[2]);
	CHECK_EQ(status_of(1).ledger.taken.records, 2 * first[1]);
	fakes[1].refuses = false;
	exporter_destroy(exporter);
}

TEST(balance_loses_or_delivers_each_record_once)
{
	static const struct collector_role balance = { .mode = COLLECTOR_balance };

	create((struct member[]){ { .role = balance }, { .role = balance } }, 2);
	for (int i = 0; i < 40; i++) {
		fakes[1].refuses = i > 10 && i < 20;
		add(100);
		pass(500);
	}
	CHECK(status_of(1).ledger.lost[LOSS_REFUSED].records > 0);
	check_exactly_once(0, 1);
}

/* Members of two groups go away and come back at any time, for seconds; only one of them where the
 * host's reports are few, because others would use them up. */
static void random_outages(unsigned int seed)
{
	static const struct collector_role roles[] = {
		{ .mode = COLLECTOR_failover },
		{ .mode = COLLECTOR_failover },
		{ .mode = COLLECTOR_round_robin },
		{ .mode = COLLECTOR_round_robin },
	};
	int64_t change_us[COLLECTORS] = { 0 };

	srand(seed);
	create((struct member[]){ { .role = roles[0] },
				  { .role = roles[1] },
				  { .role = roles[2] },
				  { .role = roles[3] } },
	       COLLECTORS);
	are_reports_limited = seed % 2;
	while (record_count < 6000) {
		for (size_t i = 0; i < COLLECTORS; i++) {
			if (now_us < change_us[i] || (are_reports_limited && i != 0))
				continue;
			fakes[i].refuses = !fakes[i].refuses && rand() % 2;
			change_us[i] = now_us + (5 + rand() % 20) * SECOND_US;
		}
		add(rand() % 50);
		pass(rand() % 900);
	}
	for (size_t i = 0; i < COLLECTORS; i++)
		fakes[i].refuses = false;
	finish();
	check_group(0, 1);
	check_group(2, 3);
	exporter_destroy(exporter);
}

TEST(random_outages_keep_every_record_at_one_place)
{
	for (unsigned int seed = 1; seed <= 20; seed++)
		random_outages(seed);
}

TEST(round_robin_takes_turns_and_passes_over_who_is_down)
{
	static const struct collector_role turns = { .mode = COLLECTOR_round_robin };

	create((struct member[]){ { .role = turns }, { .role = turns }, { .role = turns } }, 3);
	add(300);
	pass(1100);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(arrivals[i].records, 100);
	for (uint64_t i = 0; i < 300; i++)
		CHECK_EQ(arrivals[i % 3].copies[i], 1);
	fakes[1].refuses = true;
	add(3);
	pass(1100); /* 1 is found to be down */
	CHECK(!status_of(1).is_used);
	add(300);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 100 + 1 + 150);
	CHECK_EQ(arrivals[2].records, 100 + 1 + 150);
	CHECK_EQ(status_of(1).ledger.lost[LOSS_REFUSED].records, 1);
	fakes[1].refuses = false;
	pass(12000);
	CHECK(status_of(1).is_used);
	add(300);
	pass(1100);
	CHECK_EQ(arrivals[1].records, 200);
	check_exactly_once(0, 2);
}

TEST(round_robin_goes_on_when_all_are_down)
{
	static const struct collector_role turns = { .mode = COLLECTOR_round_robin };

	create((struct member[]){ { .role = turns }, { .role = turns } }, 2);
	fakes[0].refuses = fakes[1].refuses = true;
	add(2);
	pass(1100);
	add(100);
	CHECK_EQ(status_of(0).ledger.taken.records, 51);
	CHECK_EQ(status_of(1).ledger.taken.records, 51);
	fakes[0].refuses = fakes[1].refuses = false;
	pass(5000);
	check_exactly_once(0, 1);
}

TEST(failover_moves_on_and_returns)
{
	static const struct collector_role roles[] = {
		{ .mode = COLLECTOR_failover },                /* last: no priority */
		{ .mode = COLLECTOR_failover, .priority = 7 }, /* second */
		{ .mode = COLLECTOR_failover, .priority = 3 }, /* first */
	};

	create((struct member[]){ { .role = roles[0] },
				  { .role = roles[1] },
				  { .role = roles[2] } },
	       3);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[2].records, 100);
	CHECK(status_of(2).is_used && !status_of(1).is_used && !status_of(0).is_used);
	CHECK_TEXT(events, "");

	fakes[2].refuses = true;
	add(10);
	pass(1100);
	CHECK_TEXT(events, "failover: 2 > 1; ");
	CHECK_EQ(status_of(2).ledger.lost[LOSS_REFUSED].records, 10);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[1].records, 100);

	fakes[1].refuses = true;
	add(10);
	pass(1100);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 100);
	CHECK_TEXT(events, "failover: 2 > 1; failover: 1 > 0; ");

	fakes[2].refuses = false;
	pass(9000); /* probed, but up only after 10 s */
	CHECK(status_of(0).is_used);
	pass(3000);
	CHECK(status_of(2).is_used);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[2].records, 200);
	CHECK_TEXT(events, "failover: 2 > 1; failover: 1 > 0; failover: 0 > 2; ");
	CHECK_EQ(status_of(1).ledger.lost[LOSS_REFUSED].records, 10);
	check_exactly_once(0, 2);
}

/* One that answers for a while and then not is found out, although it gets no records. */
TEST(failover_returns_only_to_who_has_answered_for_ten_seconds)
{
	static const struct collector_role failover = { .mode = COLLECTOR_failover };

	create((struct member[]){ { .role = failover }, { .role = failover } }, 2);
	pass(1100);
	fakes[0].refuses = true;
	add(10);
	pass(3000);
	for (int i = 0; i < 5; i++) {
		fakes[0].refuses = i % 2;
		pass(8000);
		CHECK(status_of(1).is_used);
	}
	CHECK(!fakes[0].refuses);
	pass(3000);
	CHECK(status_of(0).is_used);
	CHECK_TEXT(events, "failover: 0 > 1; failover: 1 > 0; ");
	add(100);
	check_exactly_once(0, 1);
}

TEST(failover_waits_for_the_first_when_all_are_down)
{
	static const struct collector_role failover = { .mode = COLLECTOR_failover };

	create((struct member[]){ { .role = failover }, { .role = failover } }, 2);
	fakes[0].poll_error = fakes[1].poll_error = -ENOENT;
	pass(200);
	add(100);
	pass(1100);
	CHECK_EQ(status_of(0).ledger.waiting.records, 100);
	CHECK_TEXT(events, "");
	fakes[1].poll_error = 0;
	pass(200);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[1].records, 100);
	CHECK_TEXT(events, "failover: 0 > 1; ");
	fakes[0].poll_error = 0;
	pass(200); /* it lacked but an address */
	CHECK_EQ(arrivals[0].records, 100);
	CHECK_TEXT(events, "failover: 0 > 1; failover: 1 > 0; ");
	check_exactly_once(0, 1);
}

/* What waits in the queue of a member that goes down stays there. */
TEST(failover_leaves_what_waits_where_it_is)
{
	static const struct collector_role failover = { .mode = COLLECTOR_failover };

	create((struct member[]){ { .role = failover }, { .role = failover } }, 2);
	pass(100);
	fakes[0].accept = 0;
	add(1000);
	pass(4000);
	CHECK_EQ(status_of(0).ledger.waiting.records, 1000);
	CHECK(status_of(0).is_used); /* it may be slow only */
	pass(2000);
	CHECK_TEXT(events, "failover: 0 > 1; ");
	add(1000);
	pass(1100);
	CHECK_EQ(arrivals[1].records, 1000);
	fakes[0].accept = SIZE_MAX;
	pass(1000);
	CHECK_EQ(arrivals[0].records, 1000);
	check_exactly_once(0, 1);
}

/* Only who may get the next record is asked whether it has room. */
TEST(room_is_that_of_who_is_next)
{
	static const struct collector_role failover = { .mode = COLLECTOR_failover };
	static const struct collector_role balance = { .mode = COLLECTOR_balance };

	create((struct member[]){ { .role = failover }, { .role = failover } }, 2);
	pass(100);
	fakes[1].accept = 0;
	CHECK(exporter_has_room(exporter));
	fakes[0].accept = 0;
	while (exporter_has_room(exporter) && record_count < RECORDS)
		add(1);
	CHECK(record_count > 100 && record_count < RECORDS);
	CHECK_EQ(status_of(0).ledger.taken.records, record_count);
	exporter_destroy(exporter);

	create((struct member[]){ { .role = balance }, { .role = balance } }, 2);
	pass(100);
	fakes[1].accept = 0;
	while (exporter_has_room(exporter) && record_count < RECORDS) {
		add(1);
		(void)exporter_send(exporter, now_us);
	}
	CHECK(record_count < RECORDS); /* 1 holds it up, and nothing is lost */
	CHECK_EQ(lost_by(1), 0);
	exporter_destroy(exporter);
}

TEST(round_robin_waits_for_who_is_next)
{
	static const struct collector_role turns = { .mode = COLLECTOR_round_robin };

	create((struct member[]){ { .role = turns }, { .role = turns } }, 2);
	pass(100);
	fakes[1].accept = 0;
	while (exporter_has_room(exporter) && record_count < RECORDS) {
		add(1);
		(void)exporter_send(exporter, now_us);
	}
	CHECK(record_count < RECORDS);
	CHECK(status_of(0).ledger.taken.records - status_of(1).ledger.taken.records <= 1);
	CHECK_EQ(lost_by(1), 0);
	exporter_destroy(exporter);
}

TEST(groups_have_names_and_do_not_meet)
{
	static const struct collector_role roles[] = {
		{ .mode = COLLECTOR_balance, .group = "a" },
		{ .mode = COLLECTOR_mirror },
		{ .mode = COLLECTOR_balance, .group = "b" },
		{ .mode = COLLECTOR_balance, .group = "a" },
	};

	create((struct member[]){ { .role = roles[0] },
				  { .role = roles[1] },
				  { .role = roles[2] },
				  { .role = roles[3] } },
	       4);
	add(1000);
	pass(1100);
	CHECK_EQ(arrivals[0].records + arrivals[3].records, 1000);
	CHECK(arrivals[0].records > 400 && arrivals[3].records > 400);
	CHECK_EQ(arrivals[1].records, 1000);
	CHECK_EQ(arrivals[2].records, 1000);
	CHECK_TEXT(status_of(3).group, "a");
	exporter_destroy(exporter);
}

TEST(a_filter_excludes_and_counts)
{
	struct collector_status status;
	struct collector_ledger ledger;

	create((struct member[]){ { .filter = "proto=tcp port=80,443" },
				  { .filter = "proto=tcp sport=1024-1033" } },
	       2);
	add(1000);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 500);
	CHECK_EQ(arrivals[1].records, 5);
	status = status_of(1);
	CHECK_EQ(status.ledger.taken.records, 1000);
	CHECK_EQ(status.ledger.excluded[EXCLUDED_FILTER].records, 995);
	CHECK_EQ(status.ledger.excluded[EXCLUDED_FILTER].packets, 995);
	CHECK_EQ(status.ledger.excluded[EXCLUDED_FILTER].octets, 499500 - 0 - 2 - 4 - 6 - 8);
	CHECK_EQ(collector_ledger_lost(&status.ledger).records, 0);
	exporter_ledger(exporter, &ledger);
	CHECK_EQ(ledger.sent.records, 500);
	CHECK_EQ(collector_ledger_excluded(&ledger).records, 500);
	exporter_destroy(exporter);
}

TEST(samples_are_of_flows_and_the_same_everywhere)
{
	size_t sampled;

	create((struct member[]){ { .sampling = 4 }, { .sampling = 4 }, { .sampling = 1 } }, 3);
	add(4000);
	pass(1100);
	sampled = arrivals[0].records;
	CHECK(sampled > 900 && sampled < 1100);
	CHECK_BYTES(arrivals[0].copies, arrivals[1].copies, RECORDS);
	CHECK_EQ(status_of(0).ledger.excluded[EXCLUDED_SAMPLING].records, 4000 - sampled);
	CHECK_EQ(status_of(0).sampling, 4);
	CHECK_EQ(arrivals[2].records, 4000);
	CHECK_EQ(status_of(2).sampling, 1);
	exporter_destroy(exporter);
}

TEST(a_wrong_filter_is_named)
{
	static const struct member wrong[] = { { .filter = "proto=nothing" },
					       { .filter = "age>1s" },
					       { .filter = "proto=tcp idle=1s-2s" } };
	static const char *const texts[] = { "collector 0: filter: proto \"nothing\"",
					     "collector 0: filter: age and idle",
					     "collector 0: filter: age and idle" };

	for (size_t i = 0; i < 3; i++) {
		const struct collector_config collector = config_of(0, &wrong[i]);
		const struct exporter_config config = { .collectors = &collector,
							.collector_count = 1 };
		struct error_text error;

		CHECK(exporter_create(&config, &error) == NULL);
		CHECK(strncmp(error.text, texts[i], strlen(texts[i])) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mirror_is_the_default_and_gets_all),
		cmocka_unit_test(balance_gives_each_flow_to_one_always),
		cmocka_unit_test(balance_loses_or_delivers_each_record_once),
		cmocka_unit_test(random_outages_keep_every_record_at_one_place),
		cmocka_unit_test(round_robin_takes_turns_and_passes_over_who_is_down),
		cmocka_unit_test(round_robin_goes_on_when_all_are_down),
		cmocka_unit_test(failover_moves_on_and_returns),
		cmocka_unit_test(failover_returns_only_to_who_has_answered_for_ten_seconds),
		cmocka_unit_test(failover_waits_for_the_first_when_all_are_down),
		cmocka_unit_test(failover_leaves_what_waits_where_it_is),
		cmocka_unit_test(room_is_that_of_who_is_next),
		cmocka_unit_test(round_robin_waits_for_who_is_next),
		cmocka_unit_test(groups_have_names_and_do_not_meet),
		cmocka_unit_test(a_filter_excludes_and_counts),
		cmocka_unit_test(samples_are_of_flows_and_the_same_everywhere),
		cmocka_unit_test(a_wrong_filter_is_named),
	};

	return RUN_TESTS(tests);
}
