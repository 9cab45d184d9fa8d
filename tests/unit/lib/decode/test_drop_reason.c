/* test_drop_reason.c - each reason has a key of its own and a text. */
#include "check.h"
#include "drop_reason.h"

TEST(none_is_0_and_named)
{
	CHECK_EQ(DROP_NONE, 0);
	CHECK_TEXT(drop_reason_name(DROP_NONE), "none");
	CHECK_TEXT(drop_reason_text(DROP_NONE), "accounted");
}

TEST(names_are_keys_and_differ)
{
	CHECK(DROP_REASON_COUNT > 1);
	for (int i = 0; i < DROP_REASON_COUNT; i++) {
		const char *name = drop_reason_name((enum drop_reason)i);

		CHECK_EQ(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		CHECK(drop_reason_text((enum drop_reason)i)[0] != '\0');
		for (int other = 0; other < i; other++)
			CHECK(strcmp(name, drop_reason_name((enum drop_reason)other)) != 0);
	}
	CHECK_TEXT(drop_reason_name(DROP_NOT_IP), "not_ip");
}

TEST(number_that_is_no_reason)
{
	CHECK_TEXT(drop_reason_name(DROP_REASON_COUNT), "unknown");
	CHECK_TEXT(drop_reason_text(DROP_REASON_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_0_and_named),
		cmocka_unit_test(names_are_keys_and_differ),
		cmocka_unit_test(number_that_is_no_reason),
	};

	return RUN_TESTS(tests);
}
