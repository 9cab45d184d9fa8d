/* test_fault_text.c - limits of open files are named with their value. */
#include "fault_text.h"

#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

TEST(a_limit_of_open_files_is_named_with_its_value)
{
	struct rlimit before;
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 17;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_TEXT(fault_text(EMFILE), "Too many open files: RLIMIT_NOFILE is 17: raise it by "
				       "ulimit -n, or by LimitNOFILE= of the unit");
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_TEXT(fault_text(ENFILE), "Too many open files in system: raise fs.file-max (sysctl)");
}

TEST(everything_else_is_in_the_system_s_words)
{
	CHECK_TEXT(fault_text(ENOENT), strerror(ENOENT));
	CHECK_TEXT(fault_text(0), strerror(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_of_open_files_is_named_with_its_value),
		cmocka_unit_test(everything_else_is_in_the_system_s_words),
	};

	return RUN_TESTS(tests);
}
