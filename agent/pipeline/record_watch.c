/* record_watch.c - a ring of records and a count. */
#include "record_watch.h"

#include "record_ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct record_watch {
	size_t record_size;       /* of what the export thread gives */
	struct record_ring *ring; /* owned */
	_Atomic uint64_t lost;    /* written by the export thread alone */
};

struct record_watch *record_watch_create(size_t record_size)
{
	struct record_watch *watch = calloc(1, sizeof(*watch));

	if (watch) {
		watch->record_size = record_size;
		watch->ring = record_ring_create(RECORD_WATCH_ROOM, RING_ENTRY_SIZE(record_size));
	}
	if (watch && watch->ring)
		return watch;
	free(watch);
	return NULL;
}

void record_watch_destroy(struct record_watch *watch)
{
	if (!watch)
		return;
	record_ring_destroy(watch->ring);
	free(watch);
}

void record_watch_give(struct record_watch *watch, const struct export_record *record, bool has_as)
{
	struct ring_entry *entry;

	if (!record_ring_room(watch->ring)) {
		atomic_fetch_add_explicit(&watch->lost, 1, memory_order_relaxed);
		return;
	}
	entry = record_ring_push(watch->ring);
	entry->kind = RING_RECORD;
	memcpy(&entry->record, record, watch->record_size);
	entry->record.application = NULL;
	if (!has_as)
		entry->record.source = entry->record.destination = (struct asn_entry){ 0 };
	(void)record_ring_publish(watch->ring);
}

size_t record_watch_take(struct record_watch *watch, struct export_record *records, size_t count)
{
	size_t taken = 0;

	for (; taken < count && record_ring_waiting(watch->ring); taken++) {
		memset(&records[taken], 0, sizeof(records[taken]));
		memcpy(&records[taken], &record_ring_peek(watch->ring)->record, watch->record_size);
		record_ring_pop(watch->ring);
	}
	if (taken)
		record_ring_release(watch->ring);
	return taken;
}

uint64_t record_watch_lost(const struct record_watch *watch)
{
	return atomic_load_explicit(&watch->lost, memory_order_relaxed);
}
