/* test_exporter.c - when templates, statistics and names come, and what a datagram holds. */
#include "exporter.h"

#include "exporter_fixture.h"

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

TEST(nothing_is_sent_before_the_begin_as_long_as_there_is_room)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 1 });

	exporter_set_begin(exporter, 30 * SECOND_US);
	add(exporter, 0);
	advance(exporter, 1000);
	CHECK_EQ(exporter_send(exporter, SECOND_US), 29 * SECOND_US);
	CHECK_EQ(fakes[0].count, 0);
	(void)exporter_send(exporter, 30 * SECOND_US);
	CHECK_EQ(records_in(&fakes[0], 0), 1);
	exporter_destroy(exporter);

	/* What comes has no room any more. */
	exporter = create(&(struct setup){ .collectors = 1 });
	exporter_set_begin(exporter, 30 * SECOND_US);
	while (exporter_has_room(exporter))
		add(exporter, 0);
	CHECK_EQ(fakes[0].count, 0);
	(void)exporter_send(exporter, SECOND_US);
	CHECK(fakes[0].count > 100);
	exporter_destroy(exporter);

	/* The end. */
	exporter = create(&(struct setup){ .collectors = 1 });
	exporter_set_begin(exporter, 30 * SECOND_US);
	add(exporter, 0);
	(void)exporter_send(exporter, SECOND_US);
	finish(exporter, 0);
	(void)exporter_send(exporter, SECOND_US);
	CHECK_EQ(records_in(&fakes[0], 0), 1);
	check_ledger(exporter);
	exporter_destroy(exporter);
}

static unsigned int polls;

static int count_poll(struct transport *transport, int64_t now_ms)
{
	polls++;
	return fake_transport_sessions.poll(transport, now_ms);
}

TEST(nothing_is_connected_before_the_begin_either)
{
	struct transport_type type = fake_transport_sessions;
	const struct collector_config collector = { .name = "0",
						    .transport_type = &type,
						    .version = 10,
						    .address = { .host = "fake" },
						    .datagram_size = 1400 };
	const struct exporter_config config = { .collectors = &collector, .collector_count = 1 };
	struct error_text error;
	struct exporter *exporter;

	fake_transport_reset();
	type.poll = count_poll;
	for (int is_file = 0; is_file < 2; is_file++) {
		type.ip_protocol = is_file ? 0 : 6;
		exporter = exporter_create(&config, &error);
		CHECK(exporter != NULL);
		exporter_set_begin(exporter, 30 * SECOND_US);
		polls = 0;
		(void)exporter_send(exporter, SECOND_US);
		CHECK_EQ(polls, is_file);
		(void)exporter_send(exporter, 30 * SECOND_US);
		CHECK_EQ(polls, 1 + is_file);
		exporter_destroy(exporter);
	}
}

/* However far the clock of a file goes on before its next packet. */
TEST(a_datagram_has_the_time_at_which_it_was_due)
{
	static const uint8_t versions[] = { 5, 9 };
	static const uint32_t later_ms[] = { 6399, 6400, 7000, 3456000000 };

	for (size_t i = 0; i < 8; i++) {
		const struct setup setup = { .collectors = 1, .versions = { versions[i % 2] } };
		struct exporter *exporter = create(&setup);

		add(exporter, 5000);
		add(exporter, 5400);
		advance(exporter, later_ms[i / 2]);
		(void)exporter_send(exporter, 0);
		CHECK_EQ(fakes[0].count, 1);
		CHECK_EQ(load_be32(fakes[0].sent[0].bytes + 8), 1700000006);
		exporter_destroy(exporter);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_before_the_begin_as_long_as_there_is_room),
		cmocka_unit_test(templates_statistics_and_names_come_before_the_first_flow),
		cmocka_unit_test(datagrams_are_full_while_records_wait),
		cmocka_unit_test(nothing_is_connected_before_the_begin_either),
		cmocka_unit_test(a_datagram_has_the_time_at_which_it_was_due),
		cmocka_unit_test(mixed_ip_versions_do_not_cost_the_fill),
		cmocka_unit_test(templates_return_by_time_by_count_and_on_request),
		cmocka_unit_test(without_refresh_there_are_templates_only_at_the_start),
		cmocka_unit_test(a_wrap_of_the_uptime_is_no_leap),
		cmocka_unit_test(a_clock_that_steps_back_stands_still),
		cmocka_unit_test(datagrams_do_not_depend_on_how_often_or_how_fast_they_are_sent),
		cmocka_unit_test(it_says_when_time_alone_asks_for_something),
		cmocka_unit_test(a_wrong_configuration_is_named),
	};

	return RUN_TESTS(tests);
}
