/* test_collector_options.c - when a live agent repeats what it has announced: a fleet that starts
 * at one moment does not repeat at one moment, and nothing is repeated sooner than it is due. */
#include "exporter.h"

#include "bytes.h"
#include "check.h"
#include "fake_transport.c"

#define AGENTS      10000
#define MINUTE_MS   60000
#define END_MS      (4 * MINUTE_MS)
#define AT_ONCE_MAX 40 /* datagrams of the fleet in a tenth of a second; 17 on average */

static struct fake_transport *const fake = &fake_transports[0];
static uint32_t now_ms;
static uint32_t sent_ms[64]; /* when the agent has sent */
static size_t sent_count;
static size_t with_templates; /* of all that was sent */

static void arrive(size_t number, const struct datagram *datagram)
{
	(void)number;
	with_templates += load_be16(datagram->bytes + 20) == 0; /* id of the first set */
	CHECK(sent_count < 64);
	sent_ms[sent_count++] = now_ms;
}

static struct exporter *create(uint32_t seed, uint32_t refresh_ms)
{
	const struct collector_config collector = {
		.name = "192.0.2.10:2055",
		.transport_type = &fake_transport_datagrams,
		.version = 9,
		.address = { .host = "fake" },
		.datagram_size = 1400,
	};
	const struct exporter_config config = {
		.collectors = &collector,
		.collector_count = 1,
		.seed = seed,
		.template_refresh_ms = refresh_ms,
		.template_refresh_datagrams = 20,
		.is_live = true,
	};
	struct error_text error;
	struct exporter *exporter = exporter_create(&config, &error);

	CHECK(exporter != NULL);
	fake->arrive = arrive;
	sent_count = 0;
	now_ms = 0;
	return exporter;
}

static struct export_time present(void)
{
	return (struct export_time){ .unix_ms = 1700000000000 + now_ms, .uptime_ms = now_ms };
}

/* As the export thread does, until then. */
static void run(struct exporter *exporter, uint32_t until_ms)
{
	while (now_ms < until_ms) {
		const struct export_time time = present();
		int64_t next_ms;

		exporter_advance(exporter, &time);
		(void)exporter_send(exporter, (int64_t)now_ms * 1000);
		next_ms = exporter_next(exporter);
		CHECK(next_ms >= 0);
		now_ms += next_ms ? (uint32_t)next_ms : 1;
		now_ms = now_ms < until_ms ? now_ms : until_ms;
	}
}

static void add(struct exporter *exporter)
{
	const struct export_time time = present();
	const struct export_record record = {
		.flow = { .key = { .ip_version = 4 }, .packets = 1, .octets = 100 }
	};

	exporter_add(exporter, &record, &time);
}

/* All start at one moment, or within a second of each other. */
static void check_fleet(uint32_t within_ms)
{
	static uint16_t tenths[END_MS / 100 + 1];
	uint16_t most = 0;

	memset(tenths, 0, sizeof(tenths));
	for (uint32_t agent = 0; agent < AGENTS; agent++) {
		const uint32_t start_ms = agent * within_ms / AGENTS;
		struct exporter *exporter = create(1 + agent, MINUTE_MS);
		size_t repeated = 0;

		run(exporter, END_MS - start_ms);
		for (size_t i = 0; i < sent_count; i++) {
			if (start_ms + sent_ms[i] < MINUTE_MS)
				continue;
			repeated++;
			if (start_ms + sent_ms[i] < END_MS)
				tenths[(start_ms + sent_ms[i]) / 100]++;
		}
		CHECK(repeated <= END_MS / MINUTE_MS); /* one a minute */
		CHECK(sent_ms[0] <= 1000 && sent_count >= END_MS / MINUTE_MS);
		for (size_t i = 1; i < sent_count; i++)
			CHECK(sent_ms[i] - sent_ms[i - 1] <= MINUTE_MS + 1000);
		exporter_destroy(exporter);
	}
	for (size_t i = MINUTE_MS / 100; i < END_MS / 100; i++)
		most = tenths[i] > most ? tenths[i] : most;
	CHECK(most > 0 && most <= AT_ONCE_MAX);
}

TEST(a_fleet_that_starts_at_one_moment_does_not_repeat_at_one_moment)
{
	fake_transport_reset();
	check_fleet(0);
	check_fleet(1000);
}

/* Also while records leave all the time. */
TEST(what_is_repeated_comes_once_an_interval)
{
	struct exporter *exporter;

	fake_transport_reset();
	exporter = create(1, MINUTE_MS);
	run(exporter, 2 * MINUTE_MS);
	with_templates = 0;
	for (int i = 0; i < 10 * 12; i++) {
		sent_count = 0;
		add(exporter);
		run(exporter, now_ms + MINUTE_MS / 12);
	}
	CHECK(with_templates >= 9 && with_templates <= 10);
	exporter_destroy(exporter);
}

/* A fleet is configured anew at one moment, too. */
TEST(an_interval_that_is_set_later_begins_at_different_moments)
{
	uint32_t firsts_ms[2];

	fake_transport_reset();
	for (uint32_t i = 0; i < 2; i++) {
		struct exporter *exporter = create(1 + i, 0);

		add(exporter);
		for (; now_ms < 5 * MINUTE_MS; now_ms += 1000) {
			const struct export_time time = present();

			exporter_advance(exporter, &time);
			(void)exporter_send(exporter, (int64_t)now_ms * 1000);
		}
		exporter_set_refresh(exporter, MINUTE_MS, 20);
		sent_count = 0;
		run(exporter, 7 * MINUTE_MS);
		CHECK_EQ(sent_count, 2);
		firsts_ms[i] = sent_ms[0];
		CHECK(firsts_ms[i] >= 5 * MINUTE_MS + 2000);
		exporter_destroy(exporter);
	}
	CHECK(firsts_ms[0] != firsts_ms[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fleet_that_starts_at_one_moment_does_not_repeat_at_one_moment),
		cmocka_unit_test(what_is_repeated_comes_once_an_interval),
		cmocka_unit_test(an_interval_that_is_set_later_begins_at_different_moments),
	};

	return RUN_TESTS(tests);
}
