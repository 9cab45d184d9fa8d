/* test_spool.c - the store after the queue: order, sums, the turn of the ring, a full file system,
 * and a disk that fails or hangs, by calls that stand still until the test lets them go. */
#include "spool.h"

#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_TESTED 3000
#define WAIT_MS         20000
#define SECOND_US       1000000

/* ---- a disk that fails and hangs ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* whoever holds it makes calls hang */
static _Atomic bool is_waiting;
static _Atomic int write_error, read_error; /* positive errno; for offsets from 'error_from' on */
static _Atomic int64_t error_from;
static _Atomic unsigned int writes;

static bool passes(int error, off_t offset)
{
	is_waiting = true;
	(void)pthread_mutex_lock(&gate);
	is_waiting = false;
	(void)pthread_mutex_unlock(&gate);
	errno = error;
	return !error || offset < error_from;
}

static ssize_t gate_write(int fd, const void *bytes, size_t size, off_t offset)
{
	writes++;
	return passes(write_error, offset) ? pwrite(fd, bytes, size, offset) : -1;
}

static ssize_t gate_read(int fd, void *bytes, size_t size, off_t offset)
{
	return passes(read_error, offset) ? pread(fd, bytes, size, offset) : -1;
}

static int gate_truncate(int fd, off_t size)
{
	return passes(0, 0) ? ftruncate(fd, size) : -1;
}

static const struct spool_disk_calls gate_calls = { gate_write, gate_read, gate_truncate };

/* Let the disk do all that it has been given. */
static void settle(struct spool *spool, int64_t now_us)
{
	spool_poll(spool, now_us);
	for (int i = 0; i < WAIT_MS && spool->jobs; i++) {
		struct pollfd done = { .fd = spool_descriptor(spool), .events = POLLIN };

		(void)poll(&done, 1, 100);
		spool_poll(spool, now_us);
	}
	CHECK_EQ(spool->jobs, 0);
}

static void wait_for_gate(void)
{
	for (int i = 0; i < WAIT_MS && !is_waiting; i++)
		(void)poll(NULL, 0, 1);
	CHECK(is_waiting);
}

/* A datagram whose content follows from its number; its size as well. */
static struct queued_datagram numbered(uint8_t bytes[static SIZE_MAX_TESTED], uint32_t number)
{
	const uint32_t size = 1 + number * 7919 % SIZE_MAX_TESTED;

	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number + i);
	return (struct queued_datagram){
		.bytes = bytes,
		.size = size,
		.sequence_step = number + 1,
		.amount = { number, number * 10ull, number * 1000ull },
		.has_templates = number % 3 == 0,
		.time = { .unix_ms = number * 5ll, .uptime_ms = number },
	};
}

static int put(struct spool *spool, uint32_t number)
{
	uint8_t bytes[SIZE_MAX_TESTED];
	const struct queued_datagram datagram = numbered(bytes, number);

	return spool_put(spool, &datagram);
}

static void take(struct spool *spool, uint32_t number)
{
	uint8_t bytes[SIZE_MAX_TESTED], taken_bytes[SIZE_MAX_TESTED];
	const struct queued_datagram expected = numbered(bytes, number);
	struct queued_datagram taken = { .bytes = taken_bytes };

	if (spool_take(spool, &taken, SIZE_MAX_TESTED)) {
		settle(spool, 0);
		CHECK_EQ(spool_take(spool, &taken, SIZE_MAX_TESTED), 0);
	}
	CHECK_EQ(taken.size, expected.size);
	CHECK_BYTES(taken.bytes, expected.bytes, expected.size);
	CHECK_EQ(taken.sequence_step, expected.sequence_step);
	CHECK_EQ(taken.amount.records, number);
	CHECK_EQ(taken.amount.octets, number * 1000);
	CHECK_EQ(taken.has_templates, expected.has_templates);
	CHECK_EQ(taken.time.unix_ms, expected.time.unix_ms);
	CHECK_EQ(taken.time.uptime_ms, number);
}

static struct spool create(uint64_t size, const char *directory)
{
	const struct spool_config config = {
		.size = size,
		.directory = directory,
		.datagram_size = SIZE_MAX_TESTED,
		.calls = directory ? &gate_calls : NULL,
	};
	struct error_text error;
	struct spool spool;

	CHECK_EQ(spool_init(&spool, &config, &error), 0);
	CHECK_EQ(spool_is_there(&spool), size != 0);
	return spool;
}

static off_t file_size(const struct spool *spool)
{
	struct stat status;

	CHECK_EQ(fstat(spool_disk_file(spool->disk), &status), 0);
	return status.st_size;
}

/* Fill and empty it at random; what comes out is what went in, in order. */
static void check_ring(const char *directory)
{
	struct spool spool = create(SPOOL_SIZE_MIN, directory);
	uint32_t first = 0, next = 0;
	unsigned int full = 0;

	srandom(6);
	for (int round = 0; round < 400; round++) {
		const long puts = random() % 300, takes = random() % 300;

		for (long i = 0; i < puts; i++) {
			const bool has_room = spool_room(&spool, SIZE_MAX_TESTED) > 0;
			int result = put(&spool, next);

			if (result == -EAGAIN) {
				CHECK(!has_room);
				settle(&spool, 0);
				result = put(&spool, next);
			}
			CHECK(result == 0 || (result == -ENOSPC && !has_room));
			full += result == -ENOSPC;
			next += result == 0;
		}
		for (long i = 0; i < takes && first < next; i++)
			take(&spool, first++);
		CHECK_EQ(spool.count, next - first);
		settle(&spool, 0);
		CHECK(file_size(&spool) <= (off_t)SPOOL_SIZE_MIN);
		CHECK(file_size(&spool) == 0 || spool.count != 0);
	}
	CHECK(full > 100);
	while (first < next)
		take(&spool, first++);
	CHECK_EQ(spool.total_bytes, 0);
	CHECK_EQ(spool.amount.records, 0);
	CHECK_EQ(spool.amount.packets, 0);
	CHECK_EQ(spool.amount.octets, 0);
	spool_clear(&spool);
}

TEST(a_ring_in_memory)
{
	check_ring(NULL);
}

TEST(a_ring_in_a_file_without_a_name)
{
	char directory[] = "/tmp/test-spool-XXXXXX";

	CHECK(mkdtemp(directory) != NULL);
	check_ring(directory);
	CHECK_EQ(rmdir(directory), 0); /* nothing was left in it */
}

TEST(room_is_promised_only_where_it_is)
{
	struct spool spool = create(SPOOL_SIZE_MIN, NULL);
	uint32_t first = 0, next = 0;

	srandom(7);
	for (int round = 0; round < 3000; round++) {
		const size_t count = 1 + (size_t)random() % 8;

		if (spool_room(&spool, SIZE_MAX_TESTED) >= count) {
			for (size_t i = 0; i < count; i++)
				CHECK_EQ(put(&spool, next++), 0);
		} else {
			for (size_t i = 0; i < 3 * count; i++)
				take(&spool, first++);
		}
	}
	spool_clear(&spool);
}

TEST(what_is_forgotten_leaves_an_empty_spool)
{
	struct spool spool = create(SPOOL_SIZE_MIN, NULL);

	for (uint32_t i = 0; i < 300; i++)
		CHECK_EQ(put(&spool, i), 0);
	CHECK_EQ(spool.amount.records, 44850);
	CHECK(file_size(&spool) > 0);
	spool_forget(&spool);
	CHECK_EQ(spool.count, 0);
	CHECK_EQ(file_size(&spool), 0);
	CHECK_EQ(put(&spool, 7), 0);
	take(&spool, 7);
	spool_clear(&spool);
}

TEST(the_oldest_are_dropped_together_and_counted)
{
	struct spool spool = create(SPOOL_SIZE_MIN, NULL);
	struct spool_loss dropped;
	uint64_t records = 0;
	uint32_t next = 0;

	while (put(&spool, next) == 0)
		next++;
	CHECK(spool_is_full(&spool));
	take(&spool, 0);
	spool_drop(&spool, &dropped);
	CHECK(dropped.datagrams > 10 && dropped.datagrams < 100);
	for (uint64_t i = 1; i <= dropped.datagrams; i++)
		records += i;
	CHECK_EQ(dropped.amount.records, records);
	CHECK_EQ(put(&spool, next), 0);
	for (uint32_t i = 1 + (uint32_t)dropped.datagrams; i <= next; i++)
		take(&spool, i);
	CHECK_EQ(spool.count, 0);
	CHECK_EQ(spool.amount.octets, 0);
	spool_clear(&spool);
}

/* ---- in a directory ---- */

static struct spool create_on_disk(uint64_t size)
{
	write_error = read_error = 0;
	error_from = 0;
	writes = 0;
	return create(size, "/tmp");
}

/* Fill it until it takes nothing more, and let the disk go on each time. Returns the next. */
static uint32_t fill(struct spool *spool, uint32_t next, int end)
{
	int result;

	while ((result = put(spool, next)) == 0 || (result == -EAGAIN && end != -EAGAIN)) {
		next += result == 0;
		if (result)
			settle(spool, 0);
	}
	CHECK_EQ(result, end);
	return next;
}

TEST(a_little_touches_no_disk)
{
	struct spool spool = create_on_disk(SPOOL_SIZE_MIN);

	for (uint32_t i = 0; i < 50; i++)
		CHECK_EQ(put(&spool, i), 0);
	for (uint32_t i = 0; i < 50; i++)
		take(&spool, i);
	CHECK_EQ(writes, 0);
	spool_clear(&spool);
}

/* Nothing here waits for the disk; what it has no room for is refused, and nothing is twice or out
 * of order when it goes on. */
TEST(a_write_that_hangs_holds_up_nobody_and_says_so)
{
	struct spool spool = create_on_disk(64 << 20);
	uint32_t next, more;

	spool_poll(&spool, SECOND_US);
	(void)pthread_mutex_lock(&gate);
	next = fill(&spool, 0, -EAGAIN);
	wait_for_gate();
	CHECK_EQ(spool.count, next);
	CHECK(next > 300);
	CHECK_EQ(spool_room(&spool, SIZE_MAX_TESTED), 0);
	CHECK(!spool_is_full(&spool));
	spool_poll(&spool, 2 * SECOND_US);
	CHECK(!spool.is_hanging);
	spool_poll(&spool, 5999999);
	CHECK(!spool.is_hanging);
	spool_poll(&spool, 7 * SECOND_US);
	CHECK(spool.is_hanging);
	CHECK_EQ(put(&spool, next), -EAGAIN);
	for (uint32_t i = 0; i < 40; i++)
		take(&spool, i); /* what is in memory */
	(void)pthread_mutex_unlock(&gate);
	settle(&spool, 8 * SECOND_US);
	CHECK(!spool.is_hanging);
	more = fill(&spool, next, -ENOSPC);
	CHECK(more > next + 10000);
	for (uint32_t i = 40; i < more; i++)
		take(&spool, i);
	CHECK_EQ(spool.count, 0);
	spool_clear(&spool);
}

TEST(a_read_that_hangs_keeps_what_is_after_it)
{
	struct spool spool = create_on_disk(4 << 20);
	uint32_t next = fill(&spool, 0, -ENOSPC);
	uint8_t bytes[SIZE_MAX_TESTED];
	struct queued_datagram taken = { .bytes = bytes };
	struct spool_loss dropped;
	uint32_t first = 0;

	settle(&spool, 0);
	(void)pthread_mutex_lock(&gate);
	while (spool_take(&spool, &taken, sizeof(bytes)) == 0)
		first++;
	wait_for_gate();
	CHECK_EQ(spool.count, next - first);
	spool_drop(&spool, &dropped); /* without the disk: what is in a chunk is known */
	CHECK(dropped.datagrams > 10);
	CHECK_EQ(dropped.amount.records,
		 dropped.datagrams * first + dropped.datagrams * (dropped.datagrams - 1) / 2);
	CHECK_EQ(put(&spool, next), 0);
	(void)pthread_mutex_unlock(&gate);
	for (uint32_t i = first + (uint32_t)dropped.datagrams; i <= next; i++)
		take(&spool, i);
	settle(&spool, 0);
	CHECK_EQ(spool.count, 0);
	CHECK_EQ(file_size(&spool), 0);
	spool_clear(&spool);
}

TEST(the_end_does_not_wait_for_ever_for_a_write_that_hangs)
{
	struct spool spool = create_on_disk(4 << 20);

	(void)pthread_mutex_lock(&gate);
	(void)fill(&spool, 0, -EAGAIN);
	wait_for_gate();
	spool_clear(&spool);
	(void)pthread_mutex_unlock(&gate);
	for (int i = 0; i < WAIT_MS && is_waiting; i++)
		(void)poll(NULL, 0, 1);
	CHECK(!is_waiting); /* the thread frees what is left */
}

/* What was written before goes round, what comes then waits in memory. */
TEST(a_file_system_that_is_full_makes_the_ring_end_there)
{
	struct spool spool = create_on_disk(16 << 20);
	uint32_t next, first = 0;

	error_from = 1 << 20;
	write_error = ENOSPC;
	next = fill(&spool, 0, -ENOSPC);
	CHECK(spool.total_bytes > 1 << 20 && spool.total_bytes < 4 << 20);
	CHECK(spool_is_full(&spool));
	CHECK_EQ(spool.failed.datagrams, 0);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 300; i++)
			take(&spool, first++);
		next = fill(&spool, next, -ENOSPC);
	}
	CHECK(file_size(&spool) <= 1 << 20);
	while (first < next)
		take(&spool, first++);
	CHECK_EQ(spool.count, 0);
	spool_clear(&spool);
}

TEST(a_disk_that_fails_loses_what_it_was_given_and_counts_it)
{
	struct spool spool = create_on_disk(4 << 20);
	uint8_t bytes[SIZE_MAX_TESTED];
	struct queued_datagram taken = { .bytes = bytes };
	uint64_t records = 0, sum;
	uint32_t next;

	write_error = EIO;
	for (next = 0; next < 500; next++)
		if (put(&spool, next) == -EAGAIN)
			break;
	settle(&spool, 0);
	write_error = 0;
	CHECK(spool.failed.datagrams > 50);
	CHECK_EQ(spool.failed.error, EIO);
	CHECK_EQ(spool.count + spool.failed.datagrams, next);
	while (spool.count) {
		if (spool_take(&spool, &taken, sizeof(bytes)) == 0)
			records += taken.amount.records;
		else
			settle(&spool, 0);
	}
	sum = (uint64_t)next * (next - 1) / 2;
	CHECK_EQ(records + spool.failed.amount.records, sum);

	spool.failed = (struct spool_loss){ 0 };
	next = fill(&spool, 0, -ENOSPC);
	read_error = EIO;
	for (int i = 0; i < WAIT_MS && spool.count; i++)
		if (spool_take(&spool, &taken, sizeof(bytes)))
			settle(&spool, 0);
	CHECK_EQ(spool.count, 0);
	CHECK_EQ(spool.amount.records, 0);
	CHECK(spool.failed.datagrams > next / 2);
	spool_clear(&spool);
}

TEST(without_a_size_there_is_none)
{
	struct spool spool = create(0, "/nowhere");

	spool_clear(&spool);
}

TEST(a_directory_that_is_not_there_is_named)
{
	struct error_text error;
	struct spool spool;

	CHECK_EQ(spool_init(&spool,
			    &(struct spool_config){ .size = SPOOL_SIZE_MIN,
						    .directory = "/nowhere",
						    .datagram_size = 1400 },
			    &error),
		 -ENOENT);
	CHECK_TEXT(error.text, "cannot make a spool in /nowhere: No such file or directory");
	CHECK(!spool_is_there(&spool));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_in_memory),
		cmocka_unit_test(a_ring_in_a_file_without_a_name),
		cmocka_unit_test(room_is_promised_only_where_it_is),
		cmocka_unit_test(what_is_forgotten_leaves_an_empty_spool),
		cmocka_unit_test(the_oldest_are_dropped_together_and_counted),
		cmocka_unit_test(a_little_touches_no_disk),
		cmocka_unit_test(a_write_that_hangs_holds_up_nobody_and_says_so),
		cmocka_unit_test(a_read_that_hangs_keeps_what_is_after_it),
		cmocka_unit_test(the_end_does_not_wait_for_ever_for_a_write_that_hangs),
		cmocka_unit_test(a_file_system_that_is_full_makes_the_ring_end_there),
		cmocka_unit_test(a_disk_that_fails_loses_what_it_was_given_and_counts_it),
		cmocka_unit_test(without_a_size_there_is_none),
		cmocka_unit_test(a_directory_that_is_not_there_is_named),
	};

	return RUN_TESTS(tests);
}
