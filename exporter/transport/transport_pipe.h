/* transport_pipe.h - whole messages into a pipe or stream socket that takes some bytes now and some
 * later, and how many of them its reader has read.
 *
 * Place: inside transport_*.c. Never blocks: of a message that was taken in part, the rest is kept
 * and goes first. */
#ifndef TRANSPORT_PIPE_H
#define TRANSPORT_PIPE_H

#include "transport.h"

enum transport_pipe_kind {
	PIPE_own,    /* a pipe or device that was opened here, with O_NONBLOCK */
	PIPE_shared, /* one that others share, whose flags are not ours to change */
	PIPE_socket,
};

/* As many messages as may be unconfirmed; the queue of a collector holds fewer. */
#define TRANSPORT_PIPE_HISTORY 1024

struct transport_pipe {
	uint8_t *rest; /* owned */
	size_t rest_size, rest_capacity;
	uint32_t sizes[TRANSPORT_PIPE_HISTORY]; /* of the messages handed over last */
	uint64_t count;                         /* handed over since transport_pipe_begin() */
};

/* Zero-initialized it is ready. */
void transport_pipe_clear(struct transport_pipe *pipe);
/* Forget what went into an earlier stream. */
void transport_pipe_begin(struct transport_pipe *pipe);

/* Write messages until the stream takes no more. One that was taken in part counts as sent, and no
 * other is sent before its rest. */
struct transport_result transport_pipe_send(struct transport_pipe *pipe, int fd,
					    enum transport_pipe_kind kind,
					    const struct datagram *datagrams, size_t count);

/* How many of the last messages are not with the reader as a whole, when 'unread' bytes are still
 * in the stream. */
size_t transport_pipe_unconfirmed(const struct transport_pipe *pipe, size_t unread);

#endif
