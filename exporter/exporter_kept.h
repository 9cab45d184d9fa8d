/* exporter_kept.h - collectors that come and go, in memory that outlives the process.
 *
 * Place: export thread (export_kept*.c) -> here -> exporter, between two batches. Each collector
 * has memory of its own (exporter_keep()), which it keeps while others come and go. One that leaves
 * (exporter_change.h) has it until it is freed. A process that continues has no such collector any
 * more: its numbers, its ledger and what waited go to its successor, if there is one. */
#ifndef EXPORTER_KEPT_H
#define EXPORTER_KEPT_H

#include "exporter.h"

/* The memory that a collector has; NULL: none. */
const void *exporter_kept_memory(const struct exporter *exporter, size_t collector);

/* A collector that was removed or replaced, and is not freed yet. */
struct exporter_left {
	void *memory; /* borrowed; that of exporter_keep() */
	uint64_t size;
	size_t successor;     /* number of the collector in its place; SIZE_MAX: none */
	bool hands_sequence;  /* that one continues its numbers, */
	bool hands_ledger;    /* its ledger, */
	bool hands_datagrams; /* and can send what waits */
};

size_t exporter_left_count(const struct exporter *exporter);
struct exporter_left exporter_left_at(const struct exporter *exporter, size_t number);
/* Whether one with this memory has still something to send, or to hand over. */
bool exporter_has_left(const struct exporter *exporter, const void *memory);

/* Take up one that another process had, as of its last note, in that turn. Collectors continue
 * already, and none has sent. Returns the records that are in doubt. */
uint64_t exporter_take_left(struct exporter *exporter, const struct exporter_left *left,
			    uint64_t turn);

/* The ledger of all that are no more, without those that leave; and the one of another process,
 * which continues. */
const struct collector_ledger *exporter_removed_ledger(const struct exporter *exporter);
void exporter_continue_removed(struct exporter *exporter, const struct collector_ledger *before);

#endif
