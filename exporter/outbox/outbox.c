/* outbox.c - sends what waits, and knows what became of it.
 *
 * Place: encoder -> outbox -> transport; the halves for datagrams and for sessions are files of
 * their own (outbox_parts.h). Invariant, at any moment and for records, packets, octets:
 * ledger.taken = sent + waiting + sum of lost. A datagram gets its sequence number when it is
 * handed to the network: what was given up before leaves no gap (it is in the ledger), and
 * templates can overtake what waits. */
#include "outbox.h"

#include "bytes.h"
#include "outbox_parts.h"

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#define STEP_US           1000       /* pacing goes in steps of this at least */
#define GATHER_US         5000       /* how long a datagram that could go waits for others */
#define KNOWN_DOWN_US     1000000    /* so long that a moment's outage is over */
#define RETRY_US          100000     /* between tries while a collector cannot be sent to */
#define UNPACED_DATAGRAMS 128        /* in one call without a limit */
#define LONGEST_REFILL_US 1000000000 /* times 2^32 a second is less than 2^63 */
#define BURST_CREDIT      ((int64_t)EXPORTER_BURST_DATAGRAMS * OUTBOX_MILLIONTHS)

static void pacer_refill(struct pacer *pacer, int64_t now_us)
{
	int64_t elapsed_us = now_us - pacer->last_us;

	pacer->last_us = now_us;
	if (elapsed_us > LONGEST_REFILL_US)
		elapsed_us = LONGEST_REFILL_US;
	if (elapsed_us > 0)
		pacer->credit += elapsed_us * pacer->per_second;
	if (pacer->credit > BURST_CREDIT)
		pacer->credit = BURST_CREDIT;
}

size_t outbox_budget(const struct outbox *outbox)
{
	const struct pacer *pacer = &outbox->pacer;

	return pacer->per_second ? (size_t)(pacer->credit / OUTBOX_MILLIONTHS) : UNPACED_DATAGRAMS;
}

/* When the next datagrams may go. As many at once as come together in GATHER_US, up to half a
 * burst: they cost less together, and a thread that wakes more often costs more. */
static int64_t pacer_wait_us(const struct pacer *pacer, size_t waiting)
{
	int64_t wanted = (int64_t)pacer->per_second * GATHER_US / OUTBOX_MILLIONTHS;
	int64_t wait_us;

	if (!pacer->per_second)
		return 0;
	if (wanted > EXPORTER_BURST_DATAGRAMS / 2)
		wanted = EXPORTER_BURST_DATAGRAMS / 2;
	if (wanted > (int64_t)waiting)
		wanted = (int64_t)waiting;
	if (wanted < 1)
		wanted = 1;
	wait_us = (wanted * OUTBOX_MILLIONTHS - pacer->credit) / pacer->per_second + 1;
	return wait_us < STEP_US ? STEP_US : wait_us;
}

enum loss_reason outbox_loss_of(int error)
{
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
	case EADDRNOTAVAIL: return LOSS_UNREACHABLE;
	case EALREADY:
	case ENOTCONN:
	case ENXIO:
	case ECONNRESET:
	case EPIPE: return LOSS_DISCONNECTED;
	case EPROTO:
	case EKEYREJECTED: return LOSS_TLS;
	case ETIME: return LOSS_NOT_TAKEN;
	default: return LOSS_SEND_FAILED;
	}
}

bool outbox_is_known_down(const struct outbox *outbox)
{
	return outbox->is_blocked && outbox->now_us - outbox->wait_since_us >= KNOWN_DOWN_US;
}

/* Errors that pass by themselves in moments. */
static bool is_passing(int error)
{
	return error == EINPROGRESS || error == EALREADY || error == EAGAIN || error == ENOBUFS;
}

/* Lost on the way: what the protocol cannot carry is lost while the collector is up, too. */
static uint64_t records_lost(const struct outbox *outbox)
{
	return collector_ledger_lost(&outbox->ledger).records -
	       outbox->ledger.lost[LOSS_UNSUPPORTED].records;
}

static void tell(const struct outbox *outbox, enum collector_event_kind kind)
{
	const struct collector_event event = {
		.kind = kind,
		.collector = outbox->config.name,
		.reason = outbox->last_loss,
		.error = outbox->last_error,
		.fault = outbox->fault[0] ? outbox->fault : NULL,
		.records_lost =
			kind == COLLECTOR_UP ? records_lost(outbox) - outbox->lost_before : 0,
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

	if (type->fault && error && error == outbox->poll_error)
		fault = type->fault(outbox->transport);
	(void)snprintf(outbox->fault, sizeof(outbox->fault), "%s", fault ? fault : "");
}

void outbox_go_down(struct outbox *outbox, enum loss_reason reason, int error)
{
	outbox->last_loss = reason;
	outbox->last_error = error;
	outbox->last_failure_us = outbox->now_us;
	keep_fault(outbox, error);
	if (outbox->state != OUTBOX_down) {
		outbox->state = OUTBOX_down;
		outbox->lost_before = records_lost(outbox);
		outbox->told_reasons = 0;
	} else if (!outbox_has_sessions(outbox) || (outbox->told_reasons & 1u << reason)) {
		return;
	}
	outbox->told_reasons |= 1u << reason;
	tell(outbox, COLLECTOR_DOWN);
}

/* A reader that took nothing more still has to take something. */
static bool is_standing_still(const struct outbox *outbox)
{
	return outbox_has_sessions(outbox) && outbox->queue.handed &&
	       outbox->confirmed_us < outbox->last_failure_us;
}

/* A session is proof that the collector is there, and an address is all that an unresolved one
 * lacked. For others a datagram that was handed over proves nothing: only time without a report
 * does. */
static void go_up(struct outbox *outbox)
{
	const bool is_quiet = outbox->last_sent_us >= outbox->last_failure_us &&
			      outbox->now_us - outbox->last_failure_us >= OUTBOX_UP_AFTER_US;

	if (outbox->state == OUTBOX_up ||
	    (outbox->state == OUTBOX_down && is_standing_still(outbox)))
		return;
	if (outbox->state == OUTBOX_down && !outbox_has_sessions(outbox) &&
	    outbox->last_loss != LOSS_UNRESOLVED && !is_quiet)
		return;
	outbox->state = OUTBOX_up;
	outbox->probes_needed = OUTBOX_PROBES;
	tell(outbox, COLLECTOR_UP);
	outbox->last_error = 0;
	outbox->fault[0] = '\0';
}

int outbox_init(struct outbox *outbox, const struct outbox_config *config, struct error_text *error)
{
	int result;

	*outbox = (struct outbox){
		.config = *config,
		.pacer = { .per_second = config->datagrams_per_second, .credit = BURST_CREDIT },
		.last_sent_us = -1,
		.wait_error = EINPROGRESS,
		.poll_error = EINPROGRESS,
		.wait_since_us = -1,
		.probes_needed = OUTBOX_PROBES,
		.released_us = -1,
		.templates_ahead_us = -OUTBOX_TEMPLATES_AHEAD_US,
		.spool = { .fd = -1 },
	};
	if (datagram_queue_init(&outbox->queue, config->datagram_size) ||
	    sent_history_init(&outbox->history)) {
		error_text_set(error, "collector %s: out of memory", config->name);
		result = -ENOMEM;
		goto fail;
	}
	result = spool_init(&outbox->spool, config->spool_size, config->spool_directory, error);
	if (result)
		goto fail;
	result = config->type->open(&config->address, &outbox->transport, error);
	if (result)
		goto fail;
	return 0;
fail:
	spool_clear(&outbox->spool);
	datagram_queue_clear(&outbox->queue);
	sent_history_clear(&outbox->history);
	return result;
}

void outbox_clear(struct outbox *outbox)
{
	outbox->config.type->close(outbox->transport);
	datagram_queue_clear(&outbox->queue);
	spool_clear(&outbox->spool);
	sent_history_clear(&outbox->history);
}

/* Whether it has stopped refusing, is not up yet, and gets nothing else that it could refuse:
 * what is down in a group is passed over. */
static bool is_on_trial(const struct outbox *outbox)
{
	return outbox->state == OUTBOX_down && outbox->last_failure_us < outbox->released_us &&
	       outbox->now_us - outbox->last_sent_us >= OUTBOX_TEMPLATES_AHEAD_US;
}

bool outbox_wants_templates(const struct outbox *outbox)
{
	const bool is_needed = outbox->has_lost_templates || outbox->held_error ||
			       (!outbox_has_sessions(outbox) && is_on_trial(outbox));

	if (!is_needed || outbox->poll_error)
		return false;
	/* With a message that it goes before, which then gives the time of its header. */
	if (outbox_has_sessions(outbox))
		return outbox_unsent(outbox) != 0;
	if (outbox_is_probe_next(outbox) ||
	    datagram_queue_room(&outbox->queue) < outbox->config.ahead_datagrams)
		return false;
	return outbox->now_us - outbox->templates_ahead_us >= OUTBOX_TEMPLATES_AHEAD_US;
}

void outbox_put_ahead(struct outbox *outbox, size_t number)
{
	outbox->has_lost_templates = false;
	outbox->templates_ahead_us = outbox->now_us;
	datagram_queue_put_behind(&outbox->queue, outbox->queue.handed + number);
}

void outbox_count_sent(struct outbox *outbox)
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
	datagram_queue_pop(&outbox->queue);
}

/* The first that was not handed over yet is now. A datagram is sent with that; a message of a
 * session only when it is confirmed. */
static void count_handed(struct outbox *outbox)
{
	const struct queued_datagram *datagram =
		datagram_queue_at(&outbox->queue, outbox->queue.handed);

	outbox->sequence += datagram->sequence_step;
	outbox->last_sent_us = outbox->now_us;
	if (outbox->pacer.per_second)
		outbox->pacer.credit -= OUTBOX_MILLIONTHS;
	if (outbox_has_sessions(outbox)) {
		outbox->queue.handed++;
		return;
	}
	sent_history_add(&outbox->history, datagram);
	outbox_count_sent(outbox);
}

/* Another socket, from or to another address perhaps: the collector behind it may know nothing of
 * what was told before. */
static void look_at_openings(struct outbox *outbox)
{
	const struct transport_type *type = outbox->config.type;
	const uint64_t openings = type->openings ? type->openings(outbox->transport) : 0;

	if (openings == outbox->openings)
		return;
	if (outbox->openings) {
		outbox->has_lost_templates = true;
		outbox->templates_ahead_us = outbox->now_us - OUTBOX_TEMPLATES_AHEAD_US;
		outbox->forgotten++;
	}
	outbox->openings = openings;
}

void outbox_poll(struct outbox *outbox, int64_t now_us)
{
	outbox->now_us = now_us;
	if (outbox->wait_since_us < 0)
		outbox->wait_since_us = now_us;
	pacer_refill(&outbox->pacer, now_us);
	outbox_take_reports(outbox);
	outbox->poll_error = -outbox->config.type->poll(outbox->transport, now_us / 1000);
	look_at_openings(outbox);
	outbox_look_at_session(outbox);
	outbox_fill_up(outbox);
	outbox_release(outbox);
}

/* Tell the transport to which file the datagrams belong that are handed over next. Returns how many
 * of 'count' belong to the same. */
static size_t tell_file(struct outbox *outbox, size_t count)
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

static void keep(const struct outbox *outbox, uint32_t sequence)
{
	if (outbox->kept_sequence)
		atomic_store_explicit(outbox->kept_sequence, htobe32(sequence),
				      memory_order_relaxed);
}

void outbox_keep_sequence(struct outbox *outbox, _Atomic uint32_t *place)
{
	outbox->kept_sequence = place;
	keep(outbox, outbox->sequence);
}

struct transport_result outbox_send_batch(struct outbox *outbox, size_t count)
{
	struct datagram batch[EXPORTER_BURST_DATAGRAMS];
	struct transport_result result;
	uint32_t sequence = outbox->sequence;

	count = tell_file(outbox, count);
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
	keep(outbox, sequence); /* a kill on the way leaves a gap of what has not gone */
	result = outbox->config.type->send(outbox->transport, batch, count);
	for (size_t i = 0; i < result.sent; i++)
		count_handed(outbox);
	keep(outbox, outbox->sequence);
	if (result.is_one_packet)
		sent_history_at(&outbox->history, outbox->history.count - result.sent)->followers =
			(uint32_t)result.sent - 1;
	outbox_look_at_session(outbox);
	return result;
}

/* All that has room was handed over, and the collector must confirm some of it first. */
static bool is_full_of_unconfirmed(const struct outbox *outbox)
{
	return outbox->queue.handed && !outbox_unsent(outbox) &&
	       datagram_queue_room(&outbox->queue) < outbox_reserved(outbox);
}

/* Send until the budget or the queue is empty. Returns 0, or a positive errno why the first that
 * waits cannot go now.
 *
 * A connected UDP socket fails a send with the report about an earlier datagram, and does not send:
 * so any such failure is tried once more, after the reports were read. */
static int send_waiting(struct outbox *outbox)
{
	const uint64_t session = outbox->session;
	size_t budget = outbox_budget(outbox);
	bool is_retry = false;

	while (budget && outbox_unsent(outbox)) {
		struct transport_result result;
		size_t count = budget < outbox_unsent(outbox) ? budget : outbox_unsent(outbox);

		if (outbox->held_error)
			return outbox->held_error;
		if (count > EXPORTER_BURST_DATAGRAMS)
			count = EXPORTER_BURST_DATAGRAMS;
		result = outbox_send_batch(outbox, count);
		budget -= result.sent;
		outbox_fill_up(outbox);
		if (outbox_has_sessions(outbox) && outbox->session != session)
			return EAGAIN; /* a new file: its templates first */
		if (result.sent) {
			is_retry = false;
			continue;
		}
		/* A full hand-over to the thread that writes a file is no failed call. */
		outbox->ledger.send_errors += result.error != -EAGAIN || !outbox->config.type->file;
		outbox_take_reports(outbox);
		if (result.error == -EMSGSIZE) {
			outbox_drop(outbox, outbox->queue.handed, LOSS_SEND_FAILED, EMSGSIZE);
			outbox_fill_up(outbox);
			continue;
		}
		if (is_retry || outbox_has_sessions(outbox) || result.error == -EAGAIN ||
		    result.error == -ENOBUFS)
			return result.error ? -result.error : EAGAIN;
		is_retry = true;
	}
	return is_full_of_unconfirmed(outbox) ? EAGAIN : 0;
}

/* Nothing can be sent now, for 'error'. Returns when to try again. */
static int64_t hold(struct outbox *outbox, int error)
{
	const bool is_reader = outbox->config.is_patient && (error == EAGAIN || error == ETIME);
	bool is_long;

	if (!outbox->wait_error)
		outbox->wait_since_us = outbox->now_us;
	outbox->wait_error = error;
	is_long = outbox->now_us - outbox->wait_since_us >= OUTBOX_PATIENCE_US;
	outbox->is_blocked = !is_reader && (!is_passing(error) || is_long);
	if (outbox->is_blocked)
		outbox_go_down(outbox, outbox_loss_of(error), error);
	if (!outbox->queue.count && !(outbox_has_sessions(outbox) && is_passing(error)))
		return -1;
	return outbox->is_blocked || is_long ? RETRY_US : STEP_US;
}

static int try_to_send(struct outbox *outbox)
{
	if (outbox->poll_error)
		return outbox->poll_error;
	if (outbox->held_error) {
		outbox_send_probe(outbox);
		return outbox->held_error;
	}
	return send_waiting(outbox);
}

int64_t outbox_send(struct outbox *outbox)
{
	int error;

	if (outbox->has_ended)
		return -1;
	error = try_to_send(outbox);
	outbox_take_reports(outbox);
	if (!error)
		error = outbox->held_error;
	if (error)
		return hold(outbox, error);
	outbox->wait_error = 0;
	outbox->is_blocked = false;
	go_up(outbox);
	return outbox_unsent(outbox) ? pacer_wait_us(&outbox->pacer, outbox_unsent(outbox))
				     : outbox_confirm_wait_us(outbox);
}
