/* listen_message.h - one message of NetFlow v1, v5, v7, v9 or IPFIX -> its records.
 *
 * Place: bytes of a datagram, or of a session -> listen_stream_record(). Pure; its input comes from
 * anybody. Source: RFC 3954, RFC 7011, Cisco's description of versions 1, 5 and 7. */
#ifndef LISTEN_MESSAGE_H
#define LISTEN_MESSAGE_H

#include "listen_stream.h"

enum {
	LISTEN_NETFLOW1 = 1,
	LISTEN_NETFLOW5 = 5,
	LISTEN_NETFLOW7 = 7,
	LISTEN_NETFLOW9 = 9,
	LISTEN_IPFIX = 10,
	LISTEN_IPFIX_HEADER_SIZE = 16,
};

/* Read the header alone. Returns 0, or -EPROTONOSUPPORT for another version or -EMSGSIZE for fewer
 * bytes than a header has; the version is set if there is one. */
int listen_header_parse(const uint8_t *bytes, size_t size, struct listen_header *header);

/* Read the sets of a message whose header is 'header'. Templates, rates and counts of 'stream'
 * follow; records and findings go to 'sink'. */
void listen_message_parse(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			  const struct listen_header *header, const uint8_t *bytes, size_t size);

#endif
