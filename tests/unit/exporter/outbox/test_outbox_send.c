/* test_outbox_send.c - pacing, room, and collectors that cannot be sent to. */
#include "exporter.h"

#include "outbox.h"

#include "exporter_fixture.h"

TEST(pacing_allows_a_burst_and_then_the_rate)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .rate = 5000 });
	int64_t now_us = 5 * SECOND_US;

	while (exporter_has_room(exporter))
		add(exporter, 0);
	/* Most of a burst is worth waking up for. */
	CHECK_EQ(exporter_send(exporter, now_us), 4801);
	CHECK_EQ(fakes[0].count, EXPORTER_BURST_DATAGRAMS);
	CHECK_EQ(exporter_send(exporter, now_us), 4801);
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
	/* But for templates in datagrams of the smallest size. */
	CHECK(status.queued_datagrams >= DATAGRAM_QUEUE_CAPACITY - 3);
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

static size_t longest_sent(size_t number)
{
	size_t longest = 0;

	for (size_t i = 0; i < fakes[number].count; i++)
		if (fakes[number].sent[i].size > longest)
			longest = fakes[number].sent[i].size;
	return longest;
}

TEST(what_follows_fits_a_path_that_takes_less)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	uint64_t sent;

	add(exporter, 0);
	finish(exporter, 0);
	CHECK_EQ(exporter_send(exporter, 0), -1);
	CHECK(longest_sent(0) >
	      COLLECTOR_DATAGRAM_SIZE_MIN); /* so templates take more from now on */
	sent = status_of(exporter, 0).ledger.sent.records;
	fakes[0].size_max = fakes[0].known_max = COLLECTOR_DATAGRAM_SIZE_MIN;
	fakes[0].count = 0;
	exporter_send_template(exporter);
	for (int i = 0; i < 60; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 10 * SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, sent + 60);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_SEND_FAILED].records, 0);
	CHECK(longest_sent(0) > COLLECTOR_DATAGRAM_SIZE_MIN / 2);
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

TEST(sequence_numbers_continue_where_they_are_set)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pacing_allows_a_burst_and_then_the_rate),
		cmocka_unit_test(a_slow_rate_waits_as_long_as_it_must),
		cmocka_unit_test(without_a_rate_a_call_is_still_bounded),
		cmocka_unit_test(a_full_queue_holds_records_back_and_loses_none),
		cmocka_unit_test(as_many_records_have_room_as_was_said),
		cmocka_unit_test(an_unresolved_collector_drops_the_oldest_and_holds_nobody_up),
		cmocka_unit_test(a_look_up_holds_records_back_at_first_and_not_for_ever),
		cmocka_unit_test(an_unreachable_network_is_tried_again_and_then_counted),
		cmocka_unit_test(a_datagram_too_large_for_the_path_is_lost_alone),
		cmocka_unit_test(what_follows_fits_a_path_that_takes_less),
		cmocka_unit_test(a_failure_that_tells_of_an_earlier_datagram_costs_nothing),
		cmocka_unit_test(sequence_numbers_continue_where_they_are_set),
		cmocka_unit_test(abandon_counts_all_that_waits),
	};

	return RUN_TESTS(tests);
}
