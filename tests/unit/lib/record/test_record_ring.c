/* test_record_ring.c - order, bounds and visibility of the ring, alone and between two threads. */
#include "record_ring.h"

#include "check.h"

#include <pthread.h>

TEST(entry_is_seen_only_after_publishing)
{
	struct record_ring *ring = record_ring_create(4, sizeof(struct ring_entry));

	CHECK_EQ(record_ring_room(ring), 4);
	CHECK(!record_ring_publish(ring));
	record_ring_push(ring)->kind = RING_END;
	CHECK_EQ(record_ring_waiting(ring), 0);
	CHECK(record_ring_publish(ring));
	CHECK_EQ(record_ring_waiting(ring), 1);
	CHECK_EQ(record_ring_peek(ring)->kind, RING_END);
	CHECK_EQ(record_ring_room(ring), 3);
	record_ring_pop(ring);
	CHECK_EQ(record_ring_waiting(ring), 0);
	CHECK_EQ(record_ring_room(ring), 3);
	record_ring_release(ring);
	CHECK_EQ(record_ring_room(ring), 4);
	record_ring_destroy(ring);
}

TEST(second_entry_is_after_the_first_also_around_the_end)
{
	struct record_ring *ring = record_ring_create(4, sizeof(struct ring_entry));

	for (uint64_t i = 0; i < 20; i += 2) {
		CHECK(record_ring_peek_second(ring) == NULL);
		record_ring_push(ring)->record.flow.packets = i;
		CHECK(record_ring_publish(ring));
		CHECK(record_ring_peek_second(ring) == NULL);
		record_ring_push(ring)->record.flow.packets = i + 1;
		CHECK(record_ring_peek_second(ring) == NULL);
		CHECK(record_ring_publish(ring));
		CHECK_EQ(record_ring_peek(ring)->record.flow.packets, i);
		CHECK_EQ(record_ring_peek_second(ring)->record.flow.packets, i + 1);
		record_ring_pop(ring);
		CHECK_EQ(record_ring_peek(ring)->record.flow.packets, i + 1);
		CHECK(record_ring_peek_second(ring) == NULL);
		record_ring_pop(ring);
		record_ring_release(ring);
	}
	record_ring_destroy(ring);
}

TEST(half_free_is_what_the_producer_may_push)
{
	struct record_ring *ring = record_ring_create(4, sizeof(struct ring_entry));

	CHECK(record_ring_is_half_free(ring));
	for (int i = 0; i < 4; i++)
		record_ring_push(ring)->kind = RING_RECORD;
	CHECK(record_ring_is_half_free(ring)); /* as far as was published */
	(void)record_ring_publish(ring);
	CHECK(!record_ring_is_half_free(ring));
	record_ring_pop(ring);
	CHECK(!record_ring_is_half_free(ring));
	record_ring_pop(ring);
	CHECK(record_ring_is_half_free(ring));
	record_ring_destroy(ring);
}

#define ENTRIES 200000

static void *produce(void *context)
{
	struct record_ring *ring = context;

	for (uint64_t i = 0; i < ENTRIES;) {
		for (uint32_t room = record_ring_room(ring); room && i < ENTRIES; room--, i++) {
			struct ring_entry *entry = record_ring_push(ring);

			entry->kind = RING_RECORD;
			entry->record.flow.packets = i;
			entry->record.flow.octets = ~i;
		}
		(void)record_ring_publish(ring);
	}
	return NULL;
}

TEST(two_threads_pass_everything_in_order)
{
	struct record_ring *ring = record_ring_create(64, sizeof(struct ring_entry));
	pthread_t producer;

	CHECK_EQ(pthread_create(&producer, NULL, produce, ring), 0);
	for (uint64_t i = 0; i < ENTRIES;) {
		const struct ring_entry *entry;

		if (!record_ring_waiting(ring))
			continue;
		entry = record_ring_peek(ring);
		CHECK_EQ(entry->record.flow.packets, i);
		CHECK_EQ(entry->record.flow.octets, ~i);
		record_ring_pop(ring);
		if (++i % 16 == 0)
			record_ring_release(ring);
	}
	CHECK_EQ(pthread_join(producer, NULL), 0);
	record_ring_destroy(ring);
}

/* Records without what is optional lie closer together, and a mark leaves what the consumer has
 * looked up as it was. */
TEST(entries_have_the_size_that_was_asked_for)
{
	const size_t size = RING_ENTRY_SIZE(EXPORT_RECORD_BASE_SIZE);
	struct record_ring *ring = record_ring_create(4, size);
	const struct ring_entry *last;
	struct ring_entry *entry;

	CHECK(ring != NULL);
	CHECK_EQ(record_ring_size(8, size) - record_ring_size(4, size), 4 * size);
	entry = record_ring_push(ring);
	entry->record.source.as_number = 65551;
	entry->mark = (struct ring_mark){ .packets_read = UINT64_MAX };
	CHECK_EQ(entry->record.source.as_number, 65551);
	CHECK_EQ((uint8_t *)record_ring_push(ring) - (uint8_t *)entry, size);
	(void)record_ring_push(ring);
	last = record_ring_push(ring);
	CHECK_EQ((const uint8_t *)last - (const uint8_t *)entry, 3 * size);
	CHECK(record_ring_push(ring) == entry);
	CHECK(!record_ring_recover(ring, 4, size + 8, 0, 0));
	record_ring_destroy(ring);
	CHECK(export_record_size(0) == EXPORT_RECORD_BASE_SIZE);
	CHECK(export_record_size(FLOW_COLUMN_BIT(FLOW_COLUMN_maximum_ttl)) ==
	      EXPORT_RECORD_BASE_SIZE);
	CHECK(export_record_size(EXPORT_RECORD_NAT) == offsetof(struct export_record, user_name));
	CHECK(export_record_size(EXPORT_RECORD_USER_NAME) == sizeof(struct export_record));
	CHECK(export_record_size(FLOW_COLUMN_BIT(FLOW_COLUMN_user)) ==
	      offsetof(struct export_record, nat));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_is_seen_only_after_publishing),
		cmocka_unit_test(half_free_is_what_the_producer_may_push),
		cmocka_unit_test(second_entry_is_after_the_first_also_around_the_end),
		cmocka_unit_test(two_threads_pass_everything_in_order),
		cmocka_unit_test(entries_have_the_size_that_was_asked_for),
	};

	return RUN_TESTS(tests);
}
