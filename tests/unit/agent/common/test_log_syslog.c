/* test_log_syslog.c - a line for the system's log, and a log daemon that is not there. */
#include "log_syslog.h"

#include "check.h"

#include <string.h>

static const struct tm time_ = {
	.tm_mon = 10, .tm_mday = 9, .tm_hour = 7, .tm_min = 5, .tm_sec = 59
};

TEST(a_line_is_as_syslog_writes_it)
{
	char line[200];
	const size_t size = log_syslog_format(line, sizeof(line), 6, &time_, "fprobe-ulog[7]", 4711,
					      "reading nflog:1");

	CHECK_TEXT(line, "<30>Nov  9 07:05:59 fprobe-ulog[7][4711]: reading nflog:1");
	CHECK_EQ(size, strlen(line));
}

TEST(a_line_that_is_too_long_is_cut)
{
	char line[30];

	CHECK_EQ(log_syslog_format(line, sizeof(line), 3, &time_, "agent", 1, "text"), 29);
	CHECK_TEXT(line, "<27>Nov  9 07:05:59 agent[1]:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_as_syslog_writes_it),
		cmocka_unit_test(a_line_that_is_too_long_is_cut),
	};

	return RUN_TESTS(tests);
}
