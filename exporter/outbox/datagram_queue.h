/* datagram_queue.h - the finished datagrams of one collector that wait to be sent, and what is
 * known of those sent last.
 *
 * Place: encoder -> datagram_queue -> transport. Bounded; allocates at _init only. */
#ifndef DATAGRAM_QUEUE_H
#define DATAGRAM_QUEUE_H

#include "export_time.h"
#include "ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATAGRAM_QUEUE_CAPACITY 256 /* 360 KB, 43 ms at 6000 datagrams a second */
#define DATAGRAM_QUEUE_SENT     64  /* two bursts: how many of those sent stay at least */
#define DATAGRAM_QUEUE_SLOTS    (DATAGRAM_QUEUE_CAPACITY + DATAGRAM_QUEUE_SENT + 2)
#define SENT_HISTORY_CAPACITY   1024

/* A finished datagram that waits. */
struct queued_datagram {
	uint8_t *bytes; /* owned by the queue */
	uint32_t size;
	uint32_t sequence_step;          /* by how much it moves the sequence number */
	struct amount amount;            /* what it carries */
	uint64_t record_from, record_to; /* numbers of that for its maker; equal: not known */
	bool has_templates;
	bool is_ahead;           /* the templates that a session begins with */
	struct export_time time; /* of its header */
	uint64_t file;           /* number of the file that it belongs to */
	unix_ms file_ms;         /* when that was begun, if it is the first there */
	uint64_t sent_number;    /* in the history, plus 1; 0: never sent */
};

/* Ring of slots. Beside the datagrams that wait there are two free slots at any time: the one
 * after the last is where the next datagram is built, the one before the first takes a datagram
 * that must go ahead of all others.
 *
 * Where arrival is confirmed, datagrams that were handed over stay at the front until it is.
 * Elsewhere those sent last stay in the slots before the first, until these are needed: the network
 * may still report that they did not arrive. */
struct datagram_queue {
	struct queued_datagram *slots; /* owned */
	uint8_t *bytes;                /* owned; one datagram for each slot; NULL: another's */
	size_t slot_count;             /* at most DATAGRAM_QUEUE_SLOTS */
	size_t first, count;
	size_t sent;          /* that stay, before the first */
	size_t handed;        /* the first ones, handed over; maintained by the user of the queue */
	uint64_t total_bytes; /* sum of sizes */
};

/* 'keeps_sent': there is room for DATAGRAM_QUEUE_SENT of those sent. Returns 0 or -ENOMEM. */
int datagram_queue_init(struct datagram_queue *queue, size_t datagram_size, bool keeps_sent);
void datagram_queue_clear(struct datagram_queue *queue);
/* Have datagrams in another's memory, a place for each slot, borrowed for life; what waits moves
 * there, in order. Nothing is under construction. */
void datagram_queue_use(struct datagram_queue *queue,
			uint8_t *const bytes[static DATAGRAM_QUEUE_SLOTS]);

/* The slot to build the next datagram in; stays valid until datagram_queue_put_last(). */
struct queued_datagram *datagram_queue_next(struct datagram_queue *queue);
/* The slot to build a datagram in that goes first; valid until datagram_queue_put_first(). */
struct queued_datagram *datagram_queue_ahead(struct datagram_queue *queue);

/* A slot for a datagram that comes in finished, after the last; valid until
 * datagram_queue_put_spare(), if there is room. The one under construction stays where it is. */
struct queued_datagram *datagram_queue_spare(struct datagram_queue *queue);

/* Queue what was built there. There must be room. */
void datagram_queue_put_last(struct datagram_queue *queue);
void datagram_queue_put_first(struct datagram_queue *queue);
/* The same as number 'index': after this many others. */
void datagram_queue_put_after(struct datagram_queue *queue, size_t index);
void datagram_queue_put_spare(struct datagram_queue *queue);

size_t datagram_queue_room(const struct datagram_queue *queue);
/* How many may go ahead: more than there is room for where sent ones stay. */
size_t datagram_queue_room_ahead(const struct datagram_queue *queue);
/* Datagram number 'index' of those that wait, 0 is the first. */
struct queued_datagram *datagram_queue_at(const struct datagram_queue *queue, size_t index);
/* The datagram sent 'back' datagrams ago, 1 is the last; valid up to 'sent' of the queue. */
struct queued_datagram *datagram_queue_sent(const struct datagram_queue *queue, size_t back);
/* Take the first out; there must be one. */
void datagram_queue_pop(struct datagram_queue *queue);
/* The same, but it was sent, as the next of the history: it stays for as long as it can. */
void datagram_queue_keep(struct datagram_queue *queue, uint64_t number);
/* Number 'number' of the history waits again: first of all, but for those that were sent before it.
 * Returns false if it does not stay any more, or 'reserved' places to go ahead would not be left.
 */
bool datagram_queue_return(struct datagram_queue *queue, uint64_t number, size_t reserved);
/* Take number 'index' out. What is built in other slots stays where it is. */
void datagram_queue_remove(struct datagram_queue *queue, size_t index);

/* Bytes by which a sent datagram is known again: the sequence number of every protocol is among
 * them, and what distinguishes an IPFIX message of templates, which has the same number as the next
 * message with data, from that: its length and the id of its first set. */
#define SENT_HEAD_SIZE 20

/* What is remembered of a datagram handed to the network. */
struct sent_datagram {
	uint8_t head[SENT_HEAD_SIZE]; /* its first bytes; zeros after its end */
	uint32_t size;
	uint32_t sequence; /* the number that it went with */
	struct amount amount;
	uint32_t followers; /* sent with it, as one packet, right after it */
	bool is_lost;       /* it did not arrive: counted as lost since, or waits again */
	bool is_presumed;   /* lost by what was reported of another: its own report may come */
};

struct sent_history {
	struct sent_datagram *ring; /* owned; SENT_HISTORY_CAPACITY */
	uint64_t count;             /* ever sent; the last ones are in the ring */
};

int sent_history_init(struct sent_history *history);
void sent_history_clear(struct sent_history *history);
void sent_history_add(struct sent_history *history, const struct queued_datagram *datagram,
		      uint32_t sequence);
/* Number of the datagram that begins with these bytes, counted from 0 over all ever sent; false if
 * it is not known any more. Looks at the newest first. */
bool sent_history_find(const struct sent_history *history, const uint8_t *bytes, size_t size,
		       uint64_t *number);
/* Datagram 'number'; NULL if it is not known any more. */
struct sent_datagram *sent_history_at(struct sent_history *history, uint64_t number);

#endif
