/* transport_probe.h - asks a collector's host now and then whether it is there, where the network
 * reports nothing: by connecting to a TCP port, or by ICMP echo.
 *
 * Internal to transport_udp.c. */
#ifndef TRANSPORT_PROBE_H
#define TRANSPORT_PROBE_H

#include "transport.h"

/* The last ICMP echo request, and the socket that it went by. */
struct transport_echo {
	bool is_ipv6;
	bool is_raw; /* the socket gets all that comes, in IPv4 with the IP header */
	uint16_t identifier, sequence;
};

/* What is known of the address that is asked. */
enum transport_probe_verdict {
	PROBE_unknown, /* not asked yet, or not answered once */
	PROBE_answered,
	PROBE_silent, /* it does not answer, and is the reason why the collector is down */
};

struct transport_probe {
	struct transport_probe_config config;
	int connecting; /* descriptor of the connection that is tried; -1: none */
	/* PROBE_icmp, for IPv4 and IPv6: descriptors, -1: cannot be had. Open from the start: later
	 * the right to open them may be gone. */
	int echo[2];
	bool is_raw[2]; /* no ping socket; not connected */
	uint16_t sequence;
	/* Of the address that is asked. */
	struct sockaddr_storage asked;
	bool is_waiting; /* for the answer to the last question */
	bool has_asked;
	int64_t asked_ms;      /* the last one */
	unsigned int failures; /* in a row */
	enum transport_probe_verdict verdict;
	/* Of the collector: it stays down until an address answers. */
	int error;      /* positive errno while it is down, else 0 */
	char fault[64]; /* why */
};

/* Returns 0, or a negative errno with 'error' filled; then there is nothing to clear. 'host' may be
 * a name. */
int transport_probe_init(struct transport_probe *probe, const struct transport_probe_config *config,
			 const struct transport_socket_settings *settings, const char *host,
			 struct error_text *error);
void transport_probe_clear(struct transport_probe *probe);

/* Ask an address, and look for answers; call at least once a second. Another address than that of
 * the last call is asked at once, and what was found out holds until it is known better. Returns 0
 * while the collector is there, or a negative errno: two questions in a row were not answered. */
int transport_probe_poll(struct transport_probe *probe,
			 const struct transport_socket_settings *settings,
			 const struct transport_address *source, const struct transport_address *to,
			 int64_t now_ms);

/* Nothing is known of the address any more: it is asked at the next call. A collector that is down
 * stays so. */
void transport_probe_forget(struct transport_probe *probe);

/* Whether bytes that came from the address are the answer to it. */
bool transport_probe_is_answer(const struct transport_echo *echo, const uint8_t *bytes,
			       size_t size);

#endif
