/* outbox_wait.c - the datagrams that wait: in the queue, and after it in the spool; and which are
 * given up when there is no more room.
 *
 * Place: part of the outbox, between encoder and sending. Invariant: the spool has something only
 * while the queue has no other free places than those for templates that go ahead; so all that
 * waits is in order. The oldest go first: a collector that comes back should have the present. */
#include "outbox_wait.h"

#include "outbox_ahead.h"
#include "outbox_kept.h"
#include "outbox_session.h"
#include "outbox_state.h"

#include <errno.h>
#include <string.h>

/* A datagram that waited, or was to wait, is lost. */
static void lose_datagram(struct outbox *outbox, const struct queued_datagram *datagram,
			  enum loss_reason reason, int error)
{
	outbox_state_down(outbox, reason, error);
	outbox_state_count_lost(outbox, &datagram->amount, reason);
	outbox->ledger.datagrams_lost++;
	if (datagram->has_templates)
		outbox_ahead_lost(outbox);
}

void outbox_wait_drop(struct outbox *outbox, size_t index, enum loss_reason reason, int error)
{
	lose_datagram(outbox, datagram_queue_at(&outbox->queue, index), reason, error);
	outbox_kept_drop(outbox, index);
	datagram_queue_remove(&outbox->queue, index);
}

/* What went out of the spool without having been sent. */
static void count_spooled(struct outbox *outbox, const struct spool_loss *loss,
			  enum loss_reason reason)
{
	outbox_state_count_lost(outbox, &loss->amount, reason);
	outbox->ledger.datagrams_lost += loss->datagrams;
	if (loss->templates)
		outbox_ahead_lost(outbox);
}

/* Report once what is wrong with the spool, and once that it works again. */
static void report_spool(struct outbox *outbox, int error)
{
	const struct collector_event event = {
		.kind = COLLECTOR_SPOOL,
		.collector = outbox->config.name,
		.reason = LOSS_SPOOL_FAILED,
		.error = error,
	};

	if (error == outbox->spool_error)
		return;
	outbox->spool_error = error;
	if (outbox->config.on_event)
		outbox->config.on_event(outbox->config.event_context, &event);
}

void outbox_wait_look_at_spool(struct outbox *outbox)
{
	struct spool *spool = &outbox->spool;
	const uint64_t done = spool->jobs_done;

	if (!spool_is_there(spool))
		return;
	spool_poll(spool, outbox->now_us);
	if (spool->failed.datagrams) {
		count_spooled(outbox, &spool->failed, LOSS_SPOOL_FAILED);
		report_spool(outbox, spool->failed.error);
		spool->failed = (struct spool_loss){ 0 };
	} else if (spool->is_hanging) {
		report_spool(outbox, ETIME);
	} else if (spool->jobs_done != done) {
		report_spool(outbox, 0);
	}
}

void outbox_wait_fill_up(struct outbox *outbox)
{
	while (outbox->spool.count &&
	       datagram_queue_room(&outbox->queue) > outbox->config.ahead_datagrams) {
		if (spool_take(&outbox->spool, datagram_queue_spare(&outbox->queue),
			       outbox->config.datagram_size))
			return;
		datagram_queue_put_spare(&outbox->queue);
		outbox_kept_put(outbox);
	}
}

/* Whether all that keeps datagrams back is a connection that takes no more, or pacing. */
static bool is_only_slow(const struct outbox *outbox)
{
	return outbox_has_sessions(outbox) &&
	       (!outbox->sending.error || outbox->sending.error == EAGAIN);
}

/* Why there is no room. */
static enum loss_reason loss_when_full(const struct outbox *outbox)
{
	if (spool_is_there(&outbox->spool))
		return LOSS_OVERFLOW;
	if (is_only_slow(outbox))
		return LOSS_NOT_TAKEN;
	return outbox->sending.error ? outbox_state_loss_of(outbox, outbox->sending.error)
				     : LOSS_SEND_FAILED;
}

/* Why what waits at the end did not get to the collector. */
static enum loss_reason loss_at_end(const struct outbox *outbox)
{
	if (is_only_slow(outbox))
		return LOSS_DISCONNECTED;
	return outbox->sending.error ? outbox_state_loss_of(outbox, outbox->sending.error)
				     : LOSS_SEND_FAILED;
}

/* The oldest of the queue not handed over; never the templates that go ahead in a session. */
static size_t oldest_index(const struct outbox *outbox)
{
	size_t first = outbox->queue.handed;

	while (first < outbox->queue.count && datagram_queue_at(&outbox->queue, first)->is_ahead)
		first++;
	return first;
}

/* Give up the oldest of the spool: as many as lie together. */
static bool drop_spooled(struct outbox *outbox)
{
	struct spool_loss dropped;

	outbox_state_down(outbox, LOSS_OVERFLOW, outbox->sending.error);
	spool_drop(&outbox->spool, &dropped);
	count_spooled(outbox, &dropped, LOSS_OVERFLOW);
	return true;
}

/* Give up the oldest of those that were not handed over. Returns false if there is none. */
static bool drop_oldest(struct outbox *outbox)
{
	const enum loss_reason reason = loss_when_full(outbox);
	const size_t index = oldest_index(outbox);

	if (index < outbox->queue.count) {
		outbox_wait_drop(outbox, index, reason, outbox->sending.error);
		outbox_wait_fill_up(outbox);
		return true;
	}
	return outbox->spool.count && drop_spooled(outbox);
}

static bool is_queue_full(const struct outbox *outbox)
{
	/* Places stay free for templates that go ahead; where some went already, more must
	 * become free. */
	return datagram_queue_room(&outbox->queue) <= outbox->config.ahead_datagrams;
}

/* Make room until it is there, or lose it: the disk is late, and nobody waits any longer. A queue
 * that the disk has not filled up again is not emptied further. */
static void put_into_spool(struct outbox *outbox, const struct queued_datagram *datagram)
{
	const struct spool_loss one = { datagram->amount, 1, datagram->has_templates, ETIME };
	int result;

	while ((result = spool_put(&outbox->spool, datagram)) == -ENOSPC && outbox->spool.count)
		(void)(is_queue_full(outbox) ? drop_oldest(outbox) : drop_spooled(outbox));
	if (result == -EAGAIN)
		count_spooled(outbox, &one, LOSS_SPOOL_FAILED);
	else if (result)
		lose_datagram(outbox, datagram, LOSS_OVERFLOW, outbox->sending.error);
}

/* While the disk is late, as long as it does not hang, it is waited for; what is full makes room
 * by itself where nobody waits for the collector. */
static size_t room_with_spool(const struct outbox *outbox)
{
	const struct spool *spool = &outbox->spool;

	if (spool->is_hanging || (outbox->sending.is_blocked && spool_is_full(spool)))
		return DATAGRAM_QUEUE_CAPACITY;
	return spool_room(spool, outbox->config.datagram_size);
}

static size_t places_with_reserved(const struct outbox *outbox)
{
	if (spool_is_there(&outbox->spool))
		return room_with_spool(outbox);
	return outbox->sending.is_blocked ? DATAGRAM_QUEUE_CAPACITY
					  : datagram_queue_room(&outbox->queue);
}

size_t outbox_places(const struct outbox *outbox)
{
	const size_t room = places_with_reserved(outbox);
	const size_t reserved = outbox_wait_reserved(outbox);

	return room < reserved ? 0 : room - reserved;
}

size_t outbox_places_most(const struct outbox *outbox)
{
	const size_t reserved = outbox_wait_reserved(outbox);
	size_t most = DATAGRAM_QUEUE_CAPACITY;

	if (spool_is_there(&outbox->spool)) {
		const size_t spooled =
			spool_room_most(&outbox->spool, outbox->config.datagram_size);

		most = spooled > most ? spooled : most;
	}
	return most < reserved ? 0 : most - reserved;
}

size_t outbox_room(const struct outbox *outbox)
{
	if (places_with_reserved(outbox) < outbox_wait_reserved(outbox))
		return 0;
	return 1 + outbox_places(outbox) / (OUTBOX_STEP + outbox->config.template_datagrams);
}

/* What happens to others meanwhile moves slots, but not the bytes that were built. */
void outbox_put(struct outbox *outbox)
{
	const struct queued_datagram built = *datagram_queue_next(&outbox->queue);

	if (spool_is_there(&outbox->spool) && (outbox->spool.count || is_queue_full(outbox))) {
		put_into_spool(outbox, &built);
		return;
	}
	while (is_queue_full(outbox) && drop_oldest(outbox))
		;
	if (is_queue_full(outbox)) {
		lose_datagram(outbox, &built, loss_when_full(outbox), outbox->sending.error);
		return;
	}
	datagram_queue_put_last(&outbox->queue);
	outbox_kept_put(outbox);
}

const struct queued_datagram *outbox_waiting(const struct outbox *outbox, size_t index)
{
	return index < outbox_unsent(outbox)
		       ? datagram_queue_at(&outbox->queue, outbox->queue.handed + index)
		       : NULL;
}

bool outbox_give(struct outbox *outbox, const struct queued_datagram *datagram)
{
	struct queued_datagram *slot = datagram_queue_next(&outbox->queue);
	uint8_t *bytes = slot->bytes;

	if (is_queue_full(outbox) || datagram->size > outbox->config.datagram_size)
		return false;
	*slot = *datagram;
	slot->bytes = bytes;
	slot->file = 0;
	slot->file_ms = datagram->time.unix_ms;
	memcpy(bytes, datagram->bytes, datagram->size);
	datagram_queue_put_last(&outbox->queue);
	outbox_kept_put(outbox);
	amount_add(&outbox->ledger.taken, &datagram->amount);
	amount_add(&outbox->ledger.waiting, &datagram->amount);
	return true;
}

static void lose_spool(struct outbox *outbox, enum loss_reason reason)
{
	const struct spool_loss loss = {
		.amount = outbox->spool.amount,
		.datagrams = outbox->spool.count,
	};

	outbox_state_down(outbox, reason, outbox->sending.error);
	count_spooled(outbox, &loss, reason);
	spool_forget(&outbox->spool);
}

void outbox_abandon(struct outbox *outbox)
{
	enum loss_reason reason;

	if (outbox->config.type->settle)
		outbox->config.type->settle(outbox->transport);
	outbox_session_look(outbox);
	reason = loss_at_end(outbox);
	outbox->has_ended = true;
	outbox->queue.handed = 0;
	while (outbox->queue.count)
		outbox_wait_drop(outbox, 0, reason, outbox->sending.error);
	if (outbox->spool.count)
		lose_spool(outbox, reason);
}

void outbox_lose(struct outbox *outbox, const struct amount *amount)
{
	const enum loss_reason reason = loss_at_end(outbox);

	outbox_state_down(outbox, reason, outbox->sending.error);
	outbox_state_count_lost(outbox, amount, reason);
}
