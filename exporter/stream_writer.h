/* stream_writer.h - whole messages into a pipe or stream socket that takes some bytes now and some
 * later, and how many of them its reader has read.
 *
 * Stage: inside transport_*.c. Never blocks: of a message that was taken in part, the rest is kept
 * and goes first. */
#ifndef STREAM_WRITER_H
#define STREAM_WRITER_H

#include "transport.h"

enum stream_kind {
	STREAM_own,    /* a pipe or device that was opened here, with O_NONBLOCK */
	STREAM_shared, /* one that others share, whose flags are not ours to change */
	STREAM_socket,
};

/* As many messages as may be unconfirmed; the queue of a collector holds fewer. */
#define STREAM_WRITER_HISTORY 1024

struct stream_writer {
	uint8_t *rest; /* owned */
	size_t rest_size, rest_capacity;
	uint32_t sizes[STREAM_WRITER_HISTORY]; /* of the messages handed over last */
	uint64_t count;                        /* handed over since stream_writer_begin() */
};

/* Zero-initialized it is ready. */
void stream_writer_clear(struct stream_writer *writer);
/* Forget what went into an earlier stream. */
void stream_writer_begin(struct stream_writer *writer);

/* Write messages until the stream takes no more. One that was taken in part counts as sent, and no
 * other is sent before its rest. */
struct transport_result stream_writer_send(struct stream_writer *writer, int fd,
					   enum stream_kind kind, const struct datagram *datagrams,
					   size_t count);

/* How many of the last messages are not with the reader as a whole, when 'unread' bytes are still
 * in the stream. */
size_t stream_writer_unconfirmed(const struct stream_writer *writer, size_t unread);

#endif
