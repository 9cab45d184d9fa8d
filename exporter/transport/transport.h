/* transport.h - how datagrams get to a collector. Implementations: transport_<name>.c; list:
 * transport.c.
 *
 * Place: encoder -> transport. The only files of exporter/ that touch sockets and name resolution.
 * Never blocks.
 *
 * A transport sends datagrams, each on its own, or it has sessions: connections or files, in which
 * messages follow each other and of which each begins with templates and sequence number 0. */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include "error_text.h"
#include "rotation.h"
#include "transport_probe_config.h"
#include "transport_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define TRANSPORT_SERVICE "srv:" /* before a host that is the name of a service (RFC 2782) */

struct transport; /* opaque: each implementation has its own */

/* What TLS checks and shows; strings are borrowed until open returns. */
struct transport_tls_config {
	const char *ca;          /* file of certificate authorities; NULL: those of the system */
	const char *certificate; /* file with our own and its chain; NULL: none */
	const char *key;         /* file with its key; NULL: the same file */
	const char *server_name; /* that the collector's must be for; NULL: the host */
	bool skips_verification;
};

struct transport_config {
	const char *host; /* name, address or path, borrowed until open returns */
	uint16_t port;
	uint32_t seed;              /* of the order of a name's addresses (transport_spread.h) */
	const char *source_address; /* NULL: the kernel's choice */
	bool may_segment;           /* let the kernel cut a burst out of one packet, where it can */
	struct transport_socket_settings socket;
	struct transport_probe_config probe; /* UDP */
	struct transport_tls_config tls;

	/* Files. */
	struct rotation_settings rotation;
	uint32_t keep; /* finished files, 0: all */
};

struct datagram {
	const uint8_t *bytes; /* borrowed */
	size_t size;
};

/* What became of the datagrams of one send call. */
struct transport_result {
	size_t sent; /* the first 'sent' were handed to the kernel */
	int error;   /* 0, or a negative errno why the next one was not; -EAGAIN: try again later */
	/* They went as one packet that is cut apart on the way, or not at all on virtual links: the
	 * network may report it once, quoting the first, for all. */
	bool is_one_packet;
};

/* A datagram that was handed over, and that the network has since reported as not delivered. */
struct transport_refusal {
	int error;         /* ECONNREFUSED, EHOSTUNREACH, ... positive errno */
	uint8_t bytes[64]; /* its first bytes, as far as the report quotes them */
	size_t size;
	bool is_own; /* this host reports it: it has not left */
};

/* The connection or file that messages go to. */
struct transport_session {
	uint64_t number; /* 1 for the first, grows with each new one; 0: none yet */
	/* How many of the messages handed over last in this session are not known to have arrived.
	 * When it has ended, as known then; the next one knows nothing of them. */
	size_t unconfirmed;
	uint64_t failures;    /* tries so far that did not lead to a session */
	uint64_t send_errors; /* failed calls so far that send() has not returned */
};

#define TRANSPORT_SETTLE_MS 500
#define TRANSPORT_KEPT_SIZE 4608

struct transport_type {
	const char *name;    /* "udp" */
	uint8_t ip_protocol; /* of the packets that it makes; 0: of none */

	/* Prepare. Starts name resolution if the host is not an address; it continues in the
	 * background. Returns 0, or a negative errno with 'error' filled if it can never work (bad
	 * source address); the caller says whose it is. */
	int (*open)(const struct transport_config *config, struct transport **transport,
		    struct error_text *error);
	/* Read what open() would read (keys and certificates), and open nothing. Returns 0, or a
	 * negative errno with 'error' filled as open() has it. NULL for one that reads nothing. */
	int (*check)(const struct transport_config *config, struct error_text *error);
	/* Continue resolution and connection; call before send and at least once a second.
	 * 'now_ms' is monotonic. Returns 0 when datagrams can be sent, or why not: -EINPROGRESS
	 * (the name is being looked up), -ENOENT (it has no address), -EALREADY (the first
	 * connection is being set up), another errno. Ends a session, or begins one, not both. */
	int (*poll)(struct transport *transport, int64_t now_ms);
	struct transport_result (*send)(struct transport *transport,
					const struct datagram *datagrams, size_t count);
	/* A descriptor, and what to poll() it for, that shows when what poll() (-EALREADY) or
	 * send()
	 * (-EAGAIN) has put off can continue; -1: nothing shows it, or nothing was put off. May be
	 * called from no other thread than these. NULL: never. */
	int (*ready)(const struct transport *transport, short *events);
	/* To which file the datagrams of the next send() belong (rotation.h), and when it was begun
	 * if they are the first: real time, or with --read that of the packets. NULL for all but
	 * files. */
	void (*file)(struct transport *transport, uint64_t number, int64_t time_ms);
	/* The session as it is now: after open(), poll() and send(). NULL for a transport of
	 * datagrams. */
	void (*session)(const struct transport *transport, struct transport_session *session);
	/* Nobody waits any longer: send what was handed over if that goes at once, and forget what
	 * was not begun. session() then says what has arrived. Waits for TRANSPORT_SETTLE_MS at
	 * most. NULL where what is handed over is out of our hands. */
	void (*settle)(struct transport *transport);
	/* How many sockets were opened and connected so far. With each the collector may be another
	 * one, or know us under another address: all must be announced again. NULL for one with
	 * sessions. */
	uint64_t (*openings)(const struct transport *transport);
	/* Next report of the network. Returns false if there is none. A report about a datagram
	 * that send() itself refused is left out: its caller knows. NULL for one with sessions. */
	bool (*refusal)(struct transport *transport, struct transport_refusal *refusal);
	/* Why poll() said last that nothing can be sent, where there is more to say than its errno
	 * does; else NULL. Borrowed until the next call. NULL if there never is. */
	const char *(*fault)(const struct transport *transport);
	/* Whether what poll() said last was found out by asking: after 0, whether the address that
	 * is in use was asked and has answered. NULL: never. */
	bool (*is_proven)(const struct transport *transport);
	/* Where it sends to; size 0 if not known yet. */
	socklen_t (*remote)(const struct transport *transport, struct sockaddr_storage *address);
	socklen_t (*local)(const struct transport *transport, struct sockaddr_storage *address);
	/* The largest payload that the path takes, as far as the kernel knows; 0: not known. Changes
	 * in poll(), send() and refusal() only. NULL where messages are not packets. */
	size_t (*size_max)(const struct transport *transport);
	/* Send from this port, host order, as long as it can be had. Call before the first poll().
	 * NULL for a transport whose sessions begin anew anyhow. */
	void (*set_port)(struct transport *transport, uint16_t port);
	/* Use memory of TRANSPORT_KEPT_SIZE bytes, which outlives the process and is borrowed for
	 * life: should the process be killed in send(), kept_sent() says later how many of its
	 * datagrams have gone. Its first bytes are zeroed before each send(). NULL where nobody
	 * knows. */
	void (*keep)(struct transport *transport, void *memory);
	size_t (*kept_sent)(const void *memory);
	void (*close)(struct transport *transport);
};

/* Find by name; NULL if there is none. */
const struct transport_type *transport_find(const char *name);
/* "udp, tcp or tls": the names of all. */
const char *transport_names(void);

/* "192.0.2.1:2055", "[2001:db8::1]:2055" or "[fe80::1%eth0]:2055"; "" if 'size' is 0. Returns
 * 'text'. */
#define TRANSPORT_ADDRESS_TEXT_SIZE 72
const char *transport_address_format(const struct sockaddr_storage *address, socklen_t size,
				     char text[static TRANSPORT_ADDRESS_TEXT_SIZE]);

/* The implementations. */
extern const struct transport_type transport_udp;
extern const struct transport_type transport_tcp;
extern const struct transport_type transport_tls;
extern const struct transport_type transport_file;
extern const struct transport_type transport_writer; /* that, in a thread of its own */
extern const struct transport_type transport_unix;

#endif
