/* test_rotation.c - when an export file ends: boundaries of time and size. */
#include "rotation.h"

#include "check.h"

#define HOUR_MS 3600000
#define MESSAGE 1000
#define NOON_MS (UINT64_C(1700000000000) / HOUR_MS * HOUR_MS) /* a whole hour */

TEST(a_file_ends_at_the_whole_interval)
{
	struct rotation rotation = { .settings = { .interval_ms = HOUR_MS },
				     .message_size = MESSAGE };

	CHECK(!rotation_is_due(&rotation, NOON_MS)); /* nothing in it */
	CHECK_EQ(rotation_wait_ms(&rotation, NOON_MS), -1);
	rotation_add(&rotation, 10, NOON_MS + 1000);
	CHECK(!rotation_is_due(&rotation, NOON_MS + HOUR_MS - 1));
	CHECK_EQ(rotation_wait_ms(&rotation, NOON_MS + HOUR_MS - 1), 1);
	CHECK(rotation_is_due(&rotation, NOON_MS + HOUR_MS));
	CHECK_EQ(rotation_wait_ms(&rotation, NOON_MS + HOUR_MS + 5), 0);
	CHECK_EQ(rotation.number, 0);
	rotation_begin(&rotation);
	CHECK_EQ(rotation.number, 1);
	CHECK(!rotation_is_due(&rotation, NOON_MS + HOUR_MS));
	rotation_add(&rotation, 10, NOON_MS + HOUR_MS);
	CHECK(!rotation_is_due(&rotation, NOON_MS + 2 * HOUR_MS - 1));
	CHECK(rotation_is_due(&rotation, NOON_MS + 2 * HOUR_MS));
}

TEST(a_clock_that_is_set_back_begins_no_file)
{
	struct rotation rotation = { .settings = { .interval_ms = HOUR_MS },
				     .message_size = MESSAGE };

	rotation_add(&rotation, 10, NOON_MS);
	CHECK(!rotation_is_due(&rotation, NOON_MS - 1));
	CHECK(!rotation_is_due(&rotation, NOON_MS - 5 * HOUR_MS));
}

TEST(before_1970)
{
	struct rotation rotation = { .settings = { .interval_ms = HOUR_MS },
				     .message_size = MESSAGE };

	rotation_add(&rotation, 10, -1);
	CHECK(rotation_is_due(&rotation, 0));
	CHECK_EQ(rotation_wait_ms(&rotation, -1), 1);
	rotation_begin(&rotation);
	rotation_add(&rotation, 10, -HOUR_MS);
	CHECK(!rotation_is_due(&rotation, -1));
}

/* Templates, statistics at the end and one more message never go beyond the size. */
TEST(a_file_is_never_larger_than_the_size)
{
	struct rotation rotation = { .settings = { .size = 8 * MESSAGE }, .message_size = MESSAGE };
	uint64_t bytes = MESSAGE; /* templates */

	CHECK_EQ(rotation_wait_ms(&rotation, 0), -1);
	while (!rotation_is_due(&rotation, 0)) {
		rotation_add(&rotation, MESSAGE, 0);
		bytes += MESSAGE;
	}
	rotation_add(&rotation, MESSAGE, 0); /* statistics */
	bytes += MESSAGE;
	CHECK_EQ(bytes, 8 * MESSAGE);
	rotation_begin(&rotation);
	CHECK(!rotation_is_due(&rotation, 0));
}

TEST(without_settings_nothing_is_ever_due)
{
	struct rotation rotation = { .message_size = MESSAGE };

	CHECK(!rotation_is_wanted(&rotation.settings));
	for (int i = 0; i < 1000; i++)
		rotation_add(&rotation, MESSAGE, (unix_ms)i * HOUR_MS);
	CHECK(!rotation_is_due(&rotation, INT64_MAX));
	CHECK_EQ(rotation_wait_ms(&rotation, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_ends_at_the_whole_interval),
		cmocka_unit_test(a_clock_that_is_set_back_begins_no_file),
		cmocka_unit_test(before_1970),
		cmocka_unit_test(a_file_is_never_larger_than_the_size),
		cmocka_unit_test(without_settings_nothing_is_ever_due),
	};

	return RUN_TESTS(tests);
}
