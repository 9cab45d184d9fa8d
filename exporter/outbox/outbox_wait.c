/* outbox_wait.c - the datagrams that wait: in the queue, and behind it in the spool; and which are
 * given up when there is no more room.
 *
 * Place: part of the outbox, between encoder and sending. Invariant: the spool has something only
 * while the queue has no other free places than those for templates that go ahead; so all that
 * waits is in order. The oldest go first: a collector that comes back should have the present. */
#include "outbox_wait.h"

#include "outbox_ahead.h"
#include "outbox_state.h"

#include <errno.h>

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
	datagram_queue_remove(&outbox->queue, index);
}

/* The file of the spool fails: nothing in it can be read any more. */
static void lose_spool(struct outbox *outbox, enum loss_reason reason, int error)
{
	if (outbox->spool.count == 0)
		return;
	outbox_state_down(outbox, reason, error);
	outbox_state_count_lost(outbox, &outbox->spool.amount, reason);
	outbox->ledger.datagrams_lost += outbox->spool.count;
	if (outbox->config.has_templates)
		outbox_ahead_lost(outbox);
	spool_forget(&outbox->spool);
}

/* Take the oldest of the spool into a spare slot of the queue. */
static bool take_spooled(struct outbox *outbox)
{
	const int result = spool_take(&outbox->spool, datagram_queue_spare(&outbox->queue),
				      outbox->config.datagram_size);

	if (result)
		lose_spool(outbox, LOSS_SEND_FAILED, -result);
	return result == 0;
}

void outbox_wait_fill_up(struct outbox *outbox)
{
	while (outbox->spool.count &&
	       datagram_queue_room(&outbox->queue) > outbox->config.ahead_datagrams)
		if (take_spooled(outbox))
			datagram_queue_put_spare(&outbox->queue);
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
	return outbox->sending.error ? outbox_state_loss_of(outbox->sending.error)
				     : LOSS_SEND_FAILED;
}

/* Why what waits at the end did not get to the collector. */
static enum loss_reason loss_at_end(const struct outbox *outbox)
{
	if (is_only_slow(outbox))
		return LOSS_DISCONNECTED;
	return outbox->sending.error ? outbox_state_loss_of(outbox->sending.error)
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
	if (outbox->spool.count == 0)
		return false;
	if (take_spooled(outbox))
		lose_datagram(outbox, datagram_queue_spare(&outbox->queue), reason,
			      outbox->sending.error);
	return true;
}

/* Returns whether it is there; else not even an empty spool takes it. */
static bool put_into_spool(struct outbox *outbox, const struct queued_datagram *datagram)
{
	int result;

	while ((result = spool_put(&outbox->spool, datagram)) == -ENOSPC && outbox->spool.count)
		(void)drop_oldest(outbox);
	return result == 0;
}

static bool is_queue_full(const struct outbox *outbox)
{
	/* Places stay free for templates that go ahead; where some went already, more are to be
	 * made. */
	return datagram_queue_room(&outbox->queue) <= outbox->config.ahead_datagrams;
}

size_t outbox_room(const struct outbox *outbox)
{
	size_t room = datagram_queue_room(&outbox->queue);

	if (outbox->sending.is_blocked)
		room = DATAGRAM_QUEUE_CAPACITY;
	else if (spool_is_there(&outbox->spool))
		room = spool_room(&outbox->spool, outbox->config.datagram_size);
	if (room < outbox_wait_reserved(outbox))
		return 0;
	return 1 + (room - outbox_wait_reserved(outbox)) /
			   (OUTBOX_STEP + outbox->config.template_datagrams);
}

/* What happens to others meanwhile moves slots, but not the bytes that were built. */
void outbox_put(struct outbox *outbox)
{
	const struct queued_datagram built = *datagram_queue_next(&outbox->queue);
	bool is_put;

	if (spool_is_there(&outbox->spool) && (outbox->spool.count || is_queue_full(outbox))) {
		is_put = put_into_spool(outbox, &built);
	} else {
		while (is_queue_full(outbox) && drop_oldest(outbox))
			;
		is_put = !is_queue_full(outbox);
		if (is_put)
			datagram_queue_put_last(&outbox->queue);
	}
	if (!is_put)
		lose_datagram(outbox, &built, loss_when_full(outbox), outbox->sending.error);
}

void outbox_abandon(struct outbox *outbox)
{
	const enum loss_reason reason = loss_at_end(outbox);

	outbox->has_ended = true;
	outbox->queue.handed = 0;
	while (outbox->queue.count)
		outbox_wait_drop(outbox, 0, reason, outbox->sending.error);
	lose_spool(outbox, reason, outbox->sending.error);
}

void outbox_lose(struct outbox *outbox, const struct amount *amount)
{
	const enum loss_reason reason = loss_at_end(outbox);

	outbox_state_down(outbox, reason, outbox->sending.error);
	outbox_state_count_lost(outbox, amount, reason);
}
