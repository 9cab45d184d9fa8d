/* outbox_send.c - hands over what waits, in bursts, and knows why it stopped.
 *
 * Place: part of the outbox, between queue and transport. A datagram gets its sequence number when
 * it is handed to the network: what was given up before leaves no gap (it is in the ledger), and
 * templates can overtake what waits. */
#include "outbox_send.h"

#include "bytes.h"
#include "outbox_ahead.h"
#include "outbox_kept.h"
#include "outbox_report.h"
#include "outbox_sequence.h"
#include "outbox_session.h"
#include "outbox_state.h"
#include "outbox_wait.h"

#include <errno.h>

#define STEP_US       1000    /* between tries while it can be a matter of moments */
#define KNOWN_DOWN_US 1000000 /* after this a moment's outage is over */
#define RETRY_US      100000  /* between tries while a collector cannot be sent to */

bool outbox_is_known_down(const struct outbox *outbox)
{
	return outbox->sending.is_blocked &&
	       outbox->now_us - outbox->sending.stopped_us >= KNOWN_DOWN_US;
}

/* Errors that pass by themselves in moments. */
static bool is_passing(int error)
{
	return error == EINPROGRESS || error == EALREADY || error == EAGAIN || error == ENOBUFS;
}

/* The first that was not handed over yet is now. A datagram is sent with that; a message of a
 * session only when it is confirmed. */
static void count_handed(struct outbox *outbox)
{
	const struct queued_datagram *datagram =
		datagram_queue_at(&outbox->queue, outbox->queue.handed);

	const uint32_t sequence = outbox->sending.sequence;

	outbox->sending.sequence += datagram->sequence_step;
	outbox->sending.last_us = outbox->now_us;
	pacer_spend(&outbox->pacer);
	if (outbox_has_sessions(outbox)) {
		outbox->queue.handed++;
		return;
	}
	sent_history_add(&outbox->history, datagram, sequence);
	outbox_state_count_sent(outbox);
}

/* Say to the transport to which file the datagrams belong that are handed over next. Returns how
 * many of 'count' belong to the same. */
static size_t announce_file(struct outbox *outbox, size_t count)
{
	const struct datagram_queue *queue = &outbox->queue;
	const struct queued_datagram *first = datagram_queue_at(queue, queue->handed);
	size_t same = 1;

	if (!outbox->config.type->file)
		return count;
	outbox->config.type->file(outbox->transport, first->file, first->file_ms);
	while (same < count && datagram_queue_at(queue, queue->handed + same)->file == first->file)
		same++;
	return same;
}

/* Hand up to 'count' datagrams over, in order, the first that was not yet first. */
static struct transport_result send_batch(struct outbox *outbox, size_t count)
{
	struct datagram batch[EXPORTER_BURST_DATAGRAMS];
	struct transport_result result;
	uint32_t sequence = outbox->sending.sequence;

	count = announce_file(outbox, count);
	for (size_t i = 0; i < count; i++) {
		struct queued_datagram *datagram =
			datagram_queue_at(&outbox->queue, outbox->queue.handed + i);
		struct writer number =
			writer_of(datagram->bytes + outbox->config.sequence_offset, 4);

		if (outbox->config.sequence_offset)
			writer_u32(&number, sequence);
		sequence += datagram->sequence_step;
		batch[i] = (struct datagram){ datagram->bytes, datagram->size };
	}
	outbox_sequence_note(outbox,
			     sequence); /* a kill on the way leaves a gap of what has not gone */
	outbox_kept_hand(outbox, count);
	result = outbox->config.type->send(outbox->transport, batch, count);
	for (size_t i = 0; i < result.sent; i++)
		count_handed(outbox);
	outbox_sequence_note(outbox, outbox->sending.sequence);
	outbox_kept_note(outbox);
	if (result.is_one_packet)
		sent_history_at(&outbox->history, outbox->history.count - result.sent)->followers =
			(uint32_t)result.sent - 1;
	outbox_session_look(outbox);
	return result;
}

/* All that has room was handed over, and the collector must confirm some of it first. */
static bool is_full_of_unconfirmed(const struct outbox *outbox)
{
	return outbox->queue.handed && !outbox_unsent(outbox) &&
	       datagram_queue_room(&outbox->queue) < outbox_wait_reserved(outbox);
}

/* Send until the budget or the queue is empty. Returns 0, or a positive errno why the first that
 * waits cannot go now.
 *
 * A connected UDP socket fails a send with the report about an earlier datagram, and does not send:
 * so any such failure is tried again, after the reports were read. */
static int send_waiting(struct outbox *outbox)
{
	const uint64_t session = outbox->session.number;
	size_t budget = pacer_budget(&outbox->pacer);
	bool is_retry = false;

	while (budget && outbox_unsent(outbox)) {
		struct transport_result result;
		size_t count = budget < outbox_unsent(outbox) ? budget : outbox_unsent(outbox);

		if (outbox->probing.error)
			return outbox->probing.error;
		if (count > EXPORTER_BURST_DATAGRAMS)
			count = EXPORTER_BURST_DATAGRAMS;
		result = send_batch(outbox, count);
		budget -= result.sent;
		outbox_wait_fill_up(outbox);
		if (outbox_has_sessions(outbox) && outbox->session.number != session)
			return EAGAIN; /* a new file: its templates first */
		if (result.sent) {
			is_retry = false;
			continue;
		}
		/* A full hand-over to the thread that writes a file is no failed call. */
		outbox->ledger.send_errors += result.error != -EAGAIN || !outbox->config.type->file;
		outbox_report_take(outbox);
		if (result.error == -EMSGSIZE) {
			outbox_wait_drop(outbox, outbox->queue.handed, LOSS_SEND_FAILED, EMSGSIZE);
			outbox_wait_fill_up(outbox);
			continue;
		}
		if (is_retry || outbox_has_sessions(outbox) || result.error == -EAGAIN ||
		    result.error == -ENOBUFS)
			return result.error ? -result.error : EAGAIN;
		is_retry = true;
	}
	return is_full_of_unconfirmed(outbox) ? EAGAIN : 0;
}

/* Whether 'error' is one of which the transport shows the end. */
static bool is_put_off(int error)
{
	return error == EAGAIN || error == EALREADY;
}

/* Returns -1 if there is none. */
static int ready_descriptor(const struct outbox *outbox, short *events)
{
	if (!outbox->config.type->ready || !is_put_off(outbox->sending.error) ||
	    outbox->sending.is_event_vain)
		return -1;
	return outbox->config.type->ready(outbox->transport, events);
}

/* Put off for a moment: until the transport shows that it is over, a confirmation may have come, or
 * by trying. */
static int64_t moment_us(const struct outbox *outbox)
{
	short events;

	if (ready_descriptor(outbox, &events) >= 0)
		return RETRY_US;
	return outbox->sending.error == EAGAIN && is_full_of_unconfirmed(outbox)
		       ? outbox_session_wait_us(outbox)
		       : STEP_US;
}

/* A reader that is waited for as long as it takes: say so when it has taken nothing for long. One
 * that is only slow takes something now and then. */
static void watch_reader(struct outbox *outbox, int error)
{
	const int64_t stopped_us = outbox->sending.stopped_us;
	const int64_t confirmed_us = outbox->session.confirmed_us;
	const int64_t since_us = confirmed_us > stopped_us ? confirmed_us : stopped_us;
	const bool stands_still = error && outbox->now_us - since_us >= OUTBOX_PATIENCE_US;

	if (stands_still == outbox->sending.is_reported)
		return;
	outbox->sending.is_reported = stands_still;
	outbox_state_waited_for(outbox, stands_still ? error : 0);
}

/* Nothing can be sent now, for 'error'. Returns when to try again. */
static int64_t hold(struct outbox *outbox, int error)
{
	const bool is_reader = outbox->config.is_patient && (error == EAGAIN || error == ETIME);
	bool is_long;

	if (!outbox->sending.error)
		outbox->sending.stopped_us = outbox->now_us;
	outbox->sending.error = error;
	outbox->sending.is_event_vain = outbox->now_us - outbox->sending.put_off_us < STEP_US;
	outbox->sending.put_off_us = outbox->now_us;
	is_long = outbox->now_us - outbox->sending.stopped_us >= OUTBOX_PATIENCE_US;
	outbox->sending.is_blocked = !is_reader && (!is_passing(error) || is_long);
	watch_reader(outbox, is_reader ? error : 0);
	if (outbox->sending.is_blocked)
		outbox_state_down(outbox, outbox_state_loss_of(outbox, error), error);
	if (outbox_state_is_asked(outbox) && outbox->config.has_templates)
		outbox_ahead_lost(outbox); /* another program may listen when it answers again */
	if (!outbox->queue.count && !outbox->spool.count &&
	    !(outbox_has_sessions(outbox) && is_passing(error)))
		return -1;
	return outbox->sending.is_blocked || is_long ? RETRY_US : moment_us(outbox);
}

/* While the network reports that nothing arrives: send the probe if it is time. */
static void send_probe(struct outbox *outbox)
{
	if (!outbox_is_probe_next(outbox) || pacer_budget(&outbox->pacer) == 0)
		return;
	if (!send_batch(outbox, 1).sent) {
		outbox->ledger.send_errors++;
		return;
	}
	outbox_report_probed(outbox);
}

static int try_to_send(struct outbox *outbox)
{
	if (outbox->transport_error)
		return outbox->transport_error;
	if (outbox->probing.error) {
		send_probe(outbox);
		return outbox->probing.error;
	}
	return send_waiting(outbox);
}

int64_t outbox_send(struct outbox *outbox)
{
	int64_t wait_us;
	int error;

	if (outbox->has_ended)
		return -1;
	error = try_to_send(outbox);
	outbox_report_take(outbox);
	if (!error)
		error = outbox->probing.error;
	if (error)
		return hold(outbox, error);
	outbox->sending.error = 0;
	outbox->sending.is_blocked = false;
	watch_reader(outbox, 0);
	if (outbox_state_up(outbox))
		outbox_report_trust(outbox);
	if (outbox_unsent(outbox))
		return pacer_wait_us(&outbox->pacer, outbox_unsent(outbox));
	wait_us = outbox_session_wait_us(outbox);
	return wait_us < 0 && outbox->spool.count ? RETRY_US : wait_us; /* the disk is late */
}

size_t outbox_descriptors(const struct outbox *outbox,
			  struct pollfd descriptors[static OUTBOX_DESCRIPTORS])
{
	const int spool = spool_is_there(&outbox->spool) ? spool_descriptor(&outbox->spool) : -1;
	size_t count = 0;
	short events;
	const int ready = ready_descriptor(outbox, &events);

	if (ready >= 0)
		descriptors[count++] = (struct pollfd){ .fd = ready, .events = events };

	if (spool >= 0)
		descriptors[count++] = (struct pollfd){ .fd = spool, .events = POLLIN };
	return count;
}
