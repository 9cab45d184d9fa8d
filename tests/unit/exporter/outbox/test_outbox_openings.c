/* test_outbox_openings.c - a collector of datagrams whose transport opens another socket: the
 * collector behind it, or the address that it knows us by, may be another one. */
#include "exporter.h"

#include "check.h"
#include "fake_transport.c"

#define SECOND_US 1000000

static struct fake_transport *const fake = &fake_transports[0];

static struct exporter *create(void)
{
	const struct collector_config collector = {
		.name = "fake",
		.transport_type = &fake_transport_datagrams,
		.version = 9,
		.address = { .host = "fake" },
		.datagram_size = 1400,
	};
	const struct exporter_config config = {
		.collectors = &collector,
		.collector_count = 1,
		.source_id = 7,
	};
	struct error_text error;
	struct exporter *exporter;

	fake_transport_reset();
	fake->openings = 1;
	exporter = exporter_create(&config, &error);
	CHECK(exporter != NULL);
	return exporter;
}

static void add(struct exporter *exporter, uint32_t now_ms, unsigned int count)
{
	const struct export_time time = { .unix_ms = 1700000000000 + now_ms, .uptime_ms = now_ms };

	for (unsigned int i = 0; i < count; i++) {
		const struct export_record record = {
			.flow = { .key = { .ip_version = 4 }, .packets = 1, .octets = 100 }
		};

		exporter_add(exporter, &record, &time);
	}
}

/* Whether a datagram has a FlowSet of templates, which is first if there is one. */
static bool has_templates(const struct fake_datagram *datagram)
{
	return datagram->size > 24 && load_be16(datagram->bytes + 20) == 0;
}

TEST(templates_go_ahead_of_all_that_waits_by_a_new_socket)
{
	struct exporter *exporter = create();
	size_t before;

	add(exporter, 1000, 100);
	(void)exporter_send(exporter, SECOND_US);
	before = fake->count;
	CHECK(before > 2 && has_templates(&fake->sent[0]));
	add(exporter, 1100, 100);
	(void)exporter_send(exporter, SECOND_US + 100000);
	CHECK(fake->count > before && !has_templates(&fake->sent[before]));

	before = fake->count;
	fake->openings = 2;
	add(exporter, 1200, 100);
	(void)exporter_send(exporter, SECOND_US + 200000);
	CHECK(fake->count > before + 2);
	CHECK(has_templates(&fake->sent[before]));
	CHECK(!has_templates(&fake->sent[before + 1]));
	exporter_destroy(exporter);
}

/* The first address of a name refuses for long; the next one gets what waits almost at once. */
TEST(another_address_is_not_held_for_what_the_last_one_refused)
{
	struct exporter *exporter = create();
	struct collector_status status;
	int64_t now_us = SECOND_US;

	fake->remote = 1;
	fake->refuses = true;
	add(exporter, 1000, 100);
	for (; now_us < 9 * SECOND_US; now_us += SECOND_US / 10)
		(void)exporter_send(exporter, now_us);
	exporter_collector_status(exporter, 0, &status);
	CHECK(status.is_known_down && status.ledger.waiting.records == 100);

	fake->remote = 2;
	fake->refuses = false;
	fake->openings = 2;
	(void)exporter_send(exporter, now_us);
	exporter_collector_status(exporter, 0, &status);
	CHECK(!status.is_known_down); /* a stop would wait for it */
	exporter_finish(exporter,
			&(struct export_time){ .unix_ms = 1700000002000, .uptime_ms = 2000 });
	(void)exporter_send(exporter, now_us + 600000);
	exporter_collector_status(exporter, 0, &status);
	CHECK_EQ(status.ledger.sent.records, 100);
	CHECK_EQ(collector_ledger_lost(&status.ledger).records, 0);
	exporter_destroy(exporter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_go_ahead_of_all_that_waits_by_a_new_socket),
		cmocka_unit_test(another_address_is_not_held_for_what_the_last_one_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
