/* record_ring.c - single-producer, single-consumer ring.
 *
 * 'published' and 'popped' count entries for ever and are the only words that both sides look at;
 * each side keeps a copy of the other's so that it reads the shared cache line only when its copy
 * says full or empty. */
#include "record_ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ALIGNMENT 64 /* a cache line */

struct record_ring {
	uint32_t mask;
	uint32_t entry_size;
	void *allocation; /* owned; NULL: the memory is another's */

	/* Producer's line. */
	_Alignas(64) uint32_t pushed;
	uint32_t popped_seen;
	_Atomic uint32_t published;

	/* Consumer's line. */
	_Alignas(64) uint32_t consumed;
	uint32_t published_seen;
	_Atomic uint32_t popped;

	_Alignas(64) uint8_t entries[]; /* struct ring_entry, entry_size apart */
};

size_t record_ring_size(uint32_t capacity, size_t entry_size)
{
	return sizeof(struct record_ring) + capacity * entry_size;
}

struct record_ring *record_ring_create_in(uint32_t capacity, size_t entry_size, void *memory)
{
	struct record_ring *ring = memory;

	ring->mask = capacity - 1;
	ring->entry_size = (uint32_t)entry_size;
	return ring;
}

static inline struct ring_entry *entry_at(const struct record_ring *ring, uint32_t number)
{
	const size_t offset = (size_t)(number & ring->mask) * ring->entry_size;

	return (struct ring_entry *)(void *)((uintptr_t)ring->entries + offset);
}

/* Zeroed as it is first touched. */
struct record_ring *record_ring_create(uint32_t capacity, size_t entry_size)
{
	void *allocation = calloc(1, record_ring_size(capacity, entry_size) + ALIGNMENT - 1);
	struct record_ring *ring;

	if (!allocation)
		return NULL;
	ring = record_ring_create_in(
		capacity, entry_size,
		(void *)(((uintptr_t)allocation + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1)));
	ring->allocation = allocation;
	return ring;
}

void record_ring_destroy(struct record_ring *ring)
{
	if (ring)
		free(ring->allocation);
}

uint32_t record_ring_pushed(const struct record_ring *ring)
{
	return ring->pushed;
}

uint32_t record_ring_consumed(const struct record_ring *ring)
{
	return ring->consumed;
}

const struct ring_entry *record_ring_at(const struct record_ring *ring, uint32_t number)
{
	return entry_at(ring, number);
}

size_t record_ring_flow_size(const struct record_ring *ring)
{
	const size_t size = ring->entry_size - offsetof(struct ring_entry, record.flow);

	return size < sizeof(struct flow_record) ? size : sizeof(struct flow_record);
}

bool record_ring_recover(struct record_ring *ring, uint32_t capacity, size_t entry_size,
			 uint32_t consumed, uint32_t pushed)
{
	if (ring->mask != capacity - 1 || ring->entry_size != entry_size ||
	    pushed - consumed > capacity)
		return false;
	ring->allocation = NULL;
	ring->pushed = ring->published_seen = pushed;
	ring->consumed = ring->popped_seen = consumed;
	atomic_store_explicit(&ring->published, pushed, memory_order_relaxed);
	atomic_store_explicit(&ring->popped, consumed, memory_order_relaxed);
	return true;
}

uint32_t record_ring_room(struct record_ring *ring)
{
	ring->popped_seen = atomic_load_explicit(&ring->popped, memory_order_acquire);
	return ring->mask + 1 - (ring->pushed - ring->popped_seen);
}

struct ring_entry *record_ring_push(struct record_ring *ring)
{
	return entry_at(ring, ring->pushed++);
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
	return entry_at(ring, ring->consumed);
}

struct ring_entry *record_ring_peek_second(struct record_ring *ring)
{
	if (ring->published_seen - ring->consumed < 2)
		ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
	if (ring->published_seen - ring->consumed < 2)
		return NULL;
	return entry_at(ring, ring->consumed + 1);
}

void record_ring_pop(struct record_ring *ring)
{
	ring->consumed++;
}

void record_ring_release(struct record_ring *ring)
{
	atomic_store_explicit(&ring->popped, ring->consumed, memory_order_release);
}
