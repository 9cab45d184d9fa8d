/* record_ring.h - single-producer, single-consumer ring between a worker and the export thread.
 *
 * Place: worker -> here -> export thread.
 *
 * Carries expired records and, in order with them, marks: the worker's counters and clock at that
 * point. So whoever has consumed a mark has consumed exactly the records expired before it.
 * Lock-free; the consumer sees whole entries only, once the producer has published them. */
#ifndef RECORD_RING_H
#define RECORD_RING_H

#include "export_record.h"

#include <stdbool.h>
#include <stddef.h>

enum ring_entry_kind {
	RING_RECORD,
	RING_MARK,
	RING_END, /* the last entry: nothing comes after it */
};

/* Counters of a worker at one moment, for options data; names as in struct worker_ledger. */
struct ring_mark {
	cache_ms now;
	uint64_t packets_read;
	uint64_t packets_lost_kernel;
	uint64_t packets_ignored;
	uint64_t octets_ignored;
	uint64_t flows_created;
};

/* The counters of both; the time stays. */
static inline void record_ring_add_mark(struct ring_mark *sum, const struct ring_mark *part)
{
	sum->packets_read += part->packets_read;
	sum->packets_lost_kernel += part->packets_lost_kernel;
	sum->packets_ignored += part->packets_ignored;
	sum->octets_ignored += part->octets_ignored;
	sum->flows_created += part->flows_created;
}

/* The records of a ring may lack what is optional at their end: nobody reads or writes that. */
struct ring_entry {
	enum ring_entry_kind kind;
	union {
		struct export_record record; /* the producer fills 'flow', the consumer the rest */
		struct {
			/* A mark leaves what the consumer fills as it is. */
			uint8_t looked_up[offsetof(struct export_record, flow)];
			struct ring_mark mark;
		};
	};
};

/* Bytes of an entry whose records have 'record_size' bytes: export_record_size(). */
#define RING_ENTRY_SIZE(record_size) (offsetof(struct ring_entry, record) + (record_size))

struct record_ring; /* opaque: defined in record_ring.c */

/* 'capacity' must be a power of two, 'entry_size' a RING_ENTRY_SIZE(). Returns NULL with errno set.
 */
struct record_ring *record_ring_create(uint32_t capacity, size_t entry_size);
void record_ring_destroy(struct record_ring *ring);

/* The same in the caller's memory: zeroed, aligned to 64 bytes, record_ring_size() long. It may
 * outlive the process, and be continued by another one with record_ring_recover(). */
size_t record_ring_size(uint32_t capacity, size_t entry_size);
struct record_ring *record_ring_create_in(uint32_t capacity, size_t entry_size, void *memory);
/* Entries count for ever, modulo 2^32: how many were pushed, and consumed. */
uint32_t record_ring_pushed(const struct record_ring *ring);
uint32_t record_ring_consumed(const struct record_ring *ring);
/* Entry number 'number', which the producer has not used again yet. */
const struct ring_entry *record_ring_at(const struct record_ring *ring, uint32_t number);
/* Bytes of a struct flow_record that its records have; what is beyond is 0. */
size_t record_ring_flow_size(const struct record_ring *ring);
/* Neither side runs: those from 'consumed' on, and before 'pushed', are there. Returns false if
 * that is not possible, or the capacity or the size of entries is another. */
bool record_ring_recover(struct record_ring *ring, uint32_t capacity, size_t entry_size,
			 uint32_t consumed, uint32_t pushed);

/* Producer: how many entries may be pushed. */
uint32_t record_ring_room(struct record_ring *ring);
/* Producer: storage of the next entry, to be filled; there must be room. */
struct ring_entry *record_ring_push(struct record_ring *ring);
/* Producer: let the consumer see what was pushed. Returns whether there was anything. */
bool record_ring_publish(struct record_ring *ring);

/* Consumer: how many entries there are at least. */
uint32_t record_ring_waiting(struct record_ring *ring);
/* Consumer: whether the producer has half of the ring free, or more. */
bool record_ring_is_half_free(struct record_ring *ring);
/* Consumer: the oldest entry, its own until record_ring_release(); there must be one. */
struct ring_entry *record_ring_peek(struct record_ring *ring);
/* Consumer: the entry after that one; NULL if there is none. */
struct ring_entry *record_ring_peek_second(struct record_ring *ring);
/* Consumer: be done with the oldest. */
void record_ring_pop(struct record_ring *ring);
/* Consumer: give the storage of what was popped back to the producer. */
void record_ring_release(struct record_ring *ring);

#endif
