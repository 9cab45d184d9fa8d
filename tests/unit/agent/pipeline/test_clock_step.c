/* test_clock_step.c - steps of the clock, and which packets are from before them. */
#include "clock_step.h"

#include "check.h"

#define HOUR_MS 3600000
#define NOW_MS  1700000000000

/* Readings at one moment. */
static int64_t look(struct clock_step *clock, int64_t monotonic_ms, int64_t now_ms)
{
	return clock_step_look(clock, monotonic_ms, now_ms, monotonic_ms);
}

TEST(only_a_step_changes_the_difference_of_the_clocks)
{
	struct clock_step clock = { 0 };

	CHECK_EQ(look(&clock, 1000, NOW_MS), 0); /* the first look only learns */
	CHECK_EQ(look(&clock, 2000, NOW_MS + 1000), 0);
	/* A tick between the two readings. */
	CHECK_EQ(look(&clock, 3000, NOW_MS + 2010), 0);
	CHECK_EQ(look(&clock, 3000, NOW_MS + 2000 + CLOCK_STEP_MIN_MS - 1), 0);
	CHECK_EQ(look(&clock, 3000, NOW_MS + 2000 - CLOCK_STEP_MIN_MS + 1), 0);
	CHECK_EQ(look(&clock, 4000, NOW_MS + 3000 + HOUR_MS), HOUR_MS);
	CHECK_EQ(look(&clock, 5000, NOW_MS + 4000 + HOUR_MS), 0);
	CHECK_EQ(look(&clock, 6000, NOW_MS + 5000), -HOUR_MS);
	CHECK_EQ(look(&clock, 6000, NOW_MS + 5000 + CLOCK_STEP_MIN_MS), CLOCK_STEP_MIN_MS);
}

/* Of a thread that did not get a CPU between two readings. */
TEST(readings_that_are_far_apart_are_no_step)
{
	struct clock_step clock = { 0 };

	CHECK_EQ(clock_step_look(&clock, 1000, NOW_MS + 300, 1300), 0); /* nothing is learnt */
	CHECK_EQ(look(&clock, 2000, NOW_MS + 1000), 0);
	CHECK_EQ(clock_step_look(&clock, 3000, NOW_MS + 2300, 3300), 0);
	CHECK_EQ(look(&clock, 4000, NOW_MS + 3000), 0);
	CHECK_EQ(clock_step_look(&clock, 5000, NOW_MS + 4000 + HOUR_MS, 5300), 0);
	CHECK_EQ(look(&clock, 6000, NOW_MS + 5000 + HOUR_MS), HOUR_MS);
}

TEST(packets_before_a_step_are_known_by_their_time)
{
	const int64_t steps_ms[] = { HOUR_MS, -HOUR_MS, 1000, -1000 };

	for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
		const int64_t step_ms = steps_ms[i];
		const int64_t before_ms = NOW_MS - step_ms;
		const struct packet_view views[] = {
			{ .time_ms = before_ms - 200 },
			{ .time_ms = before_ms - 100 },
			{ .time_ms = NOW_MS - 90 },
			{ .time_ms = NOW_MS },
		};

		CHECK_EQ(clock_step_first(views, 4, NOW_MS, step_ms), 2);
		CHECK_EQ(clock_step_first(views, 2, NOW_MS, step_ms), 2);
		CHECK_EQ(clock_step_first(views + 2, 2, NOW_MS, step_ms), 0);
		CHECK_EQ(clock_step_first(views, 0, NOW_MS, step_ms), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_step_changes_the_difference_of_the_clocks),
		cmocka_unit_test(readings_that_are_far_apart_are_no_step),
		cmocka_unit_test(packets_before_a_step_are_known_by_their_time),
	};

	return RUN_TESTS(tests);
}
