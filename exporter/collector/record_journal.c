/* record_journal.c - ring of the records that a collector got last.
 *
 * Place: see record_journal.h. */
#include "record_journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int record_journal_init(struct record_journal *journal)
{
	*journal = (struct record_journal){
		.ring = calloc(RECORD_JOURNAL_CAPACITY, sizeof(*journal->ring)),
	};
	return journal->ring ? 0 : -ENOMEM;
}

void record_journal_clear(struct record_journal *journal)
{
	free(journal->ring);
	*journal = (struct record_journal){ 0 };
}

void record_journal_put(struct record_journal *journal, const struct export_record *record,
			size_t size, bool is_part, bool is_forward)
{
	struct journal_entry *entry = &journal->ring[journal->count++ % RECORD_JOURNAL_CAPACITY];

	memcpy(&entry->record, record, size);
	entry->is_part = is_part;
	entry->is_forward = is_forward;
	if (journal->count - journal->first > RECORD_JOURNAL_CAPACITY)
		journal->first = journal->count - RECORD_JOURNAL_CAPACITY;
}

void record_journal_forget(struct record_journal *journal)
{
	journal->first = journal->count;
}

bool record_journal_has(const struct record_journal *journal, uint64_t number)
{
	return number >= journal->first && number < journal->count;
}

const struct journal_entry *record_journal_at(const struct record_journal *journal, uint64_t number)
{
	return &journal->ring[number % RECORD_JOURNAL_CAPACITY];
}
