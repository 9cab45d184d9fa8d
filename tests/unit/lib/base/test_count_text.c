/* test_count_text.c - one thing, and several. */
#include "count_text.h"

#include "check.h"

TEST(one_is_singular_and_all_else_plural)
{
	char text[COUNT_TEXT_SIZE];

	CHECK_TEXT(count_text(0, "packet", text), "0 packets");
	CHECK_TEXT(count_text(1, "packet", text), "1 packet");
	CHECK_TEXT(count_text(UINT64_MAX, "record", text), "18446744073709551615 records");
	CHECK_TEXT(count_verb(0, "was", "were"), "were");
	CHECK_TEXT(count_verb(1, "was", "were"), "was");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_singular_and_all_else_plural),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
