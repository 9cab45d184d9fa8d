/* record_journal.h - the records that a collector got last, for another one to get them instead.
 *
 * Place: collector_records -> journal -> collector_hand_on. A datagram knows the numbers of its
 * records (datagram_queue.h). Bounded: a new record takes the place of the oldest; allocates at
 * _init only. */
#ifndef RECORD_JOURNAL_H
#define RECORD_JOURNAL_H

#include "export_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a full queue holds, in records of the default fields and datagrams of the usual size. */
#define RECORD_JOURNAL_CAPACITY 8192

struct journal_entry {
	struct export_record record;
	bool is_part;    /* not the last part of its record: it counts as none in the ledger */
	bool is_forward; /* the next one is the reverse direction, and both were one record */
};

struct record_journal {
	struct journal_entry *ring; /* owned; NULL: nothing is kept */
	uint64_t count;             /* ever put; the last ones are in the ring */
	uint64_t first;             /* those before it are void */
};

/* Returns 0 or -ENOMEM. */
int record_journal_init(struct record_journal *journal);
void record_journal_clear(struct record_journal *journal);

/* 'size' is export_record_size() of all records that are put; no more of 'record' is read. */
void record_journal_put(struct record_journal *journal, const struct export_record *record,
			size_t size, bool is_part, bool is_forward);
/* What was put so far is void. */
void record_journal_forget(struct record_journal *journal);
/* Whether record 'number' and all after it are there. */
bool record_journal_has(const struct record_journal *journal, uint64_t number);
/* Record 'number', which is there. */
const struct journal_entry *record_journal_at(const struct record_journal *journal,
					      uint64_t number);

#endif
