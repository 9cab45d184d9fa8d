/* test_transport_file.c - files and their names, pipes, and what becomes of a file that somebody
 * takes away. Works in a directory of its own. */
#include "transport.h"

#include "check.h"
#include "transport_file_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_MS 1700000000999 /* 2023-11-14 22:13:20.999 UTC */
#define STAMP   ".20231114-221320"

static char directory[] = "/tmp/test_transport_file.XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) /* as the daemon does */
		return -1;
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return chdir("/") || rmdir(directory);
}

static int remove_files(void **state)
{
	DIR *entries = opendir(".");
	const struct dirent *entry;

	(void)state;
	CHECK(entries != NULL);
	while ((entry = readdir(entries)))
		(void)unlink(entry->d_name);
	return closedir(entries);
}

static struct transport *open_file(const struct transport_config *config)
{
	struct transport *file;
	struct error_text error;

	CHECK_EQ(transport_file.open(config, &file, &error), 0);
	return file;
}

static void check_open_error(const struct transport_config *config, int expected, const char *why)
{
	struct transport *file;
	struct error_text error;

	CHECK_EQ(transport_file.open(config, &file, &error), expected);
	CHECK_TEXT(error.text, why);
}

static struct transport_result send_text(struct transport *file, uint64_t number, const char *text)
{
	const struct datagram datagram = { (const uint8_t *)text, strlen(text) };

	transport_file.file(file, number, TIME_MS + (int64_t)number * 1000);
	return transport_file.send(file, &datagram, 1);
}

static uint64_t session_of(const struct transport *file)
{
	struct transport_session session;

	transport_file.session(file, &session);
	return session.number;
}

static size_t unconfirmed_of(const struct transport *file)
{
	struct transport_session session;

	transport_file.session(file, &session);
	return session.unconfirmed;
}

static void check_content(const char *path, const char *expected)
{
	char text[4096] = "";
	FILE *stream = fopen(path, "re");
	size_t size;

	CHECK(stream != NULL);
	size = fread(text, 1, sizeof(text) - 1, stream);
	CHECK_EQ(fclose(stream), 0);
	text[size] = '\0';
	CHECK_TEXT(text, expected);
}

static void write_content(const char *path, const char *text)
{
	FILE *stream = fopen(path, "we");

	CHECK(stream != NULL);
	CHECK(fputs(text, stream) >= 0);
	CHECK_EQ(fclose(stream), 0);
}

static size_t count_files(void)
{
	DIR *entries = opendir(".");
	const struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(entries)))
		count += entry->d_name[0] != '.';
	CHECK_EQ(closedir(entries), 0);
	return count;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

TEST(messages_go_into_a_file_that_the_group_may_read)
{
	struct transport *file = open_file(&(struct transport_config){ .host = "./a" });
	struct stat status;

	CHECK_EQ(session_of(file), 0);
	CHECK_EQ(transport_file.poll(file, 0), 0);
	CHECK_EQ(session_of(file), 1);
	CHECK_EQ(send_text(file, 0, "one\n").sent, 1);
	CHECK_EQ(send_text(file, 0, "two\n").sent, 1);
	CHECK_EQ(unconfirmed_of(file), 0);
	check_content("a", "one\ntwo\n"); /* nothing is kept back */
	transport_file.close(file);
	CHECK_EQ(stat("a", &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0640);
	CHECK_EQ(count_files(), 1);
}

TEST(a_rotated_file_gets_the_time_of_its_first_message)
{
	struct transport *file = open_file(
		&(struct transport_config){ .host = "./a", .rotation = { .interval_ms = 1000 } });

	CHECK_EQ(transport_file.poll(file, 0), 0);
	CHECK_EQ(send_text(file, 0, "one\n").sent, 1);
	CHECK_EQ(send_text(file, 0, "two\n").sent, 1);
	CHECK(!exists("a" STAMP));
	/* The first one of another file is not taken: its templates go first. */
	CHECK_EQ(send_text(file, 7, "three\n").sent, 0);
	CHECK_EQ(session_of(file), 2);
	check_content("a" STAMP, "one\ntwo\n");
	check_content("a", "");
	CHECK_EQ(send_text(file, 7, "three\n").sent, 1);
	CHECK_EQ(send_text(file, 7, "four\n").sent, 1);
	check_content("a", "three\nfour\n");
	transport_file.close(file);
	CHECK(!exists("a"));
	check_content("a.20231114-221327", "three\nfour\n");
	CHECK_EQ(count_files(), 2);
}

TEST(no_name_is_given_twice)
{
	char name[64];

	for (int i = 1; i <= 12; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		write_content("a", name);
		CHECK_EQ(transport_file_name_finish("./a", TIME_MS), 0);
	}
	check_content("a" STAMP, "1");
	check_content("a" STAMP "-2", "2");
	check_content("a" STAMP "-12", "12");
	CHECK_EQ(transport_file_name_finish("./a", TIME_MS), -ENOENT);
	write_content("a", "before 1970");
	CHECK_EQ(transport_file_name_finish("a", -1), 0);
	check_content("a.19691231-235959", "before 1970");
	write_content("a", "far");
	CHECK_EQ(transport_file_name_finish("a", INT64_MAX), 0);
	check_content("a.99991231-235959", "far");
}

TEST(the_last_files_are_kept_and_nothing_else_is_removed)
{
	static const char *const others[] = {
		"a",
		"a.20231114-22132",
		"a.20231114-221320-",
		"a.20231114-221320-1",
		"a.20231114-221320-02",
		"a.20231114-221320.gz",
		"a.20231114-2213200",
		"ab.20231114-221320",
		"a.2023111x-221320",
	};
	static const char *const finished[] = {
		"a.20221231-235959",    "a.20231114-221320", "a.20231114-221320-2",
		"a.20231114-221320-10", "a.20231114-221321",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		write_content(others[i], "");
	for (size_t i = 0; i < sizeof(finished) / sizeof(finished[0]); i++)
		write_content(finished[i], "");
	transport_file_name_keep("./a", 5);
	CHECK_EQ(count_files(), 14);
	transport_file_name_keep("a", 2);
	CHECK_EQ(count_files(), 11);
	CHECK(exists("a.20231114-221321") && exists("a.20231114-221320-10"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK(exists(others[i]));
}

/* A file of an earlier run is put away, a foreign one is left alone. */
TEST(what_is_there_already)
{
	struct transport *file;

	write_content("a", "{\"type\":\"flow\"}\n");
	file = open_file(&(struct transport_config){ .host = "./a" });
	CHECK_EQ(transport_file.poll(file, 0), 0);
	CHECK_EQ(count_files(), 2);
	check_content("a", "");
	transport_file.close(file);

	/* Empty: used again. */
	file = open_file(&(struct transport_config){ .host = "./a" });
	CHECK_EQ(transport_file.poll(file, 0), 0);
	CHECK_EQ(count_files(), 2);
	transport_file.close(file);

	write_content("a", "root:x:0:0:root:/root:/bin/bash\n");
	file = open_file(&(struct transport_config){ .host = "./a" });
	CHECK_EQ(transport_file.poll(file, 0), -EEXIST);
	CHECK_EQ(session_of(file), 0);
	CHECK_EQ(unlink("a"), 0);
	CHECK_EQ(transport_file.poll(file, 1), -EEXIST); /* not asked again at once */
	CHECK_EQ(transport_file.poll(file, 1000), 0);
	transport_file.close(file);
}

TEST(two_writers_do_not_share_a_file)
{
	struct transport *one = open_file(&(struct transport_config){ .host = "./a" });
	struct transport *other = open_file(&(struct transport_config){ .host = "./a" });

	CHECK_EQ(transport_file.poll(one, 0), 0);
	CHECK_EQ(send_text(one, 0, "{\"type\":\"").sent, 1);
	CHECK_EQ(transport_file.poll(other, 0), -EBUSY);
	transport_file.close(one);
	CHECK_EQ(transport_file.poll(other, 1000), 0);
	transport_file.close(other);
	CHECK_EQ(count_files(), 2);
}

TEST(a_file_that_is_taken_away_is_begun_anew)
{
	struct transport *file = open_file(
		&(struct transport_config){ .host = "./a", .rotation = { .interval_ms = 1000 } });

	CHECK_EQ(transport_file.poll(file, 0), 0);
	CHECK_EQ(send_text(file, 0, "one\n").sent, 1);
	CHECK_EQ(rename("a", "b"), 0);
	CHECK_EQ(transport_file.poll(file, 2000), 0);
	CHECK_EQ(session_of(file), 2);
	CHECK_EQ(send_text(file, 0, "two\n").sent, 1);
	check_content("b", "one\n");
	check_content("a", "two\n");
	CHECK_EQ(unlink("a"), 0);
	transport_file.close(file); /* what is gone is not moved */
	CHECK_EQ(count_files(), 1);
}

TEST(a_directory_that_is_not_there_yet)
{
	struct transport *file = open_file(&(struct transport_config){ .host = "./d/a" });

	CHECK_EQ(transport_file.poll(file, 0), -ENOTDIR);
	CHECK_EQ(send_text(file, 0, "one\n").error, -ENOTDIR);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(transport_file.poll(file, 1000), 0);
	CHECK_EQ(send_text(file, 0, "one\n").sent, 1);
	CHECK_EQ(unlink("d/a"), 0);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_EQ(transport_file.poll(file, 3000), -ENOTDIR);
	transport_file.close(file);
}

/* A message that is written in part does not stay: the file ends with a whole one. */
TEST(a_full_disk_leaves_whole_messages)
{
	struct rlimit before, limit;
	struct transport *file = open_file(&(struct transport_config){ .host = "./a" });
	const struct datagram both[] = { { (const uint8_t *)"three\n", 6 },
					 { (const uint8_t *)"four\n", 5 } };
	struct transport_result result;

	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
	CHECK_EQ(transport_file.poll(file, 0), 0);
	CHECK_EQ(send_text(file, 0, "one\n").sent, 1);
	limit = (struct rlimit){ 12, before.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	transport_file.file(file, 0, TIME_MS);
	result = transport_file.send(file, both, 2);
	CHECK_EQ(result.sent, 1);
	CHECK_EQ(result.error, -ENOSPC);
	result = transport_file.send(file, both + 1, 1);
	CHECK_EQ(result.sent, 0);
	CHECK_EQ(result.error, -ENOSPC);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
	check_content("a", "one\nthree\n");
	CHECK_EQ(transport_file.send(file, both + 1, 1).sent, 1);
	check_content("a", "one\nthree\nfour\n");
	transport_file.close(file);
}

static size_t read_all(int fd, char *bytes, size_t size)
{
	const ssize_t got = read(fd, bytes, size);

	return got < 0 ? 0 : (size_t)got;
}

TEST(a_pipe_gives_back_what_nobody_has_read)
{
	struct transport *file;
	char bytes[65536];
	int reader;

	CHECK_EQ(mkfifo("p", 0600), 0);
	file = open_file(&(struct transport_config){ .host = "./p" });
	CHECK_EQ(transport_file.poll(file, 0), -ENXIO);
	reader = open("p", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(reader >= 0);
	CHECK_EQ(transport_file.poll(file, 1000), 0);
	CHECK_EQ(session_of(file), 1);
	CHECK_EQ(send_text(file, 0, "one\n").sent, 1);
	CHECK_EQ(send_text(file, 0, "two\n").sent, 1);
	CHECK_EQ(unconfirmed_of(file), 2);
	CHECK_EQ(read_all(reader, bytes, 5), 5); /* one and a bit */
	CHECK_EQ(unconfirmed_of(file), 1);
	CHECK_EQ(read_all(reader, bytes, sizeof(bytes)), 3);
	CHECK_EQ(unconfirmed_of(file), 0);
	CHECK_EQ(send_text(file, 0, "three\n").sent, 1);
	CHECK_EQ(close(reader), 0);
	CHECK_EQ(transport_file.poll(file, 2000), -EPIPE);
	CHECK_EQ(unconfirmed_of(file), 1);
	CHECK_EQ(session_of(file), 1);
	CHECK_EQ(transport_file.poll(file, 3000), -ENXIO);
	reader = open("p", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK_EQ(transport_file.poll(file, 4000), 0);
	CHECK_EQ(session_of(file), 2);
	CHECK_EQ(unconfirmed_of(file), 0);
	CHECK_EQ(close(reader), 0);
	CHECK_EQ(send_text(file, 0, "four\n").error, -EPIPE);
	transport_file.close(file);
}

/* A stalled reader: the pipe takes a part of a message, the rest follows before any other. */
TEST(a_full_pipe_breaks_no_message)
{
	static char large[40000];
	static char got[sizeof(large) * 2];
	const struct datagram messages[] = { { (const uint8_t *)large, sizeof(large) },
					     { (const uint8_t *)large, sizeof(large) },
					     { (const uint8_t *)"end", 3 } };
	struct transport *file;
	struct transport_result result;
	size_t size;
	int reader;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)('a' + i % 26);
	CHECK_EQ(mkfifo("p", 0600), 0);
	reader = open("p", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	file = open_file(&(struct transport_config){ .host = "./p" });
	CHECK_EQ(transport_file.poll(file, 0), 0);
	result = transport_file.send(file, messages, 3);
	CHECK_EQ(result.sent, 2); /* what has room, and the rest beside it */
	CHECK_EQ(result.error, -EAGAIN);
	CHECK_EQ(unconfirmed_of(file), 2);
	CHECK_EQ(transport_file.send(file, messages + 2, 1).error, -EAGAIN);
	size = read_all(reader, got, sizeof(got));
	CHECK(size > sizeof(large) && size < sizeof(got));
	CHECK_EQ(unconfirmed_of(file), 1);
	CHECK_EQ(transport_file.send(file, messages + 2, 1).sent, 1);
	size += read_all(reader, got + size, sizeof(got) - size);
	CHECK_EQ(size, sizeof(got));
	CHECK_BYTES(got, large, sizeof(large));
	CHECK_BYTES(got + sizeof(large), large, sizeof(large));
	CHECK_EQ(read_all(reader, got, sizeof(got)), 3);
	CHECK_EQ(unconfirmed_of(file), 0);
	CHECK_EQ(close(reader), 0);
	transport_file.close(file);
}

TEST(what_can_never_work_is_reported_at_start)
{
	char path[TRANSPORT_FILE_NAME_PATH_MAX + 2];

	check_open_error(&(struct transport_config){ .host = "." }, -EISDIR,
			 ". is a directory, expected a file in it");
	CHECK_EQ(mkfifo("p", 0600), 0);
	check_open_error(&(struct transport_config){ .host = "./p", .keep = 1 }, -EINVAL,
			 "./p is a pipe or device: rotate, rotate-size and keep are for files");
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	{
		struct transport *file;
		struct error_text error;

		CHECK_EQ(transport_file.open(&(struct transport_config){ .host = path }, &file,
					     &error),
			 -ENAMETOOLONG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(messages_go_into_a_file_that_the_group_may_read,
					  remove_files),
		cmocka_unit_test_teardown(a_rotated_file_gets_the_time_of_its_first_message,
					  remove_files),
		cmocka_unit_test_teardown(no_name_is_given_twice, remove_files),
		cmocka_unit_test_teardown(the_last_files_are_kept_and_nothing_else_is_removed,
					  remove_files),
		cmocka_unit_test_teardown(what_is_there_already, remove_files),
		cmocka_unit_test_teardown(two_writers_do_not_share_a_file, remove_files),
		cmocka_unit_test_teardown(a_file_that_is_taken_away_is_begun_anew, remove_files),
		cmocka_unit_test_teardown(a_directory_that_is_not_there_yet, remove_files),
		cmocka_unit_test_teardown(a_full_disk_leaves_whole_messages, remove_files),
		cmocka_unit_test_teardown(a_pipe_gives_back_what_nobody_has_read, remove_files),
		cmocka_unit_test_teardown(a_full_pipe_breaks_no_message, remove_files),
		cmocka_unit_test_teardown(what_can_never_work_is_reported_at_start, remove_files),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
