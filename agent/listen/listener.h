/* listener.h - datagrams of any number of exporters -> records and findings.
 *
 * Place: bytes -> listen_sink. Has no socket and no clock. Bounded: LISTENER_STREAMS streams, of
 * which the one that has been silent for longest gives way to a new one. */
#ifndef LISTENER_H
#define LISTENER_H

#include "listen_stream.h"

#define LISTENER_STREAMS   128
#define LISTENER_TEXT_SIZE 64 /* "[2001:db8::1]:65535" */

struct listener; /* opaque: defined in listener.c */

/* 'sink' is borrowed. NULL if memory is short. */
struct listener *listener_create(const struct listen_sink *sink);
void listener_destroy(struct listener *listener);

/* Take one datagram, or one message of a session. 'now' is when it came. */
void listener_take(struct listener *listener, const struct listen_source *source,
		   const uint8_t *bytes, size_t size, unix_ms now);
/* A session is over: its templates go with it, its counts stay. */
void listener_end(struct listener *listener, const struct listen_source *source);
/* Datagrams that the socket had no room for: counted at the stream that was heard last. */
void listener_not_read(struct listener *listener, uint32_t count, unix_ms now);
/* What only the end shows: streams that announced no rate. */
void listener_finish(struct listener *listener, unix_ms now);

/* Streams in the order in which they began; NULL past the last. */
const struct listen_stream *listener_stream(const struct listener *listener, size_t index);
/* How often a finding was made in all streams, forgotten ones included. */
uint64_t listener_found(const struct listener *listener, enum listen_finding finding);

/* Address and port. Returns 'text'. */
const char *listen_source_format(const struct listen_source *source,
				 char text[static LISTENER_TEXT_SIZE]);

#endif
