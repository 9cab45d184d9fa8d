/* test_file_watch.c - what happens to a file at a path, as it is reported. */
#include "file_watch.h"

#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static char directory[] = "/tmp/test_file_watch-XXXXXX";
static char path[64], other[64];
static struct file_watch watch;
static int stop;

static void put(const char *where, const char *text)
{
	FILE *file = fopen(where, "we");

	CHECK(file);
	CHECK(fputs(text, file) >= 0);
	CHECK_EQ(fclose(file), 0);
}

static int set_up(void **state)
{
	(void)state;
	CHECK(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/file", directory);
	(void)snprintf(other, sizeof(other), "%s/other", directory);
	put(path, "old");
	stop = eventfd(0, EFD_CLOEXEC);
	CHECK(stop >= 0);
	file_watch_init(&watch, path);
	CHECK_EQ(file_watch_open(&watch), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	file_watch_close(&watch);
	CHECK_EQ(close(stop), 0);
	(void)unlink(path);
	(void)unlink(other);
	CHECK_EQ(rmdir(directory), 0);
	(void)memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
	return 0;
}

/* Nothing else is reported: the next thing is the end. */
static void check_quiet(void)
{
	const uint64_t one = 1;

	CHECK_EQ(write(stop, &one, sizeof(one)), sizeof(one));
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_stop);
}

TEST(a_file_that_stays_is_not_reported)
{
	put(other, "a neighbour");
	check_quiet();
}

TEST(a_file_that_is_renamed_into_place_is_reported_once)
{
	put(other, "new");
	CHECK_EQ(rename(other, path), 0);
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_replaced);
	check_quiet();
}

TEST(two_files_after_each_other)
{
	for (int i = 0; i < 2; i++) {
		put(other, i ? "second" : "first");
		CHECK_EQ(rename(other, path), 0);
		CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_replaced);
	}
	check_quiet();
}

TEST(a_file_that_goes_and_comes_is_reported_twice)
{
	CHECK_EQ(rename(path, other), 0);
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_missing);
	CHECK_EQ(rename(other, path), 0);
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_replaced);
	check_quiet();
}

TEST(a_file_that_is_missing_at_the_start_is_reported_when_it_comes)
{
	CHECK_EQ(unlink(path), 0);
	file_watch_close(&watch);
	file_watch_init(&watch, path);
	CHECK_EQ(file_watch_open(&watch), 0);
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_missing);
	put(path, "here");
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_replaced);
}

TEST(writing_in_place_is_reported_and_then_the_whole_file)
{
	int descriptor = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(descriptor >= 0);
	CHECK_EQ(write(descriptor, "N", 1), 1);
	/* The look comes first: what it sees is not complete before it has seen it twice. */
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_written);
	CHECK_EQ(write(descriptor, "EW", 2), 2);
	CHECK_EQ(close(descriptor), 0);
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_replaced);
	check_quiet();
}

/* Where inotify has no more instances: by looks alone. */
TEST(without_the_kernels_reports_a_change_is_seen_by_looking)
{
	file_watch_close(&watch);
	put(other, "new");
	CHECK_EQ(rename(other, path), 0);
	CHECK_EQ(file_watch_wait(&watch, stop), FILE_CHANGE_replaced);
}

int main(void)
{
#define WITH_FILE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_FILE(a_file_that_stays_is_not_reported),
		WITH_FILE(a_file_that_is_renamed_into_place_is_reported_once),
		WITH_FILE(two_files_after_each_other),
		WITH_FILE(a_file_that_goes_and_comes_is_reported_twice),
		WITH_FILE(a_file_that_is_missing_at_the_start_is_reported_when_it_comes),
		WITH_FILE(writing_in_place_is_reported_and_then_the_whole_file),
		WITH_FILE(without_the_kernels_reports_a_change_is_seen_by_looking),
	};

	return RUN_TESTS(tests);
}
