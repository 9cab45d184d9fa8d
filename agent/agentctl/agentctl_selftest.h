/* agentctl_selftest.h - `selftest`: packets through an agent of its own to a listener of its own.
 *
 * Place: a row in agentctl_commands.c; agentctl_selftest_packets.c -> flowagent -> agent/listen ->
 * verdict. */
#ifndef AGENTCTL_SELFTEST_H
#define AGENTCTL_SELFTEST_H

#include "agentctl.h"
#include "agentctl_listen_sockets.h"

enum agentctl_exit agentctl_selftest(const struct agentctl_command *command,
				     const struct agentctl_options *options);

/* What came to a listener. */
struct selftest_heard {
	uint64_t flows, packets, bytes;
	uint16_t port;                     /* count only flows to this port; 0: all */
	char fault[LISTEN_TEXT_SIZE + 40]; /* the first that the listener has found; "": none */
};

enum selftest_result { SELFTEST_OK, SELFTEST_FAILED, SELFTEST_SKIPPED };

/* A listener at a port of 127.0.0.1 that the kernel chooses. */
struct selftest_listener {
	struct agentctl_listen_sockets sockets;
	struct listener *listener; /* owned */
	struct selftest_heard heard;
	char place[LISTENER_TEXT_SIZE];
};

/* Returns false with 'error' filled. */
bool selftest_listener_open(struct selftest_listener *listener, struct error_text *error);
void selftest_listener_close(struct selftest_listener *listener);
/* Read until 'packets' came, or nothing for 'patience_ms'. */
void selftest_listener_read(struct selftest_listener *listener, uint64_t packets, int patience_ms);

/* Packets of this machine's kernel, through rules and a log group, in a network namespace of its
 * own: the host's rules and agent are not touched. What was seen is written to 'text'. */
enum selftest_result agentctl_selftest_live(const char *program, char *text, size_t size);

#endif
