/* test_exporter_ledger.c - every record is counted once, whatever the network does. */
#include "exporter.h"

#include "outbox.h"

#include "exporter_fixture.h"

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
	lost = records_in(&fakes[0], fakes[0].count - 3) -
	       records_in(&fakes[0], fakes[0].count - 2);
	fakes[0].report = EPERM; /* not one that passes */
	fake_transport_refuse(&fakes[0], fakes[0].count - 3);
	(void)exporter_send(exporter, 3000);
	add(exporter, 10);
	finish(exporter, 10);
	for (int64_t now_us = 4000; now_us < 2 * SECOND_US;
	     now_us += 100000) /* probes, then that */
		(void)exporter_send(exporter, now_us);
	last = &fakes[0].sent[fakes[0].count - 1];
	CHECK_EQ(lost, 22);
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

static void add_dropped(struct exporter *exporter, bool is_pair)
{
	const struct export_record record = {
		.flow = { .packets = 10, .octets = 1000, .end_reason = FLOW_END_dropped }
	};
	const struct export_time time = at(0);

	if (is_pair)
		exporter_add_pair(exporter, &record, &record, &time);
	else
		exporter_add(exporter, &record, &time);
}

TEST(what_is_forgotten_goes_to_no_collector_and_is_counted)
{
	for (size_t collectors = 0; collectors < 3; collectors++) {
		struct exporter *exporter = create(&(struct setup){ .collectors = collectors });
		struct collector_ledger ledger;

		add_dropped(exporter, false);
		add_dropped(exporter, true);
		finish(exporter, 0);
		(void)exporter_send(exporter, 0);
		exporter_ledger(exporter, &ledger);
		CHECK_EQ(ledger.taken.records, 3);
		CHECK_EQ(ledger.excluded[EXCLUDED_DROPPED].records, 3);
		CHECK_EQ(ledger.excluded[EXCLUDED_DROPPED].octets, 3000);
		CHECK_EQ(ledger.sent.records, 0);
		check_ledger(exporter);
		exporter_destroy(exporter);
	}
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

/* Whatever the network does: nothing hangs, nothing is counted twice or not at all, and the
 * sequence numbers of what was handed over have no gap. */
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
		cmocka_unit_test(statistics_say_what_this_collector_should_have),
		cmocka_unit_test(counters_and_times_are_64_bits_to_the_wire),
		cmocka_unit_test(without_collectors_every_record_is_counted),
		cmocka_unit_test(what_is_forgotten_goes_to_no_collector_and_is_counted),
		cmocka_unit_test(the_ledger_for_all_is_that_of_the_collector_that_got_most),
		cmocka_unit_test(a_biflow_is_two_records_in_every_ledger_and_one_in_ipfix),
		cmocka_unit_test(without_collectors_both_directions_are_counted),
		cmocka_unit_test(random_faults_leave_the_ledger_exact),
	};

	return RUN_TESTS(tests);
}
