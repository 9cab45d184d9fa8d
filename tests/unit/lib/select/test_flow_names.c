/* test_flow_names.c - one name for each datum, whatever it is written as. */
#include "flow_names.h"

#include "check.h"

static void expect(const char *text, const char *expected)
{
	char name[FLOW_NAME_SIZE];

	CHECK_TEXT(flow_names_canonical(text, strlen(text), name), expected);
}

TEST(names_lead_to_those_of_rows)
{
	expect("dport", "dst_port");
	expect("DstPort", "dst_port");
	expect("destinationTransportPort", "dst_port");
	expect("dst_port", "dst_port");
	expect("octets", "bytes");
	expect("oif", "out_if");
}

TEST(other_words_stay_what_they_are)
{
	expect("colour", "colour");
	expect("dpor", "dpor");
	expect("", "");
	expect("a_word_that_is_far_too_long_to_be_the_name_of_anything", "");
}

TEST(names_are_compared_by_what_they_mean)
{
	CHECK(flow_names_equal("sport,", 5, "sourceTransportPort"));
	CHECK(flow_names_equal("Colour", 6, "colour"));
	CHECK(!flow_names_equal("sport", 5, "dport"));
	CHECK(!flow_names_equal("", 0, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lead_to_those_of_rows),
		cmocka_unit_test(other_words_stay_what_they_are),
		cmocka_unit_test(names_are_compared_by_what_they_mean),
	};

	return RUN_TESTS(tests);
}
