/* test_capture_file.c - capture files, pipes and what is neither, through the file system. */
#include "check.h"

#include "capture_sources.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t header[24] = {
	0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [16] = 0xff, 0xff, 0, 0, 1, 0, 0, 0,
};
static char directory[] = "/tmp/test_capture_file.XXXXXX";
static char path[sizeof(directory) + 16];

static int make_directory(void **state __attribute__((unused)))
{
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/file", directory);
	return 0;
}

static int remove_directory(void **state __attribute__((unused)))
{
	(void)unlink(path);
	return rmdir(directory);
}

static void write_file(const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	CHECK_EQ(fwrite(bytes, 1, size, file), size);
	CHECK_EQ(fclose(file), 0);
}

/* A record of 'size' bytes, all 'value', captured at second 'value'. */
static size_t make_record(uint8_t *record, uint8_t value, uint32_t size)
{
	memset(record, 0, 16);
	record[0] = value;
	for (int i = 0; i < 4; i++)
		record[8 + i] = record[12 + i] = (uint8_t)(size >> 8 * i);
	memset(record + 16, value, size);
	return 16 + size;
}

static int try_open(const char *name, struct capture **capture, struct error_text *error)
{
	char *copy = strdup(name); /* it need not outlive open() */
	const struct source_config config = { .type = &capture_file, .name = copy };
	int result = capture_file.open(&config, capture, error);

	free(copy);
	return result;
}

static void check_refused(const char *name, int expected, const char *text)
{
	struct capture *capture = NULL;
	struct error_text error;

	CHECK_EQ(try_open(name, &capture, &error), expected);
	CHECK(strstr(error.text, text) != NULL);
	CHECK(strstr(error.text, name) == error.text);
}

TEST(wrong_files_are_refused_at_start)
{
	check_refused(path, -ENOENT, "cannot be opened: No such file or directory");
	write_file("", 0);
	check_refused(path, -EBADMSG, "empty; expected pcap or pcapng");
	write_file("root:x:0:0", 10);
	check_refused(path, -EBADMSG, "not a capture file");
	write_file(header, 10);
	check_refused(path, -EBADMSG, "expected 14 more bytes");
}

TEST(records_larger_than_the_buffer_are_read)
{
	enum { SMALL = 100, LARGE = 1000 * 1000 };
	uint8_t *bytes = malloc(sizeof(header) + 3 * (16 + LARGE));
	struct capture_statistics statistics;
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	size_t size = sizeof(header);
	int count, total = 0;

	assert_non_null(bytes);
	memcpy(bytes, header, sizeof(header));
	size += make_record(bytes + size, 1, SMALL);
	size += make_record(bytes + size, 2, LARGE);
	size += make_record(bytes + size, 3, SMALL);
	write_file(bytes, size - 1); /* the last byte is missing */
	free(bytes);
	CHECK_EQ(try_open(path, &capture, &error), 0);
	CHECK_EQ(capture_file.descriptor(capture), -1);
	while ((count = capture_file.read(capture, views, 8, &error)) > 0)
		for (int i = 0; i < count; i++) {
			const struct packet_view *view = &views[i];

			total++;
			CHECK_EQ(view->time_ms, 1000 * total);
			CHECK_EQ(view->captured_bytes, total == 2 ? LARGE : SMALL);
			CHECK_EQ(view->bytes[view->captured_bytes - 1], total);
		}
	CHECK_EQ(total, 2);
	CHECK_EQ(count, -EBADMSG);
	CHECK(strstr(error.text, "offset 1000156: expected 1 more bytes") != NULL);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), -EBADMSG); /* and stays so */
	capture_file.statistics(capture, &statistics);
	CHECK(statistics.messages > 0);
	capture_file.close(capture);
}

TEST(a_pipe_is_read_as_it_comes)
{
	uint8_t record[16 + 50];
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	struct pollfd ready;
	int writer;

	(void)unlink(path);
	CHECK_EQ(mkfifo(path, 0600), 0);
	writer = open(path, O_RDWR | O_CLOEXEC); /* so that the other end opens at once */
	CHECK(writer >= 0);
	CHECK_EQ(try_open(path, &capture, &error), 0);
	ready = (struct pollfd){ .fd = capture_file.descriptor(capture), .events = POLLIN };
	CHECK(ready.fd >= 0);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 0);
	(void)make_record(record, 1, 50);
	CHECK_EQ(write(writer, header, sizeof(header)), sizeof(header));
	CHECK_EQ(write(writer, record, 30), 30);
	CHECK_EQ(poll(&ready, 1, 5000), 1);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 0);
	CHECK_EQ(write(writer, record + 30, sizeof(record) - 30), sizeof(record) - 30);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 1);
	CHECK_EQ(views[0].time_ms, 1000);
	CHECK_EQ(views[0].bytes[49], 1);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), 0);
	(void)close(writer);
	CHECK_EQ(poll(&ready, 1, 5000), 1);
	CHECK_EQ(capture_file.read(capture, views, 8, &error), -ENODATA);
	capture_file.close(capture);
	CHECK_EQ(unlink(path), 0);
}

TEST(memory_does_not_grow_with_the_file)
{
	enum { SIZE = 65536, COUNT = 500 };
	uint8_t *record = malloc(16 + SIZE);
	struct packet_view views[8];
	struct capture *capture;
	struct error_text error;
	struct rusage before, after;
	FILE *file = fopen(path, "wb");
	int count, total = 0;

	assert_non_null(record);
	assert_non_null(file);
	(void)make_record(record, 7, SIZE);
	(void)fwrite(header, 1, sizeof(header), file);
	for (int i = 0; i < COUNT; i++)
		(void)fwrite(record, 1, 16 + SIZE, file);
	CHECK_EQ(fclose(file), 0);
	free(record);
	CHECK_EQ(getrusage(RUSAGE_SELF, &before), 0);
	CHECK_EQ(try_open(path, &capture, &error), 0);
	while ((count = capture_file.read(capture, views, 8, &error)) > 0)
		total += count;
	CHECK_EQ(getrusage(RUSAGE_SELF, &after), 0);
	CHECK_EQ(total, COUNT);
	CHECK_EQ(count, -ENODATA);
	CHECK(after.ru_maxrss - before.ru_maxrss < 4096); /* KiB; the file has 32 MiB */
	capture_file.close(capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_files_are_refused_at_start),
		cmocka_unit_test(records_larger_than_the_buffer_are_read),
		cmocka_unit_test(a_pipe_is_read_as_it_comes),
		cmocka_unit_test(memory_does_not_grow_with_the_file),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
