/* outbox_report.c - what the network reports about datagrams that were sent, and the probes that
 * find out whether a collector is back.
 *
 * Place: half of the outbox for transports of datagrams, where nothing is confirmed. */
#include "outbox_parts.h"

#include <string.h>

#define REFUSALS_AT_ONCE 1024

/* Whether the datagram that goes next has templates (in NetFlow v5: nothing at all) and nothing
 * that could be lost. */
bool outbox_is_probe_next(const struct outbox *outbox)
{
	const struct queued_datagram *first = datagram_queue_at(&outbox->queue, 0);

	return outbox->queue.count && first->has_templates && first->amount.records == 0;
}

static void count_refused(struct outbox *outbox, struct sent_datagram *datagram,
			  enum loss_reason reason)
{
	if (!datagram || datagram->is_lost)
		return;
	datagram->is_lost = true;
	amount_subtract(&outbox->ledger.sent, &datagram->amount);
	amount_add(&outbox->ledger.lost[reason], &datagram->amount);
	outbox->ledger.datagrams_sent--;
	outbox->ledger.datagram_bytes_sent -= datagram->size;
	outbox->ledger.datagrams_lost++;
}

/* How long after a datagram that did not arrive the report of it may come. */
static int64_t report_delay_us(int error)
{
	return outbox_loss_of(error) == LOSS_REFUSED ? OUTBOX_PROBE_REFUSED_US
						     : OUTBOX_PROBE_UNREACHABLE_US;
}

/* Datagram 'number' was refused, and so was everything that was sent behind it until the report
 * came: a socket reports before it sends any more, so that is a round trip. Hosts do not report all
 * of them. */
static uint64_t last_refused_with(struct outbox *outbox, uint64_t number, int error)
{
	if (outbox_loss_of(error) == LOSS_REFUSED)
		return outbox->history.count - 1;
	return number + sent_history_at(&outbox->history, number)->followers;
}

/* Whether it is down because it refused: held back, or on trial since. */
static bool is_refusing(const struct outbox *outbox)
{
	return outbox->state == OUTBOX_down &&
	       (outbox->held_error || outbox->last_failure_us < outbox->released_us);
}

/* Datagram 'number' did not arrive, for 'error', nor did those that went with it in one packet; nor
 * those since the last one that did not arrive, unless the collector was back in between: where
 * reports are few, one that refuses again soon most likely never was. */
static void count_refused_since(struct outbox *outbox, uint64_t number, int error,
				bool was_refusing)
{
	const uint64_t last = last_refused_with(outbox, number, error);
	uint64_t from = number;

	if (was_refusing && outbox->last_refused < number &&
	    (outbox->held_error ||
	     (outbox->are_reports_few && outbox->now_us - outbox->released_us <= OUTBOX_DOUBT_US)))
		from = outbox->last_refused + 1;
	for (uint64_t i = from; i <= last; i++)
		count_refused(outbox, sent_history_at(&outbox->history, i), outbox_loss_of(error));
	if (last > outbox->last_refused)
		outbox->last_refused = last;
}

/* Nothing but probes may go. */
static void begin_to_hold(struct outbox *outbox, int error, bool was_refusing)
{
	if (was_refusing && !outbox->held_error && outbox->probes_needed < OUTBOX_PROBES_MAX)
		outbox->probes_needed *= 2;
	if (outbox->held_error && outbox->probes > 1)
		outbox->are_reports_few = true; /* of earlier probes there was none */
	outbox->held_error = error;
	outbox->probes = 0;
}

/* Number of the datagram that a report quotes. Without sequence numbers many begin alike: then it
 * is the last of them that was not reported yet, because as many reports come as datagrams were
 * refused, or fewer. */
static bool find(const struct outbox *outbox, const struct transport_refusal *refusal,
		 uint64_t *number)
{
	const struct sent_history *history = &outbox->history;
	const size_t size = refusal->size < SENT_HEAD_SIZE ? refusal->size : SENT_HEAD_SIZE;

	if (outbox->config.sequence_offset)
		return sent_history_find(history, refusal->bytes, refusal->size, number);
	for (uint64_t age = 1; age <= history->count && age <= SENT_HISTORY_CAPACITY; age++) {
		const struct sent_datagram *sent =
			&history->ring[(history->count - age) % SENT_HISTORY_CAPACITY];

		*number = history->count - age;
		if (!sent->is_lost && memcmp(sent->head, refusal->bytes, size) == 0)
			return true;
	}
	return false;
}

/* A report names its datagram by what it quotes, up to the sequence number at least. A router need
 * not quote more than the UDP header (RFC 792): then the last datagram is the likeliest, and
 * nothing is held back, because anyone could have sent such a report. */
static void refused(struct outbox *outbox, const struct transport_refusal *refusal)
{
	const enum loss_reason reason = outbox_loss_of(refusal->error);
	const size_t offset = outbox->config.sequence_offset;
	const bool was_refusing = is_refusing(outbox);
	uint64_t number = outbox->history.count - 1;

	outbox_go_down(outbox, reason, refusal->error);
	outbox->has_lost_templates = true;
	if (refusal->size < offset + 4) {
		count_refused(outbox, sent_history_at(&outbox->history, number), reason);
		return;
	}
	if (!find(outbox, refusal, &number))
		return;
	count_refused_since(outbox, number, refusal->error, was_refusing);
	if (reason == LOSS_REFUSED || reason == LOSS_UNREACHABLE)
		begin_to_hold(outbox, refusal->error, was_refusing);
}

void outbox_take_reports(struct outbox *outbox)
{
	struct transport_refusal refusal;

	if (outbox_has_sessions(outbox))
		return;
	for (int i = 0; i < REFUSALS_AT_ONCE; i++) {
		if (!outbox->config.type->refusal(outbox->transport, &refusal))
			return;
		refused(outbox, &refusal);
	}
}

/* Templates go once more: it may have come back between the last probe and now. */
void outbox_release(struct outbox *outbox)
{
	if (!outbox->held_error || outbox->probes < outbox->probes_needed ||
	    outbox->now_us - outbox->last_probe_us < report_delay_us(outbox->held_error))
		return;
	outbox->held_error = 0;
	outbox->last_failure_us = outbox->first_probe_us;
	outbox->released_us = outbox->now_us;
	outbox->has_lost_templates = true;
	outbox->templates_ahead_us = outbox->now_us - OUTBOX_TEMPLATES_AHEAD_US;
}

/* While the network reports that nothing arrives: send the probe if it is time. */
void outbox_send_probe(struct outbox *outbox)
{
	if (!outbox_is_probe_next(outbox) || outbox_budget(outbox) == 0)
		return;
	if (!outbox_send_batch(outbox, 1).sent) {
		outbox->ledger.send_errors++;
		return;
	}
	if (outbox->probes++ == 0)
		outbox->first_probe_us = outbox->now_us;
	outbox->last_probe_us = outbox->now_us;
}
