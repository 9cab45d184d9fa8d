/* test_asn_image.c - what an AS table refuses when it is opened, and what it survives when somebody
 * made it so that it passes. */
#include "asn_image.h"

#include "address.h"
#include "asn_builder.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

static struct asn_image image; /* a good one: see set_up() */
static struct asn_image_header *header;

static void add(struct asn_builder *builder, const char *text, const struct asn_entry *like)
{
	struct asn_entry entry = *like;
	struct prefix prefix;

	CHECK_EQ(prefix_parse(text, &prefix), 0);
	entry.prefix_length = prefix.length;
	CHECK_EQ(asn_builder_add(builder, prefix.ip_version, prefix.address, &entry), 0);
}

/* Every kind of node and section: 3000 prefixes below one /16 of IPv6 make a bitmap. */
static int set_up(void **state)
{
	const struct asn_build_facts facts = { .created_s = 1700000000, .source = "test" };
	const struct asn_entry plain = { .as_number = 64500 };
	const struct asn_entry full = { .as_number = 64501,
					.peer_as_number = 64502,
					.peers = 17,
					.has_next_hop = true,
					.next_hop = { 192, 0, 2, 1 } };
	struct asn_builder *builder = asn_builder_create();

	(void)state;
	CHECK(builder);
	add(builder, "192.0.2.0/25", &full);
	add(builder, "192.0.0.0/16", &plain);
	add(builder, "2001:db8::/48", &full);
	for (unsigned int i = 0; i < 3000; i++) {
		char text[40];

		(void)snprintf(text, sizeof(text), "2600:%x::/32", 2 * i);
		add(builder, text, &plain);
	}
	CHECK_EQ(asn_builder_name(builder, 64501, "old"), 0);
	CHECK_EQ(asn_builder_name(builder, 64500, "FIVE HUNDRED"), 0);
	CHECK_EQ(asn_builder_name(builder, 64501, "new"), 0);
	CHECK_EQ(asn_builder_finish(builder, &facts, &image, NULL), 0);
	asn_builder_destroy(builder);
	header = image.bytes;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asn_image_release(image.bytes, image.size);
	return 0;
}

static struct asn_table *open_as(size_t size, struct error_text *error)
{
	return asn_table_open("asn.table", image.bytes, size, NULL, error);
}

static void check_refused(size_t size, const char *expected)
{
	struct error_text error;

	CHECK(!open_as(size, &error));
	CHECK_TEXT(error.text, expected);
}

/* As somebody does who wants it to pass. */
static void renew_checksum(void)
{
	header->checksum = asn_image_checksum(image.bytes, image.size);
}

TEST(a_good_image_is_taken)
{
	struct error_text error;
	struct asn_table *table = open_as(image.size, &error);
	struct asn_entry entry;

	CHECK(table);
	asn_table_find(table, 4, (const uint8_t[4]){ 192, 0, 2, 77 }, &entry);
	CHECK_EQ(entry.as_number, 64501);
	CHECK_EQ(entry.peers, 17);
	asn_table_find(table, 6, (const uint8_t[16]){ 0x26, 0, 0x10, 0 }, &entry);
	CHECK_EQ(entry.as_number, 64500);
	CHECK_EQ(entry.prefix_length, 32);
	asn_table_find(table, 6, (const uint8_t[16]){ 0x26, 0, 0x10, 1 }, &entry);
	CHECK_EQ(entry.as_number, 0);
	asn_table_destroy(table);
}

TEST(names_are_found_by_number)
{
	struct error_text error;
	struct asn_table *table = open_as(image.size, &error);
	char name[ASN_NAME_SIZE];

	CHECK(table);
	CHECK_EQ(asn_table_name_count(table), 2);
	CHECK(asn_table_name(table, 64500, name));
	CHECK_TEXT(name, "FIVE HUNDRED");
	CHECK(asn_table_name(table, 64501, name)); /* the last one */
	CHECK_TEXT(name, "new");
	CHECK(!asn_table_name(table, 64499, name));
	CHECK(!asn_table_name(table, 64502, name));
	CHECK_TEXT(name, "");
	asn_table_destroy(table);
}

TEST(a_long_name_is_cut)
{
	const struct asn_build_facts facts = { .created_s = 1 };
	struct asn_builder *builder = asn_builder_create();
	char name[ASN_NAME_SIZE], text[300];
	struct error_text error;
	struct asn_table *table;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(builder);
	CHECK_EQ(asn_builder_name(builder, 1, text), 0);
	table = asn_builder_table(builder, "names", &facts, NULL, &error);
	asn_builder_destroy(builder);
	CHECK(table);
	CHECK(asn_table_name(table, 1, name));
	CHECK_EQ(strlen(name), ASN_NAME_SIZE - 1);
	asn_table_destroy(table);
}

TEST(what_is_not_an_image_of_ours_is_named)
{
	check_refused(0, "asn.table: empty; expected an AS table");
	check_refused(7, "asn.table: no AS table");
	header->magic[0] = 'F';
	check_refused(image.size, "asn.table: no AS table");
}

TEST(another_version_and_byte_order_are_named)
{
	header->version = 2;
	check_refused(image.size, "asn.table: AS table of version 2; this program reads version 1");
	header->version = 0x01000000;
	header->byte_order = 0x04030201;
	check_refused(image.size, "asn.table: AS table of a machine with the other byte order; "
				  "make it on this one");
	header->byte_order = 0x01020403;
	check_refused(image.size, "asn.table: damaged AS table: unknown byte order");
}

TEST(a_cut_image_is_refused_at_every_length)
{
	char expected[120];

	for (size_t size = sizeof(*header); size < image.size; size += size < 400 ? 1 : 997) {
		(void)snprintf(expected, sizeof(expected),
			       "asn.table: cut AS table: has %zu bytes, its header says %zu", size,
			       image.size);
		check_refused(size, expected);
	}
}

TEST(a_flipped_bit_is_found_anywhere)
{
	uint8_t *bytes = image.bytes;
	struct error_text error;

	for (size_t i = 0; i < image.size; i += i < 400 ? 1 : 991) {
		bytes[i] ^= 0x10;
		if (open_as(image.size, &error))
			fail_msg("taken with byte %zu flipped", i);
		bytes[i] ^= 0x10;
	}
}

TEST(parts_that_do_not_fit_are_refused_though_the_checksum_is_right)
{
	const struct asn_image_header good = *header;

	header->root_words[1] = header->counts[ASN_bits] - 1000;
	renew_checksum();
	check_refused(image.size, "asn.table: damaged AS table: parts that do not fit together");
	*header = good;
	header->root_bits = 17;
	renew_checksum();
	check_refused(image.size, "asn.table: damaged AS table: parts that do not fit together");
	*header = good;
	memset(header->source, 'x', sizeof(header->source));
	renew_checksum();
	check_refused(image.size, "asn.table: damaged AS table: parts that do not fit together");
	*header = good;
	header->counts[ASN_leaves] += 64;
	renew_checksum();
	check_refused(image.size, "asn.table: damaged AS table: its size is not that of its parts");
}

/* Look-ups are bounded: with rubbish in every section they find something or nothing, inside. The
 * sanitizers see a read outside. */
TEST(rubbish_in_the_sections_leads_nowhere)
{
	unsigned int seed = 5;

	for (int round = 0; round < 300; round++) {
		uint8_t *bytes = image.bytes;
		struct error_text error;
		struct asn_table *table;

		for (int i = 0; i < 200; i++) {
			const size_t at = sizeof(*header) +
					  (size_t)rand_r(&seed) % (image.size - sizeof(*header));

			bytes[at] = (uint8_t)(rand_r(&seed) % 4 ? 0xff : rand_r(&seed));
		}
		renew_checksum();
		table = open_as(image.size, &error);
		CHECK(table);
		for (int i = 0; i < 2000; i++) {
			char name[ASN_NAME_SIZE];
			uint8_t address[16];
			struct asn_entry entry;

			for (size_t k = 0; k < sizeof(address); k++)
				address[k] = (uint8_t)rand_r(&seed);
			asn_table_find(table, 4, address, &entry);
			memcpy(address, (const uint8_t[]){ 0x26, 0x00 }, 2);
			asn_table_find(table, 6, address, &entry);
			(void)asn_table_name(table, 64500 + (uint32_t)i % 3, name);
		}
		asn_table_destroy(table);
	}
}

int main(void)
{
#define TEST_WITH_IMAGE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST_WITH_IMAGE(a_good_image_is_taken),
		TEST_WITH_IMAGE(names_are_found_by_number),
		TEST_WITH_IMAGE(a_long_name_is_cut),
		TEST_WITH_IMAGE(what_is_not_an_image_of_ours_is_named),
		TEST_WITH_IMAGE(another_version_and_byte_order_are_named),
		TEST_WITH_IMAGE(a_cut_image_is_refused_at_every_length),
		TEST_WITH_IMAGE(a_flipped_bit_is_found_anywhere),
		TEST_WITH_IMAGE(parts_that_do_not_fit_are_refused_though_the_checksum_is_right),
		TEST_WITH_IMAGE(rubbish_in_the_sections_leads_nowhere),
	};

	return RUN_TESTS(tests);
}
