/* transport_stream.h - one connection over TCP to a collector, made again when it breaks, on which
 * messages follow each other: what transport_tcp.c and transport_tls.c share.
 *
 * Internal to transport_*.c. Never blocks. Only whole messages: what the socket takes a part of is
 * kept here until the rest has gone. A message is confirmed when the collector's kernel has
 * acknowledged its last byte (SIOCOUTQ); whether its program has read it, TCP does not say. */
#ifndef TRANSPORT_STREAM_H
#define TRANSPORT_STREAM_H

#include "transport_lookup.h"

#include <sys/types.h>

/* What stands between messages and socket. 'context' is the transport's own. */
struct transport_stream_layer {
	/* A connection stands: begin to speak. Returns 0 or a negative errno. */
	int (*begin)(void *context, int fd);
	/* Continue. Returns 0 when messages may go, -EAGAIN when not yet, or why it has failed. */
	int (*greet)(void *context, int64_t now_ms);
	/* Returns how many bytes were taken: the rest must follow, so 0 is not the same as
	 * -EAGAIN: nothing was, and anything may come instead. Else a negative errno. 'has_more':
	 * other messages follow at once. */
	ssize_t (*write)(void *context, int fd, const uint8_t *bytes, size_t size, bool has_more);
	/* Read what the collector sends, and forget it. Returns 0, TRANSPORT_STREAM_HALF_CLOSED if
	 * it will send nothing more but may still read, or a negative errno: -EPIPE if it has
	 * closed the connection. */
	int (*discard)(void *context, int fd);
	/* Bytes that the socket was given since begin(). */
	uint64_t (*written)(const void *context);
	/* The connection ends. Also called if begin() or greet() failed. */
	void (*end)(void *context);
};

#define TRANSPORT_STREAM_HALF_CLOSED 1

#define TRANSPORT_STREAM_MARKS 512 /* more than an outbox has places */

enum transport_stream_state {
	STREAM_waits,    /* until the next try */
	STREAM_connects, /* the kernel does */
	STREAM_greets,   /* the layer does */
	STREAM_stands,
};

struct transport_stream {
	const struct transport_stream_layer *layer; /* static */
	void *context;
	struct transport_lookup lookup;
	enum transport_stream_state state;
	int fd;
	int error; /* positive errno why the last connection could not be made or ended, 0: none */
	int64_t now_ms;
	int64_t retry_ms;              /* when to try again */
	int64_t back_off_ms;           /* between tries */
	int64_t deadline_ms;           /* of the connection being made */
	int64_t begun_ms;              /* when it stood */
	struct transport_address peer; /* that 'fd' is of */
	struct sockaddr_storage local; /* our end of it */
	socklen_t local_size;          /* 0: not known */
	bool is_half_closed;           /* the collector sends nothing more */
	bool is_leaving;               /* the name has another address now */
	int64_t leaving_ms;            /* since when */
	int64_t looked_ms;             /* for the own address */
	unsigned int looks_in_vain;    /* in a row */
	size_t tried;                  /* addresses in a row that failed */

	/* The way back to the first address of the name. */
	int first_fd; /* being connected to it while another one is in use; -1: none */
	struct transport_address first; /* that this is of */
	int64_t first_deadline_ms;
	int64_t away_since_ms; /* from it, or since it was last tried in vain */
	int64_t return_ms;     /* how long to stay away */
	int64_t returned_ms;   /* 0: never */

	uint64_t number;   /* of sessions so far */
	uint64_t failures; /* to get one */
	/* Where messages end that were handed over and are not confirmed, in bytes given to the
	 * socket. */
	uint64_t marks[TRANSPORT_STREAM_MARKS];
	uint64_t first_mark, mark_count;
	uint8_t *rest; /* owned; of a message of which a part has gone */
	size_t rest_offset, rest_size;
	bool is_full;          /* the last send() was put off: the socket takes nothing more */
	uint64_t acknowledged; /* bytes */
	int64_t progress_ms;   /* when that grew, or there was nothing to wait for */
};

/* Start with the first connection. Returns 0, or a negative errno with 'error' filled; then there
 * is nothing to clear. */
int transport_stream_init(struct transport_stream *stream, const struct transport_config *config,
			  const struct transport_stream_layer *layer, void *context,
			  struct error_text *error);
void transport_stream_clear(struct transport_stream *stream);

/* As in transport_type. */
int transport_stream_poll(struct transport_stream *stream, int64_t now_ms);
struct transport_result transport_stream_send(struct transport_stream *stream,
					      const struct datagram *datagrams, size_t count);
int transport_stream_ready(const struct transport_stream *stream, short *events);
void transport_stream_session(const struct transport_stream *stream,
			      struct transport_session *session);
socklen_t transport_stream_remote(const struct transport_stream *stream,
				  struct sockaddr_storage *address);
socklen_t transport_stream_local(const struct transport_stream *stream,
				 struct sockaddr_storage *address);

#endif
