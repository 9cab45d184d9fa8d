/* test_outbox_session.c - collectors over a fake transport with sessions: what goes first, what is
 * confirmed, what is sent again. Its reader of IPFIX knows only headers and Sets. */
#include "exporter.h"

#include "session_fixture.h"

TEST(templates_come_first_and_nothing_is_sent_before_it_is_confirmed)
{
	struct exporter *exporter = create(0, 0);

	exporter_set_sequence(exporter, 0, 4711); /* of a run before: a session knows none */
	add(exporter, 1000, 100);
	finish(exporter, 1000);
	CHECK(exporter_send(exporter, SECOND_US) >= 0);
	CHECK_EQ(fake->count, 0);
	begin_session();
	CHECK(exporter_send(exporter, SECOND_US) >= 0); /* to see whether it arrives */
	CHECK(fake->count > 5);
	check_sessions(0);
	CHECK_EQ(load_be32(fake->sent[0].bytes + 4), 1700000001);
	CHECK_EQ(status_of(exporter).ledger.sent.records, 0);
	CHECK_EQ(status_of(exporter).ledger.datagrams_sent, 0);
	CHECK_EQ(status_of(exporter).ledger.waiting.records, 100);
	CHECK_EQ(status_of(exporter).queued_datagrams, fake->count);
	CHECK(status_of(exporter).is_up);

	fake->confirm = 2; /* templates, and the first with flows */
	CHECK(exporter_send(exporter, SECOND_US + 1) >= 0);
	CHECK_EQ(status_of(exporter).ledger.datagrams_sent, 2);
	CHECK_EQ(status_of(exporter).ledger.sent.records, flows_of(&fake->sent[1]));
	fake->confirm = fake->count;
	CHECK_EQ(exporter_send(exporter, SECOND_US + 2), -1);
	CHECK_EQ(status_of(exporter).ledger.sent.records, 100);
	CHECK_EQ(status_of(exporter).ledger.sent.octets, 10000);
	CHECK_EQ(status_of(exporter).ledger.datagrams_sent, fake->count);
	CHECK_EQ(status_of(exporter).queued_datagrams, 0);
	CHECK_EQ(lost_in_all(exporter), 0);
	exporter_destroy(exporter);
}

TEST(what_was_not_confirmed_is_sent_again_in_the_next_session)
{
	struct exporter *exporter = create(0, 0);
	size_t first;
	uint32_t flows = 0;

	add(exporter, 1000, 100);
	begin_session();
	fake->confirm = 3;
	(void)exporter_send(exporter, SECOND_US);
	first = fake->count;
	CHECK(first > 3);
	end_session(ECONNRESET);
	add(exporter, 1500, 20);
	finish(exporter, 1600);
	(void)exporter_send(exporter, 2 * SECOND_US);
	CHECK_EQ(fake->count, first);
	CHECK(!status_of(exporter).is_up);
	CHECK_EQ(status_of(exporter).last_loss, LOSS_DISCONNECTED);
	CHECK_EQ(last_event.kind, COLLECTOR_DOWN);
	CHECK_EQ(last_event.error, ECONNRESET);

	begin_session();
	fake->confirm = SIZE_MAX;
	(void)exporter_send(exporter, 3 * SECOND_US);
	CHECK(status_of(exporter).is_up);
	CHECK_EQ(last_event.kind, COLLECTOR_UP);
	CHECK_EQ(last_event.records_lost, 0);
	check_sessions(0);
	/* The fourth message of the first session is the second of the next, but for its number. */
	CHECK_EQ(fake->sent[first + 1].size, fake->sent[3].size);
	CHECK_BYTES(fake->sent[first + 1].bytes + 12, fake->sent[3].bytes + 12,
		    fake->sent[3].size - 12);
	CHECK_EQ(status_of(exporter).ledger.sent.records, 120);
	CHECK_EQ(status_of(exporter).ledger.waiting.records, 0);
	for (size_t i = 0; i < fake->count; i++)
		if (fake->sent[i].is_confirmed)
			flows += flows_of(&fake->sent[i]);
	CHECK_EQ(flows, 120);
	exporter_destroy(exporter);
}

TEST(a_session_repeats_statistics_by_time_and_count_and_templates_on_request_only)
{
	struct exporter *exporter = create(10000, 20);
	size_t statistics = 0;

	begin_session();
	fake->confirm = SIZE_MAX;
	for (uint32_t now = 1000; now < 101000; now += 500) {
		add(exporter, now, 10);
		advance(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
	}
	check_sessions(0);
	for (size_t i = 0; i < fake->count; i++)
		statistics += sets_of(&fake->sent[i], 401);
	CHECK(statistics >= 10);

	exporter_send_template(exporter);
	finish(exporter, 101000);
	(void)exporter_send(exporter, 101 * SECOND_US);
	check_sessions(1);
	CHECK_EQ(sets_of(&fake->sent[fake->count - 1], 2), 1);
	CHECK_EQ(sets_of(&fake->sent[fake->count - 1], 401), 1);
	exporter_destroy(exporter);
}

TEST(what_was_announced_ahead_is_not_announced_twice_in_a_session)
{
	struct exporter *exporter = create(0, 0);

	add(exporter, 1000, 1);
	finish(exporter, 1000);
	for (int i = 0; i < 5; i++) { /* sessions that confirm nothing */
		begin_session();
		(void)exporter_send(exporter, (i + 1) * SECOND_US);
		end_session(ECONNRESET);
		(void)exporter_send(exporter, (i + 1) * SECOND_US + 1);
	}
	check_sessions(0);
	CHECK_EQ(fake->count, 15); /* templates, the flow, the last statistics */
	CHECK_EQ(status_of(exporter).ledger.waiting.records, 1);
	exporter_destroy(exporter);
}

/* Without a spool what it loses does not go by the name of one. */
TEST(a_reader_that_stalls_holds_nobody_up_for_long_and_the_oldest_not_handed_over_is_lost)
{
	struct exporter *exporter = create(0, 0);
	uint64_t added = 0;
	uint32_t flows = 0;
	int64_t now_us = SECOND_US;

	begin_session();
	fake->capacity = 50;
	while (exporter_has_room(exporter)) {
		add(exporter, 1000, 1);
		added++;
	}
	(void)exporter_send(exporter, now_us);
	CHECK_EQ(fake->count, 50);
	CHECK_EQ(status_of(exporter).ledger.sent.records, 0);
	CHECK(!exporter_has_room(exporter));
	for (int i = 0; i < 100 && !exporter_has_room(exporter); i++) {
		now_us += OUTBOX_PATIENCE_US / 10;
		(void)exporter_send(exporter, now_us);
	}
	CHECK(exporter_has_room(exporter));
	CHECK(now_us <= SECOND_US + OUTBOX_PATIENCE_US * 2);
	CHECK_EQ(status_of(exporter).last_error, EAGAIN);
	add(exporter, 1000, 3000);
	added += 3000;
	CHECK(lost(exporter, LOSS_NOT_TAKEN) > 2000);
	CHECK_EQ(lost(exporter, LOSS_NOT_TAKEN), lost_in_all(exporter));
	finish(exporter, 2000);

	fake->capacity = SIZE_MAX;
	fake->confirm = SIZE_MAX;
	for (int i = 0; i < 20; i++)
		(void)exporter_send(exporter, now_us += SECOND_US);
	check_sessions(0);
	CHECK(status_of(exporter).is_up);
	for (size_t i = 0; i < fake->count; i++)
		flows += flows_of(&fake->sent[i]);
	CHECK_EQ(status_of(exporter).ledger.sent.records, flows);
	CHECK_EQ(status_of(exporter).ledger.waiting.records, 0);
	CHECK_EQ(lost(exporter, LOSS_NOT_TAKEN), added - flows);
	exporter_destroy(exporter);
}

/* How often the export thread would turn while nothing is taken for as long as others wait. */
static unsigned int turns_while_full(struct exporter *exporter, int64_t now_us)
{
	const int64_t until_us = now_us + OUTBOX_PATIENCE_US;
	unsigned int turns = 0;

	while (now_us < until_us) {
		const int64_t wait_us = exporter_send(exporter, now_us);

		CHECK(wait_us > 0);
		now_us += wait_us;
		turns++;
	}
	return turns;
}

TEST(a_full_socket_is_waited_for_by_its_descriptor)
{
	struct exporter *exporter = create(0, 0);
	struct pollfd descriptors[EXPORTER_DESCRIPTORS];

	begin_session();
	fake->capacity = 50;
	while (exporter_has_room(exporter))
		add(exporter, 1000, 1);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(exporter_descriptors(exporter, descriptors, EXPORTER_DESCRIPTORS), 0);
	CHECK(turns_while_full(exporter, 2 * SECOND_US) > 1000); /* it shows nothing: by time */

	fake->capacity = 10;
	(void)exporter_send(exporter, 10 * SECOND_US);
	fake->ready = 1 + STDIN_FILENO;
	CHECK(turns_while_full(exporter, 20 * SECOND_US) <= 60);
	CHECK_EQ(exporter_descriptors(exporter, descriptors, EXPORTER_DESCRIPTORS), 1);
	CHECK_EQ(descriptors[0].fd, STDIN_FILENO);
	CHECK_EQ(descriptors[0].events, POLLOUT);

	/* It is ready, and yet nothing is taken: no circle without sleep. */
	(void)exporter_send(exporter, 40 * SECOND_US);
	CHECK_EQ(exporter_descriptors(exporter, descriptors, EXPORTER_DESCRIPTORS), 1);
	(void)exporter_send(exporter, 40 * SECOND_US + 10);
	CHECK_EQ(exporter_descriptors(exporter, descriptors, EXPORTER_DESCRIPTORS), 0);

	fake->capacity = SIZE_MAX;
	(void)exporter_send(exporter, 41 * SECOND_US);
	CHECK_EQ(exporter_descriptors(exporter, descriptors, EXPORTER_DESCRIPTORS), 0);
	exporter_destroy(exporter);
}

/* With --read everything waits for a reader, and not without a word. */
TEST(a_reader_that_all_wait_for_is_named_once_it_takes_nothing)
{
	struct exporter *exporter;
	int64_t now_us = SECOND_US;

	is_patient = true;
	exporter = create(0, 0);
	is_patient = false;
	begin_session();
	fake->capacity = 50;
	while (exporter_has_room(exporter))
		add(exporter, 1000, 1);
	for (int i = 0; i < 20; i++) { /* slow, but it takes something every second */
		fake->confirm++;
		fake->capacity = 1;
		(void)exporter_send(exporter, now_us += SECOND_US);
	}
	CHECK_EQ(event_count, 0);
	while (exporter_has_room(exporter))
		add(exporter, 1000, 1);
	for (int i = 0; i < 20; i++)
		(void)exporter_send(exporter, now_us += SECOND_US);
	CHECK_EQ(event_count, 1);
	CHECK_EQ(last_event.kind, COLLECTOR_WAITED_FOR);
	CHECK_EQ(last_event.error, EAGAIN);
	CHECK(!exporter_has_room(exporter));
	CHECK_EQ(lost_in_all(exporter), 0);

	fake->capacity = SIZE_MAX;
	fake->confirm = SIZE_MAX;
	for (int i = 0; i < 3 && event_count == 1; i++)
		(void)exporter_send(exporter, now_us += SECOND_US);
	CHECK_EQ(event_count, 3); /* no more; ready */
	exporter_destroy(exporter);
}

TEST(templates_that_were_lost_on_the_way_are_announced_again_before_what_follows)
{
	struct exporter *exporter = create(0, 0);
	int64_t now_us = SECOND_US;
	size_t handed;

	begin_session();
	fake->capacity = 5;
	add(exporter, 1000, 200);
	(void)exporter_send(exporter, now_us);
	handed = fake->count;
	exporter_send_template(exporter);
	finish(exporter, 1000); /* queued after what stalls */
	add(exporter, 1000, 8000);
	CHECK(lost(exporter, LOSS_NOT_TAKEN) > 200);

	fake->capacity = SIZE_MAX;
	fake->confirm = SIZE_MAX;
	for (int i = 0; i < 10; i++)
		(void)exporter_send(exporter, now_us += SECOND_US);
	CHECK_EQ(handed, 5);
	CHECK_EQ(sets_of(&fake->sent[handed], 2), 1);
	CHECK_EQ(sets_of(&fake->sent[handed], 3), 3);
	check_sessions(1);
	exporter_destroy(exporter);
}

TEST(without_anything_left_to_drop_the_new_message_is_lost)
{
	struct exporter *exporter = create(0, 0);
	int64_t now_us = SECOND_US;

	begin_session(); /* takes all, confirms nothing */
	for (uint32_t i = 0; i < 400; i++) {
		add(exporter, 1000 + i, 30);
		(void)exporter_send(exporter, now_us += 100);
	}
	CHECK_EQ(status_of(exporter).queued_datagrams, DATAGRAM_QUEUE_CAPACITY - 2);
	CHECK(lost(exporter, LOSS_NOT_TAKEN) > 0);
	CHECK_EQ(event_count, 2); /* up, and down for good */
	fake->confirm = SIZE_MAX;
	finish(exporter, 2000);
	(void)exporter_send(exporter, now_us += SECOND_US);
	(void)exporter_send(exporter, now_us += SECOND_US);
	CHECK_EQ(status_of(exporter).ledger.waiting.records, 0);
	check_sessions(0);
	exporter_destroy(exporter);
}

TEST(at_the_end_what_is_not_confirmed_counts_as_lost)
{
	struct exporter *exporter = create(0, 0);

	begin_session();
	fake->confirm = 2;
	add(exporter, 1000, 100);
	finish(exporter, 1000);
	(void)exporter_send(exporter, SECOND_US);
	exporter_abandon(exporter);
	CHECK_EQ(status_of(exporter).ledger.sent.records, flows_of(&fake->sent[1]));
	CHECK_EQ(lost(exporter, LOSS_DISCONNECTED), 100 - flows_of(&fake->sent[1]));
	CHECK_EQ(status_of(exporter).ledger.waiting.records, 0);
	exporter_destroy(exporter);
}

/* A reader that stalls is down until it takes something, and nothing is reported after the end. */
TEST(a_reader_that_never_reads_is_not_reported_reachable_again)
{
	struct exporter *exporter = create(0, 0);
	uint32_t now_ms = 1000;

	begin_session();
	fake->capacity = 10;
	add(exporter, now_ms, 8000);
	finish(exporter, now_ms);
	for (; now_ms < 60000; now_ms += 1000)
		(void)exporter_send(exporter, (int64_t)now_ms * 1000);
	CHECK_EQ(last_event.kind, COLLECTOR_DOWN);
	CHECK(!status_of(exporter).is_up && status_of(exporter).is_known_down);
	exporter_abandon(exporter);
	CHECK(lost_in_all(exporter) > 0);
	for (; now_ms < 90000; now_ms += 1000)
		(void)exporter_send(exporter, (int64_t)now_ms * 1000);
	CHECK_EQ(last_event.kind, COLLECTOR_DOWN);
	exporter_destroy(exporter);
}

TEST(a_collector_that_was_never_there_loses_for_its_own_reason)
{
	struct exporter *exporter = create(0, 0);

	end_session(ECONNREFUSED);
	add(exporter, 1000, 10);
	finish(exporter, 1000);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(last_event.kind, COLLECTOR_DOWN);
	CHECK(exporter_has_room(exporter));
	exporter_abandon(exporter);
	CHECK_EQ(lost(exporter, LOSS_REFUSED), 10);
	exporter_destroy(exporter);
}

TEST(only_messages_that_show_their_end_go_into_a_session)
{
	struct collector_config collector = {
		.name = "fake",
		.transport_type = &fake_transport_sessions,
		.address = { .host = "fake" },
		.datagram_size = 1400,
	};
	const struct exporter_config config = { .collectors = &collector, .collector_count = 1 };
	const uint8_t versions[] = { 5, 9 };
	struct error_text error;

	for (size_t i = 0; i < 2; i++) {
		collector.version = versions[i];
		CHECK(exporter_create(&config, &error) == NULL);
		CHECK(strstr(error.text, "transport fake cannot carry export version") != NULL);
	}
}

/* Sessions come and go at random moments, and confirm at random: in the end each record has been
 * confirmed once, or is counted as lost. */
TEST(random_sessions_leave_the_ledger_exact)
{
	static const int errors[] = { ECONNRESET, ECONNREFUSED, ENETUNREACH, EPIPE };

	srandom(5);
	for (int round = 0; round < 40; round++) {
		struct exporter *exporter =
			create_spooled(round % 2 ? SPOOL_SIZE_MIN : 0, 0, 2000, 20);
		uint64_t added = 0, confirmed = 0;
		uint32_t now = 1000;
		size_t requested = 0;

		for (int turn = 0; turn < 400 && fake->session < SESSIONS_MAX; turn++) {
			now += (uint32_t)random() % 300;
			if (fake->poll_error && random() % 4 == 0)
				begin_session();
			else if (!fake->poll_error && random() % 8 == 0)
				end_session(errors[random() % 4]);
			fake->capacity = random() % 3 ? (size_t)random() % 20 : 0;
			fake->confirm += (size_t)random() % 10;
			if (fake->count > FAKE_SENT_MAX / 2)
				break;
			for (long i = random() % (round % 4 ? 60 : 500);
			     i > 0 && exporter_has_room(exporter); i--) {
				add(exporter, now, 1);
				added++;
			}
			if (random() % 50 == 0) {
				exporter_send_template(exporter);
				requested += 10;
			}
			advance(exporter, now);
			(void)exporter_send(exporter, (int64_t)now * 1000);
			(void)status_of(exporter);
		}
		finish(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
		exporter_abandon(exporter);
		check_sessions(requested);
		for (size_t i = 0; i < fake->count; i++)
			if (fake->sent[i].is_confirmed)
				confirmed += flows_of(&fake->sent[i]);
		CHECK_EQ(status_of(exporter).ledger.taken.records, added);
		CHECK_EQ(status_of(exporter).ledger.waiting.records, 0);
		CHECK_EQ(status_of(exporter).ledger.sent.records, confirmed);
		exporter_destroy(exporter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_come_first_and_nothing_is_sent_before_it_is_confirmed),
		cmocka_unit_test(what_was_not_confirmed_is_sent_again_in_the_next_session),
		cmocka_unit_test(
			a_session_repeats_statistics_by_time_and_count_and_templates_on_request_only),
		cmocka_unit_test(what_was_announced_ahead_is_not_announced_twice_in_a_session),
		cmocka_unit_test(
			a_reader_that_stalls_holds_nobody_up_for_long_and_the_oldest_not_handed_over_is_lost),
		cmocka_unit_test(a_full_socket_is_waited_for_by_its_descriptor),
		cmocka_unit_test(a_reader_that_all_wait_for_is_named_once_it_takes_nothing),
		cmocka_unit_test(
			templates_that_were_lost_on_the_way_are_announced_again_before_what_follows),
		cmocka_unit_test(without_anything_left_to_drop_the_new_message_is_lost),
		cmocka_unit_test(at_the_end_what_is_not_confirmed_counts_as_lost),
		cmocka_unit_test(a_reader_that_never_reads_is_not_reported_reachable_again),
		cmocka_unit_test(a_collector_that_was_never_there_loses_for_its_own_reason),
		cmocka_unit_test(only_messages_that_show_their_end_go_into_a_session),
		cmocka_unit_test(random_sessions_leave_the_ledger_exact),
	};

	return RUN_TESTS(tests);
}
