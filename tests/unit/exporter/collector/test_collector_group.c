/* test_collector_group.c - who of several collectors gets a record, while some go down and come
 * back. The transports are fake, and their collectors read NetFlow v5, in which a record is 48
 * bytes at a fixed place: its octets are the number of the record. */
#include "exporter.h"

#include "group_fixture.h"

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
	CHECK_EQ(lost_by(1), 0); /* its share waited */
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
	CHECK_EQ(arrivals[0].records + arrivals[2].records, 200 + 3 + 300);
	CHECK_EQ(status_of(1).ledger.taken.records, 100);
	fakes[1].refuses = false;
	pass(12000);
	CHECK(status_of(1).is_used);
	add(300);
	pass(1100);
	CHECK_EQ(arrivals[1].records, 200);
	CHECK_EQ(lost_by(1), 0);
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
	CHECK_EQ(arrivals[1].records, 10);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[1].records, 110);

	fakes[1].refuses = true;
	add(10);
	pass(1100);
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 110);
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
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(lost_by(i), 0);
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
	CHECK_EQ(arrivals[1].records, 200);
	CHECK_TEXT(events, "failover: 0 > 1; ");
	fakes[0].poll_error = 0;
	pass(200); /* it lacked but an address */
	add(100);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 100);
	CHECK_TEXT(events, "failover: 0 > 1; failover: 1 > 0; ");
	check_exactly_once(0, 1);
}

/* What waits in the queue of a member that goes down goes to the next. */
TEST(failover_takes_what_waits_along)
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
	CHECK_EQ(arrivals[1].records, 2000);
	for (size_t i = 1000; i; i--) /* in order: the first 1000 came first */
		CHECK_EQ(arrivals[1].order[i - 1], i - 1);
	fakes[0].accept = SIZE_MAX;
	pass(1000);
	CHECK_EQ(arrivals[0].records, 0);
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
		cmocka_unit_test(failover_takes_what_waits_along),
		cmocka_unit_test(room_is_that_of_who_is_next),
		cmocka_unit_test(round_robin_waits_for_who_is_next),
		cmocka_unit_test(groups_have_names_and_do_not_meet),
	};

	return RUN_TESTS(tests);
}
