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

	CHECK_EQ(datagram_queue_init(&queue, 16, true), 0);
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

TEST(one_in_the_middle_can_be_taken_out)
{
	struct datagram_queue queue;

	CHECK_EQ(datagram_queue_init(&queue, 16, true), 0);
	for (unsigned int round = 0; round < 300; round++) {
		const uint8_t *built;

		for (uint8_t i = 0; i < 5; i++)
			put_last(&queue, i);
		datagram_queue_next(&queue)->bytes[0] = 9;
		built = datagram_queue_next(&queue)->bytes;
		datagram_queue_remove(&queue, 3);
		datagram_queue_remove(&queue, 0);
		datagram_queue_remove(&queue, 2);
		CHECK_EQ(queue.count, 2);
		CHECK_EQ(queue.total_bytes, 20);
		CHECK(datagram_queue_next(&queue)->bytes == built && built[0] == 9);
		for (uint8_t i = 1; i < 3; i++) {
			CHECK_EQ(datagram_queue_at(&queue, 0)->bytes[0], i);
			datagram_queue_pop(&queue);
		}
	}
	datagram_queue_clear(&queue);
}

TEST(one_may_go_ahead_of_those_after_some_and_one_may_come_in_finished)
{
	struct datagram_queue queue;

	CHECK_EQ(datagram_queue_init(&queue, 16, true), 0);
	for (unsigned int round = 0; round < 300; round++) {
		const uint8_t *built;

		put_last(&queue, 0);
		put_last(&queue, 1);
		put_last(&queue, 3);
		built = datagram_queue_next(&queue)->bytes;
		datagram_queue_next(&queue)->bytes[0] = 5; /* under construction */
		datagram_queue_ahead(&queue)->bytes[0] = 2;
		datagram_queue_ahead(&queue)->size = 10;
		datagram_queue_put_after(&queue, 2);
		datagram_queue_spare(&queue)->bytes[0] = 4;
		datagram_queue_spare(&queue)->size = 10;
		datagram_queue_put_spare(&queue);
		CHECK(datagram_queue_next(&queue)->bytes == built);
		datagram_queue_next(&queue)->size = 10;
		datagram_queue_put_last(&queue);
		CHECK_EQ(queue.total_bytes, 60);
		for (unsigned int i = 0; i < 6; i++) {
			CHECK_EQ(datagram_queue_at(&queue, 0)->bytes[0], i);
			datagram_queue_pop(&queue);
		}
	}
	datagram_queue_clear(&queue);
}

TEST(a_full_queue_still_has_both_building_places)
{
	struct datagram_queue queue;

	CHECK_EQ(datagram_queue_init(&queue, 16, true), 0);
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

/* What was sent stays, whatever happens in the queue, and waits again in the order of sending. */
TEST(sent_ones_return_in_order)
{
	struct datagram_queue queue;
	uint64_t number = 0;

	CHECK_EQ(datagram_queue_init(&queue, 16, true), 0);
	for (unsigned int round = 0; round < 300; round++) {
		for (uint8_t i = 0; i < 6; i++)
			put_last(&queue, i);
		for (int i = 0; i < 4; i++)
			datagram_queue_keep(&queue, number++);
		datagram_queue_ahead(&queue)->bytes[0] = 9;
		datagram_queue_ahead(&queue)->size = 10;
		datagram_queue_put_after(&queue, 1);
		put_last(&queue, 6);
		datagram_queue_remove(&queue, 2); /* 5 */
		/* Of 0 to 3 the third does not return; the others in two goes. */
		CHECK(datagram_queue_return(&queue, number - 1, 0));
		CHECK(datagram_queue_return(&queue, number - 4, 0));
		CHECK(datagram_queue_return(&queue, number - 3, 0));
		CHECK(!datagram_queue_return(&queue, number - 3, 0));
		CHECK_EQ(queue.count, 6);
		CHECK_EQ(queue.total_bytes, 60);
		for (size_t i = 0; i < 6; i++) {
			CHECK_EQ(datagram_queue_at(&queue, 0)->bytes[0], "\0\1\3\4\11\6"[i]);
			datagram_queue_pop(&queue);
		}
		CHECK_EQ(queue.total_bytes, 0);
	}
	datagram_queue_clear(&queue);
}

TEST(sent_ones_make_place)
{
	struct datagram_queue queue;

	CHECK_EQ(datagram_queue_init(&queue, 16, true), 0);
	for (uint64_t number = 0; number < 1000; number++) {
		put_last(&queue, 1);
		datagram_queue_keep(&queue, number);
	}
	while (datagram_queue_room(&queue))
		put_last(&queue, 2);
	CHECK(queue.sent + 1 >= DATAGRAM_QUEUE_SENT);
	CHECK(!datagram_queue_return(&queue, 999 - DATAGRAM_QUEUE_SENT, 0));
	CHECK(!datagram_queue_return(&queue, 999, DATAGRAM_QUEUE_SENT));
	for (uint64_t number = 1000; number-- > 1000 - 60;)
		CHECK(datagram_queue_return(&queue, number, 4));
	CHECK_EQ(datagram_queue_room(&queue), 0);
	CHECK_EQ(datagram_queue_room_ahead(&queue), DATAGRAM_QUEUE_SENT - 60);
	for (int i = 0; i < 60; i++) {
		CHECK_EQ(datagram_queue_at(&queue, 0)->bytes[0], 1);
		datagram_queue_pop(&queue);
	}
	CHECK_EQ(datagram_queue_at(&queue, 0)->bytes[0], 2);
	datagram_queue_clear(&queue);
}

/* A sent datagram of 24 bytes with this number at bytes 12 to 15. */
static void send(struct sent_history *history, uint32_t number)
{
	uint8_t bytes[24] = { 0, 9 };
	const struct queued_datagram datagram = {
		.bytes = bytes, .size = 24, .sequence_step = 1, .amount = { 1, 2, 3 }
	};

	for (int i = 0; i < 4; i++)
		bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	sent_history_add(history, &datagram, number);
}

static bool find(const struct sent_history *history, uint32_t number, size_t size, uint64_t *found)
{
	uint8_t bytes[24] = { 0, 9 };

	for (int i = 0; i < 4; i++)
		bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	bytes[23] = 0xee; /* after what is remembered */
	return sent_history_find(history, bytes, size, found);
}

TEST(history_remembers_the_last_and_forgets_the_oldest)
{
	struct sent_history history;
	uint64_t number;

	CHECK_EQ(sent_history_init(&history), 0);
	CHECK(!find(&history, 0, 24, &number));
	CHECK(sent_history_at(&history, 0) == NULL);
	for (uint32_t i = 0; i <= SENT_HISTORY_CAPACITY; i++)
		send(&history, UINT32_MAX - 5 + i);
	CHECK(!find(&history, UINT32_MAX - 5, 24, &number));
	CHECK(sent_history_at(&history, 0) == NULL);
	CHECK(find(&history, UINT32_MAX - 4, 24, &number));
	CHECK_EQ(number, 1);
	CHECK(find(&history, 0, 16, &number)); /* over the wrap; a short quote */
	CHECK_EQ(number, 6);
	CHECK_EQ(sent_history_at(&history, number)->amount.octets, 3);
	CHECK(sent_history_at(&history, history.count) == NULL);
	sent_history_clear(&history);
}

/* IPFIX: templates do not move the sequence number. */
TEST(history_tells_messages_of_one_sequence_number_apart)
{
	uint8_t templates[24] = { 0, 10, 0, 24, 1, 2, 3, 4, 0, 0, 0, 7, 0, 0, 0, 1, 0, 2, 0, 8 };
	uint8_t data[24] = { 0, 10, 0, 24, 1, 2, 3, 4, 0, 0, 0, 7, 0, 0, 0, 1, 1, 4, 0, 8 };
	const struct queued_datagram first = { .bytes = templates,
					       .size = 24,
					       .has_templates = true };
	const struct queued_datagram second = { .bytes = data, .size = 24, .sequence_step = 1 };
	struct sent_history history;
	uint64_t number;

	CHECK_EQ(sent_history_init(&history), 0);
	sent_history_add(&history, &first, 7);
	sent_history_add(&history, &second, 7);
	CHECK(sent_history_find(&history, templates, 24, &number));
	CHECK_EQ(number, 0);
	CHECK(sent_history_find(&history, data, 24, &number));
	CHECK_EQ(number, 1);
	CHECK(sent_history_find(&history, templates, 12, &number)); /* a short quote: the newest */
	CHECK_EQ(number, 1);
	sent_history_clear(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_leave_in_the_order_they_came_and_one_may_go_ahead),
		cmocka_unit_test(one_in_the_middle_can_be_taken_out),
		cmocka_unit_test(one_may_go_ahead_of_those_after_some_and_one_may_come_in_finished),
		cmocka_unit_test(a_full_queue_still_has_both_building_places),
		cmocka_unit_test(sent_ones_return_in_order),
		cmocka_unit_test(sent_ones_make_place),
		cmocka_unit_test(history_remembers_the_last_and_forgets_the_oldest),
		cmocka_unit_test(history_tells_messages_of_one_sequence_number_apart),
	};

	return RUN_TESTS(tests);
}
