/* record_ring.h - single-producer, single-consumer ring between a worker and the export thread.
 *
 * Carries expired records and, in order with them, marks: the worker's ledger and clock at that
 * point. So whoever has consumed a mark has consumed exactly the records that the ledger calls
 * expired. Lock-free; both sides see whole entries only. */
#ifndef RECORD_RING_H
#define RECORD_RING_H

#include "flow.h"

#include <stdbool.h>

struct record_ring; /* opaque: defined in record_ring.c */

/* 'capacity' is rounded up to a power of two. Returns NULL with errno set. */
struct record_ring *record_ring_create(uint32_t capacity);
void record_ring_destroy(struct record_ring *ring);

/* Producer: how many records may be pushed without asking again. */
uint32_t record_ring_room(struct record_ring *ring);
/* Producer: copy a record in; there must be room. Seen by the consumer after record_ring_publish().
 */
void record_ring_push(struct record_ring *ring, const struct flow_record *record);
/* Producer: let the consumer see what was pushed. Returns true if the consumer sleeps and must be
 * woken. */
bool record_ring_publish(struct record_ring *ring);

/* Consumer: the oldest record, borrowed until record_ring_pop(); NULL if the ring is empty. */
const struct flow_record *record_ring_peek(struct record_ring *ring);
void record_ring_pop(struct record_ring *ring);
/* Consumer: about to sleep. Returns false if something has come meanwhile. Cleared by the next
 * peek. */
bool record_ring_sleep(struct record_ring *ring);

/* Records published and not popped yet; exact for either side's own view. */
uint32_t record_ring_count(struct record_ring *ring);

#endif
