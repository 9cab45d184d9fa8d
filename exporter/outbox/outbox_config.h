/* outbox_config.h - what an outbox is made of, and what it reports.
 *
 * Place: collector -> outbox. */
#ifndef OUTBOX_CONFIG_H
#define OUTBOX_CONFIG_H

#include "loss_reason.h"
#include "transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_DESCRIPTORS 2 /* that one may have to wait for, at most */

enum collector_event_kind {
	COLLECTOR_UP,   /* resolved, or answers again: no refusal for 10 s while sending */
	COLLECTOR_DOWN, /* cannot be sent to, or first loss after COLLECTOR_UP; 'reason' and 'error'
			   say why. Where there are sessions, again for each other reason */
	COLLECTOR_TAKES_OVER, /* gets the records of its failover group from now on */
	COLLECTOR_WAITED_FOR, /* everything waits for a reader that takes nothing; 'error' 0: no
				 more */
	COLLECTOR_SPOOL,      /* its spool fails or hangs, for 'error'; 0: it works again */
	COLLECTOR_GONE,       /* it was removed, or replaced, and nothing waits in it any more */
};

struct collector_event {
	enum collector_event_kind kind;
	const char *collector; /* its name, borrowed */
	enum loss_reason reason;
	int error;             /* positive errno, or 0 */
	const char *fault;     /* COLLECTOR_DOWN: more than 'error' says, or NULL; borrowed */
	uint64_t records_lost; /* COLLECTOR_UP: lost since it went down */
	uint64_t records_lost_in_all; /* since the start */
	uint64_t records_sent;        /* COLLECTOR_GONE: likewise */
	bool is_replaced;             /* COLLECTOR_GONE */
	/* COLLECTOR_TAKES_OVER, borrowed: the group, and who had them before. */
	const char *group;
	const char *before;
};

struct outbox_config {
	const char *name;                  /* of the collector; borrowed for life */
	const struct transport_type *type; /* static */
	struct transport_config address;
	size_t datagram_size;
	uint32_t datagrams_per_second; /* at first: pacer_set_rate(); 0: no limit */
	uint64_t spool_size;           /* bytes, 0: none */
	const char *spool_directory;   /* NULL: in memory; borrowed until outbox_init() returns */
	bool is_live;                  /* tries to send are at no fixed distance */
	bool is_patient;           /* wait for a reader that stands still, as long as it takes */
	bool has_templates;        /* the protocol; each session begins with them */
	size_t template_datagrams; /* that templates take at most, at least 1 */
	size_t ahead_datagrams; /* that go ahead at most, at least 1: templates of all that waits */
	uint8_t sequence_offset; /* of the number in each datagram; 0: there is none */
	void (*on_event)(void *context, const struct collector_event *event); /* may be NULL */
	void *event_context;
};

#endif
