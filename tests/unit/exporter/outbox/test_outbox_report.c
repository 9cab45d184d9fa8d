/* test_outbox_report.c - what the network reports, and the probes that follow. What did not arrive
 * waits again. */
#include "exporter.h"

#include "exporter_fixture.h"

TEST(unreachable_datagrams_move_from_sent_to_waiting)
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
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 22);
	CHECK_EQ(heard[0].event_count, 2);
	CHECK_EQ(heard[0].events[1].kind, COLLECTOR_DOWN);
	CHECK_EQ(heard[0].events[1].reason, LOSS_UNREACHABLE);
	fake_transport_refuse(&fakes[0], 2);
	fake_transport_refuse(&fakes[0], 4);
	(void)exporter_send(exporter, 2 * SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 66);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.packets, 660);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.octets, 66000);
	CHECK_EQ(status_of(exporter, 0).ledger.datagrams_lost, 0);
	check_ledger(exporter);

	/* It goes on being away, so what was sent between went there, too. */
	fake_transport_refuse(&fakes[0], 8);
	(void)exporter_send(exporter, 5 * SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 7 * 22);
	CHECK_EQ(heard[0].event_count, 2);
	check_ledger(exporter);

	/* Back: no probe is reported any more, and they go again. */
	for (int64_t now_us = 6 * SECOND_US; now_us < 20 * SECOND_US; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 220);
	CHECK_EQ(status_of(exporter, 0).ledger.datagrams_lost, 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* A host reports a few of them only: what was sent after one that it refused was on its way when
 * the report came. */
TEST(what_follows_a_refused_datagram_waits_again_with_it)
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
	CHECK_EQ(status.ledger.waiting.records, records_in(&fakes[0], 2));
	CHECK_EQ(status.sequence, 2 + 1); /* nobody has seen the others; a probe went */
	fake_transport_refuse(&fakes[0], 3);
	fake_transport_refuse(&fakes[0], 2);
	(void)exporter_send(exporter, 2000);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, status.ledger.sent.records);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(what_waits_again_survives_a_kill)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	const uint64_t size = exporter_kept_size(exporter, 0);
	void *memory = aligned_alloc(64, size);
	struct collector_status before;

	CHECK(memory != NULL);
	memset(memory, 0, size);
	CHECK_EQ(exporter_keep(exporter, 0, memory, 0), 0);
	for (int i = 0; i < 22 * 10; i++)
		add(exporter, 0);
	finish(exporter, 0);
	exporter_note(exporter, 1);
	(void)exporter_send(exporter, 0);
	fakes[0].report = EHOSTUNREACH;
	fake_transport_refuse(&fakes[0], 3); /* those before and after it have arrived */
	(void)exporter_send(exporter, 1000);
	before = status_of(exporter, 0);
	CHECK_EQ(before.ledger.waiting.records, 22);
	exporter_destroy(exporter);

	exporter = create(&(struct setup){ .collectors = 1 });
	CHECK_EQ(exporter_keep(exporter, 0, memory, 1), 0);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 22);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 220 - 22);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 220);
	CHECK_EQ(records_in(&fakes[0], 0), 22);
	(void)check_sequence(&fakes[0], before.sequence);
	check_ledger(exporter);
	exporter_destroy(exporter);
	free(memory);
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
	for (; status_of(exporter, 0).ledger.sent.records < 101; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	probes = fakes[0].count;
	CHECK_EQ(now_us, 3 * SECOND_US + 1500000 + 100000); /* two probes, half a second */
	fake_transport_refuse(&fakes[0], fakes[0].count - 1);
	(void)exporter_send(exporter, now_us);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 101);
	for (; status_of(exporter, 0).ledger.sent.records < 101; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK(fakes[0].count > probes + 4);
	for (size_t i = probes; i < probes + 4; i++)
		CHECK(has_templates(&fakes[0].sent[i]));
	check_ledger(exporter);
	exporter_destroy(exporter);
}

TEST(a_packet_that_has_not_left_was_several_datagrams)
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
	fakes[0].is_own = true;
	/* The second packet. */
	fakes[0].is_one_packet = false;
	fake_transport_refuse(&fakes[0], 5);
	(void)exporter_send(exporter, SECOND_US);
	status = status_of(exporter, 0);
	CHECK_EQ(status.ledger.datagrams_lost, 0);
	CHECK_EQ(status.ledger.waiting.records, 5 * 22);
	check_ledger(exporter);
	/* The others may be reported as well. */
	fake_transport_refuse(&fakes[0], 7);
	(void)exporter_send(exporter, SECOND_US + 1000);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 5 * 22);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* Without sequence numbers, too: their times tell them apart. */
TEST(what_is_presumed_lost_is_found_by_its_own_report)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .versions = { 1 } });
	struct collector_ledger ledger;

	fakes[0].is_one_packet = true;
	fakes[0].accept = 5;
	for (uint32_t now_ms = 0; now_ms < 24 * 5; now_ms++)
		add(exporter, now_ms);
	finish(exporter, 24 * 5);
	(void)exporter_send(exporter, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 5 * 24);
	fakes[0].report = EHOSTUNREACH;
	fakes[0].is_one_packet = false;
	fake_transport_refuse(&fakes[0], 0);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNREACHABLE].records, 4 * 24);
	fake_transport_refuse(&fakes[0], 2);
	(void)exporter_send(exporter, SECOND_US + 1000);
	ledger = status_of(exporter, 0).ledger;
	CHECK_EQ(ledger.waiting.records, 3 * 24); /* also the one between */
	CHECK_EQ(ledger.lost[LOSS_UNREACHABLE].records, 2 * 24);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* What no ICMP error says: the loss has another reason than that of a later report. */
TEST(what_was_counted_for_another_reason_is_not_taken_back)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	struct collector_ledger ledger;

	fakes[0].is_one_packet = true;
	fakes[0].accept = 5;
	for (int i = 0; i < 22 * 10; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	fakes[0].report = EPERM;
	fakes[0].is_one_packet = false;
	fake_transport_refuse(&fakes[0], 5);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_SEND_FAILED].records, 5 * 22);
	fakes[0].report = EHOSTUNREACH;
	fake_transport_refuse(&fakes[0], 7);
	(void)exporter_send(exporter, SECOND_US + 1000);
	ledger = status_of(exporter, 0).ledger;
	CHECK_EQ(ledger.lost[LOSS_UNREACHABLE].records, 0);
	CHECK_EQ(ledger.lost[LOSS_SEND_FAILED].records, 5 * 22);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* What a firewall forbids, and a host that knows no UDP: there is no way to the collector. */
TEST(what_is_prohibited_is_unreachable)
{
	static const int errors[] = { EACCES, ENOPROTOOPT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

		fakes[0].is_one_packet = true;
		fakes[0].accept = 5;
		for (int record = 0; record < 22 * 10; record++)
			add(exporter, 0);
		finish(exporter, 0);
		(void)exporter_send(exporter, 0);
		fakes[0].report = errors[i];
		fakes[0].is_one_packet = false;
		fake_transport_refuse(&fakes[0], 5);
		(void)exporter_send(exporter, SECOND_US);
		CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_SEND_FAILED].records, 0);
		CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_UNREACHABLE].records, 4 * 22);
		check_ledger(exporter);
		exporter_destroy(exporter);
	}
}

/* A router reports: the packet may have been cut apart before, and the others may have arrived. */
TEST(others_of_a_packet_that_left_do_not_go_twice)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });
	struct collector_ledger ledger;

	fakes[0].is_one_packet = true;
	fakes[0].accept = 5;
	for (int i = 0; i < 22 * 10; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	fakes[0].report = EHOSTUNREACH;
	fakes[0].is_one_packet = false;
	fake_transport_refuse(&fakes[0], 5);
	(void)exporter_send(exporter, SECOND_US);
	ledger = status_of(exporter, 0).ledger;
	CHECK_EQ(ledger.waiting.records, 22);
	CHECK_EQ(ledger.lost[LOSS_UNREACHABLE].records, 4 * 22);
	CHECK_EQ(ledger.datagrams_lost, 4);
	check_ledger(exporter);
	/* One of them is reported as well: now it is known, also of the one between. */
	fake_transport_refuse(&fakes[0], 7);
	fake_transport_refuse(&fakes[0], 7);
	(void)exporter_send(exporter, SECOND_US + 1000);
	ledger = status_of(exporter, 0).ledger;
	CHECK_EQ(ledger.waiting.records, 3 * 22);
	CHECK_EQ(ledger.lost[LOSS_UNREACHABLE].records, 2 * 22);
	CHECK_EQ(ledger.datagrams_lost, 2);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

/* ICMP's parameter problem is EPROTO. */
TEST(what_a_router_finds_wrong_with_a_datagram_is_no_fault_of_tls)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	for (int i = 0; i < 22 * 3; i++)
		add(exporter, 0);
	finish(exporter, 0);
	(void)exporter_send(exporter, 0);
	fakes[0].report = EPROTO;
	fake_transport_refuse(&fakes[0], 1);
	(void)exporter_send(exporter, 1000);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_TLS].records, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.lost[LOSS_SEND_FAILED].records,
		 records_in(&fakes[0], 1) - records_in(&fakes[0], 2));
	CHECK_EQ(heard[0].events[heard[0].event_count - 1].reason, LOSS_SEND_FAILED);
	check_ledger(exporter);
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
	size_t back;

	fake->refuses = true;
	for (uint32_t now = 0; now < 5000; now += 10) {
		CHECK(exporter_has_room(exporter));
		add(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
	}
	/* The first datagram waits again; then templates alone go, once a second. */
	CHECK(records_in(fake, 0) > 0 && records_in(fake, 0) <= 22);
	CHECK_EQ(fake->count, 1 + 5);
	CHECK_EQ(records_in(fake, 1), 0);
	for (size_t i = 0; i < fake->count; i++)
		CHECK(has_templates(&fake->sent[i]));
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 0);
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 500);
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
	CHECK_EQ(records_in(fake, back), 500);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 500);
	CHECK(!status_of(exporter, 0).is_up);
	(void)exporter_send(exporter, 16 * SECOND_US);
	CHECK_EQ(heard[0].event_count, 3);
	CHECK_EQ(heard[0].events[2].kind, COLLECTOR_UP);
	CHECK_EQ(heard[0].events[2].records_lost, 0);
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

/* Reports name the right datagram where numbers count records, and where a message of templates has
 * the number of the next. */
TEST(refused_datagrams_are_found_in_every_version)
{
	static const uint8_t versions[] = { 5, 9, 10 };
	static const uint64_t in_two[] = { 28 + 28, 9 + 22, 10 + 22 };

	for (size_t i = 0; i < sizeof(versions); i++) {
		struct exporter *exporter =
			create(&(struct setup){ .collectors = 1, .versions = { versions[i] } });
		uint64_t before, back;

		for (int j = 0; j < 22 * 10; j++)
			add_sized(exporter, 0, 4, 10, 1000);
		finish(exporter, 0);
		(void)exporter_send(exporter, 1000);
		before = status_of(exporter, 0).ledger.sent.records;
		back = 220 - in_two[i]; /* what follows, too */
		CHECK_EQ(before, 220);
		fake_transport_refuse(&fakes[0], 2);
		(void)exporter_send(exporter, 2000);
		CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, back);
		/* The probe, which is refused too, takes nothing with it. */
		CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 220 - back);
		(void)exporter_send(exporter, 3000);
		fake_transport_refuse(&fakes[0], fakes[0].count - 1);
		(void)exporter_send(exporter, 4 * SECOND_US);
		CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, back);
		check_ledger(exporter);
		exporter_destroy(exporter);
	}
}

/* As with templates in other versions, by headers without records. */
TEST(a_netflow5_collector_that_refuses_is_probed_and_then_gets_what_waited)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1, .versions = { 5 } });
	struct fake_transport *fake = &fakes[0];

	fake->refuses = true;
	for (uint32_t now = 0; now < 5000; now += 10) {
		add(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
	}
	CHECK_EQ(status_of(exporter, 0).ledger.waiting.records, 500);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 0);
	for (size_t i = 1; i < fake->count; i++)
		CHECK_EQ(fake->sent[i].size, 24);
	fake->refuses = false;
	finish(exporter, 5000);
	for (int64_t now_us = 5 * SECOND_US; now_us < 15 * SECOND_US; now_us += 100000)
		(void)exporter_send(exporter, now_us);
	CHECK_EQ(status_of(exporter, 0).ledger.sent.records, 500);
	(void)check_sequence(fake, 0);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unreachable_datagrams_move_from_sent_to_waiting),
		cmocka_unit_test(what_follows_a_refused_datagram_waits_again_with_it),
		cmocka_unit_test(what_waits_again_survives_a_kill),
		cmocka_unit_test(a_collector_that_only_seemed_to_be_back_is_held_for_longer),
		cmocka_unit_test(a_packet_that_has_not_left_was_several_datagrams),
		cmocka_unit_test(what_was_counted_for_another_reason_is_not_taken_back),
		cmocka_unit_test(what_is_presumed_lost_is_found_by_its_own_report),
		cmocka_unit_test(what_is_prohibited_is_unreachable),
		cmocka_unit_test(others_of_a_packet_that_left_do_not_go_twice),
		cmocka_unit_test(what_a_router_finds_wrong_with_a_datagram_is_no_fault_of_tls),
		cmocka_unit_test(a_report_that_quotes_too_little_means_the_last_datagram),
		cmocka_unit_test(a_report_before_anything_was_sent_is_harmless),
		cmocka_unit_test(
			a_collector_that_refuses_is_probed_with_templates_and_then_gets_what_waited),
		cmocka_unit_test(a_collector_that_refuses_for_long_drops_the_oldest),
		cmocka_unit_test(a_quiet_collector_that_refuses_is_asked_once_a_second),
		cmocka_unit_test(refused_datagrams_are_found_in_every_version),
		cmocka_unit_test(
			a_netflow5_collector_that_refuses_is_probed_and_then_gets_what_waited),
	};

	return RUN_TESTS(tests);
}
