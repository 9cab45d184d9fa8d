/* tcp_segment.c - header and time stamp option of TCP.
 *
 * Invariant: nothing after the captured bytes is read, and each option takes bytes off the front.
 */
#include "tcp_segment.h"

#include "bytes.h"
#include "tcp_flags.h"

/* RFC 9293 section 3.2, RFC 7323 section 3.2. */
enum {
	OPTION_END = 0,
	OPTION_NONE = 1,
	OPTION_TIMESTAMPS = 8,
	TIMESTAMPS_BYTES = 10, /* kind, length, TSval, TSecr */
};

/* RFC 7323 appendix A: what nearly every packet begins its options with, two of nothing and kind
 * and length of the time stamps. */
#define TIMESTAMPS_FIRST      UINT32_C(0x0101080a)
#define TIMESTAMPS_FIRST_SIZE 12

static void parse_options(struct reader options, struct tcp_segment *segment)
{
	while (reader_left(&options)) {
		const uint8_t *option = options.next;
		const uint8_t kind = reader_u8(&options);
		uint8_t length;

		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NONE)
			continue;
		length = reader_u8(&options);
		if (options.failed || length < 2 || !reader_take(&options, length - 2u))
			return;
		if (kind != OPTION_TIMESTAMPS || length != TIMESTAMPS_BYTES)
			continue;
		segment->stamp = load_be32(option + 2);
		segment->echo = load_be32(option + 6);
		segment->has_stamp = true;
		return;
	}
}

bool tcp_segment_parse(const uint8_t *bytes, size_t captured, uint32_t octets,
		       struct tcp_segment *segment)
{
	const uint32_t header_bytes = (uint32_t)(bytes[12] >> 4) * 4;

	if (header_bytes < TCP_HEADER_BYTES || header_bytes > octets)
		return false;
	*segment = (struct tcp_segment){
		.sequence = load_be32(bytes + 4),
		.acknowledgement = load_be32(bytes + 8),
		.payload = octets - header_bytes,
		.flags = bytes[13],
	};
	if (captured > header_bytes)
		captured = header_bytes;
	if (captured == TCP_HEADER_BYTES)
		return true;
	if (captured >= TCP_HEADER_BYTES + TIMESTAMPS_FIRST_SIZE &&
	    load_be32(bytes + TCP_HEADER_BYTES) == TIMESTAMPS_FIRST) {
		segment->stamp = load_be32(bytes + TCP_HEADER_BYTES + 4);
		segment->echo = load_be32(bytes + TCP_HEADER_BYTES + 8);
		segment->has_stamp = true;
		return true;
	}
	parse_options(reader_of(bytes + TCP_HEADER_BYTES, captured - TCP_HEADER_BYTES), segment);
	return true;
}

uint32_t tcp_segment_length(const struct tcp_segment *segment)
{
	return segment->payload + ((segment->flags & TCP_FLAG_SYN) != 0) +
	       ((segment->flags & TCP_FLAG_FIN) != 0);
}
