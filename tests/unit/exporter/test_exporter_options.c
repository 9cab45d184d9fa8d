/* test_exporter_options.c - what is announced to collectors of samplers and applications, and that
 * it comes before the records that need it. Its reader knows headers and sets only. */
#include "exporter.h"

#include "check.h"
#include "fake_transport.c"

#include <stdio.h>
#include <stdlib.h>

#define SETS_MAX 100000

static struct fake_transport *const fake = &fake_transports[0]; /* takes everything */
static bool has_sessions;
static uint32_t refresh_datagrams;

struct fixture {
	struct exporter *exporter;
	struct samplers *samplers;
	uint32_t now_ms;
};

static struct fixture set_up(uint8_t version, uint32_t datagram_size, uint32_t flows,
			     struct samplers *samplers)
{
	struct fixture fixture = { .samplers = samplers };
	struct collector_config collector = {
		.name = "one",
		.transport_type =
			has_sessions ? &fake_transport_sessions : &fake_transport_datagrams,
		.version = version,
		.address = { .host = "fake" },
		.datagram_size = datagram_size,
		.sampling = flows,
	};
	struct exporter_config config = {
		.collectors = &collector,
		.collector_count = 1,
		.source_id = 7,
		.template_refresh_ms = 60000,
		.template_refresh_datagrams = refresh_datagrams,
	};
	struct error_text error;

	fake_transport_reset();
	fake_transport_begin_session(fake);
	fake->confirm = SIZE_MAX;
	fixture.exporter = exporter_create(&config, &error);
	CHECK(fixture.exporter != NULL);
	exporter_set_samplers(fixture.exporter, samplers);
	return fixture;
}

static void tear_down(struct fixture *fixture)
{
	struct collector_status status;

	exporter_collector_status(fixture->exporter, 0, &status);
	CHECK(collector_ledger_closes(&status.ledger));
	exporter_destroy(fixture->exporter);
	samplers_destroy(fixture->samplers);
}

static struct export_time at(uint32_t uptime_ms)
{
	return (struct export_time){ .unix_ms = 1700000000000 + uptime_ms, .uptime_ms = uptime_ms };
}

static void add(struct fixture *fixture, uint8_t sampler)
{
	const struct export_time time = at(fixture->now_ms);
	struct export_record record = { .flow = { .packets = 10, .octets = 1000 } };

	record.flow.key.ip_version = 4;
	record.flow.key.input_interface = 65536; /* a wide record */
	record.flow.key.sampler = sampler;
	exporter_add(fixture->exporter, &record, &time);
}

static void finish(struct fixture *fixture)
{
	const struct export_time time = at(fixture->now_ms);

	exporter_finish(fixture->exporter, &time);
	for (int i = 0; i < 100; i++)
		(void)exporter_send(fixture->exporter, (int64_t)i * 1000000);
}

/* One set of what was sent: its id and content. */
struct set {
	uint16_t id;
	const uint8_t *bytes;
	size_t size;
};

/* All sets of all messages, in order. Returns how many. */
static size_t sets_get(struct set *sets, size_t capacity)
{
	size_t count = 0;

	for (size_t i = 0; i < fake->count; i++) {
		const uint8_t *bytes = fake->sent[i].bytes;

		for (size_t offset = load_be16(bytes) == 9 ? 20 : 16;
		     offset < fake->sent[i].size;) {
			const size_t size = load_be16(bytes + offset + 2);

			CHECK(size > 4 && count < capacity);
			sets[count++] = (struct set){ load_be16(bytes + offset), bytes + offset + 4,
						      size - 4 };
			offset += size;
		}
	}
	return count;
}

static bool begins_with(const uint8_t *bytes, const void *expected, size_t size)
{
	return memcmp(bytes, expected, size) == 0;
}

/* One in so many, as options data of a sampler say it; RFC 5477 section 6.5.2 in IPFIX. */
static uint32_t interval_of(const struct set *set)
{
	uint64_t bits;
	double probability;

	switch (set->id) {
	case TEMPLATE_ID_SAMPLER: return load_be32(set->bytes + 6);
	case TEMPLATE_ID_COUNT: /* algorithm 1, 1 packet */
		CHECK(begins_with(set->bytes + 8, "\0\1\0\0\0\1", 6));
		return load_be32(set->bytes + 14) + 1;
	case TEMPLATE_ID_CHANCE: /* algorithm 4 */
		CHECK(begins_with(set->bytes + 8, "\0\4", 2));
		bits = load_be64(set->bytes + 10);
		memcpy(&probability, &bits, sizeof(bits));
		return (uint32_t)(1 / probability + 0.5);
	default: /* algorithm 6; the range of the hash, what of it is chosen; no digest */
		CHECK_EQ(set->id, TEMPLATE_ID_HASH);
		CHECK(begins_with(set->bytes + 8, "\0\6", 2));
		CHECK_EQ(load_be64(set->bytes + 26), 0);
		CHECK_EQ(load_be64(set->bytes + 34), UINT32_MAX);
		CHECK_EQ(load_be64(set->bytes + 42), 0);
		CHECK_EQ(set->bytes[58], 2);
		return (uint32_t)(0x1p32 / (double)(load_be64(set->bytes + 50) + 1) + 0.5);
	}
}

/* A template without fields is withdrawn. */
static void learn_templates(const struct set *set, bool has_template[static 65536])
{
	for (size_t at_byte = 0; at_byte + 4 <= set->size;) {
		const uint16_t fields = load_be16(set->bytes + at_byte + 2);

		has_template[load_be16(set->bytes + at_byte)] = fields != 0;
		at_byte += 4 + 4u * fields;
	}
}

/* Walk what was sent to a v9 or IPFIX collector: each record's sampler was announced before it.
 * Returns the number of records; 'intervals' gets what is announced of each number. */
static size_t check_announced_before(uint32_t intervals[static 256])
{
	static struct set sets[SETS_MAX];
	const size_t count = sets_get(sets, SETS_MAX);
	bool has_template[65536] = { false };
	bool has_rate = false;
	size_t records = 0;

	memset(intervals, 0, 256 * sizeof(*intervals));
	for (size_t i = 0; i < count; i++) {
		const struct set *set = &sets[i];
		const bool is_v9 = load_be16(fake->sent[0].bytes) == 9;
		const size_t record_size = is_v9 ? 62 : 70;

		if (set->id == 0 || set->id == 2) {
			learn_templates(set, has_template);
		} else if (set->id == TEMPLATE_ID_RATE) {
			has_rate = true;
		} else if (set->id >= TEMPLATE_ID_SAMPLER && set->id <= TEMPLATE_ID_HASH) {
			CHECK(has_rate); /* goflow2 takes 305 for the rate if that comes first */
			{
				const bool is_id = set->id == TEMPLATE_ID_SAMPLER;

				intervals[set->bytes[is_id ? 4 : 7]] = interval_of(set);
			}
		} else if (set->id == 260 + 32) {
			CHECK(has_template[set->id] && has_rate);
			for (size_t at_byte = 0; at_byte + record_size <= set->size;
			     at_byte += record_size, records++) {
				const uint8_t number = set->bytes[at_byte + record_size - 1];

				CHECK(number == SAMPLER_UNKNOWN || intervals[number] != 0);
			}
		} else if (set->id == 260) {
			CHECK(has_template[set->id] && has_rate);
			records += set->size / 61;
		}
	}
	return records;
}

/* The last rate of fields 34 and 35; 0 if there is none. */
static uint32_t rate_announced(void)
{
	static struct set sets[SETS_MAX];
	const size_t count = sets_get(sets, SETS_MAX);
	uint32_t rate = 0;

	for (size_t i = 0; i < count; i++)
		if (sets[i].id == TEMPLATE_ID_RATE)
			rate = load_be32(sets[i].bytes + 4);
	return rate;
}

static size_t sets_with(uint16_t id)
{
	static struct set sets[SETS_MAX];
	const size_t count = sets_get(sets, SETS_MAX);
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += sets[i].id == id;
	return found;
}

TEST(without_samplers_the_rate_is_1_and_records_have_no_number)
{
	uint32_t intervals[256];

	for (uint8_t version = 9; version <= 10; version++) {
		struct fixture fixture = set_up(version, 1400, 0, samplers_create());

		for (int i = 0; i < 50; i++)
			add(&fixture, SAMPLER_NONE);
		finish(&fixture);
		CHECK_EQ(check_announced_before(intervals), 50);
		CHECK_EQ(rate_announced(), 1);
		CHECK_EQ(sets_with(TEMPLATE_ID_SAMPLER) + sets_with(TEMPLATE_ID_COUNT), 0);
		CHECK_EQ(sets_with(260 + 32), 0);
		tear_down(&fixture);
	}
}

TEST(what_is_known_at_the_start_is_announced_first)
{
	uint32_t intervals[256];

	for (uint8_t version = 9; version <= 10; version++) {
		struct fixture fixture = set_up(version, 1400, 0, NULL);
		struct samplers *samplers = samplers_create();

		CHECK_EQ(samplers_number(samplers, SAMPLING_random, 100), 1);
		fixture.samplers = samplers;
		exporter_set_samplers(fixture.exporter, samplers);
		for (int i = 0; i < 50; i++)
			add(&fixture, 1);
		finish(&fixture);
		CHECK_EQ(check_announced_before(intervals), 50);
		CHECK_EQ(intervals[0], 1);
		CHECK_EQ(intervals[1], 100);
		CHECK_EQ(sets_with(260), 0);
		CHECK_EQ(rate_announced(), 100);
		tear_down(&fixture);
	}
}

TEST(a_sampler_that_appears_later_changes_the_templates)
{
	uint32_t intervals[256];

	for (uint8_t version = 9; version <= 10; version++) {
		struct samplers *samplers = samplers_create();
		struct fixture fixture = set_up(version, 1400, 0, samplers);

		for (int i = 0; i < 3; i++)
			add(&fixture, SAMPLER_NONE);
		CHECK_EQ(samplers_number(samplers, SAMPLING_random, 5), 1);
		for (int i = 0; i < 3; i++)
			add(&fixture, 1);
		for (int i = 0; i < 3; i++)
			add(&fixture, SAMPLER_NONE);
		CHECK_EQ(samplers_number(samplers, SAMPLING_hash, 6), 2);
		add(&fixture, 2);
		finish(&fixture);
		CHECK_EQ(check_announced_before(intervals), 10);
		CHECK_EQ(intervals[0], 1);
		CHECK_EQ(intervals[1], 5);
		CHECK_EQ(intervals[2], 6);
		CHECK_EQ(sets_with(260), 1);
		CHECK_EQ(rate_announced(), 1); /* they differ */
		tear_down(&fixture);
	}
}

TEST(samplers_are_announced_again_with_the_templates)
{
	struct samplers *samplers = samplers_create();
	struct fixture fixture;
	size_t before;

	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 100), 1);
	fixture = set_up(9, 1400, 0, samplers);
	add(&fixture, 1);
	finish(&fixture);
	before = sets_with(TEMPLATE_ID_SAMPLER);
	fixture.now_ms = 61000;
	exporter_advance(fixture.exporter, &(struct export_time){ 1700000061000, 61000 });
	finish(&fixture);
	CHECK_EQ(sets_with(TEMPLATE_ID_SAMPLER), before + 2);
	exporter_send_template(fixture.exporter);
	fixture.now_ms = 62000;
	exporter_advance(fixture.exporter, &(struct export_time){ 1700000062000, 62000 });
	finish(&fixture);
	CHECK_EQ(sets_with(TEMPLATE_ID_SAMPLER), before + 4);
	tear_down(&fixture);
}

/* In the smallest datagrams, in any order, with all numbers there are and one too many. */
TEST(many_samplers_are_each_announced_before_their_records)
{
	uint32_t intervals[256];

	for (unsigned int turn = 0; turn < 6; turn++) {
		const uint8_t version = turn % 2 ? 9 : 10;
		struct samplers *samplers = samplers_create();
		struct fixture fixture;
		uint32_t random = 1;
		size_t records = 0;

		refresh_datagrams = turn / 2 * 60; /* 0, 60, 120 */
		fixture = set_up(version, 512, 0, samplers);
		for (unsigned int i = 0; i < 400; i++) {
			const uint64_t interval = 2 + i % 300;
			const uint8_t number = samplers_number(samplers, SAMPLING_random, interval);

			random = random * 1103515245u + 12345u;
			add(&fixture, number);
			records++;
			for (unsigned int more = random >> 29; more; more--, records++)
				add(&fixture, (uint8_t)((random >> 8) % (number + 1u)));
			(void)exporter_send(fixture.exporter, (int64_t)i * 1000000);
		}
		finish(&fixture);
		CHECK_EQ(check_announced_before(intervals), records);
		for (uint32_t number = 1; number < SAMPLER_UNKNOWN; number++)
			CHECK_EQ(intervals[number], number + 1);
		CHECK_EQ(intervals[SAMPLER_UNKNOWN], 0);
		tear_down(&fixture);
	}
	refresh_datagrams = 0;
}

/* Templates in each datagram leave no place for all that is to follow them. */
TEST(templates_do_not_crowd_out_samplers)
{
	uint32_t intervals[256];

	refresh_datagrams = 1;
	for (uint8_t version = 9; version <= 10; version++) {
		struct samplers *samplers = samplers_create();
		struct fixture fixture = set_up(version, 512, 0, samplers);

		for (uint32_t i = 0; i < 100; i++) {
			add(&fixture, samplers_number(samplers, SAMPLING_random, 1 + i % 20));
			(void)exporter_send(fixture.exporter, (int64_t)i * 1000000);
		}
		finish(&fixture);
		CHECK_EQ(check_announced_before(intervals), 100);
		tear_down(&fixture);
	}
	refresh_datagrams = 0;
}

/* A collector with a sample of flows of its own gets both announcements together. */
TEST(the_share_of_a_collector_multiplies)
{
	uint32_t intervals[256];
	struct samplers *samplers = samplers_create();
	struct fixture fixture;

	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 100), 1);
	fixture = set_up(9, 1400, 3, samplers);
	for (int i = 0; i < 10; i++) {
		add(&fixture, 0);
		add(&fixture, 1);
	}
	finish(&fixture);
	(void)check_announced_before(intervals);
	CHECK_EQ(intervals[0], 3);
	CHECK_EQ(intervals[1], 300);
	tear_down(&fixture);

	fixture = set_up(10, 1400, 3, samplers_create());
	add(&fixture, 0);
	finish(&fixture);
	(void)check_announced_before(intervals);
	CHECK_EQ(intervals[0], 3);
	tear_down(&fixture);
}

/* In a session templates hold until they are withdrawn: RFC 7011 section 8.1. */
TEST(a_session_withdraws_what_it_does_not_use_any_more)
{
	static struct set sets[100];
	struct samplers *samplers = samplers_create();
	struct fixture fixture;
	size_t count;
	size_t i = 0;

	has_sessions = true;
	fixture = set_up(10, 1400, 0, samplers);
	add(&fixture, SAMPLER_NONE);
	finish(&fixture);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 5), 1);
	add(&fixture, 1);
	finish(&fixture);
	count = sets_get(sets, 100);
	while (i < count && !(sets[i].id == 2 && sets[i].size == 32))
		i++;
	CHECK(i < count);
	CHECK_BYTES(sets[i].bytes + 8, ((const uint8_t[]){ 0x01, 0x04, 0, 0, 0x01, 0x05, 0, 0 }),
		    8);
	/* After it the new ones, and no record of the old ones. */
	CHECK_EQ(sets[i + 1].id, 2);
	CHECK_EQ(load_be16(sets[i + 1].bytes), 512 + 32);
	for (; i < count; i++)
		CHECK(sets[i].id != 260 &&
		      !(sets[i].id == 2 && load_be16(sets[i].bytes) == 512 && sets[i].size != 32));
	tear_down(&fixture);
	has_sessions = false;
}

/* Version 5 has the rate in the header: a datagram is of one sampler. */
TEST(netflow5_has_one_sampler_in_a_datagram)
{
	struct samplers *samplers = samplers_create();
	struct fixture fixture = set_up(5, 1400, 0, samplers);
	uint64_t packets[4] = { 0 };

	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 100), 1);
	CHECK_EQ(samplers_number(samplers, SAMPLING_deterministic, 16383), 2);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 20000), 3);
	for (uint8_t number = 0; number < 4; number++)
		for (int i = 0; i < 40; i++)
			add(&fixture, number);
	finish(&fixture);
	for (size_t i = 0; i < fake->count; i++) {
		const uint16_t count = load_be16(fake->sent[i].bytes + 2);

		switch (load_be16(fake->sent[i].bytes + 22)) {
		case 1: packets[0] += count; break;
		case 0x8000 | 100: packets[1] += count; break;
		case 0x4000 | 16383: packets[2] += count; break;
		case 0x8000 | 16383: packets[3] += count; break;
		default: fail();
		}
	}
	for (size_t number = 0; number < 4; number++)
		CHECK_EQ(packets[number], 40);
	tear_down(&fixture);
}

TEST(json_lines_say_the_interval)
{
	struct samplers *samplers = samplers_create();
	struct fixture fixture = set_up(ENCODER_VERSION_JSON, 1400, 0, samplers);
	bool is_found[3] = { false };

	add(&fixture, SAMPLER_NONE);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 100), 1);
	add(&fixture, 1);
	add(&fixture, SAMPLER_UNKNOWN);
	add(&fixture, SAMPLER_NONE);
	finish(&fixture);
	for (size_t i = 0; i < fake->count; i++) {
		const char *text = (const char *)fake->sent[i].bytes;

		is_found[0] |= strstr(text, "\"selectorId\":1") &&
			       strstr(text, ",\"samplingInterval\":100}\n");
		is_found[1] |= strstr(text, "\"selectorId\":255") &&
			       strstr(text, ",\"samplingInterval\":null}\n");
		is_found[2] |= strstr(text, "\"selectorId\":0") &&
			       strstr(text, ",\"samplingInterval\":1}\n");
	}
	CHECK(is_found[0] && is_found[1] && is_found[2]);
	tear_down(&fixture);
}

static struct application_table *many_applications(void)
{
	struct application_table *table = application_table_create();

	for (uint32_t port = 1; port <= 200; port++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "app%u", port);
		CHECK_EQ(application_table_add(table, APPLICATION_all, (uint16_t)port,
					       (uint16_t)port, name),
			 0);
	}
	return table;
}

static void add_to_port(struct fixture *fixture, const struct application_table *table,
			uint16_t port)
{
	const struct export_time time = at(fixture->now_ms);
	struct export_record record = { .flow = { .packets = 10, .octets = 1000 } };

	record.flow.key.ip_version = 4;
	record.flow.key.input_interface = 65536; /* a wide record */
	record.flow.key.protocol = 6;
	record.flow.key.destination_port = port;
	record.application = application_table_find(table, 6, 0, port);
	exporter_add(fixture->exporter, &record, &time);
}

/* Port of an options record of names. */
static uint16_t port_announced(const struct set *set, uint8_t version)
{
	return load_be16(set->bytes + (version == 9 ? 4 : 0) + 1);
}

TEST(a_name_is_announced_before_its_first_record_and_repeated_a_few_at_a_time)
{
	for (uint8_t version = 9; version <= 10; version++) {
		struct fixture fixture = set_up(version, 512, 0, samplers_create());
		struct application_table *table = many_applications();
		static struct set sets[SETS_MAX];
		bool is_announced[201] = { false };
		size_t count, first, records = 0;

		CHECK_EQ(exporter_set_applications(fixture.exporter, table), 0);
		for (uint16_t i = 0; i < 300; i++) {
			add_to_port(&fixture, table, (uint16_t)(1 + i * 7 % 100));
			(void)exporter_send(fixture.exporter, (int64_t)i * 1000000);
		}
		finish(&fixture);
		count = sets_get(sets, SETS_MAX);
		for (size_t i = 0; i < count; i++) {
			if (sets[i].id == TEMPLATE_ID_APPLICATION) {
				CHECK(!is_announced[port_announced(&sets[i], version)]);
				is_announced[port_announced(&sets[i], version)] = true;
			}
			for (size_t from = 0; sets[i].id == 260 && from + 61 <= sets[i].size;
			     from += 61, records++)
				CHECK(is_announced[load_be16(sets[i].bytes + from + 10)]);
		}
		CHECK_EQ(records, 300);
		CHECK_EQ(sets_with(TEMPLATE_ID_APPLICATION), 100); /* not those of other ports */

		first = fake->count;
		for (uint32_t ms = 60000; ms < 62000; ms += 10) {
			const struct export_time time = at(ms);
			const size_t before = sets_with(TEMPLATE_ID_APPLICATION);

			exporter_advance(fixture.exporter, &time);
			(void)exporter_send(fixture.exporter, 1000000000 + (int64_t)ms * 1000);
			CHECK(sets_with(TEMPLATE_ID_APPLICATION) - before <= 24);
		}
		fixture.now_ms = 62000;
		finish(&fixture);
		CHECK_EQ(sets_with(TEMPLATE_ID_APPLICATION), 200);
		CHECK(fake->count > first + 8);
		tear_down(&fixture);
		application_table_destroy(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_samplers_the_rate_is_1_and_records_have_no_number),
		cmocka_unit_test(what_is_known_at_the_start_is_announced_first),
		cmocka_unit_test(a_sampler_that_appears_later_changes_the_templates),
		cmocka_unit_test(samplers_are_announced_again_with_the_templates),
		cmocka_unit_test(many_samplers_are_each_announced_before_their_records),
		cmocka_unit_test(templates_do_not_crowd_out_samplers),
		cmocka_unit_test(the_share_of_a_collector_multiplies),
		cmocka_unit_test(a_session_withdraws_what_it_does_not_use_any_more),
		cmocka_unit_test(netflow5_has_one_sampler_in_a_datagram),
		cmocka_unit_test(json_lines_say_the_interval),
		cmocka_unit_test(
			a_name_is_announced_before_its_first_record_and_repeated_a_few_at_a_time),
	};

	return RUN_TESTS(tests);
}
