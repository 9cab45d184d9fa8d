/* outbox_state.h - whether the collector of an outbox is up, and what becomes of its datagrams in
 * the ledger.
 *
 * Place: under all other files of the outbox. */
#ifndef OUTBOX_STATE_H
#define OUTBOX_STATE_H

#include "outbox_parts.h"

/* Why records are lost that an error (a positive errno) kept back. */
enum loss_reason outbox_state_loss_of(const struct outbox *outbox, int error);
/* The ledger continues from here: before the first record. */
void outbox_state_continue(struct outbox *outbox, const struct collector_ledger *before);
/* The ledger begins anew, without what waits. */
void outbox_state_uncount(struct outbox *outbox);
/* Note a failure; call before its loss is counted. */
void outbox_state_down(struct outbox *outbox, enum loss_reason reason, int error);
/* The last failure was at another moment. */
static inline void outbox_state_failed_at(struct outbox *outbox, int64_t failed_us)
{
	outbox->standing.failed_us = failed_us;
}
/* Whether the transport has found out by asking that nothing can be sent, or that it can again. */
bool outbox_state_is_asked(const struct outbox *outbox);
/* What was counted as lost waits again. */
void outbox_state_count_found(struct outbox *outbox, const struct sent_datagram *datagram,
			      enum loss_reason reason);
/* All that could go has gone. Returns whether that proves that it is up, and it was not. */
bool outbox_state_up(struct outbox *outbox);

/* All wait for it, for 'error', or no more: 0. */
void outbox_state_waited_for(const struct outbox *outbox, int error);

/* The first datagram of the queue is sent: count it and take it out. */
void outbox_state_count_sent(struct outbox *outbox);
/* What waited, or was to wait, is lost. */
void outbox_state_count_lost(struct outbox *outbox, const struct amount *amount,
			     enum loss_reason reason);
/* What was sent is lost, or waits again: it was reported, for the first time. */
void outbox_state_count_refused(struct outbox *outbox, struct sent_datagram *datagram,
				enum loss_reason reason);
void outbox_state_count_returned(struct outbox *outbox, struct sent_datagram *datagram);

#endif
