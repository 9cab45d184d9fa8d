/* datagram_queue.c - ring of datagrams that wait, ring of datagrams that were sent.
 *
 * Place: between encoder and transport. Invariant: first < slot_count, sent + count leaves three
 * slots, and two where none is sent; the bytes of a datagram never move, so it is built where it
 * waits and is sent from there. */
#include "datagram_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int datagram_queue_init(struct datagram_queue *queue, size_t datagram_size, bool keeps_sent)
{
	const size_t slot_count = DATAGRAM_QUEUE_SLOTS - (keeps_sent ? 0 : DATAGRAM_QUEUE_SENT);

	*queue = (struct datagram_queue){
		.slots = calloc(slot_count, sizeof(*queue->slots)),
		.bytes = malloc(slot_count * datagram_size),
		.slot_count = slot_count,
	};
	if (!queue->slots || !queue->bytes) {
		datagram_queue_clear(queue);
		return -ENOMEM;
	}
	for (size_t i = 0; i < slot_count; i++)
		queue->slots[i].bytes = queue->bytes + i * datagram_size;
	return 0;
}

void datagram_queue_clear(struct datagram_queue *queue)
{
	free(queue->slots);
	free(queue->bytes);
	*queue = (struct datagram_queue){ 0 };
}

struct queued_datagram *datagram_queue_at(const struct datagram_queue *queue, size_t index)
{
	return &queue->slots[(queue->first + index) % queue->slot_count];
}

struct queued_datagram *datagram_queue_sent(const struct datagram_queue *queue, size_t back)
{
	return datagram_queue_at(queue, queue->slot_count - back);
}

/* Exchange a slot 'back' before the first with each after it, up to number 'index'. */
static void move_behind(struct datagram_queue *queue, size_t back, size_t index)
{
	const struct queued_datagram moved = *datagram_queue_sent(queue, back);

	for (size_t i = 0; i < back + index - 1; i++)
		*datagram_queue_at(queue, queue->slot_count - back + i) =
			*datagram_queue_at(queue, queue->slot_count - back + i + 1);
	*datagram_queue_at(queue, queue->slot_count + index - 1) = moved;
}

/* The oldest of those sent make place. */
static void trim(struct datagram_queue *queue)
{
	const size_t free_count =
		queue->slot_count - queue->count > 3 ? queue->slot_count - queue->count - 3 : 0;

	if (queue->sent > free_count)
		queue->sent = free_count;
}

void datagram_queue_use(struct datagram_queue *queue,
			uint8_t *const bytes[static DATAGRAM_QUEUE_SLOTS])
{
	for (size_t i = 0; i < queue->slot_count; i++) {
		struct queued_datagram *slot = datagram_queue_at(queue, i);

		if (i < queue->count)
			memcpy(bytes[i], slot->bytes, slot->size);
		slot->bytes = bytes[i];
	}
	free(queue->bytes);
	queue->bytes = NULL;
	queue->sent = 0;
}

struct queued_datagram *datagram_queue_next(struct datagram_queue *queue)
{
	return datagram_queue_at(queue, queue->count);
}

struct queued_datagram *datagram_queue_ahead(struct datagram_queue *queue)
{
	return datagram_queue_sent(queue, queue->sent + 1);
}

struct queued_datagram *datagram_queue_spare(struct datagram_queue *queue)
{
	return datagram_queue_at(queue, queue->count + 1);
}

size_t datagram_queue_room(const struct datagram_queue *queue)
{
	return queue->count < DATAGRAM_QUEUE_CAPACITY ? DATAGRAM_QUEUE_CAPACITY - queue->count : 0;
}

size_t datagram_queue_room_ahead(const struct datagram_queue *queue)
{
	return queue->slot_count - 2 - queue->count;
}

void datagram_queue_put_last(struct datagram_queue *queue)
{
	assert(datagram_queue_room(queue) > 0);
	datagram_queue_next(queue)->sent_number = 0;
	queue->total_bytes += datagram_queue_next(queue)->size;
	queue->count++;
	trim(queue);
}

void datagram_queue_put_first(struct datagram_queue *queue)
{
	datagram_queue_put_after(queue, 0);
}

void datagram_queue_put_after(struct datagram_queue *queue, size_t index)
{
	assert(datagram_queue_room_ahead(queue) > 0);
	datagram_queue_ahead(queue)->sent_number = 0;
	queue->total_bytes += datagram_queue_ahead(queue)->size;
	move_behind(queue, queue->sent + 1, index);
	queue->first = (queue->first + queue->slot_count - 1) % queue->slot_count;
	queue->count++;
	trim(queue);
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

static void step(struct datagram_queue *queue)
{
	queue->total_bytes -= datagram_queue_at(queue, 0)->size;
	queue->first = (queue->first + 1) % queue->slot_count;
	queue->count--;
}

void datagram_queue_pop(struct datagram_queue *queue)
{
	datagram_queue_remove(queue, 0);
}

void datagram_queue_keep(struct datagram_queue *queue, uint64_t number)
{
	assert(queue->count > 0);
	datagram_queue_at(queue, 0)->sent_number = number + 1;
	step(queue);
	queue->sent++;
	trim(queue);
}

/* Its slot goes before those that were sent and stay. */
void datagram_queue_remove(struct datagram_queue *queue, size_t index)
{
	const struct queued_datagram removed = *datagram_queue_at(queue, index);

	assert(index < queue->count);
	for (size_t i = index; i > 0; i--)
		*datagram_queue_at(queue, i) = *datagram_queue_at(queue, i - 1);
	*datagram_queue_at(queue, 0) = removed;
	step(queue);
	for (size_t back = 1; back <= queue->sent; back++)
		*datagram_queue_sent(queue, back) = *datagram_queue_sent(queue, back + 1);
	*datagram_queue_sent(queue, queue->sent + 1) = removed;
}

bool datagram_queue_return(struct datagram_queue *queue, uint64_t number, size_t reserved)
{
	size_t back = 1;
	size_t index = 0;

	while (back <= queue->sent && datagram_queue_sent(queue, back)->sent_number != number + 1)
		back++;
	if (back > queue->sent || datagram_queue_room_ahead(queue) <= reserved)
		return false;
	while (index < queue->count && datagram_queue_at(queue, index)->sent_number &&
	       datagram_queue_at(queue, index)->sent_number <= number)
		index++;
	queue->total_bytes += datagram_queue_sent(queue, back)->size;
	move_behind(queue, back, index);
	queue->first = (queue->first + queue->slot_count - 1) % queue->slot_count;
	queue->sent--;
	queue->count++;
	return true;
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

void sent_history_add(struct sent_history *history, const struct queued_datagram *datagram,
		      uint32_t sequence)
{
	struct sent_datagram *sent = &history->ring[history->count++ % SENT_HISTORY_CAPACITY];

	*sent = (struct sent_datagram){
		.size = datagram->size,
		.sequence = sequence,
		.amount = datagram->amount,
	};
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
