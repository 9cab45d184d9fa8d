/* capture_file_fixture.h - capture files of both formats, built as bytes, and what is read of them.
 *
 * For tests of the parsers, each of which includes this once. */
#ifndef CAPTURE_FILE_FIXTURE_H
#define CAPTURE_FILE_FIXTURE_H

#include "capture_pcap_parse.h"
#include "check.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_VIEWS = 16 };

/* A file under construction, in either byte order. */
struct file {
	uint8_t bytes[4096];
	size_t size;
	bool is_big_endian;
	size_t block; /* where the current block starts */
};

static inline void put(struct file *file, const void *bytes, size_t size)
{
	memcpy(file->bytes + file->size, bytes, size);
	file->size += size;
}

static inline void put_number(struct file *file, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t shift = file->is_big_endian ? size - 1 - i : i;

		file->bytes[file->size++] = (uint8_t)(value >> 8 * shift);
	}
}

static inline void put16(struct file *file, uint16_t value)
{
	put_number(file, value, 2);
}

static inline void put32(struct file *file, uint32_t value)
{
	put_number(file, value, 4);
}

static inline void put_pcap_header_of(struct file *file, uint32_t magic, uint16_t minor,
				      uint32_t link_type)
{
	put32(file, magic);
	put16(file, 2);
	put16(file, minor);
	put32(file, 0);
	put32(file, 0);
	put32(file, 65535);
	put32(file, link_type);
}

static inline void put_pcap_header(struct file *file, uint32_t magic, uint32_t link_type)
{
	put_pcap_header_of(file, magic, 4, link_type);
}

static inline void put_record(struct file *file, uint32_t seconds, uint32_t fraction,
			      const char *captured, uint32_t original_bytes)
{
	put32(file, seconds);
	put32(file, fraction);
	put32(file, (uint32_t)strlen(captured));
	put32(file, original_bytes);
	put(file, captured, strlen(captured));
}

static inline void begin_block(struct file *file, uint32_t type)
{
	file->block = file->size;
	put32(file, type);
	put32(file, 0);
}

static inline void end_block(struct file *file)
{
	size_t end = file->size;
	uint32_t length = (uint32_t)(end + 4 - file->block);

	put32(file, length);
	file->size = file->block + 4;
	put32(file, length);
	file->size = end + 4;
}

static inline void pad(struct file *file)
{
	while (file->size % 4)
		file->bytes[file->size++] = 0;
}

static inline void put_section(struct file *file)
{
	begin_block(file, 0x0a0d0d0a);
	put32(file, 0x1a2b3c4d);
	put16(file, 1);
	put16(file, 0);
	put_number(file, UINT64_MAX, 8); /* section length: unknown */
	end_block(file);
}

static inline void put_option(struct file *file, uint16_t code, uint64_t value, uint16_t size)
{
	put16(file, code);
	put16(file, size);
	put_number(file, value, size);
	pad(file);
}

/* resolution 0xff: no option; offset 0: no option */
static inline void put_interface(struct file *file, uint16_t link_type, uint32_t snaplen,
				 uint8_t resolution, int64_t offset)
{
	begin_block(file, 1);
	put16(file, link_type);
	put16(file, 0);
	put32(file, snaplen);
	put16(file, 2); /* if_name, which is passed over */
	put16(file, 3);
	put(file, "eth\0", 4);
	if (resolution != 0xff)
		put_option(file, 9, resolution, 1);
	if (offset)
		put_option(file, 14, (uint64_t)offset, 8);
	put_option(file, 0, 0, 0);
	end_block(file);
}

static inline void put_packet(struct file *file, uint32_t interface, uint64_t time,
			      const char *captured, uint32_t original_bytes, uint32_t flags)
{
	begin_block(file, 6);
	put32(file, interface);
	put32(file, (uint32_t)(time >> 32));
	put32(file, (uint32_t)time);
	put32(file, (uint32_t)strlen(captured));
	put32(file, original_bytes);
	put(file, captured, strlen(captured));
	pad(file);
	put16(file, 1); /* a comment before the flags */
	put16(file, 1);
	put(file, "c\0\0\0", 4);
	put_option(file, 2, flags, 4);
	put_option(file, 0, 0, 0);
	end_block(file);
}

/* The whole of a file at once, in a block of exactly its size. */
struct parsed {
	struct capture_pcap_parser parser;
	struct packet_view views[MAX_VIEWS];
	struct error_text error;
	int count;
	int end; /* what came after the packets */
	uint8_t *block;
};

static inline struct parsed parse(const struct file *file)
{
	struct parsed parsed = { .block = malloc(file->size ? file->size : 1) };

	assert_non_null(parsed.block);
	memcpy(parsed.block, file->bytes, file->size);
	capture_pcap_parse_init(&parsed.parser, "FILE");
	capture_pcap_parse_feed(&parsed.parser, parsed.block, file->size, true);
	parsed.count = capture_pcap_parse(&parsed.parser, parsed.views, MAX_VIEWS, &parsed.error);
	if (parsed.count < 0) {
		parsed.end = parsed.count;
		parsed.count = 0;
	} else {
		struct packet_view view;

		parsed.end = capture_pcap_parse(&parsed.parser, &view, 1, &parsed.error);
	}
	return parsed;
}

static inline void release(struct parsed *parsed)
{
	capture_pcap_parse_clear(&parsed->parser);
	free(parsed->block);
}

/* 'text' is all that a file gives for an error, before any packet. */
static inline void check_refused(const struct file *file, const char *text)
{
	struct parsed parsed = parse(file);

	CHECK_EQ(parsed.count, 0);
	CHECK_EQ(parsed.end, -EBADMSG);
	CHECK_TEXT(parsed.error.text, text);
	release(&parsed);
}

#endif
