/* test_address.c - addresses, prefixes and AS numbers as text. */
#include "address.h"

#include "check.h"

#include <errno.h>
#include <stdlib.h>

static void check_format(uint8_t ip_version, const uint8_t *address, const char *expected)
{
	char text[ADDRESS_TEXT_SIZE];

	CHECK_TEXT(address_format(ip_version, address, text), expected);
}

TEST(addresses_have_their_canonical_text)
{
	const uint8_t longest[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	check_format(4, (const uint8_t[4]){ 0, 0, 0, 0 }, "0.0.0.0");
	check_format(4, (const uint8_t[4]){ 192, 0, 2, 1 }, "192.0.2.1");
	check_format(4, longest, "255.255.255.255");
	check_format(6, (const uint8_t[16]){ 0 }, "::");
	check_format(6, (const uint8_t[16]){ [15] = 1 }, "::1");
	check_format(6, longest, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	/* RFC 5952 section 4: no leading zeros, lower case, the longest run of zeros shortened, the
	 * first of equal runs, a single zero field never. */
	check_format(6, (const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8, [14] = 0xab, [15] = 0xcd },
		     "2001:db8::abcd");
	check_format(
		6,
		(const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 },
		"2001:db8:0:1::1");
	check_format(
		6,
		(const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 },
		"2001:db8::1:0:0:1");
	check_format(
		6,
		(const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 },
		"2001:db8:0:1:1:1:1:1");
}

TEST(prefixes_are_parsed)
{
	const uint8_t documentation[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct prefix prefix;

	CHECK_EQ(prefix_parse("192.0.2.0/24", &prefix), 0);
	CHECK_EQ(prefix.ip_version, 4);
	CHECK_EQ(prefix.length, 24);
	CHECK_BYTES(prefix.address, ((const uint8_t[16]){ 192, 0, 2 }), 16);

	CHECK_EQ(prefix_parse("2001:db8::/32", &prefix), 0);
	CHECK_EQ(prefix.ip_version, 6);
	CHECK_EQ(prefix.length, 32);
	CHECK_BYTES(prefix.address, documentation, 16);

	CHECK_EQ(prefix_parse("0.0.0.0/0", &prefix), 0);
	CHECK_EQ(prefix.length, 0);
	CHECK_EQ(prefix_parse("::/0", &prefix), 0);
	CHECK_EQ(prefix.length, 0);
	CHECK_EQ(prefix_parse("255.255.255.255/32", &prefix), 0);
	CHECK_EQ(prefix.length, 32);
	CHECK_EQ(prefix_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", &prefix), 0);
	CHECK_EQ(prefix.length, 128);
}

TEST(an_address_alone_is_a_host)
{
	struct prefix prefix;

	CHECK_EQ(prefix_parse("192.0.2.1", &prefix), 0);
	CHECK_EQ(prefix.length, 32);
	CHECK_EQ(prefix_parse("2001:db8::1", &prefix), 0);
	CHECK_EQ(prefix.length, 128);
	CHECK_EQ(prefix_parse("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", &prefix), 0);
	CHECK_EQ(prefix.length, 128);
}

TEST(host_bits_are_cleared)
{
	struct prefix prefix;

	CHECK_EQ(prefix_parse("10.255.255.255/8", &prefix), 0);
	CHECK_BYTES(prefix.address, ((const uint8_t[16]){ 10 }), 16);
	CHECK_EQ(prefix_parse("255.255.255.255/31", &prefix), 0);
	CHECK_BYTES(prefix.address, ((const uint8_t[16]){ 255, 255, 255, 254 }), 16);
	CHECK_EQ(prefix_parse("255.255.255.255/1", &prefix), 0);
	CHECK_BYTES(prefix.address, ((const uint8_t[16]){ 128 }), 16);
	CHECK_EQ(prefix_parse("255.255.255.255/0", &prefix), 0);
	CHECK_BYTES(prefix.address, ((const uint8_t[16]){ 0 }), 16);
	CHECK_EQ(prefix_parse("ffff::ffff/127", &prefix), 0);
	CHECK_BYTES(prefix.address, ((const uint8_t[16]){ 255, 255, [14] = 255, [15] = 254 }), 16);
}

static void check_unmapped(const char *text, uint8_t ip_version, uint8_t length,
			   const char *expected)
{
	char address[ADDRESS_TEXT_SIZE];
	struct prefix prefix;

	CHECK_EQ(prefix_parse(text, &prefix), 0);
	CHECK_EQ(prefix.ip_version, ip_version);
	CHECK_EQ(prefix.length, length);
	CHECK_TEXT(address_format(ip_version, prefix.address, address), expected);
	if (ip_version == 4)
		CHECK_BYTES(prefix.address + 4, ((const uint8_t[12]){ 0 }), 12);
}

/* No packet of IPv4 would match them otherwise. */
TEST(ipv4_mapped_prefixes_are_of_ipv4)
{
	check_unmapped("::ffff:192.0.2.0/120", 4, 24, "192.0.2.0");
	check_unmapped("::ffff:192.0.2.77/120", 4, 24, "192.0.2.0");
	check_unmapped("::ffff:c000:24d", 4, 32, "192.0.2.77");
	check_unmapped("::ffff:0:0/96", 4, 0, "0.0.0.0");
	/* More than them, or nearly them. */
	check_unmapped("::ffff:192.0.2.0/95", 6, 95, "::fffe:0:0");
	check_unmapped("::fffe:192.0.2.0/120", 6, 120, "::fffe:c000:200");
	check_unmapped("::192.0.2.0/120", 6, 120, "::192.0.2.0");
	check_unmapped("1::ffff:192.0.2.0/120", 6, 120, "1::ffff:c000:200");
}

TEST(what_is_no_prefix_is_refused)
{
	static const char *const wrong[] = {
		"",
		"/",
		"/24",
		"192.0.2.0/",
		"192.0.2.0/33",
		"192.0.2.0/-1",
		"192.0.2.0/+1",
		"192.0.2.0/ 8",
		"192.0.2.0/8 ",
		"192.0.2.0/8/8",
		"192.0.2.0/0x8",
		"192.0.2.0/255.255.255.0",
		"192.0.2/24",
		"192.0.2.256/24",
		"192.0.2.01/24",
		"192.0.2.0.0/24",
		" 192.0.2.0/24",
		"2001:db8::/129",
		"2001:db8::/",
		"2001:db8:::/32",
		"2001:db8/32",
		"1:2:3:4:5:6:7:8:9",
		"::12345",
		"::g",
		"fe80::1%eth0",
		"[::1]",
		"localhost",
		"192.0.2.0/18446744073709551624",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	};
	struct prefix prefix;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (prefix_parse(wrong[i], &prefix) != -EINVAL)
			fail_msg("\"%s\" was taken for a prefix", wrong[i]);
	}
}

TEST(address_alone_tells_its_family)
{
	uint8_t address[16];

	CHECK_EQ(address_parse("192.0.2.1", address), 4);
	CHECK_BYTES(address, ((const uint8_t[16]){ 192, 0, 2, 1 }), 16);
	CHECK_EQ(address_parse("::ffff:192.0.2.1", address), 6);
	CHECK_BYTES(address,
		    ((const uint8_t[16]){ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1 }),
		    16);
	CHECK_EQ(address_parse("192.0.2.1/32", address), -EINVAL);
	CHECK_EQ(address_parse("", address), -EINVAL);
}

TEST(a_prefix_contains_its_addresses_only)
{
	struct prefix prefix;

	CHECK_EQ(prefix_parse("192.0.2.128/25", &prefix), 0);
	CHECK(prefix_contains(&prefix, 4, (const uint8_t[]){ 192, 0, 2, 128 }));
	CHECK(prefix_contains(&prefix, 4, (const uint8_t[]){ 192, 0, 2, 255 }));
	CHECK(!prefix_contains(&prefix, 4, (const uint8_t[]){ 192, 0, 2, 127 }));
	CHECK(!prefix_contains(&prefix, 4, (const uint8_t[]){ 192, 0, 3, 128 }));
	CHECK(!prefix_contains(&prefix, 6, (const uint8_t[16]){ 192, 0, 2, 128 }));

	CHECK_EQ(prefix_parse("::/0", &prefix), 0);
	CHECK(prefix_contains(&prefix, 6, (const uint8_t[16]){ 0xff }));
	CHECK(!prefix_contains(&prefix, 4, (const uint8_t[4]){ 0 }));
}

/* Bit by bit, for every length, on addresses that differ in one bit or none. */
TEST(bits_count_up_to_the_length_and_no_further)
{
	uint8_t *one = malloc(16);
	uint8_t *other = malloc(16);

	CHECK(one && other);
	memset(one, 0xa5, 16);
	for (unsigned int different = 0; different <= 128; different++) {
		memcpy(other, one, 16);
		if (different < 128)
			other[different / 8] ^= (uint8_t)(0x80 >> different % 8);
		for (unsigned int bits = 0; bits <= 128; bits++)
			CHECK_EQ(address_bits_equal(one, other, bits), bits <= different);
	}
	for (unsigned int bits = 0; bits <= 128; bits++) {
		memset(other, 0xff, 16);
		CHECK_EQ(address_clear_host_bits(other, 16, bits), bits < 128);
		for (unsigned int bit = 0; bit < 128; bit++)
			CHECK_EQ((other[bit / 8] >> (7 - bit % 8)) & 1, bit < bits);
		CHECK(!address_clear_host_bits(other, 16, bits));
	}
	free(one);
	free(other);
}

/* What is formatted is parsed back to the same bytes. */
TEST(format_and_parse_agree_on_random_addresses)
{
	unsigned int seed = 1;

	for (int i = 0; i < 20000; i++) {
		uint8_t address[16], parsed[16];
		char text[ADDRESS_TEXT_SIZE];
		uint8_t ip_version = i % 2 ? 4 : 6;

		for (size_t j = 0; j < 16; j++) /* many zeros, to meet shortened runs */
			address[j] = (uint8_t)(rand_r(&seed) % 3 ? 0 : rand_r(&seed));
		CHECK_EQ(address_parse(address_format(ip_version, address, text), parsed),
			 ip_version);
		CHECK_BYTES(parsed, address, ip_version == 4 ? 4 : 16);
	}
}

TEST(as_numbers_are_asplain_or_asdot)
{
	static const struct {
		const char *text;
		uint32_t as_number;
	} right[] = {
		{ "0", 0 },
		{ "64500", 64500 },
		{ "4294967295", 4294967295 },
		{ "0.64500", 64500 },
		{ "1.10", 65546 }, /* RFC 5396 */
		{ "65535.65535", 4294967295 },
		{ "AS64500", 64500 },
		{ "as1.10", 65546 },
	};
	static const char *const wrong[] = {
		"",         "AS",      "-1", "+1", "4294967296", "18446744073709551616",
		"1.65536",  "65536.1", ".1", "1.", "1.2.3",      "1 ",
		" 1",       "0x10",    "1a", "A1", "ASAS1",      "192.0.2.1",
		"000001.1",
	};
	uint32_t as_number;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		as_number = 1234567;
		CHECK_EQ(as_number_parse(right[i].text, &as_number), 0);
		CHECK_EQ(as_number, right[i].as_number);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (as_number_parse(wrong[i], &as_number) != -EINVAL)
			fail_msg("\"%s\" was taken for an AS number", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_their_canonical_text),
		cmocka_unit_test(prefixes_are_parsed),
		cmocka_unit_test(an_address_alone_is_a_host),
		cmocka_unit_test(host_bits_are_cleared),
		cmocka_unit_test(ipv4_mapped_prefixes_are_of_ipv4),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(address_alone_tells_its_family),
		cmocka_unit_test(a_prefix_contains_its_addresses_only),
		cmocka_unit_test(bits_count_up_to_the_length_and_no_further),
		cmocka_unit_test(format_and_parse_agree_on_random_addresses),
		cmocka_unit_test(as_numbers_are_asplain_or_asdot),
	};

	return RUN_TESTS(tests);
}
