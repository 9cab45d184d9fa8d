/* outbox_kept.h - what waits in an outbox, in memory that outlives the process.
 *
 * Place: beside the queue, whose datagrams are built and wait in that memory. A process that is
 * killed is continued from a note: each datagram that waited then, or was under construction, waits
 * again, but for those that have gone since. Which of them have gone is known to the datagram where
 * the transport says so (transport_type.kept_sent); else those that were handed over are in doubt.
 * Numbers of turns are the caller's: a note is of the turn in which the caller wrote all notes. */
#ifndef OUTBOX_KEPT_H
#define OUTBOX_KEPT_H

#include "outbox_parts.h"

/* Bytes that an outbox takes; a multiple of 64. */
uint64_t outbox_kept_size(const struct outbox *outbox);

/* Use 'memory' from now on, which is zeroed and borrowed for life, or what another process has
 * left, which is continued as it was in that turn; 0: it is new. Before the first datagram. Returns
 * the records that are in doubt. */
uint64_t outbox_kept_begin(struct outbox *outbox, void *memory, uint64_t turn);

/* The memory in use; NULL: none. */
const void *outbox_kept_memory(const struct outbox *outbox);

/* Of an outbox that was leaving in the process before, in its memory as of that turn: its ledger,
 * in which all that waited is in doubt. Returns how many records these are. */
uint64_t outbox_kept_left(const void *memory, uint64_t turn, struct collector_ledger *ledger);
/* Likewise, of 'size' bytes, where 'outbox', which has sent nothing yet, sends in its place, and by
 * datagrams (a session is another one): its numbers continue here, and what waited there is given
 * to it by 'give' (outbox_give(); NULL: it cannot send that). 'ledger' is what that one has
 * counted, without what waits here now. */
typedef bool outbox_kept_give(struct outbox *outbox, const struct queued_datagram *datagram);
uint64_t outbox_kept_succeed(struct outbox *outbox, void *memory, uint64_t size, uint64_t turn,
			     outbox_kept_give *give, struct collector_ledger *ledger);

static inline bool outbox_is_kept(const struct outbox *outbox)
{
	return outbox->keeping.kept != NULL;
}

/* The last datagram of the queue has come, or number 'index' is given up. */
void outbox_kept_put(struct outbox *outbox);
void outbox_kept_drop(struct outbox *outbox, size_t index);

/* What was sent as 'number' of the history waits again. */
void outbox_kept_return(struct outbox *outbox, uint64_t number);

/* A place for a finished copy of the datagram under construction, for the next note of a turn. */
struct queued_datagram *outbox_kept_open(struct outbox *outbox);
/* Note all as of a new turn, with that copy or without. */
void outbox_kept_note_turn(struct outbox *outbox, uint64_t turn, bool is_open);
/* Note what has been sent, in the same turn. */
void outbox_kept_note(struct outbox *outbox);

/* 'count' datagrams, the first that were not handed over, are handed over now; a note follows. */
void outbox_kept_hand(struct outbox *outbox, size_t count);

#endif
