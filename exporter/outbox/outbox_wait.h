/* outbox_wait.h - the datagrams that wait: room for them, and which are given up.
 *
 * Place: collector -> here -> outbox_send. */
#ifndef OUTBOX_WAIT_H
#define OUTBOX_WAIT_H

#include "outbox_parts.h"

/* Datagrams that one more record and a finish may need, beside those of templates that go ahead. */
#define OUTBOX_RESERVED 7
/* Datagrams that both directions of a flow, or one step of time, make at most, beside those of
 * templates: each record may close one, and open one. */
#define OUTBOX_STEP 3

/* How many times OUTBOX_STEP datagrams, and those of templates, may be put before asking again:
 * each time with OUTBOX_RESERVED, and those that go ahead, still free before it. 0: there is no
 * room. */
size_t outbox_room(const struct outbox *outbox);
/* The same in datagrams: how many may be put, while what is reserved stays free. */
size_t outbox_places(const struct outbox *outbox);
/* The same when nothing waits. */
size_t outbox_places_most(const struct outbox *outbox);
/* Queue the datagram that was built in datagram_queue_next(); without room, drop the oldest. */
void outbox_put(struct outbox *outbox);
/* Datagram number 'index' that waits in the queue and was not handed over; NULL: there are no more.
 */
const struct queued_datagram *outbox_waiting(const struct outbox *outbox, size_t index);
/* Queue one that another process had, and count it as taken. Returns whether it fits. */
bool outbox_give(struct outbox *outbox, const struct queued_datagram *datagram);
/* The end: count all that waits as lost. */
void outbox_abandon(struct outbox *outbox);
/* Count what was never queued as lost. */
void outbox_lose(struct outbox *outbox, const struct amount *amount);

/* Give up datagram 'index' of the queue. */
void outbox_wait_drop(struct outbox *outbox, size_t index, enum loss_reason reason, int error);
/* See how the spool does, and count what it has lost. */
void outbox_wait_look_at_spool(struct outbox *outbox);
/* Move what waits in the spool to the queue, as far as that has room. */
void outbox_wait_fill_up(struct outbox *outbox);

/* Datagrams that must be free for one more record. */
static inline size_t outbox_wait_reserved(const struct outbox *outbox)
{
	return OUTBOX_RESERVED + outbox->config.ahead_datagrams +
	       2 * (outbox->config.template_datagrams - 1);
}

#endif
