/* outbox_state.c - up and down as reported to people, and the counting of what was sent or lost.
 *
 * Place: part of the outbox. Invariant, at any moment and for records, packets, octets:
 * ledger.taken = sent + waiting + sum of lost + sum of excluded. */
#include "outbox_state.h"

#include <errno.h>
#include <stdio.h>

#define UP_AFTER_US 10000000 /* without a failure while sending, a collector counts as up again */

enum loss_reason outbox_state_loss_of(const struct outbox *outbox, int error)
{
	const bool is_file = !outbox->config.type->ip_protocol;

	switch (error) {
	case EINPROGRESS:
	case ENOENT: return LOSS_UNRESOLVED;
	case ECONNREFUSED: return LOSS_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENODEV:
	case ETIMEDOUT:
	case EADDRNOTAVAIL:
	case ENOPROTOOPT:
		return LOSS_UNREACHABLE; /* ICMP: a host that knows no UDP */
	/* ICMPv6, or a route: it is prohibited. A file has an owner who can give it away. */
	case EACCES: return is_file ? LOSS_SEND_FAILED : LOSS_UNREACHABLE;
	case EALREADY:
	case ENOTCONN:
	case ENXIO:
	case ECONNRESET:
	case EPIPE: return LOSS_DISCONNECTED;
	case EBADMSG:
	case EKEYREJECTED: return LOSS_TLS;
	case ETIME: return LOSS_NOT_TAKEN;
	default: return LOSS_SEND_FAILED;
	}
}

/* Lost on the way: what the protocol cannot carry is lost while the collector is up, too. */
static uint64_t records_lost(const struct outbox *outbox)
{
	return collector_ledger_lost(&outbox->ledger).records -
	       outbox->ledger.lost[LOSS_UNSUPPORTED].records;
}

void outbox_state_continue(struct outbox *outbox, const struct collector_ledger *before)
{
	outbox->ledger = *before;
	outbox->standing.lost_before = records_lost(outbox);
}

void outbox_state_uncount(struct outbox *outbox)
{
	const struct collector_ledger nothing = { 0 };

	for (size_t i = 0; i < outbox->queue.count; i++)
		datagram_queue_at(&outbox->queue, i)->amount = nothing.waiting;
	outbox_state_continue(outbox, &nothing);
}

bool outbox_state_is_asked(const struct outbox *outbox)
{
	const struct transport_type *type = outbox->config.type;

	return outbox->standing.is_of_transport && type->is_proven &&
	       type->is_proven(outbox->transport);
}

static void report(const struct outbox *outbox, enum collector_event_kind kind)
{
	const struct collector_event event = {
		.kind = kind,
		.collector = outbox->config.name,
		.reason = outbox->standing.loss,
		.error = outbox->standing.error,
		.fault = outbox->standing.fault[0] ? outbox->standing.fault : NULL,
		.records_lost = kind == COLLECTOR_UP
					? records_lost(outbox) - outbox->standing.lost_before
					: 0,
		.records_lost_in_all = records_lost(outbox),
	};

	if (outbox->config.on_event)
		outbox->config.on_event(outbox->config.event_context, &event);
}

/* Keep what the transport has to say of an error that it gave itself. */
static void keep_fault(struct outbox *outbox, int error)
{
	const struct transport_type *type = outbox->config.type;
	const char *fault = NULL;

	if (type->fault && error && error == outbox->transport_error)
		fault = type->fault(outbox->transport);
	(void)snprintf(outbox->standing.fault, sizeof(outbox->standing.fault), "%s",
		       fault ? fault : "");
}

void outbox_state_down(struct outbox *outbox, enum loss_reason reason, int error)
{
	outbox->standing.loss = reason;
	outbox->standing.error = error;
	outbox->standing.failed_us = outbox->now_us;
	outbox->standing.is_of_transport = error && error == outbox->transport_error;
	keep_fault(outbox, error);
	if (outbox->standing.state != OUTBOX_down) {
		outbox->standing.state = OUTBOX_down;
		outbox->standing.lost_before = records_lost(outbox);
		outbox->standing.reported_reasons = 0;
	} else if (!outbox_has_sessions(outbox) ||
		   (outbox->standing.reported_reasons & 1u << reason)) {
		return;
	}
	outbox->standing.reported_reasons |= 1u << reason;
	report(outbox, COLLECTOR_DOWN);
}

void outbox_state_waited_for(const struct outbox *outbox, int error)
{
	const struct collector_event event = {
		.kind = COLLECTOR_WAITED_FOR,
		.collector = outbox->config.name,
		.reason = LOSS_NOT_TAKEN,
		.error = error,
	};

	if (outbox->config.on_event)
		outbox->config.on_event(outbox->config.event_context, &event);
}

/* A reader that took nothing more still has to take something. */
static bool is_standing_still(const struct outbox *outbox)
{
	return outbox_has_sessions(outbox) && outbox->queue.handed &&
	       outbox->session.confirmed_us < outbox->standing.failed_us;
}

/* A session is proof that the collector is there, and an address is all that an unresolved one
 * lacked; or an answer to its probe. For others a datagram that was handed over proves nothing:
 * only time without a report does. */
bool outbox_state_up(struct outbox *outbox)
{
	const bool is_quiet = outbox->sending.last_us >= outbox->standing.failed_us &&
			      outbox->now_us - outbox->standing.failed_us >= UP_AFTER_US;

	if (outbox->standing.state == OUTBOX_up ||
	    (outbox->standing.state == OUTBOX_down && is_standing_still(outbox)))
		return false;
	if (outbox->standing.state == OUTBOX_down && !outbox_has_sessions(outbox) &&
	    outbox->standing.loss != LOSS_UNRESOLVED && !outbox_state_is_asked(outbox) && !is_quiet)
		return false;
	outbox->standing.state = OUTBOX_up;
	report(outbox, COLLECTOR_UP);
	outbox->standing.error = 0;
	outbox->standing.fault[0] = '\0';
	return true;
}

void outbox_state_count_sent(struct outbox *outbox)
{
	const struct queued_datagram *datagram = datagram_queue_at(&outbox->queue, 0);

	amount_subtract(&outbox->ledger.waiting, &datagram->amount);
	amount_add(&outbox->ledger.sent, &datagram->amount);
	outbox->ledger.datagrams_sent++;
	outbox->ledger.datagram_bytes_sent += datagram->size;
	if (datagram->is_ahead) {
		outbox->ahead_datagrams++;
		outbox->ahead_bytes += datagram->size;
	}
	if (outbox_has_sessions(outbox))
		datagram_queue_pop(&outbox->queue);
	else
		datagram_queue_keep(&outbox->queue, outbox->history.count - 1);
}

void outbox_state_count_lost(struct outbox *outbox, const struct amount *amount,
			     enum loss_reason reason)
{
	amount_subtract(&outbox->ledger.waiting, amount);
	amount_add(&outbox->ledger.lost[reason], amount);
}

static void take_back(struct outbox *outbox, struct sent_datagram *datagram)
{
	datagram->is_lost = true;
	amount_subtract(&outbox->ledger.sent, &datagram->amount);
	outbox->ledger.datagrams_sent--;
	outbox->ledger.datagram_bytes_sent -= datagram->size;
}

void outbox_state_count_refused(struct outbox *outbox, struct sent_datagram *datagram,
				enum loss_reason reason)
{
	take_back(outbox, datagram);
	amount_add(&outbox->ledger.lost[reason], &datagram->amount);
	outbox->ledger.datagrams_lost++;
}

void outbox_state_count_found(struct outbox *outbox, const struct sent_datagram *datagram,
			      enum loss_reason reason)
{
	amount_subtract(&outbox->ledger.lost[reason], &datagram->amount);
	outbox->ledger.datagrams_lost--;
	amount_add(&outbox->ledger.waiting, &datagram->amount);
}

void outbox_state_count_returned(struct outbox *outbox, struct sent_datagram *datagram)
{
	take_back(outbox, datagram);
	amount_add(&outbox->ledger.waiting, &datagram->amount);
}
