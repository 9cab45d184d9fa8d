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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_go_ahead_of_all_that_waits_by_a_new_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
