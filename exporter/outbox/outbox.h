/* outbox.h - the sending half of a collector: finished datagrams -> transport, with pacing,
 * sequence numbers, the loss ledger, and whether the collector is up.
 *
 * Place: encoder -> outbox -> transport. Single-threaded, runs on monotonic real time that comes in
 * as an argument. Never blocks and never holds up other collectors for longer than
 * OUTBOX_PATIENCE_US: then it drops its oldest datagram when its queue is full, and counts it.
 *
 * While a collector refuses (ICMP), datagrams wait, and one with nothing but templates goes out
 * once a second. If no report follows several of them, the collector is back, knows the templates,
 * and gets what waits. It is up after ten seconds without a report, and until then gets such a
 * datagram every second that it gets nothing else.
 *
 * Where the transport has sessions (transport.h), a message that was handed over still waits until
 * it is confirmed, and goes out again in the next session if it is not.
 *
 * With a spool, what the queue has no room for waits there, in order, and while that has room
 * nobody is held up and nothing is dropped. Where its disk hangs, what comes then is lost. */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "error_text.h"
#include "outbox_ahead.h"
#include "outbox_parts.h"
#include "outbox_report.h"
#include "outbox_send.h"
#include "outbox_sequence.h"
#include "outbox_wait.h"

/* Open the transport. Returns 0 or a negative errno with 'error' filled; then there is nothing to
 * clear. */
int outbox_init(struct outbox *outbox, const struct outbox_config *config,
		struct error_text *error);
void outbox_clear(struct outbox *outbox);

/* Once before outbox_send(): look what the transport and the network say. */
void outbox_poll(struct outbox *outbox, int64_t now_us);

#endif
