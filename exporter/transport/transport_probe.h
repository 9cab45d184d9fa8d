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

struct transport_probe {
	struct transport_probe_config config;
	int connecting; /* descriptor of the connection that is tried; -1: none */
	/* PROBE_icmp, for IPv4 and IPv6: descriptors, -1: cannot be had. Open from the start: later
	 * the right to open them may be gone. */
	int echo[2];
	bool is_raw[2], is_prepared[2];
	uint16_t sequence;
	bool is_waiting; /* for the answer to the last one */
	bool has_asked;
	int64_t asked_ms;      /* the last one */
	unsigned int failures; /* in a row */
	int error;             /* positive errno while it is down, else 0 */
	char fault[64];        /* why */
};

/* Returns 0, or a negative errno with 'error' filled; then there is nothing to clear. 'host' may be
 * a name. */
int transport_probe_init(struct transport_probe *probe, const struct transport_probe_config *config,
			 const struct transport_socket_settings *settings, const char *host,
			 struct error_text *error);
void transport_probe_clear(struct transport_probe *probe);

/* Ask, and look for answers; call at least once a second. Returns 0 while it is there, or a
 * negative errno: two in a row were not answered. */
int transport_probe_poll(struct transport_probe *probe,
			 const struct transport_socket_settings *settings,
			 const struct transport_address *source, const struct transport_address *to,
			 int64_t now_ms);

/* Whether bytes that came from the address are the answer to it. */
bool transport_probe_is_answer(const struct transport_echo *echo, const uint8_t *bytes,
			       size_t size);

#endif
