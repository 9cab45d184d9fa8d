/* test_config_service.c - a check that runs as another user, and what comes back of it. */
#include "config_service.h"

#include "check.h"
#include "config_options.h"
#include "defaults.h"

#include <errno.h>
#include <pwd.h>
#include <unistd.h>

static int refuse(void *context, struct error_text *error)
{
	error_text_set(error, "uid 0: %s, context %d", geteuid() == 0 ? "yes" : "no",
		       *(int *)context);
	return -EACCES;
}

static int agree(void *context, struct error_text *error)
{
	(void)context;
	(void)error;
	return 0;
}

TEST(only_the_file_of_the_service_is_its_matter)
{
	CHECK(!config_service_applies("/tmp/flowagent.conf"));
	CHECK_EQ(config_service_applies(DEFAULT_CONFIG_FILE),
		 geteuid() == 0 && getpwnam(DEFAULT_USER) != NULL);
}

TEST(the_check_has_the_rights_of_the_service_and_its_reason_comes_back)
{
	struct error_text error = { .text = "" };
	int context = 7;

	if (!config_service_applies(DEFAULT_CONFIG_FILE))
		skip();
	CHECK_EQ(config_service_run(agree, &context, &error), 0);
	CHECK_EQ(config_service_run(refuse, &context, &error), -EACCES);
	CHECK_TEXT(error.text, "as the service's user _flowagent: uid 0: no, context 7");
	CHECK(strstr(error.hint, "chgrp _flowagent") != NULL);
	CHECK_EQ(geteuid(), 0);
}

TEST(a_user_that_cannot_be_had_is_an_error)
{
	struct error_text error = { .text = "" };
	int context = 7;

	if (config_service_applies(DEFAULT_CONFIG_FILE))
		skip();
	CHECK(config_service_run(agree, &context, &error) < 0);
	CHECK(strstr(error.text, "cannot become this user") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_file_of_the_service_is_its_matter),
		cmocka_unit_test(the_check_has_the_rights_of_the_service_and_its_reason_comes_back),
		cmocka_unit_test(a_user_that_cannot_be_had_is_an_error),
	};

	return RUN_TESTS(tests);
}
