/* test_spool.c - the store behind the queue: order, sums, the turn of the ring, a full file system.
 */
#include "spool.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_TESTED 3000

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

	CHECK_EQ(spool_take(spool, &taken, SIZE_MAX_TESTED), 0);
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
	struct error_text error;
	struct spool spool;

	CHECK_EQ(spool_init(&spool, size, directory, &error), 0);
	CHECK_EQ(spool_is_there(&spool), size != 0);
	return spool;
}

static off_t file_size(const struct spool *spool)
{
	struct stat status;

	CHECK_EQ(fstat(spool->fd, &status), 0);
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
			const int result = put(&spool, next);

			CHECK(result == 0 || (result == -ENOSPC && !has_room));
			full += result == -ENOSPC;
			next += result == 0;
		}
		for (long i = 0; i < takes && first < next; i++)
			take(&spool, first++);
		CHECK_EQ(spool.count, next - first);
		CHECK(file_size(&spool) <= SPOOL_SIZE_MIN);
		CHECK_EQ(file_size(&spool) == 0, spool.count == 0);
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

	for (uint32_t i = 0; i < 100; i++)
		CHECK_EQ(put(&spool, i), 0);
	CHECK_EQ(spool.amount.records, 4950);
	spool_forget(&spool);
	CHECK_EQ(spool.count, 0);
	CHECK_EQ(file_size(&spool), 0);
	CHECK_EQ(put(&spool, 7), 0);
	take(&spool, 7);
	spool_clear(&spool);
}

/* The file is shorter than it should be: like a disk that cannot be read any more. */
TEST(a_file_that_cannot_be_read_says_so)
{
	struct spool spool = create(SPOOL_SIZE_MIN, NULL);
	uint8_t bytes[SIZE_MAX_TESTED];
	struct queued_datagram taken = { .bytes = bytes };

	CHECK_EQ(put(&spool, 1), 0);
	CHECK_EQ(put(&spool, 2), 0);
	CHECK_EQ(ftruncate(spool.fd, 50), 0);
	CHECK_EQ(spool_take(&spool, &taken, sizeof(bytes)), -EIO);
	CHECK_EQ(spool.amount.records, 3); /* all of it is lost */
	spool_forget(&spool);
	CHECK_EQ(put(&spool, 4), 0);
	CHECK_EQ(spool_take(&spool, &taken, 3), -EIO); /* longer than any could be */
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

	CHECK_EQ(spool_init(&spool, SPOOL_SIZE_MIN, "/nowhere", &error), -ENOENT);
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
		cmocka_unit_test(a_file_that_cannot_be_read_says_so),
		cmocka_unit_test(without_a_size_there_is_none),
		cmocka_unit_test(a_directory_that_is_not_there_is_named),
	};

	return RUN_TESTS(tests);
}
