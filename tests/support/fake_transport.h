/* fake_transport.h - exporter/transport/transport.h without a network: what is sent is kept in an
 * array, and each way to a collector fails as its test says.
 *
 * A test includes fake_transport.c and calls fake_transport_reset() before it creates an exporter;
 * collectors have a type of here and the number of their struct as port. */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include "transport.h"

#define FAKE_TRANSPORTS    4
#define FAKE_SENT_MAX      20000
#define FAKE_REFUSALS_MAX  4096
#define FAKE_SESSION_FAILS 3 /* transport_session.failures */

struct fake_datagram {
	uint8_t bytes[1500];
	size_t size;
	uint64_t session;
	bool is_confirmed;
	bool is_refused; /* and reported */
};

/* The way to one collector. Members above 'sent' are set by the test at any time. */
struct fake_transport {
	int poll_error;     /* negative errno, 0: ready */
	int send_error;     /* negative errno of the next calls of send(), 0: none */
	bool is_once;       /* send_error is for one call only */
	size_t accept;      /* datagrams taken per call, */
	size_t capacity;    /* and in all: counts down */
	int ready;          /* descriptor for POLLOUT, plus 1; 0: none */
	size_t size_max;    /* more is -EMSGSIZE */
	size_t known_max;   /* transport_type.size_max */
	bool is_one_packet; /* what a call takes went as one packet */
	size_t confirm;     /* how many of its session have arrived */

	uint32_t own;             /* IPv4 address that it sends from once it was polled; 0: none */
	uint32_t remote;          /* IPv4 address that it sends to; 0: none that is known */
	uint64_t openings;        /* transport_type.openings */
	bool refuses;             /* each datagram is taken, and reported as refused afterwards */
	int report;               /* errno of reports */
	size_t quoted;            /* bytes that they quote */
	bool is_own;              /* they are of this host */
	bool (*may_report)(void); /* asked before each; NULL: yes */
	void (*arrive)(size_t number, const struct datagram *datagram); /* instead of keeping */

	struct fake_datagram *sent; /* FAKE_SENT_MAX of them */
	size_t count;
	uint64_t session;     /* number of the one that stands or stood last */
	size_t session_begin; /* its first in 'sent' */
	struct transport_refusal refusals[FAKE_REFUSALS_MAX];
	size_t refusal_count, refusal_next;
};

extern struct fake_transport fake_transports[FAKE_TRANSPORTS];
extern const struct transport_type fake_transport_datagrams;
extern const struct transport_type fake_transport_sessions;

/* All are ready, take everything, and have been sent nothing. */
void fake_transport_reset(void);
/* The network reports datagram 'index' of those that were sent. */
void fake_transport_refuse(struct fake_transport *fake, size_t index);
/* The same for any bytes, of which at most 'quoted' are quoted. */
void fake_transport_refuse_bytes(struct fake_transport *fake, const uint8_t *bytes, size_t size);
/* From now on messages go to a new session, which has confirmed none. */
void fake_transport_begin_session(struct fake_transport *fake);

#endif
