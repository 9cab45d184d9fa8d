/* test_record_watch.c - copies of records for one that watches, and a count of the others. */
#include "check.h"
#include "record_watch.h"

#include <pthread.h>

static struct export_record record_of(uint16_t port)
{
	return (struct export_record){ .flow.key.source_port = port,
				       .source.as_number = 64500,
				       .destination.as_number = 64501 };
}

TEST(records_come_in_order)
{
	struct record_watch *watch = record_watch_create(EXPORT_RECORD_BASE_SIZE);
	struct export_record taken[8];

	assert_non_null(watch);
	CHECK_EQ(record_watch_take(watch, taken, 8), 0);
	for (uint16_t i = 0; i < 10; i++) {
		const struct export_record record = record_of(i);

		record_watch_give(watch, &record, i % 2 == 0);
	}
	CHECK_EQ(record_watch_take(watch, taken, 8), 8);
	for (uint16_t i = 0; i < 8; i++) {
		CHECK_EQ(taken[i].flow.key.source_port, i);
		CHECK_EQ(taken[i].source.as_number, i % 2 == 0 ? 64500 : 0);
		CHECK_EQ(taken[i].destination.as_number, i % 2 == 0 ? 64501 : 0);
	}
	CHECK_EQ(record_watch_take(watch, taken, 8), 2);
	CHECK_EQ(record_watch_lost(watch), 0);
	record_watch_destroy(watch);
}

TEST(what_has_no_room_is_counted)
{
	struct record_watch *watch = record_watch_create(EXPORT_RECORD_BASE_SIZE);
	const struct export_record record = record_of(1);
	struct export_record taken;

	for (int i = 0; i < RECORD_WATCH_ROOM + 5; i++)
		record_watch_give(watch, &record, true);
	CHECK_EQ(record_watch_lost(watch), 5);
	CHECK_EQ(record_watch_take(watch, &taken, 1), 1);
	record_watch_give(watch, &record, true);
	CHECK_EQ(record_watch_lost(watch), 5);
	record_watch_destroy(watch);
	record_watch_destroy(NULL);
}

#define GIVEN 200000

static void *give_many(void *argument)
{
	for (uint32_t i = 0; i < GIVEN; i++) {
		const struct export_record record = record_of((uint16_t)i);

		record_watch_give(argument, &record, true);
	}
	return NULL;
}

/* Both sides at once: each record comes, or is counted. */
TEST(nothing_is_neither_taken_nor_counted)
{
	struct record_watch *watch = record_watch_create(EXPORT_RECORD_BASE_SIZE);
	static struct export_record taken[64];
	uint64_t count = 0;
	pthread_t giver;

	CHECK_EQ(pthread_create(&giver, NULL, give_many, watch), 0);
	while (count + record_watch_lost(watch) < GIVEN)
		count += record_watch_take(watch, taken, 64);
	CHECK_EQ(pthread_join(giver, NULL), 0);
	CHECK_EQ(record_watch_take(watch, taken, 64), 0);
	CHECK_EQ(count + record_watch_lost(watch), GIVEN);
	record_watch_destroy(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order),
		cmocka_unit_test(what_has_no_room_is_counted),
		cmocka_unit_test(nothing_is_neither_taken_nor_counted),
	};

	return RUN_TESTS(tests);
}
