/* outbox_report.c - what the network reports about datagrams that were sent, and the probes that
 * find out whether a collector is back.
 *
 * Place: half of the outbox for transports of datagrams, where nothing is confirmed. */
#include "outbox_report.h"

#include "outbox_ahead.h"
#include "outbox_kept.h"
#include "outbox_sequence.h"
#include "outbox_state.h"

#include <string.h>

#define REFUSALS_AT_ONCE 1024
#define PROBES_MAX       16
#define DOUBT_US         3000000 /* after that it is believed that it was back */
/* How long after a probe a report may come: a round trip, or as long as the kernel asks for a link
 * address in vain. */
#define REFUSED_US     500000
#define UNREACHABLE_US 4000000

/* How long after a datagram that did not arrive the report of it may come. */
static int64_t report_delay_us(const struct outbox *outbox, int error)
{
	return outbox_state_loss_of(outbox, error) == LOSS_REFUSED ? REFUSED_US : UNREACHABLE_US;
}

/* Datagram 'number' was refused, and so was everything that was sent after it until the report
 * came: a socket reports before it sends any more, so that is a round trip. Hosts do not report all
 * of them. What this host cannot get rid of did not leave, with all that went as one packet. */
static uint64_t last_refused_with(struct outbox *outbox, uint64_t number,
				  const struct transport_refusal *refusal)
{
	if (outbox_state_loss_of(outbox, refusal->error) == LOSS_REFUSED)
		return outbox->history.count - 1;
	if (!refusal->is_own)
		return number;
	return number + sent_history_at(&outbox->history, number)->followers;
}

/* Whether it is down because it refused: held back, or on trial since. */
static bool is_refusing(const struct outbox *outbox)
{
	return outbox->standing.state == OUTBOX_down &&
	       (outbox->probing.error || outbox->standing.failed_us < outbox->probing.released_us);
}

static bool carries(const struct amount *amount)
{
	return amount->records || amount->packets || amount->octets;
}

/* Whether what datagram 'number' carries waits again from now on. */
static bool returns(struct outbox *outbox, uint64_t number, enum loss_reason reason)
{
	const struct sent_datagram *sent = sent_history_at(&outbox->history, number);

	if ((reason != LOSS_REFUSED && reason != LOSS_UNREACHABLE) || !carries(&sent->amount) ||
	    !datagram_queue_return(&outbox->queue, number, outbox->config.ahead_datagrams))
		return false;
	outbox_kept_return(outbox, number);
	return true;
}

/* Datagram 'number' did not arrive. What it carries waits again if it still can and may arrive
 * then. Nothing happens if that is known. */
static void refuse(struct outbox *outbox, uint64_t number, int error)
{
	const enum loss_reason reason = outbox_state_loss_of(outbox, error);
	struct sent_datagram *sent = sent_history_at(&outbox->history, number);

	if (!sent || (sent->is_lost && !sent->is_presumed))
		return;
	if (sent->is_presumed) { /* counted as unreachable */
		if (returns(outbox, number, reason))
			outbox_state_count_found(outbox, sent, LOSS_UNREACHABLE);
		sent->is_presumed = false;
	} else if (returns(outbox, number, reason)) {
		outbox_state_count_returned(outbox, sent);
	} else {
		outbox_state_count_refused(outbox, sent, reason);
	}
}

/* A router did not get datagram 'number' on, which went as one packet with others. Virtual links
 * leave it whole, and then none has arrived; others cut it apart, and then some may have. These
 * count as lost and do not wait again, so that none arrives twice, but for those of which there is
 * a report as well. */
static void presume_lost(struct outbox *outbox, uint64_t number, int error)
{
	const enum loss_reason reason = outbox_state_loss_of(outbox, error);
	struct sent_datagram *sent = sent_history_at(&outbox->history, number);

	if (!sent || sent->is_lost)
		return;
	outbox_state_count_refused(outbox, sent, reason);
	sent->is_presumed = reason == LOSS_UNREACHABLE; /* the only one that refuse() takes back */
}

/* Datagram 'number' did not arrive, nor did those that certainly had the same fate; nor
 * those since the last one that did not arrive, unless the collector was back in between: where
 * reports are few, one that refuses again soon most likely never was. Numbers from that of 'number'
 * on, if nothing has arrived since, were seen by nobody. */
static void count_refused_since(struct outbox *outbox, uint64_t number,
				const struct transport_refusal *refusal, bool was_refusing)
{
	const struct sent_datagram *sent = sent_history_at(&outbox->history, number);
	const uint64_t last = last_refused_with(outbox, number, refusal);
	const bool is_news = !sent->is_lost;
	uint64_t from = number;

	if (was_refusing && outbox->probing.last_refused < number &&
	    (outbox->probing.error || (outbox->probing.are_reports_few &&
				       outbox->now_us - outbox->probing.released_us <= DOUBT_US)))
		from = outbox->probing.last_refused + 1;
	for (uint64_t i = last + 1; i-- > from;)
		refuse(outbox, i, refusal->error);
	for (uint64_t i = last + 1; i <= number + sent->followers; i++)
		presume_lost(outbox, i, refusal->error);
	if (is_news && last + 1 == outbox->history.count)
		outbox_sequence_rewind(outbox, sent->sequence);
	if (last > outbox->probing.last_refused)
		outbox->probing.last_refused = last;
}

/* Nothing but probes may go. */
static void begin_to_hold(struct outbox *outbox, int error, bool was_refusing)
{
	if (was_refusing && !outbox->probing.error && outbox->probing.needed < PROBES_MAX)
		outbox->probing.needed *= 2;
	if (outbox->probing.error && outbox->probing.sent > 1)
		outbox->probing.are_reports_few = true; /* of earlier probes there was none */
	outbox->probing.error = error;
	outbox->probing.sent = 0;
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
		if ((!sent->is_lost || sent->is_presumed) &&
		    memcmp(sent->head, refusal->bytes, size) == 0)
			return true;
	}
	return false;
}

/* A report that quotes too little. */
static void count_last(struct outbox *outbox, enum loss_reason reason)
{
	struct sent_datagram *sent = sent_history_at(&outbox->history, outbox->history.count - 1);

	if (sent && !sent->is_lost)
		outbox_state_count_refused(outbox, sent, reason);
}

/* A report names its datagram by what it quotes, up to the sequence number at least. A router need
 * not quote more than the UDP header (RFC 792): then the last datagram is the likeliest, and
 * nothing is held back, because anyone could have sent such a report. */
static void refused(struct outbox *outbox, const struct transport_refusal *refusal)
{
	const enum loss_reason reason = outbox_state_loss_of(outbox, refusal->error);
	const size_t offset = outbox->config.sequence_offset;
	const bool was_refusing = is_refusing(outbox);
	uint64_t number = outbox->history.count - 1;

	outbox_state_down(outbox, reason, refusal->error);
	outbox_ahead_lost(outbox);
	if (refusal->size < offset + 4) {
		count_last(outbox, reason);
		return;
	}
	if (!find(outbox, refusal, &number))
		return;
	count_refused_since(outbox, number, refusal, was_refusing);
	if (reason == LOSS_REFUSED || reason == LOSS_UNREACHABLE)
		begin_to_hold(outbox, refusal->error, was_refusing);
}

void outbox_report_take(struct outbox *outbox)
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

void outbox_report_look_at_remote(struct outbox *outbox)
{
	struct outbox_probing *probing = &outbox->probing;
	struct sockaddr_storage remote = { .ss_family = AF_UNSPEC };
	const bool was_known = probing->remote.ss_family != AF_UNSPEC;

	if (outbox_has_sessions(outbox) ||
	    !outbox->config.type->remote(outbox->transport, &remote) ||
	    memcmp(&remote, &probing->remote, sizeof(remote)) == 0)
		return;
	probing->remote = remote;
	if (!was_known || !probing->error)
		return;
	probing->needed = 1;
	probing->sent = 0;
	probing->are_reports_few = false;
	probing->last_refused = outbox->history.count - 1;
	outbox->sending.stopped_us = outbox->now_us;
	outbox_ahead_hurry(outbox);
}

/* Templates go again: it may have come back between the last probe and now. */
void outbox_report_release(struct outbox *outbox)
{
	if (!outbox->probing.error || outbox->probing.sent < outbox->probing.needed ||
	    outbox->now_us - outbox->probing.enough_us <
		    report_delay_us(outbox, outbox->probing.error))
		return;
	outbox->probing.error = 0;
	outbox_state_failed_at(outbox, outbox->probing.first_us);
	outbox->probing.released_us = outbox->now_us;
	outbox_ahead_hurry(outbox);
}

void outbox_report_probed(struct outbox *outbox)
{
	if (outbox->probing.sent++ == 0)
		outbox->probing.first_us = outbox->now_us;
	if (outbox->probing.sent == outbox->probing.needed)
		outbox->probing.enough_us = outbox->now_us;
}

void outbox_report_trust(struct outbox *outbox)
{
	outbox->probing.needed = OUTBOX_PROBES;
}
