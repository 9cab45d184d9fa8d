/* test_text_file.c - files that are read whole, and what is none. */
#include "text_file.h"

#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT 100

/* What is read of a path, and that no error is said. */
static void check_text(const char *path, const char *text)
{
	struct error_text error;
	size_t size = 0;
	char *found = text_file_read(path, LIMIT, &size, &error);

	CHECK_TEXT(found, text);
	CHECK_EQ(size, strlen(text));
	free(found);
}

static void check_refused(const char *path, const char *why)
{
	struct error_text error = { .text = "" };
	char text[128];
	size_t size = 0;

	(void)snprintf(text, sizeof(text), "%s: %s", path, why);
	CHECK(text_file_read(path, LIMIT, &size, &error) == NULL);
	CHECK_TEXT(error.text, text);
}

TEST(a_named_pipe_is_refused_without_waiting)
{
	char directory[] = "/tmp/test_text_file.XXXXXX", path[64];

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/pipe", directory);
	CHECK_EQ(mkfifo(path, 0600), 0);
	check_refused(path, "cannot read: a named pipe; expected a file");
	CHECK_EQ(unlink(path), 0);
	check_refused(path, "cannot read: No such file or directory");
	CHECK_EQ(rmdir(directory), 0);
}

/* As with a shell's <(...): its reader waits for the end. */
TEST(a_pipe_without_a_name_is_read)
{
	char path[32];
	int ends[2];

	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	CHECK_EQ(write(ends[1], "text", 4), 4);
	CHECK_EQ(close(ends[1]), 0);
	check_text(path, "text");
	CHECK_EQ(close(ends[0]), 0);
}

TEST(a_file_is_read_up_to_its_limit)
{
	char path[] = "/tmp/test_text_file.XXXXXX", text[LIMIT + 2];
	const int descriptor = mkstemp(path);

	(void)memset(text, 'x', sizeof(text));
	text[LIMIT] = '\0';
	CHECK_EQ(write(descriptor, text, LIMIT), LIMIT);
	check_text(path, text);
	CHECK_EQ(write(descriptor, "x", 1), 1);
	check_refused(path, "larger than 100 bytes, the most that is read");
	CHECK_EQ(close(descriptor), 0);
	CHECK_EQ(unlink(path), 0);
	check_text("/dev/null", "");
	check_refused("/tmp", "cannot read: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_named_pipe_is_refused_without_waiting),
		cmocka_unit_test(a_pipe_without_a_name_is_read),
		cmocka_unit_test(a_file_is_read_up_to_its_limit),
	};

	return RUN_TESTS(tests);
}
