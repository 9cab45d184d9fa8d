/* outbox.h - the sending half of a collector: finished datagrams -> transport, with pacing,
 * sequence numbers, the loss ledger, and whether the collector is up.
 *
 * Stage: encoder -> outbox -> transport. Single-threaded, runs on monotonic real time that comes in
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
 * nobody is held up and nothing is dropped. */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "datagram_queue.h"
#include "spool.h"
#include "transport.h"

#define EXPORTER_BURST_DATAGRAMS \
	32 /* a default collector socket (208 KiB) holds 92 datagrams of 1400 bytes */

/* Backpressure while a name is looked up or a socket is full; without a failure while sending, when
 * a collector counts as up again; datagrams that one more record and a finish may need, beside
 * those of templates that go ahead. */
#define OUTBOX_PATIENCE_US 5000000
#define OUTBOX_UP_AFTER_US 10000000
#define OUTBOX_RESERVED    7
/* Datagrams that both directions of a flow, or one step of time, make at most, beside those of
 * templates: each record may close one, and open one. */
#define OUTBOX_STEP 3

enum collector_event_kind {
	COLLECTOR_UP,   /* resolved, or answers again: no refusal for 10 s while sending */
	COLLECTOR_DOWN, /* cannot be sent to, or first loss after COLLECTOR_UP; 'reason' and 'error'
			   say why. Where there are sessions, again for each other reason */
	COLLECTOR_TAKES_OVER, /* gets the records of its failover group from now on */
};

struct collector_event {
	enum collector_event_kind kind;
	const char *collector; /* its name, borrowed */
	enum loss_reason reason;
	int error;             /* positive errno, or 0 */
	const char *fault;     /* COLLECTOR_DOWN: more than 'error' says, or NULL; borrowed */
	uint64_t records_lost; /* COLLECTOR_UP: lost since it went down */
	uint64_t records_lost_in_all; /* since the start */
	/* COLLECTOR_TAKES_OVER, borrowed: the group, and who had them before. */
	const char *group;
	const char *before;
};

struct outbox_config {
	const char *name;                  /* of the collector; borrowed for life */
	const struct transport_type *type; /* static */
	struct transport_config address;
	size_t datagram_size;
	uint32_t datagrams_per_second; /* 0: no limit */
	uint64_t spool_size;           /* bytes, 0: none */
	const char *spool_directory;   /* NULL: in memory; borrowed until outbox_init() returns */
	bool is_patient;           /* wait for a reader that stands still, as long as it takes */
	bool has_templates;        /* the protocol; each session begins with them */
	size_t template_datagrams; /* that templates take at most, at least 1 */
	size_t ahead_datagrams; /* that go ahead at most, at least 1: templates of all that waits */
	uint8_t sequence_offset; /* of the number in each datagram; 0: there is none */
	void (*on_event)(void *context, const struct collector_event *event); /* may be NULL */
	void *event_context;
};

/* Token bucket. */
struct pacer {
	uint32_t per_second; /* 0: no limit */
	int64_t credit;      /* millionths of a datagram */
	int64_t last_us;     /* when 'credit' was right */
};

enum outbox_state { OUTBOX_unknown, OUTBOX_up, OUTBOX_down };

/* Read only, but for 'queue' and the 'taken' and 'waiting' of 'ledger'. */
struct outbox {
	struct outbox_config config;
	struct transport *transport; /* owned */
	struct datagram_queue queue;
	struct spool spool; /* has something only while the queue is full */
	struct sent_history history;
	struct collector_ledger ledger;
	uint64_t ahead_datagrams, ahead_bytes; /* sent, of those that a session begins with */
	struct pacer pacer;
	uint32_t sequence;               /* of the next datagram sent */
	_Atomic uint32_t *kept_sequence; /* borrowed: where that stands for the next run, or NULL */
	uint64_t openings;               /* of the transport, as last seen */
	uint64_t session;                /* that 'sequence' belongs to; 0: none */

	int64_t now_us;        /* of the last outbox_poll() */
	int64_t last_sent_us;  /* -1: never */
	int poll_error;        /* positive errno why nothing can be sent at all, or 0 */
	int wait_error;        /* positive errno why the last try stopped, or 0 */
	int64_t wait_since_us; /* since when 'wait_error' is not 0 */
	bool is_blocked;       /* does not hold up others any more */

	uint64_t session_failures;
	uint64_t session_send_errors; /* counted already */

	enum outbox_state state;
	unsigned int told_reasons; /* bits; since it is down */
	char fault[200];           /* what the transport says of 'last_error'; "": nothing */
	enum loss_reason last_loss;
	int last_error; /* positive errno, 0 if none since it is up */
	int64_t last_failure_us;
	uint64_t lost_before;  /* records lost before it went down */
	int64_t confirmed_us;  /* with sessions: when something was last, or one begun */
	bool has_ended;        /* what it had was given up: nothing is sent or told any more */
	uint64_t last_refused; /* number in the history */
	int held_error;        /* positive errno: the network reported that nothing arrives; only a
				  probe may go */
	/* Of the probes since the last report: how many went, when the first and the last. */
	uint32_t probes;
	int64_t first_probe_us, last_probe_us;
	bool are_reports_few;   /* not every datagram that is refused is reported */
	uint32_t probes_needed; /* without a report, before anything else goes */
	int64_t released_us;    /* when that was last so */

	bool has_lost_templates;    /* the collector may lack templates: send them first */
	uint64_t forgotten;         /* how many times it may have lost all that it was told */
	int64_t templates_ahead_us; /* when that was last done */
};

/* Open the transport. Returns 0 or a negative errno with 'error' filled; then nothing is to be
 * cleared. */
int outbox_init(struct outbox *outbox, const struct outbox_config *config,
		struct error_text *error);
void outbox_clear(struct outbox *outbox);

/* Whether arrival is confirmed, and each session has its own templates and sequence numbers. */
static inline bool outbox_has_sessions(const struct outbox *outbox)
{
	return outbox->config.type->session != NULL;
}

/* How many times OUTBOX_STEP datagrams, and those of templates, may be put before asking again:
 * each time with OUTBOX_RESERVED, and those that go ahead, still free before it. 0: there is no
 * room. */
size_t outbox_room(const struct outbox *outbox);

/* Queue the datagram that was built in datagram_queue_next(); without room, drop the oldest. */
void outbox_put(struct outbox *outbox);

/* Once before outbox_send(): look what the transport and the network say. */
void outbox_poll(struct outbox *outbox, int64_t now_us);
/* Whether templates should go ahead of all that wait: at most once a second, or at the beginning of
 * a session. Build each datagram in datagram_queue_ahead(), then call outbox_put_ahead() with its
 * number among them, from 0; at most 'ahead_datagrams' of the configuration. */
bool outbox_wants_templates(const struct outbox *outbox);
void outbox_put_ahead(struct outbox *outbox, size_t number);
/* The network reports that nothing arrives: only a probe may go, one datagram of templates. */
static inline bool outbox_is_held(const struct outbox *outbox)
{
	return outbox->held_error != 0;
}
/* Send as far as pacing allows. Returns in how many microseconds there is more to do, -1 if nothing
 * waits. */
int64_t outbox_send(struct outbox *outbox);

/* As exporter_keep_sequence(). */
void outbox_keep_sequence(struct outbox *outbox, _Atomic uint32_t *place);

/* Whether it is down, and was a second ago already. */
bool outbox_is_known_down(const struct outbox *outbox);

/* The end: count all that waits as lost. */
void outbox_abandon(struct outbox *outbox);
/* Count what was never queued as lost. */
void outbox_lose(struct outbox *outbox, const struct amount *amount);

#endif
