/* test_capture_file_merge.c - several capture files as one: order, what is open, what fails. */
#include "check.h"

#include "capture_sources.h"

#include "capture_file_merge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t header[24] = {
	0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [16] = 0xff, 0xff, 0, 0, 1, 0, 0, 0,
};
static char directory[] = "/tmp/test_capture_file_merge.XXXXXX";
static char path[sizeof(directory) + 16];

static const char *path_of(int number)
{
	(void)snprintf(path, sizeof(path), "%s/%05d", directory, number);
	return path;
}

static int make_directory(void **state __attribute__((unused)))
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state __attribute__((unused)))
{
	return rmdir(directory);
}

static int remove_files(void **state __attribute__((unused)))
{
	DIR *folder = opendir(directory);
	const struct dirent *found;

	while ((found = readdir(folder)))
		if (found->d_name[0] != '.')
			(void)unlinkat(dirfd(folder), found->d_name, 0);
	return closedir(folder);
}

/* A packet of second 'second', whose byte says which file it is of. */
static size_t make_record(uint8_t *record, uint32_t second, uint8_t byte)
{
	memset(record, 0, 16);
	for (int i = 0; i < 4; i++)
		record[i] = (uint8_t)(second >> 8 * i);
	record[8] = record[12] = 1;
	record[16] = byte;
	return 17;
}

/* File 'number' with a packet in each second from 'first' on, 'step' apart. */
static void write_file(int number, uint32_t first, uint32_t step, uint32_t count)
{
	FILE *file = fopen(path_of(number), "wb");
	uint8_t record[17];

	assert_non_null(file);
	(void)fwrite(header, 1, sizeof(header), file);
	for (uint32_t i = 0; i < count; i++) {
		(void)make_record(record, first + i * step, (uint8_t)number);
		(void)fwrite(record, 1, sizeof(record), file);
	}
	CHECK_EQ(fclose(file), 0);
}

static int open_folder(struct capture **capture, struct error_text *error)
{
	const struct source_config config = { .type = &capture_file, .name = directory };

	return capture_file.open(&config, capture, error);
}

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

TEST(packets_come_in_order_of_time)
{
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	unix_ms last_ms = 0;
	int last_file = 0, total = 0, count;

	write_file(0, 100, 3, 100);
	write_file(1, 50, 2, 100);
	write_file(2, 120, 1, 50);
	write_file(3, 100, 3, 1);
	write_file(4, 0, 0, 0);
	CHECK_EQ(open_folder(&capture, &error), 0);
	while ((count = capture_file.read(capture, views, 8, &error)) > 0)
		for (int i = 0; i < count; i++) {
			CHECK(views[i].time_ms >= last_ms);
			/* Of one time: as the files were named. */
			CHECK(views[i].time_ms > last_ms || views[i].bytes[0] >= last_file);
			last_ms = views[i].time_ms;
			last_file = views[i].bytes[0];
			total++;
		}
	CHECK_EQ(count, -ENODATA);
	CHECK_EQ(total, 251);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), -ENODATA);
	capture_file.close(capture);
}

TEST(a_long_row_of_files_has_few_open)
{
	enum { FILES = 600 };
	const size_t before = open_descriptors();
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	int total = 0, count;

	/* The names count backwards. */
	for (int number = 0; number < FILES; number++)
		write_file(number, (uint32_t)(FILES - number) * 10, 1, 10);
	CHECK_EQ(open_folder(&capture, &error), 0);
	CHECK_EQ(open_descriptors(), before);
	while ((count = capture_file.read(capture, views, 8, &error)) > 0) {
		CHECK(open_descriptors() <= before + 2);
		for (int i = 0; i < count; i++)
			CHECK_EQ(views[i].time_ms, (10 + total++) * 1000);
	}
	CHECK_EQ(count, -ENODATA);
	CHECK_EQ(total, FILES * 10);
	capture_file.close(capture);
}

TEST(too_many_at_one_time_are_an_error)
{
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	int count;

	for (int number = 0; number <= CAPTURE_FILE_MERGE_OPEN_MAX; number++)
		write_file(number, 100, 1, 2);
	CHECK_EQ(open_folder(&capture, &error), 0);
	do
		count = capture_file.read(capture, views, 8, &error);
	while (count > 0);
	CHECK_EQ(count, -EMFILE);
	CHECK(strstr(error.text, "00256: the packets of more than 256 files are of the same time"));
	capture_file.close(capture);
}

TEST(the_others_are_read_after_a_fault)
{
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	int total = 0, count;
	FILE *file;

	write_file(0, 100, 1, 10);
	write_file(1, 103, 1, 10);
	CHECK_EQ(truncate(path_of(1), 24 + 5 * 17 + 3), 0);
	file = fopen(path_of(2), "wb");
	CHECK_EQ(fclose(file), 0);
	CHECK_EQ(open_folder(&capture, &error), 0);
	while ((count = capture_file.read(capture, views, 8, &error)) > 0)
		total += count;
	CHECK_EQ(total, 15);
	CHECK_EQ(count, -EBADMSG);
	CHECK(strstr(error.text, "2 files could not be read to their end, first ") == error.text);
	CHECK(strstr(error.text, "00002: empty; expected pcap or pcapng"));
	capture_file.close(capture);
}

TEST(what_is_named_and_cannot_be_read_is_refused)
{
	struct capture *capture = NULL;
	struct error_text error;
	char missing[] = "/nonexistent.pcap";
	char *also[] = { missing };
	const struct source_config config = {
		.type = &capture_file, .name = path, .also = also, .also_count = 1
	};

	CHECK_EQ(open_folder(&capture, &error), -ENOENT);
	CHECK(strstr(error.text, "no file in this folder; expected capture files"));
	write_file(0, 100, 1, 10);
	CHECK_EQ(capture_file.open(&config, &capture, &error), -ENOENT);
	CHECK(strstr(error.text, "/nonexistent.pcap: cannot be opened") == error.text);
}

TEST(a_pipe_among_files_is_waited_for)
{
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	char pipe_name[sizeof(directory) + 8];
	char *also[] = { pipe_name };
	const struct source_config config = {
		.type = &capture_file, .name = path, .also = also, .also_count = 1
	};
	uint8_t record[17];
	int writer;

	(void)snprintf(pipe_name, sizeof(pipe_name), "%s/pipe", directory);
	CHECK_EQ(mkfifo(pipe_name, 0600), 0);
	writer = open(pipe_name, O_RDWR | O_CLOEXEC);
	write_file(7, 100, 10, 2);
	CHECK_EQ(capture_file.open(&config, &capture, &error), 0);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 0);
	CHECK(capture_file.descriptor(capture) >= 0);
	CHECK_EQ(write(writer, header, sizeof(header)), sizeof(header));
	(void)make_record(record, 105, 1);
	CHECK_EQ(write(writer, record, sizeof(record)), sizeof(record));
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 2);
	CHECK_EQ(views[0].bytes[0], 7);
	CHECK_EQ(views[1].bytes[0], 1);
	/* The next of the pipe may be earlier than that of the file. */
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 0);
	(void)close(writer);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 1);
	CHECK_EQ(views[0].time_ms, 110000);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), -ENODATA);
	capture_file.close(capture);
}

/* Nobody writes to it yet: the thread that reads must do other things, too. */
TEST(a_pipe_without_a_writer_holds_nobody_up)
{
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	char pipe_name[sizeof(directory) + 8];
	char *also[] = { pipe_name };
	const struct source_config config = {
		.type = &capture_file, .name = path, .also = also, .also_count = 1
	};
	struct pollfd ready = { .events = POLLIN };
	uint8_t record[17];
	int writer;

	(void)snprintf(pipe_name, sizeof(pipe_name), "%s/pipe", directory);
	CHECK_EQ(mkfifo(pipe_name, 0600), 0);
	write_file(7, 100, 10, 2);
	(void)alarm(30); /* a test that hangs ends */
	CHECK_EQ(capture_file.open(&config, &capture, &error), 0);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 0);
	ready.fd = capture_file.descriptor(capture);
	CHECK_EQ(poll(&ready, 1, 0), 0);
	writer = open(pipe_name, O_WRONLY | O_CLOEXEC);
	CHECK(writer >= 0);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 0);
	CHECK_EQ(write(writer, header, sizeof(header)), sizeof(header));
	(void)make_record(record, 90, 1);
	CHECK_EQ(write(writer, record, sizeof(record)), sizeof(record));
	CHECK_EQ(poll(&ready, 1, 5000), 1);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 1);
	CHECK_EQ(views[0].time_ms, 90000);
	(void)close(writer);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 2);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), -ENODATA);
	(void)alarm(0);
	capture_file.close(capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(packets_come_in_order_of_time, remove_files),
		cmocka_unit_test_teardown(a_long_row_of_files_has_few_open, remove_files),
		cmocka_unit_test_teardown(too_many_at_one_time_are_an_error, remove_files),
		cmocka_unit_test_teardown(the_others_are_read_after_a_fault, remove_files),
		cmocka_unit_test_teardown(what_is_named_and_cannot_be_read_is_refused,
					  remove_files),
		cmocka_unit_test_teardown(a_pipe_among_files_is_waited_for, remove_files),
		cmocka_unit_test_teardown(a_pipe_without_a_writer_holds_nobody_up, remove_files),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
