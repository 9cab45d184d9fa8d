/* test_interface_rules.c - numbers of interfaces by their names. */
#include "check.h"
#include "interface_rules.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t number(const char *text, const char *name, uint32_t index)
{
	struct interface_rules rules = { 0 };
	struct error_text error;
	uint32_t result;

	CHECK_EQ(interface_rules_parse(&rules, text, &error), 0);
	result = interface_rules_number(&rules, name, index);
	interface_rules_clear(&rules);
	return result;
}

TEST(without_rules_the_index_stays)
{
	const struct interface_rules rules = { 0 };

	CHECK_EQ(interface_rules_number(&rules, "eth3", 7), 7);
}

TEST(a_base_takes_the_number_after_it)
{
	CHECK_EQ(number("eth:100", "eth3", 7), 103);
	CHECK_EQ(number("eth:100", "eth0", 7), 100);
	CHECK_EQ(number("eth:100", "eth12", 7), 112);
	CHECK_EQ(number("eth:100", "eth007", 7), 107);
	CHECK_EQ(number("eth:100,ppp:200", "ppp11", 7), 211);
	/* What is not BASE<number> is another interface. */
	CHECK_EQ(number("eth:100", "eth", 7), 7);
	CHECK_EQ(number("eth:100", "eth0.100", 7), 7);
	CHECK_EQ(number("eth:100", "ethx", 7), 7);
	CHECK_EQ(number("eth:100", "veth0", 7), 7);
	CHECK_EQ(number("eth:100", "lo", 7), 7);
}

TEST(a_name_is_exact_and_wins)
{
	CHECK_EQ(number("eth:100,eth3=7", "eth3", 2), 7);
	CHECK_EQ(number("eth3=7,eth:100", "eth3", 2), 7);
	CHECK_EQ(number("eth3=7,eth:100", "eth30", 2), 130);
	CHECK_EQ(number("eth3=7", "eth30", 2), 2);
	CHECK_EQ(number("wan.100=9", "wan.100", 2), 9);
	/* A name may hold the separator. */
	CHECK_EQ(number("a=b=9", "a=b", 2), 9);
}

TEST(of_several_bases_the_first_counts)
{
	CHECK_EQ(number("eth1:500,eth:100", "eth12", 2), 502);
	CHECK_EQ(number("eth:100,eth1:500", "eth12", 2), 112);
}

TEST(numbers_have_32_bits)
{
	CHECK_EQ(number("eth:4294967290", "eth5", 2), 4294967295);
	CHECK_EQ(number("eth:4294967290", "eth6", 2), 2);
	CHECK_EQ(number("eth:1", "eth99999999999", 2), 2);
	CHECK_EQ(number("lo=4294967295", "lo", 2), 4294967295);
}

TEST(text_comes_back_as_it_was)
{
	static const char text[] = "eth:100,ppp:200,wg0=7";
	struct interface_rules rules = { 0 };
	struct error_text error;
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);

	CHECK_EQ(interface_rules_parse(&rules, "lo=1", &error), 0);
	CHECK_EQ(interface_rules_parse(&rules, text, &error), 0); /* the last one counts */
	interface_rules_format(&rules, out);
	CHECK_EQ(fclose(out), 0);
	CHECK_TEXT(written, text);
	free(written);
	interface_rules_clear(&rules);
}

TEST(errors_name_what_was_expected)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "eth", "\"eth\": expected BASE:N or NAME=N, such as eth:100 or wg0=7" },
		{ ":5", "\":5\": expected BASE:N or NAME=N, such as eth:100 or wg0=7" },
		{ "eth:100,", "\"\": expected BASE:N or NAME=N, such as eth:100 or wg0=7" },
		{ "eth:1,,b:2", "\"\": expected BASE:N or NAME=N, such as eth:100 or wg0=7" },
		{ "eth:", "\"\": expected a number from 1 to 4294967295" },
		{ "eth:ten", "\"ten\": expected a number from 1 to 4294967295" },
		{ "eth:-1", "\"-1\": expected a number from 1 to 4294967295" },
		{ "eth:4294967296", "\"4294967296\": expected a number from 1 to 4294967295" },
		{ "lo=0", "\"0\": expected a number from 1 up: 0 stands for no interface" },
		{ "eth0=1,eth0=2", "\"eth0=\": given twice" },
		{ "eth:1,ppp:2,eth:3", "\"eth:\": given twice" },
		{ "a-very-long-name=1",
		  "\"a-very-long-name\": an interface's name has at most 15 characters" },
	};
	struct interface_rules rules = { 0 };
	struct error_text error;

	CHECK_EQ(interface_rules_parse(&rules, "lo=9", &error), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(interface_rules_parse(&rules, rows[i].text, &error), -EINVAL);
		CHECK_TEXT(error.text, rows[i].error);
	}
	CHECK_EQ(interface_rules_number(&rules, "lo", 1), 9);
	interface_rules_clear(&rules);
}

TEST(rules_are_bounded)
{
	struct interface_rules rules = { 0 };
	struct error_text error;
	char text[16 * (INTERFACE_RULES_MAX + 1)] = "";
	char *end = text;

	for (int i = 0; i <= INTERFACE_RULES_MAX; i++)
		end += snprintf(end, 16, "%se%d=1", i ? "," : "", i);
	CHECK_EQ(interface_rules_parse(&rules, text, &error), -EINVAL);
	CHECK_TEXT(error.text, "expected at most 256 rules");
	*strrchr(text, ',') = '\0';
	CHECK_EQ(interface_rules_parse(&rules, text, &error), 0);
	CHECK_EQ(rules.count, INTERFACE_RULES_MAX);
	interface_rules_clear(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_rules_the_index_stays),
		cmocka_unit_test(a_base_takes_the_number_after_it),
		cmocka_unit_test(a_name_is_exact_and_wins),
		cmocka_unit_test(of_several_bases_the_first_counts),
		cmocka_unit_test(numbers_have_32_bits),
		cmocka_unit_test(text_comes_back_as_it_was),
		cmocka_unit_test(errors_name_what_was_expected),
		cmocka_unit_test(rules_are_bounded),
	};

	return RUN_TESTS(tests);
}
