/* test_exporter_change.c - collectors that come, go, are replaced and go on with other settings. */
#include "exporter_fixture.h"

#include "exporter_change.h"

#define NOW_US 1000000

static struct exporter *exporter;
static struct error_text error;

static struct exporter_plan plan(const char *name, uint16_t port, enum exporter_action action,
				 size_t before)
{
	return (struct exporter_plan){
		.config = { .name = name,
			    .transport_type = &fake_transport_datagrams,
			    .version = 9,
			    .address = { .host = "fake", .port = port },
			    .datagram_size = 1400 },
		.action = action,
		.before = before,
	};
}

static int change(const struct exporter_plan *plans, size_t count)
{
	return exporter_change(
		exporter,
		&(struct exporter_change){ .plans = plans, .count = count, .now_us = NOW_US },
		&error);
}

static void add_records(size_t count, uint32_t now_ms)
{
	for (size_t i = 0; i < count; i++)
		add(exporter, now_ms);
}

/* The turn after the one in which the last has gone ends a collector that leaves. */
static void send_and_end(int64_t now_us)
{
	(void)exporter_send(exporter, now_us);
	(void)exporter_send(exporter, now_us);
}

static void send_all(uint32_t now_ms)
{
	finish(exporter, now_ms);
	send_and_end(NOW_US);
}

/* Each group has taken all records, whenever its members came. */
static void check_all(uint64_t records)
{
	check_ledger(exporter);
	for (size_t i = 0; i < exporter_collector_count(exporter); i++)
		CHECK_EQ(status_of(exporter, i).ledger.taken.records, records);
}

static void begin(size_t collectors)
{
	exporter = create(&(struct setup){ .collectors = collectors });
}

TEST(one_that_comes_begins_with_templates_and_lacks_what_was_before)
{
	struct exporter_plan plans[2];

	begin(1);
	add_records(30, 1);
	plans[0] = plan("0", 0, EXPORTER_KEEP, 0);
	plans[1] = plan("1", 1, EXPORTER_ADD, 0);
	CHECK_EQ(change(plans, 2), 0);
	add_records(5, 2);
	check_all(35);
	send_all(3);
	check_all(35);
	CHECK_EQ(records_in(&fakes[0], 0), 35);
	CHECK_EQ(records_in(&fakes[1], 0), 5);
	CHECK(has_templates(&fakes[1].sent[0]));
	CHECK_EQ(status_of(exporter, 1).ledger.excluded[EXCLUDED_ABSENT].records, 30);
	CHECK_EQ(status_of(exporter, 1).ledger.sent.records, 5);
	(void)check_sequence(&fakes[0], 0);
	exporter_destroy(exporter);
}

TEST(one_that_goes_sends_what_waits)
{
	struct exporter_plan plans[1];
	struct collector_ledger removed;

	begin(2);
	add_records(7, 1);
	plans[0] = plan("1", 1, EXPORTER_KEEP, 1);
	CHECK_EQ(change(plans, 1), 0);
	CHECK(exporter_is_leaving(exporter) && !exporter_is_replacing(exporter));
	add_records(2, 2);
	send_all(3);
	CHECK(!exporter_is_leaving(exporter));
	CHECK_EQ(records_in(&fakes[0], 0), 7);
	CHECK_EQ(records_in(&fakes[1], 0), 9);
	exporter_removed(exporter, &removed);
	CHECK_EQ(removed.sent.records, 7);
	CHECK(collector_ledger_closes(&removed));
	CHECK_EQ(heard[0].events[heard[0].event_count - 1].kind, COLLECTOR_GONE);
	CHECK_EQ(heard[0].events[heard[0].event_count - 1].records_sent, 7);
	exporter_bury(exporter);
	check_all(9);
	exporter_destroy(exporter);
}

/* start-delay is for those that stay. */
TEST(one_that_goes_does_not_wait_for_the_begin)
{
	struct exporter_plan plans[1] = { plan("1", 1, EXPORTER_KEEP, 1) };

	begin(2);
	exporter_set_begin(exporter, 2 * NOW_US);
	add_records(7, 1);
	CHECK_EQ(change(plans, 1), 0);
	send_and_end(NOW_US);
	CHECK(!exporter_is_leaving(exporter));
	CHECK_EQ(records_in(&fakes[0], 0), 7);
	CHECK_EQ(fakes[1].count, 0);
	exporter_bury(exporter);
	exporter_destroy(exporter);
}

TEST(one_that_goes_and_is_down_loses_what_waits_and_says_so)
{
	struct collector_ledger removed;

	begin(1);
	fakes[0].poll_error = -EHOSTUNREACH;
	add_records(7, 1);
	CHECK_EQ(change(NULL, 0), 0);
	(void)exporter_send(exporter, NOW_US);
	CHECK(exporter_is_leaving(exporter));
	send_and_end(NOW_US + EXPORTER_LEAVING_PATIENCE_US);
	CHECK(!exporter_is_leaving(exporter));
	exporter_removed(exporter, &removed);
	CHECK_EQ(removed.lost[LOSS_UNREACHABLE].records, 7);
	add_records(2, 2);
	CHECK_EQ(exporter_collector_ledger(exporter, 0)->taken.records, 9);
	CHECK_EQ(exporter_collector_ledger(exporter, 0)->lost[LOSS_NO_COLLECTOR].records, 2);
	CHECK(collector_ledger_closes(exporter_collector_ledger(exporter, 0)));
	exporter_destroy(exporter);
}

/* The other end sees one stream: the new one waits until the old one is empty. */
TEST(numbers_and_ledger_go_on_in_the_one_that_replaces)
{
	struct exporter_plan plans[1];
	uint32_t next;

	begin(1);
	add_records(50, 1);
	(void)exporter_send(exporter, NOW_US);
	fakes[0].send_error = -EAGAIN;
	add_records(20, 2);
	plans[0] = plan("0", 1, EXPORTER_REPLACE, 0);
	plans[0].hands_sequence = plans[0].hands_ledger = true;
	CHECK_EQ(change(plans, 1), 0);
	CHECK(exporter_is_replacing(exporter));
	CHECK_EQ(change(plans, 1), -EBUSY);
	add_records(3, 3);
	send_all(4);
	check_all(73);
	CHECK_EQ(fakes[1].count, 0);
	fakes[0].send_error = 0;
	(void)exporter_send(exporter, NOW_US + 1000);
	(void)exporter_send(exporter, NOW_US + 2000);
	CHECK(!exporter_is_replacing(exporter));
	CHECK_EQ(records_in(&fakes[0], 0), 70);
	CHECK_EQ(records_in(&fakes[1], 0), 3);
	next = check_sequence(&fakes[0], 0);
	CHECK(check_sequence(&fakes[1], next) > next);
	check_all(73);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 73);
	exporter_destroy(exporter);
}

/* Records that were added before keep their template, which has another number. */
TEST(other_fields_come_with_their_templates)
{
	struct exporter_plan plans[1];

	begin(1);
	add_records(3, 1);
	plans[0] = plan("0", 0, EXPORTER_KEEP, 0);
	CHECK_EQ(template_fields_parse("default-tcpControlBits", &plans[0].config.fields, &error),
		 0);
	plans[0].config.filter = "proto=0";
	plans[0].config.datagrams_per_second = 9000;
	CHECK_EQ(change(plans, 1), 0);
	add_records(4, 2);
	send_all(3);
	check_all(7);
	CHECK_EQ(records_in(&fakes[0], 0), 3); /* of template 260 */
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 7);
	CHECK(fakes[0].count >= 2);
	CHECK(has_templates(&fakes[0].sent[1]));
	(void)check_sequence(&fakes[0], 0);
	exporter_destroy(exporter);
}

TEST(what_cannot_be_made_changes_nothing)
{
	struct exporter_plan plans[3];

	begin(1);
	add_records(3, 1);
	plans[0] = plan("0", 0, EXPORTER_KEEP, 0);
	plans[0].config.filter = "bytes>1";
	plans[1] = plan("1", 1, EXPORTER_ADD, 0);
	plans[2] = plan("2", 2, EXPORTER_ADD, 0);
	plans[2].config.filter = "nonsense";
	CHECK_EQ(change(plans, 3), -EINVAL);
	CHECK(strstr(error.text, "collector 2"));
	CHECK_EQ(exporter_collector_count(exporter), 1);
	add_records(3, 2);
	send_all(3);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 6);
	exporter_destroy(exporter);
}

/* What the first one had is not missing in the group's sum. */
TEST(a_group_keeps_its_sum_when_a_member_goes)
{
	struct exporter_plan plans[2];
	uint64_t sum = 0;

	begin(1);
	plans[0] = plan("0", 0, EXPORTER_ADD, 0);
	plans[1] = plan("1", 1, EXPORTER_ADD, 0);
	for (size_t i = 0; i < 2; i++)
		plans[i].config.role.mode = COLLECTOR_round_robin;
	CHECK_EQ(change(plans, 2), 0);
	add_records(10, 1);
	plans[0] = plans[1];
	plans[0].action = EXPORTER_KEEP;
	plans[0].before = 1;
	CHECK_EQ(change(plans, 1), 0);
	add_records(4, 2);
	send_all(3);
	sum = status_of(exporter, 0).ledger.taken.records;
	CHECK_EQ(sum, 14);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 9);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_comes_begins_with_templates_and_lacks_what_was_before),
		cmocka_unit_test(one_that_goes_sends_what_waits),
		cmocka_unit_test(one_that_goes_does_not_wait_for_the_begin),
		cmocka_unit_test(one_that_goes_and_is_down_loses_what_waits_and_says_so),
		cmocka_unit_test(numbers_and_ledger_go_on_in_the_one_that_replaces),
		cmocka_unit_test(other_fields_come_with_their_templates),
		cmocka_unit_test(what_cannot_be_made_changes_nothing),
		cmocka_unit_test(a_group_keeps_its_sum_when_a_member_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
