/* test_json_line.c - numbers, addresses and strings as JSON: boundaries, and the same text as the
 * C library's under random input. */
#include "json_line.h"

#include "address.h"
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Run 'writer' on a block of exactly the size that it may touch. */
#define WRITTEN(text, room, call)                                                \
	do {                                                                     \
		char *to = malloc(room);                                         \
		const char *end;                                                 \
		CHECK(to != NULL);                                               \
		end = call;                                                      \
		CHECK(end - to < (ptrdiff_t)sizeof(text));                       \
		(void)snprintf(text, sizeof(text), "%.*s", (int)(end - to), to); \
		free(to);                                                        \
	} while (0)

static void check_unsigned(uint64_t value, const char *expected)
{
	char text[64];

	WRITTEN(text, JSON_LINE_NUMBER_SIZE, json_line_unsigned(to, value));
	CHECK_TEXT(text, expected);
}

static void check_signed(int64_t value, const char *expected)
{
	char text[64];

	WRITTEN(text, JSON_LINE_NUMBER_SIZE + 1, json_line_signed(to, value));
	CHECK_TEXT(text, expected);
}

TEST(numbers_up_to_64_bits_are_printed_in_full)
{
	char expected[32];
	uint64_t power = 1;

	check_unsigned(0, "0");
	check_unsigned(9, "9");
	check_unsigned(10, "10");
	check_unsigned(99, "99");
	check_unsigned(100, "100");
	check_unsigned(UINT32_MAX, "4294967295");
	check_unsigned(UINT64_C(9007199254740993), "9007199254740993"); /* 2^53 + 1 */
	check_unsigned(UINT64_MAX, "18446744073709551615");
	for (int digits = 1; digits < 20; digits++, power *= 10) {
		(void)snprintf(expected, sizeof(expected), "%" PRIu64, power);
		check_unsigned(power, expected);
		(void)snprintf(expected, sizeof(expected), "%" PRIu64, power - 1);
		check_unsigned(power - 1, expected);
	}
}

TEST(negative_numbers)
{
	check_signed(0, "0");
	check_signed(-1, "-1");
	check_signed(-10, "-10");
	check_signed(-99, "-99");
	check_signed(-1000, "-1000");
	check_signed(INT64_MAX, "9223372036854775807");
	check_signed(INT64_MIN, "-9223372036854775808");
}

static void check_address(const uint8_t *address, size_t size)
{
	char plain[ADDRESS_TEXT_SIZE], expected[ADDRESS_TEXT_SIZE + 2], text[64];

	(void)snprintf(expected, sizeof(expected), "\"%s\"",
		       address_format(size == 4 ? 4 : 6, address, plain));
	WRITTEN(text, JSON_LINE_ADDRESS_SIZE, json_line_address(to, address, size));
	CHECK_TEXT(text, expected);
	CHECK(strlen(text) <= (size == 4 ? JSON_LINE_IPV4_LENGTH : JSON_LINE_IPV6_LENGTH));
}

static void check_ipv6(const char *address)
{
	uint8_t bytes[16];
	char expected[64], text[64];

	CHECK_EQ(address_parse(address, bytes), 6);
	(void)snprintf(expected, sizeof(expected), "\"%s\"", address);
	WRITTEN(text, JSON_LINE_ADDRESS_SIZE, json_line_address(to, bytes, 16));
	CHECK_TEXT(text, expected);
}

TEST(ipv6_addresses_are_as_rfc_5952_has_them)
{
	static const char *const addresses[] = {
		"::",
		"::1",
		"1::",
		"2001:db8::1",
		"2001:db8:0:1:1:1:1:1", /* section 4.2.2: a single 0 is not shortened */
		"2001:0:0:1::1",        /* section 4.2.3: the longer run */
		"2001:db8::1:0:0:1",    /* section 4.2.3: the first of two */
		"2001:db8::",           /* up to the end */
		"0:1::",
		"::2:3:4:5:6:7",
		"1:2:3:4:5:6::",
		"0:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7:0",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"::ffff:192.0.2.1", /* section 5 */
		"::ffff:255.255.255.255",
		"::192.0.2.1",
		"64:ff9b::c000:201",
		"fe80::abcd:ef",
	};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		check_ipv6(addresses[i]);
}

TEST(addresses_are_what_the_c_library_prints)
{
	uint8_t bytes[16];

	srandom(5952);
	for (int i = 0; i < 200000; i++) {
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)random();
		/* Words of 0 and of few digits, often. */
		for (size_t j = 0; j < sizeof(bytes); j += 2) {
			const long kind = random() % 4;

			if (kind < 2)
				bytes[j] = 0;
			if (kind == 0)
				bytes[j + 1] = 0;
		}
		check_address(bytes, 16);
		check_address(bytes, 4);
	}
}

static void check_string(const char *bytes, size_t size, const char *expected)
{
	char *exact = malloc(size);
	char text[512];

	CHECK(exact != NULL);
	memcpy(exact, bytes, size);
	WRITTEN(text, JSON_LINE_TEXT_SIZE(size), json_line_text(to, exact, size));
	CHECK_TEXT(text, expected);
	free(exact);
}

TEST(strings_are_escaped)
{
	check_string("eth0\0\0\0", 8, "\"eth0\"");
	check_string("eth0", 4, "\"eth0\""); /* no NUL */
	check_string("\0", 1, "\"\"");
	check_string("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
	check_string("\x01\x1f\n\t\x7f", 5, "\"\\u0001\\u001f\\u000a\\u0009\x7f\"");
	check_string("\x1f\x1f\x1f\x1f", 4, "\"\\u001f\\u001f\\u001f\\u001f\"");
}

TEST(what_is_not_utf_8_is_replaced)
{
	check_string("\xc3\xa9t\xc3\xa9", 5, "\"\xc3\xa9t\xc3\xa9\"");
	check_string("\xf0\x9f\x8c\x8d", 4, "\"\xf0\x9f\x8c\x8d\"");
	check_string("\xff", 1, "\"\xef\xbf\xbd\"");
	check_string("a\x80z", 3, "\"a\xef\xbf\xbdz\"");
	check_string("\xc3", 1, "\"\xef\xbf\xbd\"");                                 /* cut off */
	check_string("\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* overlong */
	check_string("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* surrogate */
	check_string("\xf4\x90\x80\x80", 4,
		     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* above U+10FFFF */
	check_string("\xe2\x82x", 3, "\"\xef\xbf\xbd\xef\xbf\xbdx\"");
}

TEST(what_is_not_printable_is_escaped)
{
	check_string("a\xc2\x9b"
		     "b",
		     4, "\"a\\u009bb\"");
	check_string("\xe2\x80\xae", 3, "\"\\u202e\"");
	check_string("\xc2\xa0", 2, "\"\xc2\xa0\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_up_to_64_bits_are_printed_in_full),
		cmocka_unit_test(negative_numbers),
		cmocka_unit_test(ipv6_addresses_are_as_rfc_5952_has_them),
		cmocka_unit_test(addresses_are_what_the_c_library_prints),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(what_is_not_utf_8_is_replaced),
		cmocka_unit_test(what_is_not_printable_is_escaped),
	};

	return RUN_TESTS(tests);
}
