/* capture_pcapng_parse.c - blocks of a pcapng file.
 *
 * Place: window of a file -> capture_pcap_parse.c -> here -> worker.
 * Invariant: a block that we look into is wholly in the window; one that we do not is passed over
 * and may be of any size.
 *
 * A file is one or more sections, each with its own byte order and its own interfaces. Each block
 * is type, length, body, and the length again. Section numbers refer to
 * draft-ietf-opsawg-pcapng-01. */
#include "capture_pcapng_parse.h"

#include "wide.h"

#include <byteswap.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	BLOCK_SECTION_HEADER = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete: appendix A of the draft */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,

	OPTION_END = 0,
	OPTION_FLAGS = 2,        /* epb_flags, pack_flags */
	OPTION_RESOLUTION = 9,   /* if_tsresol */
	OPTION_TIME_OFFSET = 14, /* if_tsoffset */

	BLOCK_HEADER_SIZE = 8,
	BLOCK_TRAILER_SIZE = 4,
	BLOCK_LENGTH_MIN = BLOCK_HEADER_SIZE + BLOCK_TRAILER_SIZE,
	SECTION_START_SIZE = 16, /* type, length, byte order, version */
	/* One packet with its options, whose lengths are 16 bits. */
	BLOCK_LENGTH_MAX = CAPTURE_PCAP_PACKET_MAX + 1024 * 1024,
	INTERFACES_MAX = 65536,

	RESOLUTION_DEFAULT = 6,   /* microseconds */
	RESOLUTION_BINARY = 0x80, /* a power of 2, not of 10 */
	DIRECTION_MASK = 3,
	DIRECTION_INBOUND = 1,
	DIRECTION_OUTBOUND = 2,
};

static const uint32_t BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/* Times are kept within +-2^53 ms, 285,000 years, so that nobody's arithmetic overflows. */
static const uint64_t TIME_MAX_MS = UINT64_C(1) << 52;
static const int64_t OFFSET_MAX_S = INT64_C(1) << 42;

/* Numbers are in the section's byte order; the reader gives network order. */
static uint16_t section_u16(const struct capture_pcap_parser *parser, struct reader *reader)
{
	uint16_t value = reader_u16(reader);

	return parser->is_big_endian ? value : bswap_16(value);
}

static inline uint32_t section_u32(const struct capture_pcap_parser *parser, struct reader *reader)
{
	uint32_t value = reader_u32(reader);

	return parser->is_big_endian ? value : bswap_32(value);
}

static int refuse_block(const struct capture_pcap_parser *parser, uint32_t length,
			struct error_text *error)
{
	error_text_set(error, "%s: not a block at offset %" PRIu64 ": length %" PRIu32 " bytes",
		       parser->name, capture_pcap_offset(parser), length);
	return -EBADMSG;
}

static int refuse_packet(const struct capture_pcap_parser *parser, uint32_t captured_bytes,
			 struct error_text *error)
{
	error_text_set(error,
		       "%s: not a packet at offset %" PRIu64 ": captured length %" PRIu32 " bytes",
		       parser->name, capture_pcap_offset(parser), captured_bytes);
	return -EBADMSG;
}

/* Section 3.5: options are code, length, value, padding to 4 bytes. Takes the next; false at the
 * end of the list, or of the block. */
static bool next_option(const struct capture_pcap_parser *parser, struct reader *options,
			uint16_t *code, struct reader *value)
{
	uint16_t length;

	*code = section_u16(parser, options);
	length = section_u16(parser, options);
	*value = reader_window(options, length);
	if (options->failed || *code == OPTION_END)
		return false;
	(void)reader_take(options, -(size_t)length % 4);
	return true;
}

/* if_tsresol: units per second, as an exponent of 10 or of 2. */
static void set_resolution(struct capture_pcap_interface *interface, uint8_t resolution)
{
	interface->resolution = resolution;
	interface->units_per_ms = 0;
	if (resolution & RESOLUTION_BINARY || resolution < 3 || resolution > 3 + 19)
		return;
	interface->units_per_ms = 1;
	for (int i = 3; i < resolution; i++)
		interface->units_per_ms *= 10;
}

/* 'units' of 2^-shift seconds -> milliseconds; 64 bits times 1000 need 74. */
static uint64_t binary_ms(uint64_t units, unsigned int shift)
{
	const wide ms = wide_product(units, 1000);

	if (shift >= 64)
		return shift >= 128 ? 0 : wide_high(ms) >> (shift - 64);
	if (wide_high(ms) >> shift)
		return UINT64_MAX;
	return shift ? wide_low(ms) >> shift | wide_high(ms) << (64 - shift) : wide_low(ms);
}

/* 'units' of a second, a tenth or a hundredth -> milliseconds. Units so small that set_resolution()
 * left them out make no millisecond in 64 bits. */
static uint64_t coarse_ms(uint64_t units, unsigned int exponent)
{
	static const uint64_t factors[] = { 1000, 100, 10 };

	if (exponent > 2)
		return 0;
	return units > TIME_MAX_MS ? TIME_MAX_MS : units * factors[exponent];
}

/* Time stamp of any resolution -> milliseconds, rounded down. */
static unix_ms time_of(const struct capture_pcap_interface *interface, uint64_t units)
{
	uint64_t ms;

	if (interface->units_per_ms)
		ms = units / interface->units_per_ms;
	else if (interface->resolution & RESOLUTION_BINARY)
		ms = binary_ms(units, interface->resolution & ~(unsigned int)RESOLUTION_BINARY);
	else
		ms = coarse_ms(units, interface->resolution);
	return (unix_ms)(ms < TIME_MAX_MS ? ms : TIME_MAX_MS) + interface->offset_ms;
}

/* Where milliseconds are whole numbers of units, and units are no longer than microseconds. */
static uint16_t microseconds_of(const struct capture_pcap_interface *interface, uint64_t units)
{
	const uint64_t units_per_us = interface->units_per_ms / 1000;

	return units_per_us ? (uint16_t)(units % interface->units_per_ms / units_per_us % 1000) : 0;
}

static void set_time_offset(const struct capture_pcap_parser *parser,
			    struct capture_pcap_interface *interface, struct reader *value)
{
	uint64_t unsigned_s = reader_u64(value);
	int64_t seconds;

	unsigned_s = parser->is_big_endian ? unsigned_s : bswap_64(unsigned_s);
	memcpy(&seconds, &unsigned_s, sizeof(seconds));
	if (value->failed)
		return;
	if (seconds > OFFSET_MAX_S)
		seconds = OFFSET_MAX_S;
	if (seconds < -OFFSET_MAX_S)
		seconds = -OFFSET_MAX_S;
	interface->offset_ms = seconds * 1000;
}

/* Section 4.1. Everything before it is forgotten; the rest of the block is of no use here. */
static int parse_section_header(struct capture_pcap_parser *parser, uint32_t *length,
				struct error_text *error)
{
	struct reader header = parser->window;
	uint32_t order, major;

	if (reader_left(&header) < SECTION_START_SIZE)
		return capture_pcap_want(parser, SECTION_START_SIZE, "block", error);
	order = load_be32(header.next + BLOCK_HEADER_SIZE);
	if (order != BYTE_ORDER_MAGIC && bswap_32(order) != BYTE_ORDER_MAGIC) {
		error_text_set(error,
			       "%s: not a section header at offset %" PRIu64
			       ": byte order %08" PRIx32,
			       parser->name, capture_pcap_offset(parser), order);
		return -EBADMSG;
	}
	parser->is_big_endian = order == BYTE_ORDER_MAGIC;
	parser->interface_count = 0;
	(void)reader_take(&header, 4);
	*length = section_u32(parser, &header);
	(void)reader_take(&header, 4);
	major = section_u16(parser, &header);
	if (major != 1) {
		error_text_set(error, "%s: pcapng version %" PRIu32 "; expected 1", parser->name,
			       major);
		return -EBADMSG;
	}
	return 1;
}

static void note_link(struct capture_pcap_parser *parser,
		      const struct capture_pcap_interface *interface)
{
	if (interface->link != LINK_UNKNOWN) {
		parser->has_decodable_interface = true;
	} else if (!parser->has_undecodable_interface) {
		parser->has_undecodable_interface = true;
		parser->undecodable_link_type = interface->link_type;
	}
}

/* Section 4.2: link type, reserved, snap length, options. */
static int parse_interface(struct capture_pcap_parser *parser, struct reader body,
			   struct error_text *error)
{
	uint32_t length = (uint32_t)reader_left(&body) + BLOCK_LENGTH_MIN;
	struct capture_pcap_interface *interface;
	struct reader value;
	uint16_t code;

	if (parser->interface_count == INTERFACES_MAX) {
		error_text_set(error, "%s: more than %d interfaces in one section", parser->name,
			       INTERFACES_MAX);
		return -EBADMSG;
	}
	if (parser->interface_count == parser->interface_capacity) {
		uint32_t capacity = parser->interface_capacity ? 2 * parser->interface_capacity : 4;
		void *grown = realloc(parser->interfaces, capacity * sizeof(*interface));

		if (!grown) {
			error_text_set(error, "%s: no memory for its interfaces", parser->name);
			return -ENOMEM;
		}
		parser->interfaces = grown;
		parser->interface_capacity = capacity;
	}
	interface = &parser->interfaces[parser->interface_count];
	*interface = (struct capture_pcap_interface){ .offset_ms = 0 };
	set_resolution(interface, RESOLUTION_DEFAULT);
	interface->link_type = section_u16(parser, &body);
	interface->link = capture_pcap_link(interface->link_type);
	(void)section_u16(parser, &body);
	interface->snaplen = section_u32(parser, &body);
	if (body.failed)
		return refuse_block(parser, length, error);
	while (next_option(parser, &body, &code, &value)) {
		if (code == OPTION_RESOLUTION && reader_left(&value))
			set_resolution(interface, reader_u8(&value));
		if (code == OPTION_TIME_OFFSET)
			set_time_offset(parser, interface, &value);
	}
	note_link(parser, interface);
	parser->interface_count++;
	return -EAGAIN;
}

static const struct capture_pcap_interface *
find_interface(const struct capture_pcap_parser *parser, uint32_t number, struct error_text *error)
{
	if (number < parser->interface_count)
		return &parser->interfaces[number];
	error_text_set(error,
		       "%s: packet at offset %" PRIu64 " of interface %" PRIu32
		       ", which the file does not describe",
		       parser->name, capture_pcap_offset(parser), number);
	return NULL;
}

/* epb_flags, section 4.3.1: the two lowest bits are the direction. */
static uint8_t parse_side(const struct capture_pcap_parser *parser, struct reader options)
{
	struct reader value;
	uint16_t code;

	while (next_option(parser, &options, &code, &value)) {
		if (code != OPTION_FLAGS)
			continue;
		switch (section_u32(parser, &value) & DIRECTION_MASK) {
		case DIRECTION_INBOUND: return SIDE_ingress;
		case DIRECTION_OUTBOUND: return SIDE_egress;
		default: return SIDE_unknown;
		}
	}
	return SIDE_unknown;
}

/* Enhanced packet, section 4.3, or the obsolete packet block, which differs in its first 4 bytes:
 * interface, time stamp (upper half first), captured and original length, bytes, options. */
static int parse_packet(struct capture_pcap_parser *parser, uint32_t type, struct reader body,
			struct packet_view *view, struct error_text *error)
{
	const struct capture_pcap_interface *interface;
	uint32_t number, captured_bytes, original_bytes;
	const uint8_t *bytes;
	uint64_t units;

	if (type == BLOCK_ENHANCED_PACKET) {
		number = section_u32(parser, &body);
	} else {
		number = section_u16(parser, &body);
		(void)section_u16(parser, &body); /* drops */
	}
	units = (uint64_t)section_u32(parser, &body) << 32;
	units |= section_u32(parser, &body);
	captured_bytes = section_u32(parser, &body);
	original_bytes = section_u32(parser, &body);
	bytes = reader_take(&body, captured_bytes);
	if (body.failed)
		return refuse_packet(parser, captured_bytes, error);
	interface = find_interface(parser, number, error);
	if (!interface)
		return -EBADMSG;
	(void)reader_take(&body, -(size_t)captured_bytes % 4);
	*view = (struct packet_view){
		.bytes = bytes,
		.captured_bytes = captured_bytes,
		.original_bytes = original_bytes,
		.time_ms = time_of(interface, units),
		.microseconds = microseconds_of(interface, units),
		.link = interface->link,
		.side = parse_side(parser, body),
	};
	parser->last_ms = view->time_ms;
	parser->packets_undecodable += interface->link == LINK_UNKNOWN;
	parser->packets_truncated += captured_bytes < original_bytes;
	return 1;
}

/* Section 4.4: original length, and bytes of it up to the first interface's snap length. There is
 * no time stamp: it has that of the packet before. */
static int parse_simple_packet(struct capture_pcap_parser *parser, struct reader body,
			       struct packet_view *view, struct error_text *error)
{
	const struct capture_pcap_interface *interface = find_interface(parser, 0, error);
	uint32_t original_bytes = section_u32(parser, &body);
	uint32_t captured_bytes = original_bytes;
	const uint8_t *bytes;

	if (!interface)
		return -EBADMSG;
	if (interface->snaplen && captured_bytes > interface->snaplen)
		captured_bytes = interface->snaplen;
	bytes = reader_take(&body, captured_bytes);
	if (body.failed)
		return refuse_packet(parser, captured_bytes, error);
	*view = (struct packet_view){
		.bytes = bytes,
		.captured_bytes = captured_bytes,
		.original_bytes = original_bytes,
		.time_ms = parser->last_ms,
		.microseconds = PACKET_UNSTAMPED,
		.link = interface->link,
		.side = SIDE_unknown,
	};
	parser->packets_undecodable += interface->link == LINK_UNKNOWN;
	parser->packets_unstamped++;
	parser->packets_truncated += captured_bytes < original_bytes;
	return 1;
}

/* Continue to pass over a block. Returns -EAGAIN when done, else as capture_pcap_parse(). */
static int skip(struct capture_pcap_parser *parser, struct error_text *error)
{
	size_t left = reader_left(&parser->window);
	size_t step = parser->skip_bytes < left ? (size_t)parser->skip_bytes : left;

	parser->skip_bytes -= step;
	parser->window.next += step;
	if (!parser->skip_bytes)
		return -EAGAIN;
	if (!parser->is_last) {
		parser->wanted = 1;
		return 0;
	}
	error_text_set(error,
		       "%s: cut off in the middle of a block at offset %" PRIu64
		       ": expected %" PRIu64 " more bytes",
		       parser->name, parser->block_offset, parser->skip_bytes);
	return -EBADMSG;
}

/* A block that we look into: wholly in the window. */
static int parse_body(struct capture_pcap_parser *parser, uint32_t type, uint32_t length,
		      struct packet_view *view, struct error_text *error)
{
	const uint8_t *block = parser->window.next;
	struct reader body = reader_of(block + BLOCK_HEADER_SIZE, length - BLOCK_LENGTH_MIN);
	struct reader trailer = reader_of(block + length - BLOCK_TRAILER_SIZE, BLOCK_TRAILER_SIZE);
	int result;

	if (section_u32(parser, &trailer) != length)
		return refuse_block(parser, length, error);
	switch (type) {
	case BLOCK_INTERFACE: result = parse_interface(parser, body, error); break;
	case BLOCK_SIMPLE_PACKET: result = parse_simple_packet(parser, body, view, error); break;
	default: result = parse_packet(parser, type, body, view, error);
	}
	if (result == 1 || result == -EAGAIN)
		parser->window.next = block + length;
	return result;
}

/* At the end of the file, all its interfaces are known: pcap refuses the like at its begin. */
static int explain_end(const struct capture_pcap_parser *parser, struct error_text *error)
{
	if (parser->has_undecodable_interface && !parser->has_decodable_interface)
		return capture_pcap_refuse_link(parser, parser->undecodable_link_type, error);
	return -ENODATA;
}

int capture_pcapng_parse_block(struct capture_pcap_parser *parser, struct packet_view *view,
			       struct error_text *error)
{
	struct reader header = parser->window;
	uint32_t type, length;

	if (parser->skip_bytes)
		return skip(parser, error);
	if (reader_left(&header) == 0 && parser->is_last)
		return explain_end(parser, error);
	if (reader_left(&header) < BLOCK_HEADER_SIZE)
		return capture_pcap_want(parser, BLOCK_HEADER_SIZE, "block", error);
	type = section_u32(parser, &header);
	length = section_u32(parser, &header);
	if (type == BLOCK_SECTION_HEADER) { /* the same in both byte orders */
		int result = parse_section_header(parser, &length, error);

		if (result <= 0)
			return result;
	}
	if (length < BLOCK_LENGTH_MIN || length % 4)
		return refuse_block(parser, length, error);
	if (type != BLOCK_INTERFACE && type != BLOCK_PACKET && type != BLOCK_SIMPLE_PACKET &&
	    type != BLOCK_ENHANCED_PACKET) {
		parser->block_offset = capture_pcap_offset(parser);
		parser->skip_bytes = length;
		return skip(parser, error);
	}
	if (length > BLOCK_LENGTH_MAX)
		return refuse_block(parser, length, error);
	if (reader_left(&parser->window) < length)
		return capture_pcap_want(parser, length, "block", error);
	return parse_body(parser, type, length, view, error);
}
