/* capture_pcap_parse.c - which format a capture file has, and the classic one.
 *
 * Place: window of a file -> here -> worker. With --read this is the hot path.
 * Invariant: a view never reaches beyond the window; the window's start moves only over whole
 * items.
 *
 * pcap: a header of 24 bytes, whose first 4 give byte order and unit of time, then per packet 16
 * bytes and what was captured. Seconds are unsigned: good until 2106. */
#include "capture_pcap_parse.h"

#include "capture_pcapng_parse.h"
#include "compression.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	FILE_HEADER_SIZE = 24,
	RECORD_HEADER_SIZE = 16,
	MAGIC_SIZE = 4,
	VERSION_MAJOR = 2,
	VERSION_MINOR = 4,         /* the only one since 1998 */
	VERSION_MINOR_EITHER = 3,  /* either length may be the first: pcap-savefile(5) */
	VERSION_MINOR_SWAPPED = 2, /* up to this one, the original length is the first */
};

static const uint32_t MAGIC_MICROSECONDS = 0xa1b2c3d4;
static const uint32_t MAGIC_NANOSECONDS = 0xa1b23c4d;
static const uint32_t MAGIC_MODIFIED = 0xa1b2cd34; /* more bytes in each record's header */
static const uint32_t MAGIC_PCAPNG = 0x0a0d0d0a;   /* section header block, either byte order */

void capture_pcap_parse_init(struct capture_pcap_parser *parser, const char *name)
{
	*parser = (struct capture_pcap_parser){ .name = name };
}

void capture_pcap_parse_clear(struct capture_pcap_parser *parser)
{
	free(parser->interfaces);
	*parser = (struct capture_pcap_parser){ .name = parser->name };
}

void capture_pcap_parse_feed(struct capture_pcap_parser *parser, const uint8_t *bytes, size_t size,
			     bool is_last)
{
	parser->end_offset += size - reader_left(&parser->window);
	parser->window = reader_of(bytes, size);
	parser->is_last = is_last;
}

/* Neither pcap nor pcapng: say what it is, as far as we know. */
static int refuse_format(const struct capture_pcap_parser *parser, const uint8_t *magic,
			 struct error_text *error)
{
	const struct compression *compression = compression_find(magic, MAGIC_SIZE);

	if (compression) {
		error_text_set(error, "%s: compressed with %s; expected pcap or pcapng",
			       parser->name, compression->name);
		error_text_hint(error, "%s FILE | flowagent --read -", compression->program);
		return -EBADMSG;
	}
	if (load_be32(magic) == MAGIC_MODIFIED || load_le32(magic) == MAGIC_MODIFIED) {
		error_text_set(error,
			       "%s: pcap of the modified kind (a1b2cd34); expected pcap or "
			       "pcapng",
			       parser->name);
		error_text_hint(error, "editcap -F pcap FILE NEWFILE");
		return -EBADMSG;
	}
	error_text_set(error,
		       "%s: not a capture file; expected pcap or pcapng, found bytes %02x %02x "
		       "%02x %02x",
		       parser->name, magic[0], magic[1], magic[2], magic[3]);
	return -EBADMSG;
}

static inline uint32_t load32(const struct capture_pcap_parser *parser, const uint8_t *bytes)
{
	return parser->is_big_endian ? load_be32(bytes) : load_le32(bytes);
}

static uint16_t load16(const struct capture_pcap_parser *parser, const uint8_t *bytes)
{
	return parser->is_big_endian ? load_be16(bytes) : load_le16(bytes);
}

static enum capture_pcap_lengths lengths_of(uint16_t minor)
{
	if (minor <= VERSION_MINOR_SWAPPED)
		return PCAP_LENGTHS_captured_last;
	return minor == VERSION_MINOR_EITHER ? PCAP_LENGTHS_captured_smaller
					     : PCAP_LENGTHS_captured_first;
}

/* Magic number, version 2.0 to 2.4, time zone, accuracy (both always 0), snap length, link type. */
static int parse_file_header(struct capture_pcap_parser *parser, struct error_text *error)
{
	const uint8_t *header = parser->window.next;
	uint16_t major, minor;
	uint32_t link_type;

	if (reader_left(&parser->window) < FILE_HEADER_SIZE)
		return capture_pcap_want(parser, FILE_HEADER_SIZE, "file header", error);
	parser->is_big_endian =
		load_be32(header) == MAGIC_MICROSECONDS || load_be32(header) == MAGIC_NANOSECONDS;
	parser->has_nanoseconds = load32(parser, header) == MAGIC_NANOSECONDS;
	major = load16(parser, header + 4);
	minor = load16(parser, header + 6);
	if (major != VERSION_MAJOR || minor > VERSION_MINOR) {
		error_text_set(error, "%s: pcap version %u.%u; expected %d.0 to %d.%d",
			       parser->name, major, minor, VERSION_MAJOR, VERSION_MAJOR,
			       VERSION_MINOR);
		error_text_hint(error, "editcap -F pcap FILE NEWFILE");
		return -EBADMSG;
	}
	link_type =
		load32(parser, header + 20) & 0xffff; /* above: length of checksums at the end */
	parser->link = capture_pcap_link(link_type);
	if (parser->link == LINK_UNKNOWN)
		return capture_pcap_refuse_link(parser, link_type, error);
	parser->lengths = (uint8_t)lengths_of(minor);
	parser->window.next += FILE_HEADER_SIZE;
	parser->format = PCAP_FORMAT_pcap;
	return 1;
}

/* Find out what the file is. Returns 1 if it is known now, else as capture_pcap_parse(). */
static int parse_format(struct capture_pcap_parser *parser, struct error_text *error)
{
	const uint8_t *magic = parser->window.next;

	if (reader_left(&parser->window) == 0 && parser->is_last) {
		error_text_set(error, "%s: empty; expected pcap or pcapng", parser->name);
		return -EBADMSG;
	}
	if (reader_left(&parser->window) < MAGIC_SIZE)
		return capture_pcap_want(parser, MAGIC_SIZE, "file header", error);
	if (load_be32(magic) == MAGIC_PCAPNG) {
		parser->format = PCAP_FORMAT_pcapng;
		return 1;
	}
	if (load_be32(magic) == MAGIC_MICROSECONDS || load_le32(magic) == MAGIC_MICROSECONDS ||
	    load_be32(magic) == MAGIC_NANOSECONDS || load_le32(magic) == MAGIC_NANOSECONDS)
		return parse_file_header(parser, error);
	return refuse_format(parser, magic, error);
}

/* Give 'first' and 'second' of a record's header their meaning: first captured, second original. */
static inline void order_lengths(enum capture_pcap_lengths lengths, uint32_t *first,
				 uint32_t *second)
{
	const uint32_t original = *first;

	if (lengths == PCAP_LENGTHS_captured_first ||
	    (lengths == PCAP_LENGTHS_captured_smaller && *first <= *second))
		return;
	*first = *second;
	*second = original;
}

/* Why there is no whole record at the front of the window: as capture_pcap_parse() returns it. */
static int explain_record(struct capture_pcap_parser *parser, struct error_text *error)
{
	const uint8_t *header = parser->window.next;
	size_t left = reader_left(&parser->window);
	uint32_t captured_bytes, original_bytes;

	if (left < RECORD_HEADER_SIZE)
		return left == 0 && parser->is_last
			       ? -ENODATA
			       : capture_pcap_want(parser, RECORD_HEADER_SIZE, "packet", error);
	captured_bytes = load32(parser, header + 8);
	original_bytes = load32(parser, header + 12);
	order_lengths(parser->lengths, &captured_bytes, &original_bytes);
	if (captured_bytes > CAPTURE_PCAP_PACKET_MAX) {
		error_text_set(error,
			       "%s: not a packet at offset %" PRIu64 ": captured length %" PRIu32
			       " bytes",
			       parser->name, capture_pcap_offset(parser), captured_bytes);
		return -EBADMSG;
	}
	return capture_pcap_want(parser, RECORD_HEADER_SIZE + (size_t)captured_bytes, "packet",
				 error);
}

static inline uint16_t microseconds_of(const struct capture_pcap_parser *parser, uint32_t fraction)
{
	return (uint16_t)((parser->has_nanoseconds ? fraction / 1000 : fraction) % 1000);
}

/* Whole records of a pcap file: the loop that reading a file consists of. Returns how many. The
 * last three arguments are constants for today's files. */
static inline __attribute__((always_inline)) size_t
parse_records(struct capture_pcap_parser *parser, struct packet_view *views, size_t capacity,
	      bool is_big_endian, enum capture_pcap_lengths lengths, bool takes_microseconds)
{
	const uint32_t fractions_per_ms = parser->has_nanoseconds ? 1000000 : 1000;
	const uint8_t link = parser->link;
	const uint8_t *header = parser->window.next;
	size_t left = reader_left(&parser->window);
	uint64_t truncated = 0;
	size_t count;

	for (count = 0; count < capacity && left >= RECORD_HEADER_SIZE; count++) {
		uint32_t captured_bytes =
			is_big_endian ? load_be32(header + 8) : load_le32(header + 8);
		uint32_t original_bytes =
			is_big_endian ? load_be32(header + 12) : load_le32(header + 12);
		uint32_t seconds = is_big_endian ? load_be32(header) : load_le32(header);
		uint32_t fraction = is_big_endian ? load_be32(header + 4) : load_le32(header + 4);
		size_t size;

		order_lengths(lengths, &captured_bytes, &original_bytes);
		size = RECORD_HEADER_SIZE + (size_t)captured_bytes;
		if (size > left || captured_bytes > CAPTURE_PCAP_PACKET_MAX)
			break;
		views[count] = (struct packet_view){
			.bytes = header + RECORD_HEADER_SIZE,
			.captured_bytes = captured_bytes,
			.original_bytes = original_bytes,
			.time_ms = (unix_ms)seconds * 1000 + fraction / fractions_per_ms,
			.microseconds = takes_microseconds ? microseconds_of(parser, fraction)
							   : (uint16_t)0,
			.link = link,
			.side = SIDE_unknown,
		};
		truncated += captured_bytes < original_bytes;
		header += size;
		left -= size;
	}
	parser->packets_truncated += truncated;
	parser->window.next = header;
	return count;
}

/* Old files, and those of which more is asked. */
static size_t parse_old_records(struct capture_pcap_parser *parser, struct packet_view *views,
				size_t capacity)
{
	return parse_records(parser, views, capacity, parser->is_big_endian,
			     (enum capture_pcap_lengths)parser->lengths,
			     parser->takes_microseconds);
}

static int parse_pcap(struct capture_pcap_parser *parser, struct packet_view *views,
		      size_t capacity, struct error_text *error)
{
	const enum capture_pcap_lengths today = PCAP_LENGTHS_captured_first;
	size_t count;

	if (parser->lengths != today || parser->takes_microseconds)
		count = parse_old_records(parser, views, capacity);
	else
		count = parser->is_big_endian
				? parse_records(parser, views, capacity, true, today, false)
				: parse_records(parser, views, capacity, false, today, false);
	/* Packets first; what stopped us is found again by the next call. */
	return count ? (int)count : explain_record(parser, error);
}

static int parse_pcapng(struct capture_pcap_parser *parser, struct packet_view *views,
			size_t capacity, struct error_text *error)
{
	size_t count = 0;
	int result = 1;

	while (result > 0 && count < capacity) {
		do
			result = capture_pcapng_parse_block(parser, &views[count], error);
		while (result == -EAGAIN);
		count += result > 0;
	}
	return count ? (int)count : result;
}

int capture_pcap_parse(struct capture_pcap_parser *parser, struct packet_view *views,
		       size_t capacity, struct error_text *error)
{
	int result = 1;

	if (parser->format == PCAP_FORMAT_unknown)
		result = parse_format(parser, error);
	if (result <= 0)
		return result;
	if (!capacity) /* only the file header was wanted */
		return 0;
	return parser->format == PCAP_FORMAT_pcap ? parse_pcap(parser, views, capacity, error)
						  : parse_pcapng(parser, views, capacity, error);
}
