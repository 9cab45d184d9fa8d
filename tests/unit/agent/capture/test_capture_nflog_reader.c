/* test_capture_nflog_reader.c - the service of a process, out of its /proc/PID/cgroup. */
#include "capture_nflog_reader.h"

#include "check.h"

static void check_unit(const char *cgroups, const char *expected)
{
	char unit[32];

	capture_nflog_reader_unit(cgroups, unit, sizeof(unit));
	CHECK_TEXT(unit, expected);
}

TEST(a_service_is_found_in_both_versions_of_cgroups)
{
	check_unit("0::/system.slice/flowagent.service\n", "flowagent.service");
	check_unit("12:pids:/system.slice/flowagent.service\n1:name=systemd:/system.slice/"
		   "flowagent.service\n0::/\n",
		   "flowagent.service");
	check_unit("0::/system.slice/uacctd.service/worker", "uacctd.service");
	check_unit("0::/user.slice/user-0.slice/user@0.service/app.slice/run-1.service\n",
		   "run-1.service");
}

TEST(what_is_no_service_is_nothing)
{
	check_unit("", "");
	check_unit("0::/\n", "");
	check_unit("0::/user.slice/user-0.slice/session-2.scope\n", "");
	check_unit("0::/.service\n", "");
	check_unit("0::/a-name-that-is-too-long-for-the-buffer.service\n", "");
}

/* A group that nobody reads, as far as can be seen: the message does without a name. */
TEST(a_reader_that_is_not_found_is_another_program)
{
	struct error_text error = { .text = "" };

	capture_nflog_reader_explain(64999, &error);
	CHECK_TEXT(error.text, "NFLOG group 64999: already read by another program");
	CHECK(error.hint[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_found_in_both_versions_of_cgroups),
		cmocka_unit_test(what_is_no_service_is_nothing),
		cmocka_unit_test(a_reader_that_is_not_found_is_another_program),
	};

	return RUN_TESTS(tests);
}
