/* test_collector_hand_on.c - what one member of a group has in a few large datagrams is more than
 * the queue of the next one holds at once: nothing is lost on the way. */
#include "exporter.h"

#include "check.h"
#include "fake_transport.c"

#include <errno.h>

#define SECOND_US 1000000
#define RECORDS   4000

static void arrive(size_t number, const struct datagram *datagram)
{
	(void)number;
	(void)datagram;
}

static struct exporter *create(uint8_t version, uint32_t size_before)
{
	static const char *const names[] = { "0", "1" };
	struct collector_config collectors[2];
	const struct exporter_config config = { .collectors = collectors, .collector_count = 2 };
	struct error_text error;
	struct exporter *exporter;

	fake_transport_reset();
	for (uint16_t i = 0; i < 2; i++) {
		collectors[i] = (struct collector_config){
			.name = names[i],
			.transport_type = &fake_transport_datagrams,
			.version = i ? version : 9,
			.address = { .host = "fake", .port = i },
			.datagram_size = i ? 1400 : size_before,
			.datagrams_per_second = i ? 100 : 0,
			.role = { .mode = COLLECTOR_failover },
		};
		fake_transports[i].arrive = arrive;
	}
	exporter = exporter_create(&config, &error);
	CHECK(exporter != NULL);
	return exporter;
}

/* After the last record: what the members have then. None of it is lost. */
static void send_for_a_minute(struct exporter *exporter, const struct export_time *time,
			      struct collector_status status[static 2])
{
	exporter_finish(exporter, time);
	for (int64_t now_us = 0; now_us < 60 * SECOND_US; now_us += SECOND_US / 10)
		(void)exporter_send(exporter, now_us);
	for (size_t i = 0; i < 2; i++) {
		exporter_collector_status(exporter, i, &status[i]);
		CHECK_EQ(collector_ledger_lost(&status[i].ledger).records, 0);
		CHECK(collector_ledger_closes(&status[i].ledger));
	}
}

/* Records of 'octets' wait for the first member; it is down, and the second gets them. */
static void check_all_arrive(uint8_t version, uint32_t size_before, uint64_t octets)
{
	struct exporter *exporter = create(version, size_before);
	const struct export_time time = { .unix_ms = 1700000000000 };
	struct collector_status status[2];

	fake_transports[0].poll_error = -ENETUNREACH;
	for (int i = 0; i < RECORDS; i++) {
		const struct export_record record = {
			.flow = { .key = { .ip_version = 4 }, .packets = 9, .octets = octets }
		};

		CHECK(exporter_has_room(exporter));
		exporter_add(exporter, &record, &time);
	}
	send_for_a_minute(exporter, &time, status);
	CHECK_EQ(status[1].ledger.sent.records, RECORDS);
	CHECK_EQ(status[1].ledger.sent.octets, RECORDS * octets);
	exporter_destroy(exporter);
}

TEST(parts_of_netflow5_find_room)
{
	check_all_arrive(5, 65507, 3ull << 32);
}

TEST(lines_of_json_find_room)
{
	check_all_arrive(255, 8192, 1000);
}

TEST(records_of_one_kind_find_room)
{
	check_all_arrive(9, 65507, 1000);
	check_all_arrive(10, 65507, 1000);
}

/* The first datagrams are of records of which NetFlow v5 makes more than its queue ever holds. What
 * follows them is handed on, and they wait for their own collector. */
TEST(what_no_queue_has_room_for_holds_nothing_back)
{
	struct exporter *exporter = create(5, 1400);
	const struct export_time time = { .unix_ms = 1700000000000 };
	struct collector_status status[2];
	const uint64_t more = 1000;

	fake_transports[0].poll_error = -ENETUNREACH;
	for (uint64_t i = 0; i < more + 1; i++) {
		const struct export_record record = {
			.flow = { .key = { .ip_version = 4 },
				  .packets = 9,
				  .octets = i ? 1000 : 1ull << 46 },
		};

		CHECK(exporter_has_room(exporter));
		exporter_add(exporter, &record, &time);
	}
	send_for_a_minute(exporter, &time, status);
	CHECK(status[0].ledger.waiting.records >= 1); /* with what is in its datagram */
	CHECK(status[0].ledger.waiting.records < 50);
	CHECK_EQ(status[0].ledger.waiting.records + status[1].ledger.sent.records, more + 1);

	/* The end is their loss. */
	exporter_abandon(exporter);
	exporter_collector_status(exporter, 0, &status[0]);
	CHECK_EQ(status[0].ledger.waiting.records, 0);
	CHECK(status[0].ledger.lost[LOSS_UNREACHABLE].records >= 1);
	exporter_destroy(exporter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_netflow5_find_room),
		cmocka_unit_test(lines_of_json_find_room),
		cmocka_unit_test(records_of_one_kind_find_room),
		cmocka_unit_test(what_no_queue_has_room_for_holds_nothing_back),
	};

	return RUN_TESTS(tests);
}
