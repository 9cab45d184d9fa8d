/* test_asn_table.c - longest-prefix match: borders, nesting, families, and a random table against a
 * search that looks at every prefix. */
#include "asn_table.h"

#include "asn_builder.h"
#include "asn_image.h"
#include "address.h"
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void add(struct asn_builder *builder, const char *text, uint32_t as_number)
{
	struct asn_entry entry = { .as_number = as_number };
	struct prefix prefix;

	CHECK_EQ(prefix_parse(text, &prefix), 0);
	entry.prefix_length = prefix.length;
	CHECK_EQ(asn_builder_add(builder, prefix.ip_version, prefix.address, &entry), 0);
}

static struct asn_builder *begin(void)
{
	struct asn_builder *builder = asn_builder_create();

	CHECK(builder);
	return builder;
}

static const struct asn_build_facts facts = { .created_s = 1700000000,
					      .source = "bview.20231114.2200.gz",
					      .peer_count = 40 };
static struct asn_build_report report; /* of the last table */

/* The table of what was added. */
static struct asn_table *finish(struct asn_builder *builder)
{
	struct error_text error;
	struct asn_table *table = asn_builder_table(builder, "test", &facts, &report, &error);

	if (!table)
		fail_msg("%s", error.text);
	asn_builder_destroy(builder);
	return table;
}

static struct asn_entry find(const struct asn_table *table, const char *text)
{
	uint8_t address[16];
	uint8_t *exact;
	struct asn_entry entry;
	int ip_version = address_parse(text, address);

	CHECK(ip_version > 0);
	exact = malloc(ip_version == 4 ? 4 : 16); /* a read of too much is seen */
	CHECK(exact);
	memcpy(exact, address, ip_version == 4 ? 4 : 16);
	asn_table_find(table, (uint8_t)ip_version, exact, &entry);
	free(exact);
	return entry;
}

static void check_found(const struct asn_table *table, const char *address, uint32_t as_number,
			uint8_t prefix_length)
{
	const struct asn_entry entry = find(table, address);

	if (entry.as_number != as_number || entry.prefix_length != prefix_length)
		fail_msg("%s: found AS %u/%u, expected %u/%u", address, entry.as_number,
			 entry.prefix_length, as_number, prefix_length);
}

TEST(an_empty_table_knows_nothing)
{
	const struct asn_entry zero = { 0 };
	struct asn_table *table = finish(begin());
	const struct asn_entry ipv4 = find(table, "192.0.2.1");
	const struct asn_entry ipv6 = find(table, "::");

	CHECK_BYTES(&ipv4, &zero, sizeof(zero));
	CHECK_BYTES(&ipv6, &zero, sizeof(zero));
	CHECK_EQ(asn_table_count(table, 4), 0);
	CHECK_EQ(asn_table_count(table, 6), 0);
	CHECK(!asn_table_has_next_hops(table));
	CHECK(!asn_table_has_peers(table));
	asn_table_destroy(table);
	asn_table_destroy(NULL);
	asn_builder_destroy(NULL);
}

TEST(a_table_knows_when_and_of_what_it_was_made)
{
	struct asn_table *table = finish(begin());

	CHECK_EQ(asn_table_created_s(table), 1700000000);
	CHECK_TEXT(asn_table_source(table), "bview.20231114.2200.gz");
	CHECK_EQ(asn_table_peer_count(table), 40);
	asn_table_destroy(table);
}

TEST(the_longest_prefix_wins)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;

	add(builder, "192.0.2.0/26", 64511);
	add(builder, "10.0.0.0/8", 64512);
	add(builder, "192.0.2.0/24", 64510);
	add(builder, "192.0.2.1/32", 64501);
	add(builder, "192.0.2.64/27", 64502);
	table = finish(builder);
	CHECK_EQ(asn_table_count(table, 4), 5);
	CHECK_EQ(asn_table_count(table, 6), 0);

	check_found(table, "192.0.1.255", 0, 0);
	check_found(table, "192.0.2.0", 64511, 26);
	check_found(table, "192.0.2.1", 64501, 32);
	check_found(table, "192.0.2.2", 64511, 26);
	check_found(table, "192.0.2.63", 64511, 26);
	check_found(table, "192.0.2.64", 64502, 27);
	check_found(table, "192.0.2.95", 64502, 27);
	check_found(table, "192.0.2.96", 64510, 24); /* after a child: back to the parent */
	check_found(table, "192.0.2.255", 64510, 24);
	check_found(table, "192.0.3.0", 0, 0);
	check_found(table, "9.255.255.255", 0, 0);
	check_found(table, "10.0.0.0", 64512, 8);
	check_found(table, "10.255.255.255", 64512, 8);
	check_found(table, "11.0.0.0", 0, 0);
	asn_table_destroy(table);
}

TEST(default_and_host_routes)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;

	add(builder, "0.0.0.0/0", 1);
	add(builder, "0.0.0.0/32", 2);
	add(builder, "255.255.255.255/32", 3);
	add(builder, "::/0", 4);
	add(builder, "::/128", 5);
	add(builder, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 6);
	table = finish(builder);

	check_found(table, "0.0.0.0", 2, 32);
	check_found(table, "0.0.0.1", 1, 0);
	check_found(table, "255.255.255.254", 1, 0);
	check_found(table, "255.255.255.255", 3, 32);
	check_found(table, "::", 5, 128);
	check_found(table, "::1", 4, 0);
	check_found(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 4, 0);
	check_found(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, 128);
	asn_table_destroy(table);
}

TEST(all_128_bits_of_ipv6_count)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;

	add(builder, "2001:db8::/32", 1);
	add(builder, "2001:db8::/64", 2);
	add(builder, "2001:db8::8000:0:0:0/65", 3);
	add(builder, "2001:db8::2/127", 4);
	add(builder, "2001:db8::3/128", 5);
	table = finish(builder);
	CHECK_EQ(asn_table_count(table, 6), 5);

	check_found(table, "2001:db8::1", 2, 64);
	check_found(table, "2001:db8::2", 4, 127);
	check_found(table, "2001:db8::3", 5, 128);
	check_found(table, "2001:db8::4", 2, 64);
	check_found(table, "2001:db8:0:0:8000::", 3, 65);
	check_found(table, "2001:db8:0:0:7fff:ffff:ffff:ffff", 2, 64);
	check_found(table, "2001:db8:0:1::", 1, 32);
	check_found(table, "2001:db9::", 0, 0);
	asn_table_destroy(table);
}

/* One prefix of each length, all nested: the deepest chain there is. */
TEST(every_length_nested_in_the_other)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;
	const uint8_t ones[16] = { 255, 255, 255, 255, 255, 255, 255, 255,
				   255, 255, 255, 255, 255, 255, 255, 255 };

	for (unsigned int bits = 0; bits <= 128; bits++) {
		struct asn_entry entry = { .as_number = 1000 + bits,
					   .prefix_length = (uint8_t)bits };
		uint8_t address[16];

		memcpy(address, ones, sizeof(address));
		(void)address_clear_host_bits(address, 16, bits);
		CHECK_EQ(asn_builder_add(builder, 6, address, &entry), 0);
		if (bits > 32)
			continue;
		memcpy(address, ones, sizeof(address));
		(void)address_clear_host_bits(address, 4, bits);
		CHECK_EQ(asn_builder_add(builder, 4, address, &entry), 0);
	}
	table = finish(builder);

	/* An address that differs first in bit 'bits' is in the prefix of that length. */
	for (unsigned int bits = 0; bits <= 128; bits++) {
		struct asn_entry entry;
		uint8_t address[16];

		memcpy(address, ones, sizeof(address));
		if (bits < 128)
			address[bits / 8] ^= (uint8_t)(0x80 >> bits % 8);
		asn_table_find(table, 6, address, &entry);
		CHECK_EQ(entry.as_number, 1000 + bits);
		if (bits > 32)
			continue;
		asn_table_find(table, 4, address, &entry);
		CHECK_EQ(entry.as_number, 1000 + bits);
	}
	asn_table_destroy(table);
}

TEST(the_last_of_equal_prefixes_wins)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;
	const struct asn_entry with_peer = { .as_number = 1,
					     .peer_as_number = 2,
					     .prefix_length = 24,
					     .has_next_hop = true,
					     .next_hop = { 192, 0, 2, 1 } };
	const uint8_t address[4] = { 203, 0, 113, 0 };

	CHECK_EQ(asn_builder_add(builder, 4, address, &with_peer), 0);
	add(builder, "203.0.113.0/24", 64501);
	add(builder, "203.0.113.0/25", 64503);
	add(builder, "203.0.113.0/24", 64502);
	table = finish(builder);
	CHECK_EQ(asn_table_count(table, 4), 2);
	check_found(table, "203.0.113.200", 64502, 24);
	check_found(table, "203.0.113.1", 64503, 25);
	/* The replaced entry no longer counts. */
	CHECK(!asn_table_has_peers(table));
	CHECK(!asn_table_has_next_hops(table));
	asn_table_destroy(table);
}

TEST(duplicates_and_conflicts_are_counted)
{
	struct asn_builder *builder = begin();
	char text[ADDRESS_TEXT_SIZE];

	add(builder, "203.0.113.0/24", 64501);
	add(builder, "198.51.100.0/24", 64501);
	add(builder, "198.51.100.0/25", 64502); /* another prefix */
	add(builder, "203.0.113.0/24", 64502);
	add(builder, "203.0.113.0/24", 64502);
	add(builder, "2001:db8::/32", 64501);
	add(builder, "2001:db8::/32", 64503);
	add(builder, "198.51.100.0/24", 64501); /* the same: no conflict */
	asn_table_destroy(finish(builder));
	CHECK_EQ(report.duplicates, 4);
	CHECK_EQ(report.conflicts, 2);
	CHECK_TEXT(address_format(report.conflict.ip_version, report.conflict.address, text),
		   "203.0.113.0");
	CHECK_EQ(report.conflict.length, 24);
	CHECK_EQ(report.conflict_as[0], 64501);
	CHECK_EQ(report.conflict_as[1], 64502);
}

/* The order in which prefixes come does not matter: files can be compared. */
TEST(the_same_prefixes_look_up_alike_in_any_order)
{
	struct asn_builder *up = begin();
	struct asn_builder *down = begin();
	struct asn_table *tables[2];

	for (unsigned int i = 0; i < 200; i++) {
		char text[40];

		(void)snprintf(text, sizeof(text), "10.%u.0.0/%u", i, 16 + i % 8);
		add(up, text, i);
		(void)snprintf(text, sizeof(text), "10.%u.0.0/%u", 199 - i, 16 + (199 - i) % 8);
		add(down, text, 199 - i);
	}
	tables[0] = finish(up);
	tables[1] = finish(down);
	for (unsigned int i = 0; i < 2000; i++) {
		const uint8_t address[4] = { 10, (uint8_t)(i / 8), (uint8_t)(i * 37), 1 };
		struct asn_entry entries[2];

		asn_table_find(tables[0], 4, address, &entries[0]);
		asn_table_find(tables[1], 4, address, &entries[1]);
		CHECK_BYTES(&entries[0], &entries[1], sizeof(entries[0]));
	}
	asn_table_destroy(tables[0]);
	asn_table_destroy(tables[1]);
}

TEST(peers_and_next_hops_are_kept)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;
	/* Rubbish after an IPv4 next hop, or in one that is not there, does not come back. */
	struct asn_entry ipv4 = { .as_number = 64512,
				  .peer_as_number = 65000,
				  .prefix_length = 8,
				  .has_next_hop = true,
				  .next_hop = { 203, 0, 113, 77, 0xee } };
	struct asn_entry ipv6 = { .as_number = 64512,
				  .prefix_length = 32,
				  .has_next_hop = true,
				  .next_hop = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	struct asn_entry none = { .as_number = 64513, .prefix_length = 9, .next_hop = { 0xee } };
	const uint8_t zero[16] = { 0 };

	CHECK_EQ(asn_builder_add(builder, 4, (const uint8_t[4]){ 10 }, &ipv4), 0);
	CHECK_EQ(asn_builder_add(builder, 4, (const uint8_t[4]){ 10 }, &none), 0);
	CHECK_EQ(asn_builder_add(builder, 6, (const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8 }, &ipv6),
		 0);
	table = finish(builder);
	CHECK(asn_table_has_peers(table));
	CHECK(asn_table_has_next_hops(table));

	CHECK_EQ(find(table, "10.128.0.0").peer_as_number, 65000);
	CHECK(find(table, "10.128.0.0").has_next_hop);
	CHECK_BYTES(find(table, "10.128.0.0").next_hop, ((const uint8_t[16]){ 203, 0, 113, 77 }),
		    16);
	CHECK(!find(table, "10.127.0.0").has_next_hop);
	CHECK_BYTES(find(table, "10.127.0.0").next_hop, zero, 16);
	CHECK_BYTES(find(table, "2001:db8::").next_hop, ipv6.next_hop, 16);
	asn_table_destroy(table);
}

TEST(what_cannot_be_added_is_refused)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;
	struct asn_entry entry = { .as_number = 1, .prefix_length = 33 };
	const uint8_t address[16] = { 192, 0, 2, 1 };

	CHECK_EQ(asn_builder_add(builder, 4, address, &entry), -EINVAL);
	entry.prefix_length = 24; /* host bits are set */
	CHECK_EQ(asn_builder_add(builder, 4, address, &entry), -EINVAL);
	entry.prefix_length = 129;
	CHECK_EQ(asn_builder_add(builder, 6, address, &entry), -EINVAL);
	entry.prefix_length = 32;
	CHECK_EQ(asn_builder_add(builder, 5, address, &entry), -EINVAL);
	CHECK_EQ(asn_builder_add(builder, 4, address, &entry), 0);
	table = finish(builder);
	CHECK_EQ(asn_table_count(table, 4), 1);
	asn_table_destroy(table);
}

/* ---- random tables against the plainest search ---- */

#define RANDOM_PREFIXES 3000

struct plain_table {
	struct prefix prefixes[RANDOM_PREFIXES];
	struct asn_entry entries[RANDOM_PREFIXES];
};

/* Addresses from a small space, so that prefixes nest and repeat. */
static void random_address(unsigned int *seed, uint8_t address[static 16])
{
	memset(address, 0, 16);
	for (size_t i = 0; i < 16; i += (size_t)(rand_r(seed) % 3 + 1))
		address[i] = (uint8_t)((rand_r(seed) % 4) << (rand_r(seed) % 7));
}

static struct asn_entry plain_find(const struct plain_table *table, uint8_t ip_version,
				   const uint8_t *address)
{
	struct asn_entry best = { 0 };
	bool found = false;

	for (size_t i = 0; i < RANDOM_PREFIXES; i++) {
		if (!prefix_contains(&table->prefixes[i], ip_version, address))
			continue;
		if (!found || table->entries[i].prefix_length >= best.prefix_length)
			best = table->entries[i]; /* of equal ones the last */
		found = true;
	}
	return best;
}

/* With 'many' other prefixes around both roots are large. */
static void check_random_table(unsigned int seed, bool many)
{
	struct plain_table *plain = calloc(1, sizeof(*plain));
	struct asn_builder *builder = begin();
	struct asn_table *table;

	CHECK(plain);
	for (uint32_t i = 0; many && i < ASN_LARGE_PREFIXES; i++) {
		const uint8_t address[16] = { 251, (uint8_t)(i >> 8), (uint8_t)i };
		struct asn_entry entry = { .as_number = 1, .prefix_length = 24 };

		CHECK_EQ(asn_builder_add(builder, 4, address, &entry), 0);
		entry.prefix_length = 64;
		CHECK_EQ(asn_builder_add(builder, 6, address, &entry), 0);
	}
	for (size_t i = 0; i < RANDOM_PREFIXES; i++) {
		struct prefix *prefix = &plain->prefixes[i];
		size_t size;

		prefix->ip_version = rand_r(&seed) % 2 ? 4 : 6;
		size = prefix->ip_version == 4 ? 4 : 16;
		prefix->length = (uint8_t)((size_t)rand_r(&seed) % (8 * size + 1));
		random_address(&seed, prefix->address);
		memset(prefix->address + size, 0, 16 - size);
		(void)address_clear_host_bits(prefix->address, size, prefix->length);
		plain->entries[i] = (struct asn_entry){ .as_number = (uint32_t)rand_r(&seed) % 50,
							.prefix_length = prefix->length };
		CHECK_EQ(asn_builder_add(builder, prefix->ip_version, prefix->address,
					 &plain->entries[i]),
			 0);
	}
	table = finish(builder);
	for (int i = 0; i < 5000; i++) {
		uint8_t ip_version = rand_r(&seed) % 2 ? 4 : 6;
		struct asn_entry expected, found;
		uint8_t address[16];

		random_address(&seed, address);
		expected = plain_find(plain, ip_version, address);
		asn_table_find(table, ip_version, address, &found);
		CHECK_EQ(found.as_number, expected.as_number);
		CHECK_EQ(found.prefix_length, expected.prefix_length);
	}
	asn_table_destroy(table);
	free(plain);
}

TEST(random_tables_agree_with_a_search_of_every_prefix)
{
	for (unsigned int seed = 1; seed <= 4; seed++)
		check_random_table(seed, seed % 2);
}

/* A full table's worth of entries takes at most 32 bytes a prefix. */
TEST(memory_is_bounded)
{
	struct asn_builder *builder = begin();
	struct asn_table *table;
	const uint32_t prefixes = 200000;

	for (uint32_t i = 0; i < prefixes; i++) {
		struct asn_entry entry = { .as_number = 64496 + i % 20000, .prefix_length = 24 };
		const uint8_t address[16] = { (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

		CHECK_EQ(asn_builder_add(builder, 4, address, &entry), 0);
		entry.prefix_length = 48;
		CHECK_EQ(asn_builder_add(builder, 6, address, &entry), 0);
	}
	table = finish(builder);
	CHECK_EQ(asn_table_count(table, 4), prefixes);
	CHECK_EQ(asn_table_count(table, 6), prefixes);
	CHECK(asn_table_memory_bytes(table) <= 2 * prefixes * 32);
	CHECK_EQ(find(table, "3.0.1.99").as_number, 64496 + (3 * 65536 + 1) % 20000);
	asn_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_knows_nothing),
		cmocka_unit_test(a_table_knows_when_and_of_what_it_was_made),
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(default_and_host_routes),
		cmocka_unit_test(all_128_bits_of_ipv6_count),
		cmocka_unit_test(every_length_nested_in_the_other),
		cmocka_unit_test(the_last_of_equal_prefixes_wins),
		cmocka_unit_test(duplicates_and_conflicts_are_counted),
		cmocka_unit_test(the_same_prefixes_look_up_alike_in_any_order),
		cmocka_unit_test(peers_and_next_hops_are_kept),
		cmocka_unit_test(what_cannot_be_added_is_refused),
		cmocka_unit_test(random_tables_agree_with_a_search_of_every_prefix),
		cmocka_unit_test(memory_is_bounded),
	};

	return RUN_TESTS(tests);
}
