/* test_exporter_names.c - names of interfaces: in which order, and how often. */
#include "exporter.h"

#include "exporter_fixture.h"

static void set_thousand_names(struct exporter *exporter)
{
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQ(exporter_set_interface(exporter,
						&(struct interface_name){ .index = i + 1 }),
			 0);
}

/* From 'from_ms' on for 12 s, in small steps; returns how many names were announced meanwhile. */
static size_t names_announced(struct exporter *exporter, uint32_t from_ms)
{
	size_t announced = 0;

	fakes[0].count = 0;
	for (uint32_t now = from_ms; now <= from_ms + 12000; now += 50) {
		const size_t before = fakes[0].count;

		advance(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
		CHECK(fakes[0].count - before <= 1);
	}
	for (size_t i = 0; i < fakes[0].count; i++)
		announced += sets_of(&fakes[0].sent[i], 400);
	return announced;
}

TEST(a_thousand_names_are_spread_over_time)
{
	const struct interface_name other = { .index = 500, .name = "eth0" };
	struct exporter *exporter =
		create(&(struct setup){ .collectors = 1, .refresh_ms = 600000 });

	set_thousand_names(exporter);
	CHECK_EQ(names_announced(exporter, 0), 1000);

	/* The same names again are no news; one that is another now is, and it alone. */
	set_thousand_names(exporter);
	CHECK_EQ(names_announced(exporter, 20000), 0);
	CHECK_EQ(exporter_set_interface(exporter, &other), 0);
	CHECK_EQ(names_announced(exporter, 40000), 1);

	/* On request all are announced, less those that are gone. */
	exporter_remove_interface(exporter, 7);
	exporter_remove_interface(exporter, 7);
	exporter_send_template(exporter);
	CHECK_EQ(names_announced(exporter, 60000), 999);
	exporter_destroy(exporter);
}

TEST(news_of_names_do_not_wait_for_a_refresh)
{
	const struct interface_name other = { .index = 1000, .name = "eth0" };
	struct exporter *exporter =
		create(&(struct setup){ .collectors = 1, .refresh_ms = 600000 });
	size_t at;

	set_thousand_names(exporter);
	CHECK_EQ(names_announced(exporter, 0), 1000);
	exporter_send_template(exporter);
	advance(exporter, 20000);
	advance(exporter, 21000);
	(void)exporter_send(exporter, 21 * SECOND_US);
	fakes[0].count = 0;
	CHECK_EQ(exporter_set_interface(exporter, &other), 0);
	advance(exporter, 21200);
	advance(exporter, 22200);
	(void)exporter_send(exporter, 23 * SECOND_US);
	CHECK_EQ(fakes[0].count, 1);
	at = fakes[0].sent[0].size - sets_of(&fakes[0].sent[0], 400) * 60;
	/* After those that had room beside the templates. */
	CHECK_EQ(load_be32(fakes[0].sent[0].bytes + at + 4), 11);
	CHECK_EQ(load_be32(fakes[0].sent[0].bytes + at + 12 * 60 + 4), 1000);
	exporter_destroy(exporter);
}

/* Records without end, 50 ms after 50 ms: how often each of a thousand names was announced from
 * 'from_ms' to 'to_ms'. Never more than 12 go with one datagram. */
static void count_names_under_load(struct exporter *exporter, uint32_t from_ms, uint32_t to_ms,
				   unsigned int announced[static 1001], size_t *datagrams)
{
	memset(announced, 0, 1001 * sizeof(*announced));
	*datagrams = 0;
	for (uint32_t now = from_ms; now < to_ms; now += 50) {
		fakes[0].count = 0;
		for (int i = 0; i < 50; i++)
			add(exporter, now);
		(void)exporter_send(exporter, (int64_t)now * 1000);
		*datagrams += fakes[0].count;
		for (size_t i = 0; i < fakes[0].count; i++) {
			const struct fake_datagram *sent = &fakes[0].sent[i];

			CHECK(sets_of(sent, 400) <= 12);
			for (size_t offset = 20; offset < sent->size;
			     offset += load_be16(sent->bytes + offset + 2))
				if (load_be16(sent->bytes + offset) == 400)
					announced[load_be32(sent->bytes + offset + 4)]++;
		}
	}
}

TEST(names_are_repeated_by_time_and_by_count_also_under_load)
{
	struct exporter *exporter = create(
		&(struct setup){ .collectors = 1, .refresh_ms = 60000, .refresh_datagrams = 20 });
	unsigned int announced[1001];
	size_t datagrams, sum = 0, most = 0;

	set_thousand_names(exporter);
	count_names_under_load(exporter, 0, 12000, announced, &datagrams);
	for (size_t i = 1; i <= 1000; i++)
		CHECK(announced[i] == 1 || announced[i] == 2);
	/* By count: with each refresh the next ones that have room beside the templates, in turn.
	 */
	count_names_under_load(exporter, 12000, 59000, announced, &datagrams);
	for (size_t i = 1; i <= 1000; i++) {
		sum += announced[i];
		most = announced[i] > most ? announced[i] : most;
	}
	CHECK(sum >= 9 * (datagrams / 20 - 1) && sum <= 12 * (datagrams / 20 + 1));
	CHECK(most <= sum / 1000 + 1);
	/* By time: all of them, though refreshes by count never let the templates become old. */
	count_names_under_load(exporter, 59000, 72000, announced, &datagrams);
	for (size_t i = 1; i <= 1000; i++)
		CHECK(announced[i] >= 1);
	exporter_destroy(exporter);
}

TEST(names_alone_do_not_make_refreshes_that_repeat_names)
{
	struct exporter *exporter = create(
		&(struct setup){ .collectors = 1, .refresh_ms = 600000, .refresh_datagrams = 20 });

	set_thousand_names(exporter);
	CHECK_EQ(names_announced(exporter, 0), 1000);
	for (uint32_t from_ms = 20000; from_ms < 200000; from_ms += 20000)
		CHECK_EQ(names_announced(exporter, from_ms), 0);
	exporter_destroy(exporter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_names_are_spread_over_time),
		cmocka_unit_test(news_of_names_do_not_wait_for_a_refresh),
		cmocka_unit_test(names_are_repeated_by_time_and_by_count_also_under_load),
		cmocka_unit_test(names_alone_do_not_make_refreshes_that_repeat_names),
	};

	return RUN_TESTS(tests);
}
