/* outbox_report.c - what the network reports about datagrams that were sent, and the probes that
 * find out whether a collector is back.
 *
 * Place: half of the outbox for transports of datagrams, where nothing is confirmed. */
#include "outbox_parts.h"

#define REFUSALS_AT_ONCE 1024

/* Whether the datagram that goes next has templates (in NetFlow v5: nothing at all) and nothing
 * that could be lost. */
bool outbox_is_probe_next(const struct outbox *outbox)
{
	const struct queued_datagram *first = datagram_queue_at(&outbox->queue, 0);

	return outbox->queue.count && first->has_templates && first->amount.records == 0;
}

static void count_refused(struct outbox *outbox, struct sent_datagram *datagram,
			  enum collector_loss reason)
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

/* Datagram 'number' did not arrive, for 'error', nor did those that went with it in one packet.
 *
 * Hosts limit how many reports they send (Linux: one a second to each address, after a burst). What
 * was sent between two datagrams that did not arrive, one probe apart, is therefore taken as lost
 * too. */
static void count_refused_since(struct outbox *outbox, uint64_t number, int error, bool was_down)
{
	const int64_t elapsed_us = outbox->now_us - outbox->last_refused_us;
	const uint64_t last = number + sent_history_at(&outbox->history, number)->followers;
	uint64_t from = number;

	if (was_down && outbox->last_refused < number &&
	    elapsed_us <= report_delay_us(error) + OUTBOX_TEMPLATES_AHEAD_US)
		from = outbox->last_refused + 1;
	for (uint64_t i = from; i <= last; i++)
		count_refused(outbox, sent_history_at(&outbox->history, i), outbox_loss_of(error));
	if (last > outbox->last_refused)
		outbox->last_refused = last;
	outbox->last_refused_us = outbox->now_us;
}

/* A report names its datagram by what it quotes, up to the sequence number at least. A router need
 * not quote more than the UDP header (RFC 792): then the last datagram is the likeliest, and
 * nothing is held back, because anyone could have sent such a report. */
static void refused(struct outbox *outbox, const struct transport_refusal *refusal)
{
	const enum collector_loss reason = outbox_loss_of(refusal->error);
	const size_t offset = outbox->config.sequence_offset;
	const bool was_down = outbox->state == OUTBOX_down;
	uint64_t number = outbox->history.count - 1;

	outbox_go_down(outbox, reason, refusal->error);
	outbox->has_lost_templates = true;
	if (refusal->size < offset + 4) {
		count_refused(outbox, sent_history_at(&outbox->history, number), reason);
		return;
	}
	if (!sent_history_find(&outbox->history, refusal->bytes, refusal->size, &number))
		return;
	count_refused_since(outbox, number, refusal->error, was_down);
	if (reason == LOSS_REFUSED || reason == LOSS_UNREACHABLE) {
		outbox->held_error = refusal->error;
		outbox->probed_us = -1;
	}
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

/* A probe went, and no report of it came: the collector is back. */
void outbox_release(struct outbox *outbox)
{
	if (!outbox->held_error || outbox->probed_us < 0 ||
	    outbox->now_us - outbox->probed_us < report_delay_us(outbox->held_error))
		return;
	outbox->held_error = 0;
	outbox->last_failure_us = outbox->probed_us;
}

/* While the network reports that nothing arrives: send the probe if it is time. */
void outbox_send_probe(struct outbox *outbox)
{
	if (!outbox_is_probe_next(outbox) || outbox_budget(outbox) == 0)
		return;
	if (outbox_send_batch(outbox, 1).sent)
		outbox->probed_us = outbox->now_us;
	else
		outbox->ledger.send_errors++;
}
