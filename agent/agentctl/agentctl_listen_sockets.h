/* agentctl_listen_sockets.h - where `listen` gets messages from: a UDP socket, and TCP sessions of
 * IPFIX on the same port.
 *
 * Place: network -> here -> agent/listen; for `listen` and `selftest`. */
#ifndef AGENTCTL_LISTEN_SOCKETS_H
#define AGENTCTL_LISTEN_SOCKETS_H

#include "error_text.h"
#include "listener.h"

#include <poll.h>

#define LISTEN_SESSIONS     16 /* at once; more wait in the kernel */
#define LISTEN_MESSAGE_SIZE 65536

struct agentctl_listen_sockets {
	/* UDP, TCP, then sessions; descriptor -1 where there is none. */
	struct pollfd polled[2 + LISTEN_SESSIONS];
	struct listen_session *sessions[LISTEN_SESSIONS]; /* owned */
	uint32_t overflow; /* datagrams that the UDP socket had no room for, as last reported */
};

/* Open both sockets at "ADDRESS:PORT", "ADDRESS", "PORT" or NULL: port 2055 of all addresses. The
 * address in use is written to 'place'. Returns 0, or a negative errno with 'error' filled; -EINVAL
 * for a text that is no address. */
int agentctl_listen_open(struct agentctl_listen_sockets *sockets, const char *text,
			 char place[static LISTENER_TEXT_SIZE], struct error_text *error);
void agentctl_listen_close(struct agentctl_listen_sockets *sockets);

/* Read what poll() has said is there, and give it to the listener; at most 'most' datagrams, so
 * that the caller has its turn. */
void agentctl_listen_read(struct agentctl_listen_sockets *sockets, struct listener *listener,
			  unsigned int most);

#endif
