/* test_outbox_spool.c - what waits in the spool after a session, and what overflows. */
#include "exporter.h"

#include "session_fixture.h"

/* Each flow has its own number of octets, which is where it stands in the message. */
static uint64_t first_flow(const struct fake_datagram *message)
{
	for (size_t offset = 16; offset < message->size;
	     offset += load_be16(message->bytes + offset + 2))
		if (load_be16(message->bytes + offset) == 260)
			return load_be64(message->bytes + offset + 4 + OCTETS_OFFSET);
	return 0;
}

static void add_numbered(struct exporter *exporter, uint32_t now_ms, uint64_t first, uint64_t count)
{
	const struct export_time time = at(now_ms);

	for (uint64_t i = first; i < first + count; i++) {
		const struct export_record record = { .flow = { .key = { .ip_version = 4,
									 .input_interface = 65536 },
								.packets = 1,
								.octets = i } };

		exporter_add(exporter, &record, &time);
	}
}

TEST(what_waits_in_the_spool_is_held_against_nobody_and_arrives_in_order)
{
	struct exporter *exporter = create_spooled(SPOOL_SIZE_MIN, 1000, 0, 0);
	const uint64_t count = 12000; /* 740 KB; the queue holds 5600 */
	uint64_t next = 1;
	int64_t now_us = SECOND_US;

	end_session(ECONNREFUSED);
	for (uint64_t i = 0; i < count; i += 100) {
		CHECK(exporter_has_room(exporter));
		add_numbered(exporter, 1000, 1 + i, 100);
		(void)exporter_send(exporter, now_us += 1000);
	}
	finish(exporter, 1000);
	CHECK_EQ(status_of(exporter).ledger.waiting.records, count);
	CHECK(status_of(exporter).spooled_records > 6000);
	CHECK(status_of(exporter).spooled_bytes > 6000 * 61);
	CHECK_EQ(lost_in_all(exporter), 0);

	begin_session();
	fake->confirm = SIZE_MAX;
	for (int i = 0; i < 100 && status_of(exporter).ledger.waiting.records; i++) {
		const size_t before = fake->count;

		CHECK(exporter_send(exporter, now_us += 10000) != 0);
		CHECK(fake->count - before <= EXPORTER_BURST_DATAGRAMS); /* at the usual pace */
	}
	CHECK_EQ(status_of(exporter).ledger.sent.records, count);
	CHECK_EQ(status_of(exporter).spooled_records, 0);
	CHECK_EQ(status_of(exporter).spooled_bytes, 0);
	check_sessions(0);
	for (size_t i = 0; i < fake->count; i++) {
		if (flows_of(&fake->sent[i]) == 0)
			continue;
		CHECK_EQ(first_flow(&fake->sent[i]), next);
		next += flows_of(&fake->sent[i]);
	}
	CHECK_EQ(next, count + 1);
	exporter_destroy(exporter);
}

TEST(a_full_spool_loses_the_oldest_and_counts_them)
{
	struct exporter *exporter = create_spooled(SPOOL_SIZE_MIN, 0, 0, 0);
	const uint64_t count = 60000;
	int64_t now_us = SECOND_US;
	uint64_t lost_before, next;

	end_session(ECONNREFUSED);
	(void)exporter_send(exporter, now_us);
	add_numbered(exporter, 1000, 1, count);
	finish(exporter, 1000);
	lost_before = lost(exporter, LOSS_OVERFLOW);
	CHECK(lost_before > 30000);
	CHECK_EQ(lost_in_all(exporter), lost_before);
	CHECK_EQ(status_of(exporter).ledger.waiting.records, count - lost_before);
	CHECK_EQ(last_event.reason, LOSS_OVERFLOW);
	CHECK_EQ(event_count, 2); /* refused; full */

	begin_session();
	fake->confirm = SIZE_MAX;
	for (int i = 0; i < 100 && status_of(exporter).ledger.waiting.records; i++)
		(void)exporter_send(exporter, now_us += SECOND_US);
	CHECK_EQ(status_of(exporter).ledger.sent.records, count - lost_before);
	CHECK_EQ(lost(exporter, LOSS_OVERFLOW), lost_before);
	next = lost_before + 1;
	for (size_t i = 0; i < fake->count; i++) {
		if (flows_of(&fake->sent[i]) == 0)
			continue;
		CHECK_EQ(first_flow(&fake->sent[i]), next);
		next += flows_of(&fake->sent[i]);
	}
	CHECK_EQ(next, count + 1);
	CHECK_EQ(last_event.kind, COLLECTOR_UP);
	CHECK_EQ(last_event.records_lost, lost_before);
	exporter_destroy(exporter);
}

TEST(a_reader_that_stalls_fills_the_spool_after_what_it_was_given)
{
	struct exporter *exporter = create_spooled(SPOOL_SIZE_MIN, 0, 0, 0);
	int64_t now_us = SECOND_US;
	uint64_t added = 0;
	uint32_t flows = 0;

	begin_session(); /* takes all there is room for, confirms nothing */
	for (; added < 60000; added += 200) {
		CHECK(exporter_has_room(exporter));
		add(exporter, 1000, 200);
		(void)exporter_send(exporter, now_us += 100000);
	}
	finish(exporter, 1000);
	CHECK_EQ(lost_in_all(exporter), lost(exporter, LOSS_OVERFLOW));
	CHECK(lost(exporter, LOSS_OVERFLOW) > 0);
	fake->confirm = SIZE_MAX;
	for (int i = 0; i < 100 && status_of(exporter).ledger.waiting.records; i++)
		(void)exporter_send(exporter, now_us += SECOND_US);
	for (size_t i = 0; i < fake->count; i++)
		flows += flows_of(&fake->sent[i]);
	CHECK_EQ(flows, status_of(exporter).ledger.sent.records);
	CHECK_EQ(flows + lost_in_all(exporter), added);
	check_sessions(0);
	exporter_destroy(exporter);
}

TEST(at_the_end_what_is_in_the_spool_counts_as_lost)
{
	struct exporter *exporter = create_spooled(SPOOL_SIZE_MIN, 0, 0, 0);

	end_session(ECONNREFUSED);
	(void)exporter_send(exporter, SECOND_US);
	add(exporter, 1000, 12000);
	exporter_abandon(exporter);
	CHECK_EQ(lost(exporter, LOSS_REFUSED), 12000);
	CHECK_EQ(status_of(exporter).ledger.waiting.records, 0);
	CHECK_EQ(status_of(exporter).queued_datagrams, 0);
	exporter_destroy(exporter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_waits_in_the_spool_is_held_against_nobody_and_arrives_in_order),
		cmocka_unit_test(a_full_spool_loses_the_oldest_and_counts_them),
		cmocka_unit_test(a_reader_that_stalls_fills_the_spool_after_what_it_was_given),
		cmocka_unit_test(at_the_end_what_is_in_the_spool_counts_as_lost),
	};

	return RUN_TESTS(tests);
}
