/* test_asn_file.c - pmacct's networks_file: every form of line, and every error with its line. */
#include "asn_file.h"

#include "address.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

static struct asn_file_report report; /* of the last file */

/* Parse text in a block of exactly its size, without a final NUL. */
static struct asn_table *parse_bytes(const char *text, size_t size, struct error_text *error)
{
	char *block = malloc(size ? size : 1);
	struct asn_table *table;

	CHECK(block);
	memcpy(block, text, size);
	memset(error, 0, sizeof(*error));
	table = asn_file_parse("networks.lst", block, size, 1700000000, &report, error);
	free(block);
	return table;
}

static struct asn_table *parse(const char *text)
{
	struct error_text error;
	struct asn_table *table = parse_bytes(text, strlen(text), &error);

	if (!table)
		fail_msg("%s", error.text);
	return table;
}

static struct asn_entry find(const struct asn_table *table, const char *text)
{
	uint8_t address[16];
	int ip_version = address_parse(text, address);
	struct asn_entry entry;

	CHECK(ip_version > 0);
	asn_table_find(table, (uint8_t)ip_version, address, &entry);
	return entry;
}

static void check_fails(const char *text, const char *expected)
{
	struct error_text error;
	struct asn_table *table = parse_bytes(text, strlen(text), &error);

	if (table)
		fail_msg("taken: %s", text);
	CHECK_TEXT(error.text, expected);
}

/* Lines and results as seen with nfacctd 1.7.7. */
TEST(every_form_of_line)
{
	struct asn_table *table = parse("64510,192.0.2.0/24\n"
					"64511,192.0.2.0/26\n"
					"203.0.113.77,65000_64512,10.0.0.0/8\n"
					"198.51.100.0/24\n"
					"65001_64513,100.64.0.0/10\n"
					"203.0.113.78,172.16.0.0/12\n"
					"4200000001,2001:db8::/32\n"
					"2001:db8::1,1.10,2001:db8:1::/48\n"
					"64514,203.0.113.9\n"
					"64515,2001:db8:2::9\n"
					"64516,0.0.0.0/0");
	struct asn_entry entry;

	CHECK_EQ(asn_table_count(table, 4), 8);
	CHECK_EQ(asn_table_count(table, 6), 3);
	CHECK(asn_table_has_next_hops(table));
	CHECK(asn_table_has_peers(table));

	CHECK_EQ(find(table, "192.0.2.1").as_number, 64511);
	CHECK_EQ(find(table, "192.0.2.1").prefix_length, 26);
	CHECK_EQ(find(table, "192.0.2.77").as_number, 64510);

	entry = find(table, "10.1.2.3");
	CHECK_EQ(entry.as_number, 64512);
	CHECK_EQ(entry.peer_as_number, 65000);
	CHECK(entry.has_next_hop);
	CHECK_BYTES(entry.next_hop, ((const uint8_t[4]){ 203, 0, 113, 77 }), 4);

	entry = find(table, "198.51.100.1"); /* a prefix alone: AS 0 */
	CHECK_EQ(entry.as_number, 0);
	CHECK_EQ(entry.prefix_length, 24);
	CHECK(!entry.has_next_hop);

	entry = find(table, "100.64.0.1");
	CHECK_EQ(entry.as_number, 64513);
	CHECK_EQ(entry.peer_as_number, 65001);

	entry = find(table, "172.16.0.1"); /* a next hop without AS numbers */
	CHECK_EQ(entry.as_number, 0);
	CHECK(entry.has_next_hop);

	CHECK_EQ(find(table, "2001:db8::").as_number, 4200000001);
	entry = find(table, "2001:db8:1::");
	CHECK_EQ(entry.as_number, 65546);
	CHECK_BYTES(entry.next_hop, ((const uint8_t[16]){ 0x20, 1, 0x0d, 0xb8, [15] = 1 }), 16);

	CHECK_EQ(find(table, "203.0.113.9").prefix_length, 32);
	CHECK_EQ(find(table, "203.0.113.10").as_number, 64516);
	CHECK_EQ(find(table, "2001:db8:2::9").prefix_length, 128);
	asn_table_destroy(table);
}

TEST(comments_blanks_and_line_ends)
{
	struct asn_table *table = parse("! pmacct's comment\r\n"
					"# the other one\n"
					"\n"
					"   \t \r\n"
					"  64500 ,\t192.0.2.0/24  \r\n"
					"64501,198.51.100.0/24 ! with a remark, and a comma\n"
					"\t64502,203.0.113.0/24# and another\r\n"
					"!64503,10.0.0.0/8\n"
					"#");

	CHECK_EQ(asn_table_count(table, 4), 3);
	CHECK_EQ(find(table, "192.0.2.1").as_number, 64500);
	CHECK_EQ(find(table, "198.51.100.1").as_number, 64501);
	CHECK_EQ(find(table, "203.0.113.1").as_number, 64502);
	CHECK_EQ(find(table, "10.0.0.0").as_number, 0);
	asn_table_destroy(table);
}

TEST(a_file_without_prefixes_is_an_empty_table)
{
	struct error_text error;
	struct asn_table *table = asn_file_parse("networks.lst", NULL, 0, 0, &report, &error);

	CHECK(table);
	CHECK_EQ(asn_table_count(table, 4), 0);
	asn_table_destroy(table);
	table = parse("! nothing yet\n");
	CHECK_EQ(asn_table_count(table, 4), 0);
	asn_table_destroy(table);
}

TEST(host_bits_are_cleared_and_the_last_duplicate_wins)
{
	struct asn_table *table = parse("64500,192.0.2.99/24\n"
					"64501,192.0.2.0/24\n"
					"64502,192.0.2.1/24\n");

	CHECK_EQ(asn_table_count(table, 4), 1);
	CHECK_EQ(find(table, "192.0.2.200").as_number, 64502);
	asn_table_destroy(table);
}

TEST(an_ipv4_mapped_prefix_is_one_of_ipv4)
{
	struct asn_table *table = parse("64500,::ffff:192.0.2.0/120\n"
					"64501,::ffff:203.0.113.9\n"
					"::ffff:c633:6400\t118\t64502\n");

	CHECK_EQ(asn_table_count(table, 4), 3);
	CHECK_EQ(asn_table_count(table, 6), 0);
	CHECK_EQ(find(table, "192.0.2.1").as_number, 64500);
	CHECK_EQ(find(table, "192.0.2.1").prefix_length, 24);
	CHECK_EQ(find(table, "203.0.113.9").as_number, 64501);
	CHECK_EQ(find(table, "198.51.103.1").as_number, 64502);
	asn_table_destroy(table);
}

TEST(errors_name_the_line_the_value_and_what_is_expected)
{
	check_fails(
		"64500,192.0.2.0/24\n64500,192.0.2.0/33\n",
		"networks.lst:2: bad prefix \"192.0.2.0/33\", expected NETWORK/MASK with a mask "
		"of at most 32 (IPv4) or 128 (IPv6)");
	check_fails("! one\n\n64500,2001:db8::/129",
		    "networks.lst:3: bad prefix \"2001:db8::/129\", expected NETWORK/MASK with a "
		    "mask of at most 32 (IPv4) or 128 (IPv6)");
	check_fails("64500;192.0.2.0/24",
		    "networks.lst:1: bad prefix \"64500;192.0.2.0/24\", expected NETWORK/MASK with "
		    "a mask of at most 32 (IPv4) or 128 (IPv6)");
	check_fails("64500,\n",
		    "networks.lst:1: bad prefix \"\", expected NETWORK/MASK with a mask "
		    "of at most 32 (IPv4) or 128 (IPv6)");
	check_fails("4294967296,192.0.2.0/24",
		    "networks.lst:1: bad AS number in \"4294967296,192.0.2.0/24\", expected "
		    "ORIGINAS or PEERAS_ORIGINAS, each 0 to 4294967295");
	check_fails(",192.0.2.0/24",
		    "networks.lst:1: bad AS number in \",192.0.2.0/24\", expected ORIGINAS or "
		    "PEERAS_ORIGINAS, each 0 to 4294967295");
	check_fails("1_2_3,192.0.2.0/24",
		    "networks.lst:1: bad AS number in \"1_2_3,192.0.2.0/24\", expected ORIGINAS or "
		    "PEERAS_ORIGINAS, each 0 to 4294967295");
	check_fails("x_1,192.0.2.0/24",
		    "networks.lst:1: bad AS number in \"x_1,192.0.2.0/24\", expected ORIGINAS or "
		    "PEERAS_ORIGINAS, each 0 to 4294967295");
	check_fails("1_,192.0.2.0/24",
		    "networks.lst:1: bad AS number in \"1_,192.0.2.0/24\", expected ORIGINAS or "
		    "PEERAS_ORIGINAS, each 0 to 4294967295");
	check_fails("203.0.113.1,,192.0.2.0/24",
		    "networks.lst:1: bad AS number in \"203.0.113.1,,192.0.2.0/24\", expected "
		    "ORIGINAS or PEERAS_ORIGINAS, each 0 to 4294967295");
	check_fails("nexthop,64500,192.0.2.0/24",
		    "networks.lst:1: bad next hop \"nexthop\", expected an IPv4 address");
	check_fails("2001:db8::1,64500,192.0.2.0/24",
		    "networks.lst:1: bad next hop \"2001:db8::1\", expected an IPv4 address");
	check_fails("192.0.2.1,64500,2001:db8::/32",
		    "networks.lst:1: bad next hop \"192.0.2.1\", expected an IPv6 address");
	check_fails("1,2,3,192.0.2.0/24",
		    "networks.lst:1: too many commas in \"1,2,3,192.0.2.0/24\", expected "
		    "[NEXTHOP,][[PEERAS_]ORIGINAS,]NETWORK/MASK");
	check_fails("\n\x7f\x45LF\x01\n",
		    "networks.lst:2: bad prefix \"?ELF?\", expected NETWORK/MASK with a mask of at "
		    "most 32 (IPv4) or 128 (IPv6)");
}

TEST(sets_of_one_are_an_origin_and_larger_ones_are_skipped)
{
	struct asn_table *table = parse("64500,192.0.2.0/24\n"
					"{64503},203.0.113.0/24\n"
					"{64501,64502},198.51.100.0/24\n"
					"65000_{ 64504 },10.0.0.0/8\n"
					"{64501 64502 64503}\t100.64.0.0/10\n"
					"2001:db8::1,{64505},2001:db8::/32\n");

	CHECK_EQ(asn_table_count(table, 4), 3);
	CHECK_EQ(find(table, "203.0.113.1").as_number, 64503);
	CHECK_EQ(find(table, "198.51.100.1").as_number, 0);
	CHECK_EQ(find(table, "10.0.0.1").as_number, 64504);
	CHECK_EQ(find(table, "10.0.0.1").peer_as_number, 65000);
	CHECK_EQ(find(table, "2001:db8::9").as_number, 64505);
	CHECK_EQ(report.skipped_sets, 2);
	CHECK_EQ(report.first_skipped, 3);
	asn_table_destroy(table);
	check_fails("{},192.0.2.0/24",
		    "networks.lst:1: bad AS set in \"{},192.0.2.0/24\", expected "
		    "AS numbers in one pair of braces");
	check_fails("{1}{2},192.0.2.0/24",
		    "networks.lst:1: bad AS set in \"{1}{2},192.0.2.0/24\", expected "
		    "AS numbers in one pair of braces");
	check_fails("{1,192.0.2.0/24",
		    "networks.lst:1: bad AS set in \"{1,192.0.2.0/24\", expected "
		    "AS numbers in one pair of braces");
	check_fails("{x},192.0.2.0/24",
		    "networks.lst:1: bad AS number in \"{x},192.0.2.0/24\", expected ORIGINAS or "
		    "PEERAS_ORIGINAS, each 0 to 4294967295");
	/* A line that is skipped must be right all the same. */
	check_fails(
		"{1,2},192.0.2.0/33",
		"networks.lst:1: bad prefix \"192.0.2.0/33\", expected NETWORK/MASK with a mask "
		"of at most 32 (IPv4) or 128 (IPv6)");
}

/* One line in a hundred: a typing error does not cost the table, a file of another kind does. */
TEST(a_few_wrong_lines_are_skipped_and_many_refuse_the_file)
{
	char text[8192] = "! 200 lines\n";
	size_t size = strlen(text);
	struct error_text error;
	struct asn_table *table;

	for (unsigned int i = 0; i < 198; i++)
		size += (size_t)sprintf(text + size, "64500,10.%u.0.0/16\n", i);
	size += (size_t)sprintf(text + size, "64500,192.0.2.0/33\n64501,198.51.100.0/24\n");
	(void)strcpy(text + size, "x,203.0.113.0/24\n");
	table = parse(text);
	CHECK_EQ(asn_table_count(table, 4), 199);
	CHECK_EQ(report.lines, 201);
	CHECK_EQ(report.wrong_lines, 2);
	CHECK_TEXT(report.first_wrong.text,
		   "networks.lst:200: bad prefix \"192.0.2.0/33\", expected NETWORK/MASK with a "
		   "mask of at most 32 (IPv4) or 128 (IPv6)");
	CHECK_EQ(find(table, "198.51.100.1").as_number, 64501);
	asn_table_destroy(table);

	(void)strcat(text, "y,203.0.113.0/24\n");
	CHECK(!parse_bytes(text, strlen(text), &error));
	CHECK_TEXT(error.text, report.first_wrong.text);
	CHECK_TEXT(error.hint, "lines that cannot be read: 3 of 202; a file is taken without them "
			       "if they are at most one in 100");
}

TEST(prefixes_with_another_origin_before_are_reported)
{
	struct asn_table *table = parse("64500,192.0.2.0/24\n"
					"64501,192.0.2.9/24\n"
					"64502,2001:db8::/32\n"
					"64502,2001:db8::/32\n");

	CHECK_EQ(report.build.duplicates, 2);
	CHECK_EQ(report.build.conflicts, 1);
	CHECK_EQ(report.build.conflict.ip_version, 4);
	CHECK_EQ(report.build.conflict_as[1], 64501);
	CHECK_EQ(asn_table_created_s(table), 1700000000);
	CHECK_TEXT(asn_table_source(table), "networks.lst");
	asn_table_destroy(table);
}

TEST(byte_order_mark_and_tabs)
{
	struct asn_table *table = parse("\xef\xbb\xbf"
					"64500\t192.0.2.0/24\n"
					"203.0.113.77 \t 64501\t198.51.100.0/24\n"
					"203.0.113.0/24\t64502\n");

	CHECK_EQ(asn_table_count(table, 4), 3);
	CHECK_EQ(find(table, "192.0.2.1").as_number, 64500);
	CHECK_EQ(find(table, "198.51.100.1").as_number, 64501);
	CHECK(find(table, "198.51.100.1").has_next_hop);
	CHECK_EQ(find(table, "203.0.113.1").as_number, 64502);
	asn_table_destroy(table);
	check_fails("\xff\xfe"
		    "6",
		    "networks.lst: UTF-16; expected plain text or UTF-8");
}

/* CAIDA's pfx2as: of several origins the first, but never a set. And pyasn's comments. */
TEST(three_columns_and_semicolons)
{
	struct asn_table *table = parse("; IP-ASN32-DAT file\n"
					"192.0.2.0\t24\t64500\n"
					"198.51.100.0\t24\t64502_64501\r\n"
					"203.0.113.0\t24\t64503,64504_64505\n"
					"203.0.113.0\t25\t64503,64504\n"
					"2001:db8::\t32\t1.10\n");

	CHECK_EQ(asn_table_count(table, 4), 3);
	CHECK_EQ(find(table, "192.0.2.1").as_number, 64500);
	CHECK_EQ(find(table, "198.51.100.1").as_number, 64502);
	CHECK_EQ(find(table, "203.0.113.1").as_number, 64505);
	CHECK_EQ(find(table, "203.0.113.1").prefix_length, 24);
	CHECK_EQ(find(table, "2001:db8::1").as_number, 65546);
	CHECK_EQ(report.lines, 5);
	CHECK_EQ(report.skipped_sets, 1);
	CHECK_EQ(report.first_skipped, 5);
	asn_table_destroy(table);
	check_fails(
		"192.0.2.0\t33\t64500",
		"networks.lst:1: bad prefix \"192.0.2.0/33\", expected NETWORK TAB MASK TAB AS, "
		"the mask at most 32 (IPv4) or 128 (IPv6)");
	check_fails(
		"192.0.2.0\t24\tx_64500",
		"networks.lst:1: bad AS number \"x\", expected 0 to 4294967295, or several with "
		"_ between them");
	check_fails("192.0.2.0\t24\t",
		    "networks.lst:1: bad prefix \"24\", expected NETWORK/MASK with a mask of "
		    "at most 32 (IPv4) or 128 (IPv6)");
}

TEST(compressed_files_are_named)
{
	check_fails("\x1f\x8b\x08", "networks.lst: compressed with gzip; expected text");
	check_fails("BZh9", "networks.lst: compressed with bzip2; expected text");
}

TEST(default_routes_are_reported)
{
	struct asn_table *table = parse("64500,192.0.2.0/24\n64501,0.0.0.0/0\n64502,::/0\n");

	CHECK_EQ(report.default_routes[0], 2);
	CHECK_EQ(report.default_routes[1], 3);
	CHECK_EQ(find(table, "8.8.8.8").as_number, 64501);
	asn_table_destroy(table);
	asn_table_destroy(parse("64500,192.0.2.0/24\n"));
	CHECK_EQ(report.default_routes[0], 0);
	CHECK_EQ(report.skipped_sets, 0);
}

TEST(a_nul_byte_is_no_text)
{
	static const char text[] = "64500,192.0.2.0/24\n64501,198.51.100.0/24\0x\n";
	struct error_text error;

	CHECK(!parse_bytes(text, sizeof(text) - 1, &error));
	CHECK_TEXT(error.text,
		   "networks.lst:2: line of 23 characters, expected text, found a NUL byte");
}

TEST(long_lines)
{
	struct error_text error;
	char text[400];
	struct asn_table *table;

	/* A long remark is none of our business. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "64500,192.0.2.0/24 ! ", 21);
	table = parse_bytes(text, sizeof(text), &error);
	CHECK(table);
	asn_table_destroy(table);

	memset(text, 'x', sizeof(text));
	CHECK(!parse_bytes(text, 255, &error)); /* fits, and is cut in the error */
	CHECK_TEXT(error.text, "networks.lst:1: bad prefix "
			       "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\""
			       ", expected NETWORK/MASK with a mask of at most 32 (IPv4) or 128 "
			       "(IPv6)");
	CHECK(!parse_bytes(text, 256, &error));
	CHECK_TEXT(error.text, "networks.lst:1: line of 256 characters, expected a single prefix");
}

/* A file of many lines: line numbers and last-wins over the whole of it. */
TEST(many_lines)
{
	const unsigned int lines = 100000;
	char *text = malloc(lines * 32);
	struct asn_table *table;
	size_t size = 0;

	CHECK(text);
	for (unsigned int i = 0; i < lines; i++)
		size += (size_t)sprintf(text + size, "%u,10.%u.%u.0/24\n", i, (i >> 8) & 255,
					i & 255);
	table = parse(text);
	CHECK_EQ(asn_table_count(table, 4), 65536);
	CHECK_EQ(find(table, "10.0.0.1").as_number, 65536);
	CHECK_EQ(find(table, "10.255.255.1").as_number, 65535);
	asn_table_destroy(table);

	(void)strcpy(text + size, "x");
	table = parse(text);
	CHECK_TEXT(report.first_wrong.text,
		   "networks.lst:100001: bad prefix \"x\", expected NETWORK/MASK with a mask "
		   "of at most 32 (IPv4) or 128 (IPv6)");
	asn_table_destroy(table);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_line),
		cmocka_unit_test(comments_blanks_and_line_ends),
		cmocka_unit_test(a_file_without_prefixes_is_an_empty_table),
		cmocka_unit_test(host_bits_are_cleared_and_the_last_duplicate_wins),
		cmocka_unit_test(an_ipv4_mapped_prefix_is_one_of_ipv4),
		cmocka_unit_test(errors_name_the_line_the_value_and_what_is_expected),
		cmocka_unit_test(sets_of_one_are_an_origin_and_larger_ones_are_skipped),
		cmocka_unit_test(a_few_wrong_lines_are_skipped_and_many_refuse_the_file),
		cmocka_unit_test(prefixes_with_another_origin_before_are_reported),
		cmocka_unit_test(byte_order_mark_and_tabs),
		cmocka_unit_test(three_columns_and_semicolons),
		cmocka_unit_test(compressed_files_are_named),
		cmocka_unit_test(default_routes_are_reported),
		cmocka_unit_test(a_nul_byte_is_no_text),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(many_lines),
	};

	return RUN_TESTS(tests);
}
