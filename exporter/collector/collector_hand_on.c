/* collector_hand_on.c - takes datagrams out of the queue of a collector, and gives their records to
 * another, which makes datagrams of its own of them: with its templates, fields and numbers.
 *
 * Invariant: a record is waiting in one of the two at any moment, and in no datagram of both. */
#include "collector_hand_on.h"

#include "collector_datagram.h"
#include "collector_parts.h"
#include "outbox_kept.h"

bool collector_hand_on_take(struct collector *collector, struct journal_range *range)
{
	struct datagram_queue *queue = &collector->outbox.queue;
	struct collector_ledger *ledger = &collector->outbox.ledger;

	for (size_t i = queue->handed; i < queue->count; i++) {
		const struct queued_datagram *datagram = datagram_queue_at(queue, i);

		if (datagram->record_from == datagram->record_to ||
		    !record_journal_has(&collector->journal, datagram->record_from))
			continue;
		*range = (struct journal_range){ datagram->record_from, datagram->record_to };
		amount_subtract(&ledger->waiting, &datagram->amount);
		amount_subtract(&ledger->taken, &datagram->amount);
		if (datagram->has_templates)
			outbox_ahead_lost(&collector->outbox);
		outbox_kept_drop(&collector->outbox, i);
		datagram_queue_remove(queue, i);
		outbox_wait_fill_up(&collector->outbox);
		return true;
	}
	return false;
}

const struct flow_key *collector_hand_on_key(const struct collector *collector, uint64_t number)
{
	return &record_journal_at(&collector->journal, number)->record.flow.key;
}

uint64_t collector_hand_on_give(const struct collector *from, uint64_t number, struct collector *to,
				const struct export_time *time)
{
	const struct journal_entry *entry = record_journal_at(&from->journal, number);

	if (entry->is_forward) {
		collector_add_pair(to, &entry->record,
				   &record_journal_at(&from->journal, number + 1)->record, time);
		return number + 2;
	}
	if (entry->is_part)
		collector_add_part(to, &entry->record, time);
	else
		collector_add(to, &entry->record, time);
	return number + 1;
}

void collector_hand_on_end(struct collector *to)
{
	if (to->building.is_open)
		collector_datagram_close(to);
}
