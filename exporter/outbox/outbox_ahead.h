/* outbox_ahead.h - the templates that overtake all that waits: when they are due.
 *
 * Place: beside the queue. They go out where the collector may lack them, as probes while it
 * refuses, and while it is on trial. */
#ifndef OUTBOX_AHEAD_H
#define OUTBOX_AHEAD_H

#include "outbox_parts.h"

#define OUTBOX_AHEAD_US \
	1000000 /* at most once in this, without sessions; live in up to twice this */

/* Whether templates should go ahead of all that wait: at most once a second, or at the beginning of
 * a session. Build each datagram in datagram_queue_ahead(), then call outbox_put_ahead() with its
 * number among them, from 0; at most 'ahead_datagrams' of the configuration. */
bool outbox_wants_templates(const struct outbox *outbox);
void outbox_put_ahead(struct outbox *outbox, size_t number);

/* The collector has not got some that were sent, or was sent to. */
static inline void outbox_ahead_lost(struct outbox *outbox)
{
	outbox->ahead.are_needed = true;
}
/* The collector may know nothing of what was announced to it. */
void outbox_ahead_forgotten(struct outbox *outbox);
/* Templates are due now, without the wait of a second. */
void outbox_ahead_hurry(struct outbox *outbox);
/* Another socket of the transport, which may have another address: all is forgotten. */
void outbox_ahead_look_at_openings(struct outbox *outbox);

#endif
