/* test_fragment_table.c - later fragments get the ports of their first one, for 30 s, in bounded
 * memory. */
#include "check.h"
#include "flow_cache.h"
#include "fragment_table.h"

#include <stdlib.h>

static const uint8_t hash_key[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* A fragment between two fixed hosts; a first one has the ports of 'id'. */
static struct packet_info fragment(uint8_t ip_version, enum fragment_kind kind, uint32_t id,
				   cache_ms now)
{
	struct packet_info info = {
		.key = { .ip_version = ip_version, .protocol = 17, .addresses = { 192, 0, 2, 1 } },
		.fragment = (uint8_t)kind,
		.fragment_id = id,
		.fragment_protocol = 17,
		.clock_ms = now,
	};

	if (kind == FRAGMENT_first) {
		info.key.source_port = (uint16_t)(1000 + id);
		info.key.destination_port = 53;
	}
	return info;
}

static void add_first(struct fragment_table *table, uint32_t id, cache_ms now)
{
	struct packet_info info = fragment(4, FRAGMENT_first, id, now);

	fragment_table_resolve(table, &info);
	CHECK_EQ(info.key.source_port, (uint16_t)(1000 + id));
}

static bool is_known(struct fragment_table *table, uint32_t id, cache_ms now)
{
	struct packet_info info = fragment(4, FRAGMENT_later, id, now);

	fragment_table_resolve(table, &info);
	CHECK(info.key.source_port == 0 || info.key.source_port == (uint16_t)(1000 + id));
	CHECK_EQ(info.key.destination_port, info.key.source_port ? 53 : 0);
	return info.key.source_port != 0;
}

TEST(later_fragment_gets_protocol_and_ports)
{
	struct fragment_table *table = fragment_table_create(8, FRAGMENT_LIFETIME_MS, hash_key);
	struct packet_info first = fragment(6, FRAGMENT_first, 7, 0);
	struct packet_info later = fragment(6, FRAGMENT_later, 7, 0);

	first.fragment_protocol = 60; /* destination options, then UDP */
	later.fragment_protocol = 60;
	later.key.protocol = 60;
	fragment_table_resolve(table, &first);
	fragment_table_resolve(table, &later);
	CHECK_EQ(later.key.protocol, 17);
	CHECK_EQ(later.key.source_port, 1007);
	CHECK_EQ(later.key.destination_port, 53);
	CHECK_EQ(fragment_table_statistics(table)->first, 1);
	CHECK_EQ(fragment_table_statistics(table)->matched, 1);
	CHECK_EQ(fragment_table_statistics(table)->unmatched, 0);
	fragment_table_destroy(table);
}

TEST(other_datagrams_get_nothing)
{
	struct fragment_table *table = fragment_table_create(8, FRAGMENT_LIFETIME_MS, hash_key);
	struct packet_info later[6];

	add_first(table, 7, 0);
	for (size_t i = 0; i < 6; i++)
		later[i] = fragment(4, FRAGMENT_later, 7, 0);
	later[0].fragment_id = 8;
	later[1].fragment_id = 7 + 65536;
	later[2].fragment_protocol = 6;
	later[3].key.addresses[0] = 193; /* source */
	later[4].key.addresses[7] = 1;   /* destination */
	later[5].key.ip_version = 6;
	for (size_t i = 0; i < 6; i++) {
		fragment_table_resolve(table, &later[i]);
		CHECK_EQ(later[i].key.source_port, 0);
		CHECK_EQ(later[i].key.destination_port, 0);
	}
	CHECK_EQ(fragment_table_statistics(table)->unmatched, 6);
	fragment_table_destroy(table);
}

TEST(first_fragment_is_known_for_30_seconds)
{
	struct fragment_table *table = fragment_table_create(8, FRAGMENT_LIFETIME_MS, hash_key);

	add_first(table, 7, 1000);
	CHECK(is_known(table, 7, 1000));
	CHECK(is_known(table, 7, 31000));
	CHECK(!is_known(table, 7, 31001));
	fragment_table_destroy(table);
}

TEST(or_for_the_time_that_was_chosen)
{
	struct fragment_table *table = fragment_table_create(8, 1000, hash_key);

	add_first(table, 7, 1000);
	CHECK(is_known(table, 7, 2000));
	CHECK(!is_known(table, 7, 2001));
	fragment_table_destroy(table);
}

TEST(newest_first_fragment_wins)
{
	struct fragment_table *table = fragment_table_create(8, FRAGMENT_LIFETIME_MS, hash_key);
	struct packet_info again = fragment(4, FRAGMENT_first, 7, 20000);
	struct packet_info later = fragment(4, FRAGMENT_later, 7, 50000);

	add_first(table, 7, 0);
	again.key.source_port = 9;
	fragment_table_resolve(table, &again);
	fragment_table_resolve(table, &later);
	CHECK_EQ(later.key.source_port, 9);
	CHECK_EQ(fragment_table_statistics(table)->first, 2);
	CHECK_EQ(fragment_table_statistics(table)->replaced, 0);
	fragment_table_destroy(table);
}

TEST(full_table_replaces_the_oldest_and_counts_it)
{
	struct fragment_table *table =
		fragment_table_create(7, FRAGMENT_LIFETIME_MS, hash_key); /* rounded up to 8 */

	for (uint32_t id = 0; id < 8; id++)
		add_first(table, id, id);
	for (uint32_t id = 0; id < 8; id++)
		CHECK(is_known(table, id, 10));
	CHECK_EQ(fragment_table_statistics(table)->replaced, 0);

	add_first(table, 0, 10); /* now the newest, and 1 the oldest */
	add_first(table, 8, 11);
	CHECK(!is_known(table, 1, 11));
	for (uint32_t id = 0; id < 9; id++)
		CHECK_EQ(is_known(table, id, 11), id != 1);
	CHECK_EQ(fragment_table_statistics(table)->replaced, 1);

	/* What has expired is not given up early. */
	add_first(table, 9, 31000);
	CHECK_EQ(fragment_table_statistics(table)->replaced, 1);
	fragment_table_destroy(table);
}

/* The first fragment of datagram 'id' from another source than fragment()'s. */
static void add_spoofed(struct fragment_table *table, uint8_t ip_version, uint32_t source,
			uint32_t id)
{
	struct packet_info info = fragment(ip_version, FRAGMENT_first, id, 1);

	info.key.addresses[0] = 10;
	for (int i = 0; i < 3; i++)
		info.key.addresses[1 + i] = (uint8_t)(source >> 8 * i);
	/* The interface part of an IPv6 address: one host has all of a /64. */
	if (ip_version == 6)
		memcpy(info.key.addresses + 8, &id, sizeof(id));
	fragment_table_resolve(table, &info);
}

TEST(flood_of_one_source_takes_away_its_own_entries)
{
	for (uint8_t ip_version = 4; ip_version <= 6; ip_version += 2) {
		struct fragment_table *table =
			fragment_table_create(64, FRAGMENT_LIFETIME_MS, hash_key);

		for (uint32_t id = 0; id < 10; id++)
			add_first(table, id, 0);
		for (uint32_t id = 0; id < 10000; id++)
			add_spoofed(table, ip_version, 7, id);
		for (uint32_t id = 0; id < 10; id++)
			CHECK(is_known(table, id, 1));
		CHECK_EQ(fragment_table_statistics(table)->replaced, 10000 - (64 - 10));
		fragment_table_destroy(table);
	}
}

/* Each sends one: the oldest goes first, a source with two before. */
TEST(flood_of_many_sources_takes_the_oldest)
{
	struct fragment_table *table = fragment_table_create(64, FRAGMENT_LIFETIME_MS, hash_key);
	uint32_t lone = 100;

	add_first(table, lone, 0);
	for (uint32_t source = 1; source <= 20; source++)
		add_spoofed(table, 4, source, 1);
	CHECK(is_known(table, lone, 1));
	for (uint32_t source = 1; source <= 200; source++)
		add_spoofed(table, 4, 1000 + source, 1);
	CHECK(!is_known(table, lone, 1));
	add_first(table, lone, 2); /* and once more: it works on */
	CHECK(is_known(table, lone, 2));
	fragment_table_destroy(table);
}

TEST(smallest_table)
{
	struct fragment_table *table = fragment_table_create(0, FRAGMENT_LIFETIME_MS, hash_key);

	add_first(table, 1, 0);
	CHECK(is_known(table, 1, 0));
	add_first(table, 2, 0);
	CHECK(!is_known(table, 1, 0));
	CHECK(is_known(table, 2, 0));
	fragment_table_destroy(table);
	fragment_table_destroy(NULL);
}

/* What place_record() of a cache's sink hands out. */
static struct flow_record records[4];
static size_t record_count;

static struct flow_record *place_record(void *context)
{
	(void)context;
	CHECK(record_count < 4);
	return &records[record_count++];
}

/* Resolve a fragment of 'octets' and account it, as a worker does. */
static void account(struct fragment_table *table, struct flow_cache *cache, struct packet_info info,
		    uint16_t port, uint64_t octets)
{
	const struct flow_sink sink = { place_record, NULL };

	if (info.fragment == FRAGMENT_first)
		info.key.source_port = port;
	info.octets = octets;
	fragment_table_resolve(table, &info);
	flow_cache_add(cache, &info, 1, &sink);
}

/* Somebody sends another first fragment of the same name in between: what was accounted to the
 * first flow stays there, what follows goes to the second, and nothing gets lost or is counted
 * twice. */
TEST(a_forged_first_fragment_moves_no_byte_that_was_accounted)
{
	struct flow_cache_config config = { .max_flows = 8, .expiry = { .active_ms = 60000 } };
	const struct flow_sink sink = { place_record, NULL };
	struct fragment_table *table = fragment_table_create(8, FRAGMENT_LIFETIME_MS, hash_key);
	struct packet_info first = fragment(4, FRAGMENT_first, 7, 0);
	struct packet_info later = fragment(4, FRAGMENT_later, 7, 0);
	struct flow_cache *cache;

	for (size_t i = 0; i < EXPIRY_CLASS_COUNT; i++)
		config.expiry.idle_ms[i] = 15000;
	cache = flow_cache_create(&config);
	assert_non_null(cache);
	record_count = 0;
	account(table, cache, first, 1000, 1500);
	account(table, cache, later, 0, 1480);
	account(table, cache, first, 6666, 28); /* forged, or the same identification again */
	account(table, cache, later, 0, 900);
	account(table, cache, first, 1000, 1500); /* the first one once more: a retransmission */
	account(table, cache, later, 0, 77);
	CHECK_EQ(flow_cache_flush(cache, 1, 4, &sink), 2);
	for (size_t i = 0; i < 2; i++) {
		bool is_forged = records[i].key.source_port == 6666;

		CHECK(is_forged || records[i].key.source_port == 1000);
		CHECK_EQ(records[i].octets, is_forged ? 28 + 900 : 1500 + 1480 + 1500 + 77);
		CHECK_EQ(records[i].packets, is_forged ? 2 : 4);
	}
	CHECK_EQ(fragment_table_statistics(table)->matched, 3);
	flow_cache_destroy(cache);
	fragment_table_destroy(table);
}

/* The same as an array that remembers everything and forgets all but the newest CAPACITY. */
TEST(random_fragments_agree_with_a_simple_model)
{
	enum { CAPACITY = 16, IDS = 40 };
	struct fragment_table *table =
		fragment_table_create(CAPACITY, FRAGMENT_LIFETIME_MS, hash_key);
	uint64_t order[IDS] = { 0 }; /* when its first fragment came; 0: never */
	cache_ms first_ms[IDS] = { 0 };
	uint64_t clock = 0, matched = 0;
	cache_ms now = 0;

	srand(42);
	for (int step = 0; step < 200000; step++) {
		uint32_t id = (uint32_t)rand() % IDS;
		int newer = 0;
		bool expected;

		now += rand() % 3000;
		if (rand() % 2) {
			add_first(table, id, now);
			order[id] = ++clock;
			first_ms[id] = now;
			continue;
		}
		for (int i = 0; i < IDS; i++)
			newer += order[i] > order[id];
		expected =
			order[id] && newer < CAPACITY && now - first_ms[id] <= FRAGMENT_LIFETIME_MS;
		CHECK_EQ(is_known(table, id, now), expected);
		matched += expected;
	}
	CHECK_EQ(fragment_table_statistics(table)->first, clock);
	CHECK_EQ(fragment_table_statistics(table)->matched, matched);
	CHECK_EQ(fragment_table_statistics(table)->unmatched, 200000 - clock - matched);
	fragment_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_fragment_gets_protocol_and_ports),
		cmocka_unit_test(other_datagrams_get_nothing),
		cmocka_unit_test(first_fragment_is_known_for_30_seconds),
		cmocka_unit_test(or_for_the_time_that_was_chosen),
		cmocka_unit_test(newest_first_fragment_wins),
		cmocka_unit_test(full_table_replaces_the_oldest_and_counts_it),
		cmocka_unit_test(flood_of_one_source_takes_away_its_own_entries),
		cmocka_unit_test(flood_of_many_sources_takes_the_oldest),
		cmocka_unit_test(smallest_table),
		cmocka_unit_test(a_forged_first_fragment_moves_no_byte_that_was_accounted),
		cmocka_unit_test(random_fragments_agree_with_a_simple_model),
	};

	return RUN_TESTS(tests);
}
