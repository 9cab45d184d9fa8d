/* test_problems.c - what is wrong now, and what was wrong last. */
#include "problems.h"

#include "check.h"

#include <stdio.h>

TEST(a_problem_that_is_over_is_the_last_one)
{
	struct problems problems = { .count = 0 };

	problems_began(&problems, "down", "a", "a is down", 10);
	problems_began(&problems, "down", "b", "b is down", 20);
	problems_began(&problems, "away", "a", "a is away", 30);
	CHECK_EQ(problems.count, 3);
	CHECK_TEXT(problems.last.text, "");
	problems_ended(&problems, "down", "b", 40);
	CHECK_EQ(problems.count, 2);
	CHECK_TEXT(problems.lasting[1].text, "a is away");
	CHECK_TEXT(problems.last.text, "b is down");
	CHECK_EQ(problems.last.since_ms, 20);
	CHECK_EQ(problems.last.over_ms, 40);
	problems_happened(&problems, "once", 50);
	CHECK_EQ(problems.count, 2);
	CHECK_TEXT(problems.last.text, "once");
	CHECK_EQ(problems.last.over_ms, 50);
	problems_ended(&problems, "down", "b", 60); /* over already */
	CHECK_TEXT(problems.last.text, "once");
}

TEST(what_gets_another_reason_keeps_its_time)
{
	struct problems problems = { .count = 0 };

	problems_began(&problems, "down", "a", "refused", 10);
	problems_began(&problems, "down", "a", "no route", 20);
	CHECK_EQ(problems.count, 1);
	CHECK_TEXT(problems.lasting[0].text, "no route");
	CHECK_EQ(problems.lasting[0].since_ms, 10);
	problems_ended(&problems, "down", "a", 30);
	problems_began(&problems, "down", "a", "again", 40);
	CHECK_EQ(problems.lasting[0].since_ms, 40);
}

TEST(more_problems_than_places_forget_the_oldest)
{
	struct problems problems = { .count = 0 };
	char object[200];

	for (int i = 0; i <= PROBLEMS_MAX; i++) {
		(void)snprintf(object, sizeof(object), "%d", i);
		problems_began(&problems, "down", object, object, i);
	}
	CHECK_EQ(problems.count, PROBLEMS_MAX);
	CHECK_TEXT(problems.lasting[0].text, "1");
	CHECK_TEXT(problems.lasting[PROBLEMS_MAX - 1].text, "32");
	(void)snprintf(object, sizeof(object), "%0199d", 1); /* a long name is known again, cut */
	problems_began(&problems, "down", object, object, 1);
	problems_ended(&problems, "down", object, 2);
	CHECK_EQ(problems.count, PROBLEMS_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_problem_that_is_over_is_the_last_one),
		cmocka_unit_test(what_gets_another_reason_keeps_its_time),
		cmocka_unit_test(more_problems_than_places_forget_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
