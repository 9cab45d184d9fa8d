/* collector_hand_on.h - what waits for a collector that is down becomes records again, for another
 * member of its group.
 *
 * Place: collector_group -> here -> the journal and the queue of a collector. */
#ifndef COLLECTOR_HAND_ON_H
#define COLLECTOR_HAND_ON_H

#include "collector.h"
#include "record_journal.h"

/* Records in the journal, from one number up to another. */
struct journal_range {
	uint64_t from, to;
	size_t place; /* in the queue, of the datagram that carries them */
};

/* Find the oldest datagram of a collector that waits, and that is known record by record. Returns
 * false if there is none; none ever is of a collector without a journal. */
bool collector_hand_on_find(struct collector *collector, struct journal_range *range);
/* Whether 'to' has room for them, of the journal of 'from': it may make more and longer records of
 * them. And whether it has when nothing waits for it. */
bool collector_hand_on_fits(const struct collector *from, const struct journal_range *range,
			    const struct collector *to);
bool collector_hand_on_ever_fits(const struct collector *from, const struct journal_range *range,
				 const struct collector *to);
/* What was just found is not found again: it waits for its own collector, whatever happens. */
void collector_hand_on_leave(struct collector *collector, const struct journal_range *range);
/* Take what was just found out of its collector: it counts as never taken. */
void collector_hand_on_take(struct collector *collector, const struct journal_range *range);

/* The flow of record 'number' of its journal. */
const struct flow_key *collector_hand_on_key(const struct collector *collector, uint64_t number);

/* Give record 'number' of the journal of 'from', and the reverse that is one record with it, to
 * another collector. Returns the number of the next. */
uint64_t collector_hand_on_give(const struct collector *from, uint64_t number, struct collector *to,
				const struct export_time *time);

/* What was given goes without waiting for more. */
void collector_hand_on_end(struct collector *to);

#endif
