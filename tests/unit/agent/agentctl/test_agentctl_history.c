/* test_agentctl_history.c - rows of bars: heights, widths, the ring. */
#include "check.h"

#include "agentctl_history.h"

#include <stdlib.h>
#include <string.h>

static void expect(const struct agentctl_history *history, size_t width, bool is_utf8,
		   const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	agentctl_history_draw(history, width, is_utf8, out);
	CHECK_EQ(fclose(out), 0);
	CHECK_TEXT(text, expected);
	free(text);
}

TEST(the_newest_value_is_at_the_right)
{
	struct agentctl_history history = { .count = 0 };

	expect(&history, 3, true, "   ");
	agentctl_history_add(&history, 0);
	expect(&history, 3, true, "  ▁");
	agentctl_history_add(&history, 7);
	agentctl_history_add(&history, 14);
	expect(&history, 4, true, " ▁▄█");
	expect(&history, 4, false, " _-#");
	expect(&history, 2, true, "▄█");
	expect(&history, 0, true, "");
}

TEST(what_is_above_zero_is_higher_than_zero)
{
	struct agentctl_history history = { .count = 0 };

	agentctl_history_add(&history, 1);
	agentctl_history_add(&history, UINT64_MAX);
	agentctl_history_add(&history, 0);
	expect(&history, 3, false, ".#_");
}

TEST(the_oldest_values_are_forgotten)
{
	struct agentctl_history history = { .count = 0 };
	char expected[AGENTCTL_HISTORY_VALUES + 1];

	agentctl_history_add(&history, 1000000);
	for (int i = 0; i < AGENTCTL_HISTORY_VALUES; i++)
		agentctl_history_add(&history, 5);
	memset(expected, '#', sizeof(expected) - 1);
	expected[sizeof(expected) - 1] = '\0';
	expect(&history, AGENTCTL_HISTORY_VALUES, false, expected);
}

static void expect_bar(uint64_t part, uint64_t whole, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	agentctl_history_bar(part, whole, 4, false, out);
	CHECK_EQ(fclose(out), 0);
	CHECK_TEXT(text, expected);
	free(text);
}

TEST(a_bar_is_filled_by_its_part)
{
	expect_bar(0, 0, "....");
	expect_bar(0, 100, "....");
	expect_bar(50, 100, "##..");
	expect_bar(100, 100, "####");
	expect_bar(200, 100, "####");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_value_is_at_the_right),
		cmocka_unit_test(what_is_above_zero_is_higher_than_zero),
		cmocka_unit_test(the_oldest_values_are_forgotten),
		cmocka_unit_test(a_bar_is_filled_by_its_part),
	};

	return RUN_TESTS(tests);
}
