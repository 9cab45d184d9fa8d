/* test_user_names.c - names of users from files in the format of passwd(5). */
#include "user_names.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/flowagent-test-users-XXXXXX";

static void write_file(const char *text)
{
	FILE *file;

	(void)unlink(path); /* another file: its number says so, whatever its time */
	file = fopen(path, "w");
	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static const char *name_of(const struct user_names *names, uint32_t user)
{
	static char name[USER_NAME_SIZE];

	memset(name, 'x', sizeof(name));
	user_names_find(names, user, name);
	CHECK_EQ(name[USER_NAME_SIZE - 1], 0);
	return name;
}

TEST(first_name_of_a_number_else_the_number)
{
	struct user_names *names = user_names_create(path);

	write_file(
		"root:x:0:0::/:/bin/sh\nwww:x:33:33::/:\n\nno line\ntoor:x:0:0::/:\n"
		"a-name-that-is-longer-than-there-is-room:x:1001:1::/:\nlast:x:4294967294:1::/:");
	CHECK_TEXT(name_of(names, 0), "0");
	user_names_look(names);
	CHECK_EQ(user_names_count(names), 5);
	CHECK_TEXT(name_of(names, 0), "root");
	CHECK_TEXT(name_of(names, 33), "www");
	CHECK_TEXT(name_of(names, 34), "34");
	CHECK_TEXT(name_of(names, 1001), "a-name-that-is-longer-than-ther");
	CHECK_TEXT(name_of(names, 4294967294u), "last");
	user_names_destroy(names);
}

TEST(file_that_changes_is_read_anew)
{
	struct user_names *names = user_names_create(path);

	write_file("one:x:1:1::/:\n");
	user_names_look(names);
	CHECK_TEXT(name_of(names, 1), "one");
	write_file("uno:x:1:1::/:\ndue:x:2:2::/:\n");
	user_names_look(names);
	CHECK_TEXT(name_of(names, 1), "uno");
	CHECK_TEXT(name_of(names, 2), "due");
	CHECK_EQ(unlink(path), 0);
	user_names_look(names);
	CHECK_TEXT(name_of(names, 2), "due");
	user_names_destroy(names);
}

/* fgetpwent_r() never comes past such a line. */
TEST(long_line_holds_nobody_up)
{
	struct user_names *names = user_names_create(path);
	static char filling[20000];
	FILE *file = fopen(path, "w");

	memset(filling, 'x', sizeof(filling) - 1);
	CHECK(file != NULL);
	CHECK(fprintf(file, "long:x:1:1:%s:/:\n%s\n%s:x:3:3::/:\nlast:x:2:2::/:\n", filling,
		      filling, filling) > 0);
	CHECK_EQ(fclose(file), 0);
	user_names_look(names);
	CHECK_EQ(user_names_count(names), 2);
	CHECK_TEXT(name_of(names, 1), "long");
	CHECK_TEXT(name_of(names, 2), "last");
	user_names_destroy(names);
}

TEST(what_names_no_user_is_passed_over)
{
	struct user_names *names = user_names_create(path);

	write_file("#one:x:1:1::/:\n+:x:2:2::/:\n+two::0:::\n-three:x:3:3::/:\n:x:4:4::/:\n"
		   "five:x::5::/:\nsix:x:-6:6::/:\nseven:x:4294967296:7::/:\neight:x:8\n"
		   "nine:x:9z:9::/:\nten\nlast::10:1::/:");
	user_names_look(names);
	CHECK_EQ(user_names_count(names), 1);
	CHECK_TEXT(name_of(names, 10), "last");
	user_names_destroy(names);
}

TEST(no_more_than_there_is_room_for)
{
	struct user_names *names = user_names_create(path);
	FILE *file = fopen(path, "w");

	CHECK(file != NULL);
	for (int i = 0; i < USER_NAMES_MAX + 10; i++)
		CHECK(fprintf(file, "u%d:x:%d:1::/:\n", i, i) > 0);
	CHECK_EQ(fclose(file), 0);
	user_names_look(names);
	CHECK_EQ(user_names_count(names), USER_NAMES_MAX);
	CHECK_TEXT(name_of(names, USER_NAMES_MAX - 1), "u65535");
	CHECK_TEXT(name_of(names, USER_NAMES_MAX), "65536");
	user_names_destroy(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_name_of_a_number_else_the_number),
		cmocka_unit_test(file_that_changes_is_read_anew),
		cmocka_unit_test(long_line_holds_nobody_up),
		cmocka_unit_test(what_names_no_user_is_passed_over),
		cmocka_unit_test(no_more_than_there_is_room_for),
	};
	const int descriptor = mkstemp(path);
	int result;

	CHECK(descriptor >= 0);
	(void)close(descriptor);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	return result;
}
