/* test_datagram_queue.c - the rings of datagrams that wait and that were sent. */
#include "datagram_queue.h"

#include "check.h"

static void put_last(struct datagram_queue *queue, uint8_t mark)
{
	datagram_queue_next(queue)->bytes[0] = mark;
	datagram_queue_next(queue)->size = 10;
	datagram_queue_put_last(queue);
}

TEST(datagrams_leave_in_the_order_they_came_and_one_may_go_ahead)
{
	struct datagram_queue queue;

	CHECK_EQ(datagram_queue_init(&queue, 16), 0);
	/* Far enough for the ring to turn over. */
	for (unsigned int round = 0; round < 1000; round++) {
		put_last(&queue, 1);
		put_last(&queue, 2);
		datagram_queue_next(&queue)->bytes[0] = 3; /* under construction */
		datagram_queue_ahead(&queue)->bytes[0] = 0;
		datagram_queue_ahead(&queue)->size = 7;
		datagram_queue_put_first(&queue);
		datagram_queue_next(&queue)->size = 10;
		datagram_queue_put_last(&queue);
		CHECK_EQ(queue.count, 4);
		CHECK_EQ(queue.total_bytes, 37);
		for (unsigned int i = 0; i < 4; i++) {
			CHECK_EQ(datagram_queue_at(&queue, 0)->bytes[0], i);
			datagram_queue_pop(&queue);
		}
		CHECK_EQ(queue.total_bytes, 0);
	}
	datagram_queue_clear(&queue);
}

TEST(a_full_queue_still_has_both_building_places)
{
	struct datagram_queue queue;

	CHECK_EQ(datagram_queue_init(&queue, 16), 0);
	while (datagram_queue_room(&queue))
		put_last(&queue, 1);
	CHECK_EQ(queue.count, DATAGRAM_QUEUE_CAPACITY);
	datagram_queue_next(&queue)->bytes[0] = 2;
	datagram_queue_ahead(&queue)->bytes[0] = 3;
	CHECK_EQ(datagram_queue_next(&queue)->bytes[0], 2);
	for (size_t i = 0; i < queue.count; i++)
		CHECK_EQ(datagram_queue_at(&queue, i)->bytes[0], 1);
	datagram_queue_clear(&queue);
}

TEST(history_remembers_the_last_and_forgets_the_oldest)
{
	const struct queued_datagram datagram = { .size = 100, .amount = { 1, 2, 3 } };
	struct sent_history history;
	uint64_t number;

	CHECK_EQ(sent_history_init(&history), 0);
	CHECK(!sent_history_find(&history, 0, &number));
	CHECK(sent_history_at(&history, 0) == NULL);
	for (uint32_t i = 0; i <= SENT_HISTORY_CAPACITY; i++)
		sent_history_add(&history, &datagram, UINT32_MAX - 5 + i);
	CHECK(!sent_history_find(&history, UINT32_MAX - 5, &number));
	CHECK(sent_history_at(&history, 0) == NULL);
	CHECK(sent_history_find(&history, UINT32_MAX - 4, &number));
	CHECK_EQ(number, 1);
	CHECK(sent_history_find(&history, 0, &number)); /* over the wrap */
	CHECK_EQ(number, 6);
	CHECK_EQ(sent_history_at(&history, number)->amount.octets, 3);
	CHECK(sent_history_at(&history, history.count) == NULL);
	sent_history_clear(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_leave_in_the_order_they_came_and_one_may_go_ahead),
		cmocka_unit_test(a_full_queue_still_has_both_building_places),
		cmocka_unit_test(history_remembers_the_last_and_forgets_the_oldest),
	};

	return RUN_TESTS(tests);
}
