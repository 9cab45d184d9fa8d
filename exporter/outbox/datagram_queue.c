/* datagram_queue.c - ring of datagrams that wait, ring of datagrams that were sent.
 *
 * Place: between encoder and transport. Invariant: first < DATAGRAM_QUEUE_SLOTS, count <= capacity;
 * the bytes of a datagram never move, so it is built where it waits and is sent from there. */
#include "datagram_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int datagram_queue_init(struct datagram_queue *queue, size_t datagram_size)
{
	*queue = (struct datagram_queue){
		.slots = calloc(DATAGRAM_QUEUE_SLOTS, sizeof(*queue->slots)),
		.bytes = malloc(DATAGRAM_QUEUE_SLOTS * datagram_size),
	};
	if (!queue->slots || !queue->bytes) {
		datagram_queue_clear(queue);
		return -ENOMEM;
	}
	for (size_t i = 0; i < DATAGRAM_QUEUE_SLOTS; i++)
		queue->slots[i].bytes = queue->bytes + i * datagram_size;
	return 0;
}

void datagram_queue_clear(struct datagram_queue *queue)
{
	free(queue->slots);
	free(queue->bytes);
	*queue = (struct datagram_queue){ 0 };
}

void datagram_queue_use(struct datagram_queue *queue,
			uint8_t *const bytes[static DATAGRAM_QUEUE_SLOTS])
{
	assert(queue->count == 0);
	for (size_t i = 0; i < DATAGRAM_QUEUE_SLOTS; i++)
		queue->slots[i].bytes = bytes[i];
	free(queue->bytes);
	queue->bytes = NULL;
	queue->first = 0;
}

struct queued_datagram *datagram_queue_at(const struct datagram_queue *queue, size_t index)
{
	return &queue->slots[(queue->first + index) % DATAGRAM_QUEUE_SLOTS];
}

struct queued_datagram *datagram_queue_next(struct datagram_queue *queue)
{
	return datagram_queue_at(queue, queue->count);
}

struct queued_datagram *datagram_queue_ahead(struct datagram_queue *queue)
{
	return datagram_queue_at(queue, DATAGRAM_QUEUE_SLOTS - 1);
}

struct queued_datagram *datagram_queue_spare(struct datagram_queue *queue)
{
	return datagram_queue_at(queue, queue->count + 1);
}

size_t datagram_queue_room(const struct datagram_queue *queue)
{
	return DATAGRAM_QUEUE_CAPACITY - queue->count;
}

void datagram_queue_put_last(struct datagram_queue *queue)
{
	assert(datagram_queue_room(queue) > 0);
	queue->total_bytes += datagram_queue_next(queue)->size;
	queue->count++;
}

void datagram_queue_put_first(struct datagram_queue *queue)
{
	assert(datagram_queue_room(queue) > 0);
	queue->total_bytes += datagram_queue_ahead(queue)->size;
	queue->first = (queue->first + DATAGRAM_QUEUE_SLOTS - 1) % DATAGRAM_QUEUE_SLOTS;
	queue->count++;
}

void datagram_queue_put_after(struct datagram_queue *queue, size_t index)
{
	datagram_queue_put_first(queue);
	for (size_t i = 0; i < index; i++) {
		struct queued_datagram *one = datagram_queue_at(queue, i);
		struct queued_datagram *other = datagram_queue_at(queue, i + 1);
		const struct queued_datagram moved = *one;

		*one = *other;
		*other = moved;
	}
}

void datagram_queue_put_spare(struct datagram_queue *queue)
{
	struct queued_datagram *next = datagram_queue_next(queue);
	struct queued_datagram *spare = datagram_queue_spare(queue);
	const struct queued_datagram under_construction = *next;

	*next = *spare;
	*spare = under_construction;
	datagram_queue_put_last(queue);
}

void datagram_queue_pop(struct datagram_queue *queue)
{
	assert(queue->count > 0);
	queue->total_bytes -= datagram_queue_at(queue, 0)->size;
	queue->first = (queue->first + 1) % DATAGRAM_QUEUE_SLOTS;
	queue->count--;
}

void datagram_queue_remove(struct datagram_queue *queue, size_t index)
{
	const struct queued_datagram removed = *datagram_queue_at(queue, index);

	assert(index < queue->count);
	for (size_t i = index; i > 0; i--)
		*datagram_queue_at(queue, i) = *datagram_queue_at(queue, i - 1);
	*datagram_queue_at(queue, 0) = removed;
	datagram_queue_pop(queue);
}

int sent_history_init(struct sent_history *history)
{
	*history = (struct sent_history){
		.ring = calloc(SENT_HISTORY_CAPACITY, sizeof(*history->ring)),
	};
	return history->ring ? 0 : -ENOMEM;
}

void sent_history_clear(struct sent_history *history)
{
	free(history->ring);
	*history = (struct sent_history){ 0 };
}

void sent_history_add(struct sent_history *history, const struct queued_datagram *datagram)
{
	struct sent_datagram *sent = &history->ring[history->count++ % SENT_HISTORY_CAPACITY];

	*sent = (struct sent_datagram){ .size = datagram->size, .amount = datagram->amount };
	memcpy(sent->head, datagram->bytes,
	       datagram->size < SENT_HEAD_SIZE ? datagram->size : SENT_HEAD_SIZE);
}

struct sent_datagram *sent_history_at(struct sent_history *history, uint64_t number)
{
	if (number >= history->count || history->count - number > SENT_HISTORY_CAPACITY)
		return NULL;
	return &history->ring[number % SENT_HISTORY_CAPACITY];
}

bool sent_history_find(const struct sent_history *history, const uint8_t *bytes, size_t size,
		       uint64_t *number)
{
	if (size > SENT_HEAD_SIZE)
		size = SENT_HEAD_SIZE;
	for (uint64_t age = 1; age <= history->count && age <= SENT_HISTORY_CAPACITY; age++) {
		*number = history->count - age;
		if (memcmp(history->ring[*number % SENT_HISTORY_CAPACITY].head, bytes, size) == 0)
			return true;
	}
	return false;
}
