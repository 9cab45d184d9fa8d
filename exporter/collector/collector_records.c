/* collector_records.c - a record on its way into a datagram: for whom it is, in how many parts, and
 * what must be announced before it.
 *
 * Place: exporter -> records -> encoder. Every record is counted once: as waiting, as excluded, or
 * as lost because the protocol cannot carry it. What another collector may have to get is put into
 * the journal as well. */
#include "collector.h"
#include "collector_datagram.h"
#include "collector_options.h"

static inline int encode(struct collector *collector, const struct export_record *record,
			 const struct export_record *reverse)
{
	const struct encoder_type *encoder = collector->encoder;

	if (reverse)
		return encoder->add_biflow(&collector->building.message,
					   &collector->templates.current, record, reverse);
	return encoder->add_record(&collector->building.message, &collector->templates.current,
				   record);
}

/* Add to a datagram what fits into one record of the protocol; 'reverse' is NULL unless that is a
 * biflow. Inline, because in the usual case a whole record is one. */
static inline void add_part(struct collector *collector, const struct export_record *record,
			    const struct export_record *reverse, const struct amount *amount)
{
	if (!collector->building.is_open)
		collector_datagram_open(collector);
	/* Three times at most: a datagram that was full, one that templates filled, one that
	 * statistics filled; a record fits into the smallest empty one. */
	while (encode(collector, record, reverse)) {
		collector_datagram_close(collector);
		collector_datagram_open(collector);
	}
	collector->refresh.has_records_since = true;
	amount_add(&collector->building.amount, amount);
	amount_add(&collector->outbox.ledger.taken, amount);
	amount_add(&collector->outbox.ledger.waiting, amount);
}

/* Part 'index' of 'count' even parts of a number, which together are the number. */
static uint64_t part_of(uint64_t number, uint64_t index, uint64_t count)
{
	return number / count + (index < number % count);
}

/* Parts of at most 'max' that a number takes. */
static uint64_t parts_needed(uint64_t number, uint64_t max)
{
	return number / max + (number % max != 0);
}

static void put_in_journal(struct collector *collector, const struct export_record *record,
			   bool is_part, bool is_forward)
{
	if (collector->journal.ring)
		record_journal_put(&collector->journal, record, collector->terms->record_size,
				   is_part, is_forward);
}

/* As several records of the same flow, none with a counter above 'counter_max'. In the ledger each
 * datagram has the packets and octets of its parts, and the last part is the record. They are even
 * parts: so each has packets, unless there are fewer packets than parts. 'records' is how many the
 * last part is in the ledger. */
static void add_in_parts(struct collector *collector, const struct export_record *record,
			 uint64_t records)
{
	const struct flow_record *flow = &record->flow;
	const uint64_t max = collector->encoder->counter_max;
	const uint64_t of_octets = parts_needed(flow->octets, max);
	const uint64_t of_packets = parts_needed(flow->packets, max);
	const uint64_t count = of_octets > of_packets ? of_octets : of_packets;
	struct export_record part = { .application = NULL };

	/* Versions with such counters have no field of what may come after that. */
	memcpy(&part, record, EXPORT_RECORD_BASE_SIZE);
	for (uint64_t i = 0; i < count; i++) {
		const bool is_last = i + 1 == count;

		part.flow.packets = part_of(flow->packets, i, count);
		part.flow.octets = part_of(flow->octets, i, count);
		add_part(collector, &part, NULL,
			 &(struct amount){ is_last ? records : 0, part.flow.packets,
					   part.flow.octets });
		put_in_journal(collector, &part, !is_last || !records, false);
	}
}

/* What a record is in the ledger: 'records' is 1, or 0 of a part that is not the last. It is made
 * of these where it is needed, so that the usual record has it in registers. */
static struct amount amount_of(const struct flow_record *flow, uint64_t records)
{
	return (struct amount){ records, flow->packets, flow->octets };
}

void collector_exclude(struct collector *collector, enum collector_exclusion reason,
		       const struct amount *amount)
{
	amount_add(&collector->outbox.ledger.taken, amount);
	amount_add(&collector->outbox.ledger.excluded[reason], amount);
}

/* Whether the record is not for this collector, which is counted. */
__attribute__((noinline)) static bool
is_excluded(struct collector *collector, const struct export_record *record, uint64_t records)
{
	const struct amount amount = amount_of(&record->flow, records);
	const enum collector_exclusion reason =
		record_selection_look(&collector->selection, record);

	if (reason == COLLECTOR_EXCLUSION_COUNT)
		return false;
	collector_exclude(collector, reason, &amount);
	return true;
}

static void count_unsupported(struct collector *collector, const struct amount *amount)
{
	amount_add(&collector->outbox.ledger.taken, amount);
	amount_add(&collector->outbox.ledger.lost[LOSS_UNSUPPORTED], amount);
}

/* A record of another sampler than the one before comes, or the first record: announce what its
 * number means, in datagrams before it. Bounded: each announces at least one. */
__attribute__((noinline)) static void meet_sampler(struct collector *collector, uint8_t number)
{
	if (!sampler_walk_meet(&collector->samplers, &collector->sampling, number) ||
	    !collector->encoder->protocol)
		return;
	if (collector->samplers.is_on && !collector->templates.choice.has_samplers) {
		if (collector->building.is_open)
			collector_datagram_close(collector);
		collector_options_carry_samplers(collector);
	}
	if (!collector->building.is_open)
		collector_datagram_open(collector);
	while (!sampler_walk_add(&collector->samplers, &collector->sampling, collector->encoder,
				 &collector->building.message)) {
		collector_datagram_close(collector);
		collector_datagram_open(collector);
	}
}

/* Records had applications that were not announced to this collector: usually one, that of the
 * record that comes. Of many some go with each record. */
__attribute__((noinline)) static void announce_applications(struct collector *collector)
{
	const size_t count = collector->terms->applications.count;

	for (int i = 0;
	     i < COLLECTOR_NAMES_AT_ONCE && collector->names.applications_announced < count; i++) {
		if (!collector->building.is_open)
			collector_datagram_open(collector);
		while (!collector_options_add_application(
			collector, collector->names.applications_announced)) {
			collector_datagram_close(collector);
			collector_datagram_open(collector);
		}
		/* Repeating continues from here, if it was at the end. */
		collector->names.next_application += collector->names.next_application ==
						     collector->names.applications_announced;
		collector->names.applications_announced++;
	}
}

/* What a record's numbers mean. */
static inline __attribute__((always_inline)) void
announce_before(struct collector *collector, const struct export_record *record)
{
	if (record->flow.key.sampler != collector->samplers.last)
		meet_sampler(collector, record->flow.key.sampler);
	if (collector->names.applications_announced < collector->terms->applications.count &&
	    collector->encoder->add_application)
		announce_applications(collector);
}

/* Where the protocol cannot carry every record, or some only in parts, or there is a journal. */
__attribute__((noinline)) static void
add_with_care(struct collector *collector, const struct export_record *record, uint64_t records)
{
	const struct amount amount = amount_of(&record->flow, records);
	const struct encoder_type *encoder = collector->encoder;
	const struct flow_record *flow = &record->flow;

	if (flow->key.ip_version == 6 && !encoder->has_ipv6) {
		count_unsupported(collector, &amount);
	} else if (flow->octets > encoder->counter_max || flow->packets > encoder->counter_max) {
		add_in_parts(collector, record, records);
	} else {
		add_part(collector, record, NULL, &amount);
		put_in_journal(collector, record, !records, false);
	}
}

static inline __attribute__((always_inline)) void add_record(struct collector *collector,
							     const struct export_record *record,
							     uint64_t records,
							     const struct export_time *time)
{
	const struct amount amount = amount_of(&record->flow, records);

	if (!collector->has_time || time->uptime_ms != collector->time.uptime_ms)
		collector_advance(collector, time);
	if (!record_selection_is_all(&collector->selection) &&
	    is_excluded(collector, record, records))
		return;
	announce_before(collector, record);
	if (collector->needs_care)
		add_with_care(collector, record, records);
	else
		add_part(collector, record, NULL, &amount);
}

/* Called from one place, so that it is inlined there. */
void collector_add(struct collector *collector, const struct export_record *record,
		   const struct export_time *time)
{
	add_record(collector, record, 1, time);
}

void collector_add_part(struct collector *collector, const struct export_record *part,
			const struct export_time *time)
{
	add_record(collector, part, 0, time);
}

/* Whether neither direction is left out. */
static bool takes_both(const struct collector *collector, const struct export_record *forward,
		       const struct export_record *reverse)
{
	const struct record_selection *selection = &collector->selection;

	return record_selection_is_all(selection) ||
	       (record_selection_look(selection, forward) == COLLECTOR_EXCLUSION_COUNT &&
		record_selection_look(selection, reverse) == COLLECTOR_EXCLUSION_COUNT);
}

/* A filter looks at each direction for itself, whatever the protocol: if it takes one of the two,
 * that is a record of its own. */
void collector_add_pair(struct collector *collector, const struct export_record *forward,
			const struct export_record *reverse, const struct export_time *time)
{
	struct amount amount = amount_of(&forward->flow, 1);
	const struct amount of_reverse = amount_of(&reverse->flow, 1);

	if (!collector->templates.current.has_biflows || !takes_both(collector, forward, reverse)) {
		add_record(collector, forward, 1, time);
		add_record(collector, reverse, 1, time);
		return;
	}
	if (!collector->has_time || time->uptime_ms != collector->time.uptime_ms)
		collector_advance(collector, time);
	announce_before(collector, forward);
	amount_add(&amount, &of_reverse);
	add_part(collector, forward, reverse, &amount);
	put_in_journal(collector, forward, false, true);
	put_in_journal(collector, reverse, false, false);
}
