/* outbox.c - sends what waits, and knows what became of it.
 *
 * Place: encoder -> outbox -> transport. Invariant, at any moment and for records, packets, octets:
 * ledger.taken = sent + waiting + sum of lost. A datagram gets its sequence number when it is
 * handed to the network: what was given up before leaves no gap (it is in the ledger), and
 * templates can overtake what waits. */
#include "outbox.h"

#include "bytes.h"

#include <errno.h>

#define STEP_US            1000   /* pacing goes in steps of this at least */
#define GATHER_US          5000   /* how long a datagram that could go waits for others */
#define RETRY_US           100000 /* between tries while a collector cannot be sent to */
#define TEMPLATES_AHEAD_US 1000000
/* How long after a probe a report may come: a round trip, or as long as the kernel asks for a link
 * address in vain. */
#define PROBE_REFUSED_US     500000
#define PROBE_UNREACHABLE_US 4000000
#define UNPACED_DATAGRAMS    128 /* in one call without a limit */
#define REFUSALS_AT_ONCE     1024
#define MILLIONTHS           1000000
#define LONGEST_REFILL_US    1000000000 /* times 2^32 a second is less than 2^63 */
#define BURST_CREDIT         ((int64_t)EXPORTER_BURST_DATAGRAMS * MILLIONTHS)

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

static size_t pacer_budget(const struct pacer *pacer)
{
	return pacer->per_second ? (size_t)(pacer->credit / MILLIONTHS) : UNPACED_DATAGRAMS;
}

/* When the next datagrams may go. As many at once as come together in GATHER_US, up to half a
 * burst: they cost less together, and a thread that wakes more often costs more. */
static int64_t pacer_wait_us(const struct pacer *pacer, size_t waiting)
{
	int64_t wanted = (int64_t)pacer->per_second * GATHER_US / MILLIONTHS;
	int64_t wait_us;

	if (!pacer->per_second)
		return 0;
	if (wanted > EXPORTER_BURST_DATAGRAMS / 2)
		wanted = EXPORTER_BURST_DATAGRAMS / 2;
	if (wanted > (int64_t)waiting)
		wanted = (int64_t)waiting;
	if (wanted < 1)
		wanted = 1;
	wait_us = (wanted * MILLIONTHS - pacer->credit) / pacer->per_second + 1;
	return wait_us < STEP_US ? STEP_US : wait_us;
}

static enum collector_loss loss_of(int error)
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
	case EADDRNOTAVAIL: return LOSS_UNREACHABLE;
	default: return LOSS_SEND_FAILED;
	}
}

/* Errors that pass by themselves in moments. */
static bool is_passing(int error)
{
	return error == EINPROGRESS || error == EAGAIN || error == ENOBUFS;
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
		.records_lost =
			kind == COLLECTOR_UP ? records_lost(outbox) - outbox->lost_before : 0,
	};

	if (outbox->config.on_event)
		outbox->config.on_event(outbox->config.event_context, &event);
}

/* Note a failure; call before its loss is counted. */
static void go_down(struct outbox *outbox, enum collector_loss reason, int error)
{
	outbox->last_loss = reason;
	outbox->last_error = error;
	outbox->last_failure_us = outbox->now_us;
	if (outbox->state == OUTBOX_down)
		return;
	outbox->state = OUTBOX_down;
	outbox->lost_before = records_lost(outbox);
	tell(outbox, COLLECTOR_DOWN);
}

/* An address is all that an unresolved collector lacked. For others a datagram that was handed over
 * proves nothing: only time without a report does. */
static void go_up(struct outbox *outbox)
{
	const bool is_quiet = outbox->last_sent_us >= outbox->last_failure_us &&
			      outbox->now_us - outbox->last_failure_us >= OUTBOX_UP_AFTER_US;

	if (outbox->state == OUTBOX_up)
		return;
	if (outbox->state == OUTBOX_down && outbox->last_loss != LOSS_UNRESOLVED && !is_quiet)
		return;
	outbox->state = OUTBOX_up;
	tell(outbox, COLLECTOR_UP);
	outbox->last_error = 0;
}

/* Give up the datagram that has waited longest. */
static void drop_first(struct outbox *outbox, enum collector_loss reason, int error)
{
	const struct queued_datagram *datagram = datagram_queue_at(&outbox->queue, 0);

	go_down(outbox, reason, error);
	amount_subtract(&outbox->ledger.waiting, &datagram->amount);
	amount_add(&outbox->ledger.lost[reason], &datagram->amount);
	outbox->ledger.datagrams_lost++;
	outbox->has_lost_templates |= datagram->has_templates;
	datagram_queue_pop(&outbox->queue);
}

/* Why a datagram is given up that nothing was tried with. */
static void drop_waiting(struct outbox *outbox)
{
	if (outbox->wait_error)
		drop_first(outbox, loss_of(outbox->wait_error), outbox->wait_error);
	else
		drop_first(outbox, LOSS_SEND_FAILED, 0);
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
		.last_refused_us = -PROBE_UNREACHABLE_US - TEMPLATES_AHEAD_US,
		.probed_us = -1,
		.templates_ahead_us = -TEMPLATES_AHEAD_US,
	};
	if (datagram_queue_init(&outbox->queue, config->datagram_size) ||
	    sent_history_init(&outbox->history)) {
		error_text_set(error, "collector %s: out of memory", config->name);
		result = -ENOMEM;
		goto fail;
	}
	result = config->type->open(&config->address, &outbox->transport, error);
	if (result)
		goto fail;
	return 0;
fail:
	datagram_queue_clear(&outbox->queue);
	sent_history_clear(&outbox->history);
	return result;
}

void outbox_clear(struct outbox *outbox)
{
	outbox->config.type->close(outbox->transport);
	datagram_queue_clear(&outbox->queue);
	sent_history_clear(&outbox->history);
}

bool outbox_has_room(const struct outbox *outbox)
{
	return outbox->is_blocked || datagram_queue_room(&outbox->queue) >= OUTBOX_RESERVED;
}

void outbox_put(struct outbox *outbox)
{
	/* One place stays free for templates that go ahead; where some went already, two are to be
	 * made. Dropping the first moves no slot, so what was built stays where it is. */
	while (datagram_queue_room(&outbox->queue) <= 1)
		drop_waiting(outbox);
	datagram_queue_put_last(&outbox->queue);
}

/* Whether the datagram that goes next has templates (in NetFlow v5: nothing at all) and nothing
 * that could be lost. */
static bool is_probe_next(const struct outbox *outbox)
{
	const struct queued_datagram *first = datagram_queue_at(&outbox->queue, 0);

	return outbox->queue.count && first->has_templates && first->amount.records == 0;
}

bool outbox_wants_templates(const struct outbox *outbox)
{
	if (!outbox->has_lost_templates || outbox->poll_error || is_probe_next(outbox))
		return false;
	return outbox->now_us - outbox->templates_ahead_us >= TEMPLATES_AHEAD_US;
}

void outbox_put_ahead(struct outbox *outbox)
{
	outbox->has_lost_templates = false;
	outbox->templates_ahead_us = outbox->now_us;
	datagram_queue_put_first(&outbox->queue);
}

static void count_sent(struct outbox *outbox)
{
	const struct queued_datagram *datagram = datagram_queue_at(&outbox->queue, 0);

	amount_subtract(&outbox->ledger.waiting, &datagram->amount);
	amount_add(&outbox->ledger.sent, &datagram->amount);
	outbox->ledger.datagrams_sent++;
	outbox->ledger.datagram_bytes_sent += datagram->size;
	sent_history_add(&outbox->history, datagram);
	outbox->sequence += datagram->sequence_step;
	outbox->last_sent_us = outbox->now_us;
	if (outbox->pacer.per_second)
		outbox->pacer.credit -= MILLIONTHS;
	datagram_queue_pop(&outbox->queue);
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
	return loss_of(error) == LOSS_REFUSED ? PROBE_REFUSED_US : PROBE_UNREACHABLE_US;
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
	    elapsed_us <= report_delay_us(error) + TEMPLATES_AHEAD_US)
		from = outbox->last_refused + 1;
	for (uint64_t i = from; i <= last; i++)
		count_refused(outbox, sent_history_at(&outbox->history, i), loss_of(error));
	if (last > outbox->last_refused)
		outbox->last_refused = last;
	outbox->last_refused_us = outbox->now_us;
}

/* A report names its datagram by what it quotes, up to the sequence number at least. A router need
 * not quote more than the UDP header (RFC 792): then the last datagram is the likeliest, and
 * nothing is held back, because anyone could have sent such a report. */
static void refused(struct outbox *outbox, const struct transport_refusal *refusal)
{
	const enum collector_loss reason = loss_of(refusal->error);
	const size_t offset = outbox->config.sequence_offset;
	const bool was_down = outbox->state == OUTBOX_down;
	uint64_t number = outbox->history.count - 1;

	go_down(outbox, reason, refusal->error);
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

static void take_refusals(struct outbox *outbox)
{
	struct transport_refusal refusal;

	for (int i = 0; i < REFUSALS_AT_ONCE; i++) {
		if (!outbox->config.type->refusal(outbox->transport, &refusal))
			return;
		refused(outbox, &refusal);
	}
}

void outbox_poll(struct outbox *outbox, int64_t now_us)
{
	outbox->now_us = now_us;
	if (outbox->wait_since_us < 0)
		outbox->wait_since_us = now_us;
	pacer_refill(&outbox->pacer, now_us);
	take_refusals(outbox);
	outbox->poll_error = -outbox->config.type->poll(outbox->transport, now_us / 1000);
}

/* Hand up to 'count' datagrams over, in order. */
static struct transport_result send_batch(struct outbox *outbox, size_t count)
{
	struct datagram batch[EXPORTER_BURST_DATAGRAMS];
	struct transport_result result;
	uint32_t sequence = outbox->sequence;

	for (size_t i = 0; i < count; i++) {
		struct queued_datagram *datagram = datagram_queue_at(&outbox->queue, i);
		struct writer number =
			writer_of(datagram->bytes + outbox->config.sequence_offset, 4);

		writer_u32(&number, sequence);
		sequence += datagram->sequence_step;
		batch[i] = (struct datagram){ datagram->bytes, datagram->size };
	}
	result = outbox->config.type->send(outbox->transport, batch, count);
	for (size_t i = 0; i < result.sent; i++)
		count_sent(outbox);
	if (result.is_one_packet)
		sent_history_at(&outbox->history, outbox->history.count - result.sent)->followers =
			(uint32_t)result.sent - 1;
	return result;
}

/* A probe went, and no report of it came: the collector is back. */
static void release(struct outbox *outbox)
{
	if (!outbox->held_error || outbox->probed_us < 0 ||
	    outbox->now_us - outbox->probed_us < report_delay_us(outbox->held_error))
		return;
	outbox->held_error = 0;
	outbox->last_failure_us = outbox->probed_us;
}

/* While the network reports that nothing arrives: send the probe if it is time. */
static void send_probe(struct outbox *outbox)
{
	if (!is_probe_next(outbox) || pacer_budget(&outbox->pacer) == 0)
		return;
	if (send_batch(outbox, 1).sent)
		outbox->probed_us = outbox->now_us;
	else
		outbox->ledger.send_errors++;
}

/* Send until the budget or the queue is empty. Returns 0, or a positive errno why the first that
 * waits cannot go now.
 *
 * A connected UDP socket fails a send with the report about an earlier datagram, and does not send:
 * so any such failure is tried once more, after the reports were read. */
static int send_waiting(struct outbox *outbox)
{
	size_t budget = pacer_budget(&outbox->pacer);
	bool is_retry = false;

	while (budget && outbox->queue.count) {
		struct transport_result result;
		size_t count = budget < outbox->queue.count ? budget : outbox->queue.count;

		if (outbox->held_error)
			return outbox->held_error;
		if (count > EXPORTER_BURST_DATAGRAMS)
			count = EXPORTER_BURST_DATAGRAMS;
		result = send_batch(outbox, count);
		budget -= result.sent;
		if (result.sent) {
			is_retry = false;
			continue;
		}
		outbox->ledger.send_errors++;
		take_refusals(outbox);
		if (result.error == -EMSGSIZE) {
			drop_first(outbox, LOSS_SEND_FAILED, EMSGSIZE);
			continue;
		}
		if (is_retry || result.error == -EAGAIN || result.error == -ENOBUFS)
			return result.error ? -result.error : EAGAIN;
		is_retry = true;
	}
	return 0;
}

/* Nothing can be sent now, for 'error'. Returns when to try again. */
static int64_t hold(struct outbox *outbox, int error)
{
	if (!outbox->wait_error)
		outbox->wait_since_us = outbox->now_us;
	outbox->wait_error = error;
	outbox->is_blocked =
		!is_passing(error) || outbox->now_us - outbox->wait_since_us >= OUTBOX_PATIENCE_US;
	if (outbox->is_blocked)
		go_down(outbox, loss_of(error), error);
	if (!outbox->queue.count)
		return -1;
	return outbox->is_blocked ? RETRY_US : STEP_US;
}

static int try_to_send(struct outbox *outbox)
{
	if (outbox->poll_error)
		return outbox->poll_error;
	release(outbox);
	if (outbox->held_error) {
		send_probe(outbox);
		return outbox->held_error;
	}
	return send_waiting(outbox);
}

int64_t outbox_send(struct outbox *outbox)
{
	int error = try_to_send(outbox);

	take_refusals(outbox);
	if (!error)
		error = outbox->held_error;
	if (error)
		return hold(outbox, error);
	outbox->wait_error = 0;
	outbox->is_blocked = false;
	go_up(outbox);
	return outbox->queue.count ? pacer_wait_us(&outbox->pacer, outbox->queue.count) : -1;
}

void outbox_abandon(struct outbox *outbox)
{
	while (outbox->queue.count)
		drop_waiting(outbox);
}

void outbox_lose(struct outbox *outbox, const struct amount *amount)
{
	const enum collector_loss reason =
		outbox->wait_error ? loss_of(outbox->wait_error) : LOSS_SEND_FAILED;

	go_down(outbox, reason, outbox->wait_error);
	amount_subtract(&outbox->ledger.waiting, amount);
	amount_add(&outbox->ledger.lost[reason], amount);
}
