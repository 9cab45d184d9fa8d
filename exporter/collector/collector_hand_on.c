/* collector_hand_on.c - takes datagrams out of the queue of a collector, and gives their records to
 * another, which makes datagrams of its own of them: with its templates, fields and numbers.
 *
 * Invariant: a record is waiting in one of the two at any moment, and in no datagram of both. */
#include "collector_hand_on.h"

#include "collector_datagram.h"
#include "collector_parts.h"
#include "outbox_kept.h"

enum {
	HEADER_MAX = 32,        /* of a message; NetFlow v5 has 24 bytes */
	SET_MAX = 8,            /* header and padding */
	FIXED_RECORD_SIZE = 52, /* of NetFlow v1 and v7; v5 has 48 */
	FIXED_RECORDS = 24,     /* in a datagram of v1, the fewest; v7 has 28, v5 30 */
};

bool collector_hand_on_find(struct collector *collector, struct journal_range *range)
{
	struct datagram_queue *queue = &collector->outbox.queue;

	for (size_t i = queue->handed; i < queue->count; i++) {
		const struct queued_datagram *datagram = datagram_queue_at(queue, i);

		if (datagram->record_from == datagram->record_to ||
		    !record_journal_has(&collector->journal, datagram->record_from))
			continue;
		*range = (struct journal_range){ datagram->record_from, datagram->record_to, i };
		return true;
	}
	return false;
}

/* Bytes of the longest record of a template, with what a set of its own adds. */
static size_t longest_of(const struct template_set *templates)
{
	size_t longest = 0;

	for (size_t i = 0; i < TEMPLATE_SHAPES; i++) {
		const struct template *one =
			templates->has_biflows ? &templates->biflows[i] : &templates->records[i];

		if (one->record_size > longest)
			longest = one->record_size;
	}
	return longest + SET_MAX;
}

/* How many records a datagram of the collector holds at least. */
static size_t least_in_datagram(const struct collector *collector)
{
	const struct encoder_type *encoder = collector->encoder;
	const size_t fitting = collector_fitting_size(collector);
	const size_t size = fitting - HEADER_MAX;
	size_t least = size / FIXED_RECORD_SIZE;

	if (encoder->size_min) {
		least = fitting / encoder->size_min(&collector->templates.current);
	} else if (encoder->protocol) {
		least = size / longest_of(&collector->templates.current);
	} else if (least > FIXED_RECORDS) {
		least = FIXED_RECORDS;
	}
	return least ? least : 1;
}

/* Records that it makes of one: parts, where its counters are small. */
static uint64_t parts_of(const struct flow_record *flow, uint64_t counter_max)
{
	const uint64_t most = flow->packets > flow->octets ? flow->packets : flow->octets;

	return 1 + most / counter_max;
}

/* Datagrams that 'to' makes of them at most. Each may begin with templates and statistics, as often
 * as these are due. */
static uint64_t most_datagrams(const struct collector *from, const struct journal_range *range,
			       const struct collector *to)
{
	const uint32_t limit = to->terms->template_refresh_datagrams;
	uint64_t records = 0;
	uint64_t datagrams, refreshes;

	for (uint64_t i = range->from; i < range->to; i++)
		records += parts_of(&record_journal_at(&from->journal, i)->record.flow,
				    to->encoder->counter_max);
	datagrams = records / least_in_datagram(to) + OUTBOX_STEP;
	refreshes = limit ? datagrams / limit + 1 : 1;
	return datagrams + refreshes * (to->outbox.config.template_datagrams + 1);
}

bool collector_hand_on_fits(const struct collector *from, const struct journal_range *range,
			    const struct collector *to)
{
	return most_datagrams(from, range, to) <= outbox_places(&to->outbox);
}

bool collector_hand_on_ever_fits(const struct collector *from, const struct journal_range *range,
				 const struct collector *to)
{
	return most_datagrams(from, range, to) <= outbox_places_most(&to->outbox);
}

void collector_hand_on_leave(struct collector *collector, const struct journal_range *range)
{
	struct queued_datagram *datagram =
		datagram_queue_at(&collector->outbox.queue, range->place);

	datagram->record_from = datagram->record_to = 0;
}

void collector_hand_on_take(struct collector *collector, const struct journal_range *range)
{
	struct datagram_queue *queue = &collector->outbox.queue;
	struct collector_ledger *ledger = &collector->outbox.ledger;
	const struct queued_datagram *datagram = datagram_queue_at(queue, range->place);

	amount_subtract(&ledger->waiting, &datagram->amount);
	amount_subtract(&ledger->taken, &datagram->amount);
	if (datagram->has_templates)
		outbox_ahead_lost(&collector->outbox);
	outbox_kept_drop(&collector->outbox, range->place);
	datagram_queue_remove(queue, range->place);
	outbox_wait_fill_up(&collector->outbox);
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
