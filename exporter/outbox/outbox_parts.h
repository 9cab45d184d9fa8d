/* outbox_parts.h - the members of an outbox, by the file that changes them.
 *
 * Place: included by the headers of outbox*.c, and no other.
 *
 * Others read them. The collector, too, changes 'queue', in whose slots it builds, and 'taken',
 * 'waiting', 'excluded' and 'lost' of the ledger, before a record is put. */
#ifndef OUTBOX_PARTS_H
#define OUTBOX_PARTS_H

#include "datagram_queue.h"
#include "ledger.h"
#include "outbox_config.h"
#include "pacer.h"
#include "spool.h"

enum outbox_state { OUTBOX_unknown, OUTBOX_up, OUTBOX_down };

/* outbox_state.c: whether the collector is up, and the last failure as people are shown it. */
struct outbox_standing {
	enum outbox_state state;
	unsigned int reported_reasons; /* bits; since it is down */
	enum loss_reason loss;
	int error;            /* positive errno, 0 if none since it is up */
	char fault[200];      /* what the transport says of 'error'; "": nothing */
	int64_t failed_us;    /* when */
	bool is_of_transport; /* it could send nothing for 'error', and says when it can */
	uint64_t lost_before; /* records lost before it went down */
};

/* outbox_send.c: how far the sending has come. */
struct outbox_sending {
	uint32_t sequence;               /* of the next datagram sent; each session begins at 0 */
	_Atomic uint32_t *kept_sequence; /* borrowed: where that stands for the next run, or NULL */
	int64_t last_us;                 /* when the last one was sent; -1: never */
	int error; /* positive errno why the last try stopped, or 0: of the transport, of a report,
		      or of the call itself */
	int64_t stopped_us; /* since when 'error' is not 0; -1: not asked yet */
	int64_t put_off_us; /* when the transport last had to be waited for */
	bool is_event_vain; /* it was not ready when its descriptor was: look again by time */
	bool is_reported;   /* that all wait for a reader that stands still */
	bool is_blocked;    /* does not hold up others any more */
};

/* outbox_ahead.c: the templates that overtake all that waits. */
struct outbox_ahead {
	bool are_needed;    /* the collector may lack templates: send them first */
	int64_t last_us;    /* when that was last done */
	uint64_t openings;  /* of the transport, as last seen */
	uint64_t forgotten; /* how many times it may have lost all that was announced */
};

/* outbox_report.c: reports of the network, and the probes that find out whether it is back. */
struct outbox_probing {
	int error; /* positive errno: reported, nothing arrives; only a probe may go. 0: anything */
	uint64_t last_refused; /* number in the history */
	/* Of the probes since the last report: how many went, when the first and the last needed.
	 */
	uint32_t sent;
	int64_t first_us, enough_us;
	bool are_reports_few;           /* not every datagram that is refused is reported */
	uint32_t needed;                /* without a report, before anything else goes */
	struct sockaddr_storage remote; /* address that all this is about */
	int64_t released_us;            /* when that was last so */
};

/* outbox_session.c: the session as the transport says. */
struct outbox_session {
	uint64_t number; /* that the sequence number belongs to; 0: none */
	uint64_t failures;
	uint64_t send_errors; /* counted already */
	int64_t confirmed_us; /* when something was last, or the session begun */
	int64_t looked_us;    /* when the next two were set */
	int64_t look_in_us;   /* between two looks for confirmations */
	size_t confirmed;     /* messages since then */
};

/* outbox_kept.c: notes for the process that continues when this one is killed. */
struct outbox_keeping {
	struct outbox_kept *kept; /* borrowed; NULL: all ends with the process */
	uint64_t next;            /* number of the next datagram that waits */
	uint64_t notes;           /* number of the last note */
	uint64_t turn;            /* that it is of; 0: there is none yet */
	uint32_t copy;            /* of two, the last one used */
	bool is_open;             /* it holds what was under construction in this turn */
};

struct outbox {
	struct outbox_config config;
	struct transport *transport;           /* owned */
	struct collector_ledger ledger;        /* outbox_state.c */
	uint64_t ahead_datagrams, ahead_bytes; /* sent, of those that a session begins with */

	/* outbox_wait.c: what waits. */
	struct datagram_queue queue;
	struct spool spool; /* has something only while the queue is full, or the disk late */
	int spool_error;    /* positive errno that was reported of it, or 0 */
	bool has_ended;     /* what it had was given up: nothing is sent or reported any more */
	struct sent_history history; /* outbox_send.c */

	/* outbox.c, at each outbox_poll(). */
	int64_t now_us;
	int transport_error; /* positive errno why the transport cannot send at all, or 0 */
	struct pacer pacer;

	struct outbox_standing standing;
	struct outbox_sending sending;
	struct outbox_ahead ahead;
	struct outbox_probing probing;
	struct outbox_session session;
	struct outbox_keeping keeping;
};

/* Whether arrival is confirmed, and each session has its own templates and sequence numbers. */
static inline bool outbox_has_sessions(const struct outbox *outbox)
{
	return outbox->config.type->session != NULL;
}

/* How many datagrams of the queue were not handed over yet. */
static inline size_t outbox_unsent(const struct outbox *outbox)
{
	return outbox->queue.count - outbox->queue.handed;
}

/* The network reports that nothing arrives: only a probe may go, one datagram of templates. */
static inline bool outbox_is_held(const struct outbox *outbox)
{
	return outbox->probing.error != 0;
}

/* Whether the datagram that goes next has templates (in NetFlow v5: nothing at all) and nothing
 * that could be lost. */
static inline bool outbox_is_probe_next(const struct outbox *outbox)
{
	const struct queued_datagram *first = datagram_queue_at(&outbox->queue, 0);

	return outbox->queue.count && first->has_templates && first->amount.records == 0;
}

#endif
