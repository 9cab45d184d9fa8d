/* test_exporter_netflow5.c - what NetFlow v5 can carry, and what becomes of the rest. */
#include "exporter.h"

#include "exporter_fixture.h"

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

/* Only records in parts have to be asked for one by one. */
TEST(netflow5_has_room_for_many_records_and_says_that_it_splits)
{
	struct exporter *five = create(&(struct setup){ .collectors = 2, .versions = { 9, 5 } });
	struct exporter *nine = create(&(struct setup){ .collectors = 1, .versions = { 9 } });

	CHECK(exporter_splits(five));
	CHECK(!exporter_splits(nine));
	CHECK(exporter_room(five) > 32);
	exporter_destroy(nine);
	exporter_destroy(five);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netflow5_has_neither_templates_nor_statistics),
		cmocka_unit_test(what_netflow5_cannot_carry_is_counted_for_that_collector_alone),
		cmocka_unit_test(netflow5_has_room_for_many_records_and_says_that_it_splits),
		cmocka_unit_test(netflow5_splits_what_does_not_fit_into_32_bits),
	};

	return RUN_TESTS(tests);
}
