/* tcp_segment.h - what a TCP header says of the order of its bytes and of their times.
 *
 * Place: bytes that the decoder has noted -> here -> tcp_track.c. Pure. */
#ifndef TCP_SEGMENT_H
#define TCP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_HEADER_BYTES 20 /* RFC 9293 section 3.1, without options */

struct tcp_segment {
	uint32_t sequence;        /* of its first byte, or of its SYN */
	uint32_t acknowledgement; /* next byte that its sender expects; where it has an ACK */
	uint32_t payload;         /* bytes, whether they were captured or not */
	uint32_t stamp;           /* TSval, RFC 7323 section 3.2; where it has one */
	uint32_t echo;            /* TSecr, likewise: a stamp of the other side, with an ACK */
	uint8_t flags;            /* tcp_flags.h */
	bool has_stamp;
};

/* Parse a header.
 *
 * bytes    as many as were captured, TCP_HEADER_BYTES at least.
 * octets   of the segment with its header, as the IP header has it.
 * segment  out; complete when true is returned.
 * Returns false if its length makes no sense. Options that are cut off are not there. */
bool tcp_segment_parse(const uint8_t *bytes, size_t captured, uint32_t octets,
		       struct tcp_segment *segment);

/* Bytes of the sequence space that it takes: RFC 9293 section 3.4. */
uint32_t tcp_segment_length(const struct tcp_segment *segment);

#endif
