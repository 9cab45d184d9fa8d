/* record_ring.c - single-producer, single-consumer ring.
 *
 * 'published' and 'popped' count entries for ever and are the only words that both sides look at;
 * each side keeps a copy of the other's so that it reads the shared cache line only when its copy
 * says full or empty. */
#include "record_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct record_ring {
	uint32_t mask;
	struct ring_entry *entries; /* owned */

	/* Producer's line. */
	_Alignas(64) uint32_t pushed;
	uint32_t popped_seen;
	_Atomic uint32_t published;

	/* Consumer's line. */
	_Alignas(64) uint32_t consumed;
	uint32_t published_seen;
	_Atomic uint32_t popped;
};

struct record_ring *record_ring_create(uint32_t capacity)
{
	struct record_ring *ring = aligned_alloc(64, sizeof(*ring));

	if (!ring)
		return NULL;
	*ring = (struct record_ring){ .mask = capacity - 1 };
	ring->entries = calloc(capacity, sizeof(*ring->entries));
	if (!ring->entries) {
		free(ring);
		errno = ENOMEM;
		return NULL;
	}
	return ring;
}

void record_ring_destroy(struct record_ring *ring)
{
	if (!ring)
		return;
	free(ring->entries);
	free(ring);
}

uint32_t record_ring_room(struct record_ring *ring)
{
	ring->popped_seen = atomic_load_explicit(&ring->popped, memory_order_acquire);
	return ring->mask + 1 - (ring->pushed - ring->popped_seen);
}

struct ring_entry *record_ring_push(struct record_ring *ring)
{
	return &ring->entries[ring->pushed++ & ring->mask];
}

bool record_ring_publish(struct record_ring *ring)
{
	if (ring->pushed == atomic_load_explicit(&ring->published, memory_order_relaxed))
		return false;
	atomic_store_explicit(&ring->published, ring->pushed, memory_order_release);
	return true;
}

uint32_t record_ring_waiting(struct record_ring *ring)
{
	if (ring->consumed == ring->published_seen)
		ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
	return ring->published_seen - ring->consumed;
}

bool record_ring_is_half_free(struct record_ring *ring)
{
	ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
	return ring->published_seen - ring->consumed <= (ring->mask + 1) / 2;
}

struct ring_entry *record_ring_peek(struct record_ring *ring)
{
	return &ring->entries[ring->consumed & ring->mask];
}

struct ring_entry *record_ring_peek_second(struct record_ring *ring)
{
	if (ring->published_seen - ring->consumed < 2)
		ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
	if (ring->published_seen - ring->consumed < 2)
		return NULL;
	return &ring->entries[(ring->consumed + 1) & ring->mask];
}

void record_ring_pop(struct record_ring *ring)
{
	ring->consumed++;
}

void record_ring_release(struct record_ring *ring)
{
	atomic_store_explicit(&ring->popped, ring->consumed, memory_order_release);
}
