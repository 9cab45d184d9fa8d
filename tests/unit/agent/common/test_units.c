/* test_units.c - agent/common/units: numbers with units are read, written, and read back the same.
 */
#include "check.h"

#include "units.h"

#include <errno.h>

TEST(durations)
{
	static const struct {
		const char *text;
		uint32_t milliseconds;
	} right[] = {
		{ "0", 0 },
		{ "90", 90000 },
		{ "90s", 90000 },
		{ "500ms", 500 },
		{ "1h30m", 5400000 },
		{ "1d2h3m4s5ms", 93784005 },
		{ "4294967", 4294967000 },
		{ "4294967295ms", 4294967295 },
		{ "0s", 0 },
	};
	static const char *const wrong[] = { "",
					     " 1",
					     "1 ",
					     "-1",
					     "+1",
					     "1.5s",
					     "s",
					     "1x",
					     "1h30",
					     "1s1h",
					     "1s1s",
					     "1hh",
					     "1H",
					     "4294967296ms",
					     "99999999999999999999",
					     "213503982334601d",
					     "1,2" };
	uint32_t milliseconds;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		CHECK_EQ(units_duration_parse(right[i].text, &milliseconds), 0);
		CHECK_EQ(milliseconds, right[i].milliseconds);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_EQ(units_duration_parse(wrong[i], &milliseconds), -EINVAL);
}

TEST(sizes)
{
	uint64_t size;

	CHECK_EQ(units_size_parse("65536", &size), 0);
	CHECK_EQ(size, 65536);
	CHECK_EQ(units_size_parse("64k", &size), 0);
	CHECK_EQ(size, 65536);
	CHECK_EQ(units_size_parse("16M", &size), 0);
	CHECK_EQ(size, 16777216);
	CHECK_EQ(units_size_parse("1G", &size), 0);
	CHECK_EQ(size, 1073741824);
	CHECK_EQ(units_size_parse("18446744073709551615", &size), 0);
	CHECK_EQ(units_size_parse("18446744073709551616", &size), -ERANGE);
	CHECK_EQ(units_size_parse("17179869184G", &size), -ERANGE);
	CHECK_EQ(units_size_parse("", &size), -EINVAL);
	CHECK_EQ(units_size_parse("k", &size), -EINVAL);
	CHECK_EQ(units_size_parse("1kB", &size), -EINVAL);
	CHECK_EQ(units_size_parse("1T", &size), -EINVAL);
	CHECK_EQ(units_size_parse("-1", &size), -EINVAL);
}

TEST(what_is_written_is_read_back_the_same)
{
	static const struct units_range ranges[] = { { UNIT_NUMBER, 0, UINT64_MAX },
						     { UNIT_SIZE, 0, UINT64_MAX },
						     { UNIT_TIME, 0, UINT64_MAX } };
	char text[UNITS_TEXT_SIZE];
	struct error_text error;
	uint64_t value;
	uint64_t seed = 42;

	for (int i = 0; i < 30000; i++) {
		const struct units_range *range = &ranges[i % 3];
		uint64_t number;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		number = seed >> (i / 3 % 64);
		(void)units_format(range->unit, number, text);
		CHECK_EQ(units_range_parse(range, text, &value, &error), 0);
		CHECK(value == number);
	}
	CHECK_TEXT(units_format(UNIT_TIME, 0, text), "0s");
	CHECK_TEXT(units_format(UNIT_TIME, 60000, text), "60s");
	CHECK_TEXT(units_format(UNIT_TIME, 1500, text), "1s500ms");
	CHECK_TEXT(units_format(UNIT_TIME, 1800000, text), "30m");
	CHECK_TEXT(units_format(UNIT_SIZE, 33554432, text), "32M");
	CHECK_TEXT(units_format(UNIT_NUMBER, 65536, text), "65536");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(what_is_written_is_read_back_the_same),
	};

	return RUN_TESTS(tests);
}
