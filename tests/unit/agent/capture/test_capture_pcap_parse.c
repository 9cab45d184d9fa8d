/* test_capture_pcap_parse.c - pcap and pcapng as bytes: built here, in both byte orders, cut,
 * damaged. */
#include "check.h"

#include "capture_pcap_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_VIEWS = 16 };

/* A file under construction, in either byte order. */
struct file {
	uint8_t bytes[4096];
	size_t size;
	bool is_big_endian;
	size_t block; /* where the current block starts */
};

static void put(struct file *file, const void *bytes, size_t size)
{
	memcpy(file->bytes + file->size, bytes, size);
	file->size += size;
}

static void put_number(struct file *file, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t shift = file->is_big_endian ? size - 1 - i : i;

		file->bytes[file->size++] = (uint8_t)(value >> 8 * shift);
	}
}

static void put16(struct file *file, uint16_t value)
{
	put_number(file, value, 2);
}

static void put32(struct file *file, uint32_t value)
{
	put_number(file, value, 4);
}

static void put_pcap_header_of(struct file *file, uint32_t magic, uint16_t minor,
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

static void put_pcap_header(struct file *file, uint32_t magic, uint32_t link_type)
{
	put_pcap_header_of(file, magic, 4, link_type);
}

static void put_record(struct file *file, uint32_t seconds, uint32_t fraction, const char *captured,
		       uint32_t original_bytes)
{
	put32(file, seconds);
	put32(file, fraction);
	put32(file, (uint32_t)strlen(captured));
	put32(file, original_bytes);
	put(file, captured, strlen(captured));
}

static void begin_block(struct file *file, uint32_t type)
{
	file->block = file->size;
	put32(file, type);
	put32(file, 0);
}

static void end_block(struct file *file)
{
	size_t end = file->size;
	uint32_t length = (uint32_t)(end + 4 - file->block);

	put32(file, length);
	file->size = file->block + 4;
	put32(file, length);
	file->size = end + 4;
}

static void pad(struct file *file)
{
	while (file->size % 4)
		file->bytes[file->size++] = 0;
}

static void put_section(struct file *file)
{
	begin_block(file, 0x0a0d0d0a);
	put32(file, 0x1a2b3c4d);
	put16(file, 1);
	put16(file, 0);
	put_number(file, UINT64_MAX, 8); /* section length: unknown */
	end_block(file);
}

static void put_option(struct file *file, uint16_t code, uint64_t value, uint16_t size)
{
	put16(file, code);
	put16(file, size);
	put_number(file, value, size);
	pad(file);
}

/* resolution 0xff: no option; offset 0: no option */
static void put_interface(struct file *file, uint16_t link_type, uint32_t snaplen,
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

static void put_packet(struct file *file, uint32_t interface, uint64_t time, const char *captured,
		       uint32_t original_bytes, uint32_t flags)
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

static struct parsed parse(const struct file *file)
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

static void release(struct parsed *parsed)
{
	capture_pcap_parse_clear(&parsed->parser);
	free(parsed->block);
}

/* 'text' is all that a file gives for an error, before any packet. */
static void check_refused(const struct file *file, const char *text)
{
	struct parsed parsed = parse(file);

	CHECK_EQ(parsed.count, 0);
	CHECK_EQ(parsed.end, -EBADMSG);
	CHECK_TEXT(parsed.error.text, text);
	release(&parsed);
}

TEST(pcap_in_both_byte_orders_and_units)
{
	for (int i = 0; i < 4; i++) {
		struct file file = { .is_big_endian = i & 1 };
		struct parsed parsed;

		put_pcap_header(&file, i & 2 ? 0xa1b23c4d : 0xa1b2c3d4,
				0x14000001); /* 4 bytes FCS */
		put_record(&file, 4294967295, i & 2 ? 999999999 : 999999, "ABCDE", 99);
		put_record(&file, 0, i & 2 ? 999999 : 999, "", 0);
		parsed = parse(&file);
		CHECK_EQ(parsed.count, 2);
		CHECK_EQ(parsed.end, -ENODATA);
		CHECK_EQ(parsed.views[0].time_ms, 4294967295999); /* the year 2106 */
		CHECK_EQ(parsed.views[0].captured_bytes, 5);
		CHECK_EQ(parsed.views[0].original_bytes, 99);
		CHECK_BYTES(parsed.views[0].bytes, "ABCDE", 5);
		CHECK_EQ(parsed.views[0].link, LINK_ETHERNET);
		CHECK_EQ(parsed.views[0].side, SIDE_unknown);
		CHECK_EQ(parsed.views[1].time_ms, 0); /* rounded down */
		CHECK_EQ(parsed.parser.packets_truncated, 1);
		release(&parsed);
	}
}

/* pcap-savefile(5): the lengths are swapped in 2.0 to 2.2, and in some files of 2.3. */
TEST(pcap_of_old_versions)
{
	static const struct {
		uint16_t minor;
		bool is_swapped;
	} rows[] = {
		{ 0, true }, { 1, true }, { 2, true }, { 3, false }, { 3, true }, { 4, false }
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct file file = { .is_big_endian = i & 1 };
		struct parsed parsed;

		put_pcap_header_of(&file, 0xa1b2c3d4, rows[i / 2].minor, 1);
		for (uint32_t second = 1; second <= 2; second++) {
			put32(&file, second);
			put32(&file, 0);
			put32(&file, rows[i / 2].is_swapped ? 99 : 5);
			put32(&file, rows[i / 2].is_swapped ? 5 : 99);
			put(&file, "ABCDE", 5);
		}
		parsed = parse(&file);
		CHECK_EQ(parsed.count, 2);
		CHECK_EQ(parsed.end, -ENODATA);
		for (int view = 0; view < 2; view++) {
			CHECK_EQ(parsed.views[view].captured_bytes, 5);
			CHECK_EQ(parsed.views[view].original_bytes, 99);
			CHECK_BYTES(parsed.views[view].bytes, "ABCDE", 5);
		}
		CHECK_EQ(parsed.parser.packets_truncated, 2);
		release(&parsed);
	}
}

TEST(old_version_cut_in_a_packet)
{
	struct file file = { 0 };

	put_pcap_header_of(&file, 0xa1b2c3d4, 2, 1);
	put_number(&file, 0, 8);
	put32(&file, 99);
	put32(&file, 5);
	put(&file, "ABC", 3);
	check_refused(&file,
		      "FILE: cut off in the middle of a packet at offset 24: expected 2 more "
		      "bytes");
}

TEST(link_types)
{
	static const struct {
		uint32_t link_type;
		uint8_t link;
	} cases[] = {
		{ 0, LINK_NULL },   { 1, LINK_ETHERNET },    { 9, LINK_PPP },
		{ 12, LINK_RAW },   { 14, LINK_RAW },        { 50, LINK_PPP },
		{ 51, LINK_PPPOE }, { 101, LINK_RAW },       { 104, LINK_CISCO_HDLC },
		{ 108, LINK_LOOP }, { 113, LINK_LINUX_SLL }, { 228, LINK_IPV4 },
		{ 229, LINK_IPV6 }, { 239, LINK_NFLOG },     { 276, LINK_LINUX_SLL2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct file file = { .size = 0 };
		struct parsed parsed;

		put_pcap_header(&file, 0xa1b2c3d4, cases[i].link_type);
		put_record(&file, 1, 0, "A", 1);
		parsed = parse(&file);
		CHECK_EQ(parsed.count, 1);
		CHECK_EQ(parsed.views[0].link, cases[i].link);
		release(&parsed);
	}
}

TEST(what_is_no_capture_file_is_named)
{
	struct file file = { .size = 0 };

	check_refused(&file, "FILE: empty; expected pcap or pcapng");
	put(&file,
	    "\x7f"
	    "ELF",
	    4);
	check_refused(&file, "FILE: not a capture file; expected pcap or pcapng, found bytes 7f 45 "
			     "4c 46");
	memcpy(file.bytes, "\x1f\x8b\x08\x00", 4);
	check_refused(&file, "FILE: compressed with gzip; expected pcap or pcapng");
	memcpy(file.bytes, "\x28\xb5\x2f\xfd", 4);
	check_refused(&file, "FILE: compressed with zstd; expected pcap or pcapng");
	file.size = 3;
	check_refused(&file, "FILE: cut off in the middle of a file header at offset 0: expected 1 "
			     "more bytes");
	file.size = 0;
	put_pcap_header(&file, 0xa1b2cd34, 1);
	check_refused(&file, "FILE: pcap of the modified kind (a1b2cd34); expected pcap or pcapng");
	file.size = 0;
	put_pcap_header(&file, 0xa1b2c3d4, 105);
	check_refused(&file, "FILE: link type 105 cannot be decoded");
	file.size = 0;
	put_pcap_header(&file, 0xa1b2c3d4, 1);
	file.bytes[6] = 5;
	check_refused(&file, "FILE: pcap version 2.5; expected 2.0 to 2.4");
	file.size = 23;
	check_refused(&file, "FILE: cut off in the middle of a file header at offset 0: expected 1 "
			     "more bytes");
}

TEST(header_alone_is_an_empty_capture)
{
	struct file file = { .size = 0 };
	struct parsed parsed;

	put_pcap_header(&file, 0xa1b2c3d4, 1);
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 0);
	CHECK_EQ(parsed.end, -ENODATA);
	release(&parsed);
	file.size = 0;
	put_section(&file);
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 0);
	CHECK_EQ(parsed.end, -ENODATA);
	release(&parsed);
}

TEST(packets_before_a_cut_are_given_out)
{
	struct file file = { .size = 0 };
	struct parsed parsed;

	put_pcap_header(&file, 0xa1b2c3d4, 1);
	put_record(&file, 1, 0, "ABCDE", 5);
	put_record(&file, 2, 0, "FGHIJ", 5);
	file.size -= 2;
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parsed.end, -EBADMSG);
	CHECK_TEXT(parsed.error.text,
		   "FILE: cut off in the middle of a packet at offset 45: expected 2 more bytes");
	release(&parsed);
	file.size = 45 + 15;
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 1);
	CHECK_TEXT(parsed.error.text,
		   "FILE: cut off in the middle of a packet at offset 45: expected 1 more bytes");
	release(&parsed);
}

TEST(absurd_length_is_not_waited_for)
{
	struct file file = { .size = 0 };
	struct parsed parsed;

	put_pcap_header(&file, 0xa1b2c3d4, 1);
	put_record(&file, 1, 0, "ABCDE", 5);
	put_record(&file, 2, 0, "", 5);
	file.size -= 8;
	put32(&file, 16 * 1024 * 1024 + 1);
	put32(&file, 5);
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parsed.end, -EBADMSG);
	CHECK_TEXT(parsed.error.text,
		   "FILE: not a packet at offset 45: captured length 16777217 bytes");
	release(&parsed);
}

TEST(pcapng_in_both_byte_orders)
{
	for (int i = 0; i < 2; i++) {
		struct file file = { .is_big_endian = i };
		struct parsed parsed;

		put_section(&file);
		put_interface(&file, 1, 0, 0xff, 0);
		put_packet(&file, 0, 1234567, "ABCDE", 77, 1);
		begin_block(&file, 5); /* interface statistics: passed over */
		put(&file, "12345678", 8);
		end_block(&file);
		put_interface(&file, 101, 0, 9, 0);
		put_packet(&file, 1, UINT64_C(5000999999), "FG", 2, 2);
		put_packet(&file, 0, 0, "", 0, 0);
		parsed = parse(&file);
		CHECK_EQ(parsed.count, 3);
		CHECK_EQ(parsed.end, -ENODATA);
		CHECK_EQ(parsed.views[0].time_ms, 1234);
		CHECK_EQ(parsed.views[0].captured_bytes, 5);
		CHECK_EQ(parsed.views[0].original_bytes, 77);
		CHECK_BYTES(parsed.views[0].bytes, "ABCDE", 5);
		CHECK_EQ(parsed.views[0].link, LINK_ETHERNET);
		CHECK_EQ(parsed.views[0].side, SIDE_ingress);
		CHECK_EQ(parsed.views[1].time_ms, 5000); /* nanoseconds */
		CHECK_EQ(parsed.views[1].link, LINK_RAW);
		CHECK_EQ(parsed.views[1].side, SIDE_egress);
		CHECK_EQ(parsed.views[2].side, SIDE_unknown);
		release(&parsed);
	}
}

TEST(sections_have_their_own_byte_order_and_interfaces)
{
	struct file file = { .is_big_endian = true };
	struct parsed parsed;

	put_section(&file);
	put_interface(&file, 1, 0, 0xff, 0);
	put_packet(&file, 0, 1000, "A", 1, 0);
	file.is_big_endian = false;
	put_section(&file);
	put_interface(&file, 113, 0, 0xff, 0);
	put_packet(&file, 0, 2000, "B", 1, 0);
	put_section(&file);
	put_packet(&file, 0, 3000, "C", 1, 0);
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 2);
	CHECK_EQ(parsed.views[0].link, LINK_ETHERNET);
	CHECK_EQ(parsed.views[1].link, LINK_LINUX_SLL);
	CHECK_EQ(parsed.views[1].time_ms, 2);
	CHECK_EQ(parsed.end, -EBADMSG); /* interface 0 was of another section */
	CHECK_TEXT(parsed.error.text, "FILE: packet at offset 260 of interface 0, which the file "
				      "does not describe");
	release(&parsed);
}

TEST(unknown_link_type_of_one_interface_is_left_to_decode)
{
	struct file file = { .size = 0 };
	struct parsed parsed;

	put_section(&file);
	put_interface(&file, 105, 0, 0xff, 0);
	put_packet(&file, 0, 0, "A", 1, 0);
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parsed.views[0].link, LINK_UNKNOWN);
	release(&parsed);
}

TEST(unknown_link_types_only_are_refused_at_the_end)
{
	struct file file = { 0 };
	struct parsed parsed;

	put_section(&file);
	put_interface(&file, 147, 0, 0xff, 0);
	check_refused(&file, "FILE: link type 147 cannot be decoded");
	put_packet(&file, 0, 0, "AB", 2, 0);
	put_interface(&file, 189, 0, 0xff, 0);
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 1); /* counted as ignored */
	CHECK_EQ(parsed.end, -EBADMSG);
	CHECK_TEXT(parsed.error.text, "FILE: link type 147 cannot be decoded");
	CHECK_EQ(parsed.parser.packets_undecodable, 1);
	release(&parsed);
	/* One that is known, even in another section: no failure. */
	put_section(&file);
	put_interface(&file, 1, 0, 0xff, 0);
	parsed = parse(&file);
	CHECK_EQ(parsed.end, -ENODATA);
	release(&parsed);
}

TEST(time_resolutions)
{
	static const struct {
		uint8_t resolution;
		int64_t offset;
		uint64_t units;
		int64_t expected_ms;
	} cases[] = {
		{ 0, 0, 7, 7000 },        /* seconds */
		{ 2, 0, 7, 70 },          /* 1/100 s */
		{ 3, 0, 7, 7 },           /* milliseconds */
		{ 12, 0, 1999999999, 1 }, /* picoseconds */
		{ 22, 0, UINT64_MAX, 1 }, /* 10^-22 s: 1.8 ms in all */
		{ 23, 0, UINT64_MAX, 0 },
		{ 127, 0, UINT64_MAX, 0 },
		{ 0x80 | 10, 0, 1024 + 1023, 1999 },                      /* 1/1024 s */
		{ 0x80 | 32, 0, (UINT64_C(3) << 32) | 0x80000000, 3500 }, /* as in NTP */
		{ 0x80 | 64, 0, UINT64_C(1) << 63, 500 },
		{ 0x80 | 126, 0, UINT64_MAX, 0 },
		{ 0x80, 0, 7, 7000 }, /* 2^0: seconds */
		{ 6, 1000, 1500000, 1001500 },
		{ 6, -1000, 1500000, -998500 },
		{ 0, 0, UINT64_MAX, INT64_C(1) << 52 }, /* kept in range */
		{ 3, INT64_MAX, UINT64_MAX, (INT64_C(1) << 52) + (INT64_C(1) << 42) * 1000 },
		{ 3, INT64_MIN, 0, -(INT64_C(1) << 42) * 1000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct file file = { .is_big_endian = i % 2 };
		struct parsed parsed;

		put_section(&file);
		put_interface(&file, 1, 0, cases[i].resolution, cases[i].offset);
		put_packet(&file, 0, cases[i].units, "A", 1, 0);
		parsed = parse(&file);
		CHECK_EQ(parsed.count, 1);
		CHECK_EQ(parsed.views[0].time_ms, cases[i].expected_ms);
		release(&parsed);
	}
}

TEST(simple_and_obsolete_packets)
{
	struct file file = { .size = 0 };
	struct parsed parsed;

	put_section(&file);
	put_interface(&file, 1, 4, 0xff, 0);
	begin_block(&file, 2); /* obsolete: interface and drops are 16 bits */
	put16(&file, 0);
	put16(&file, 9);
	put32(&file, 0);
	put32(&file, 8000);
	put32(&file, 3);
	put32(&file, 30);
	put(&file, "ABC\0", 4);
	put_option(&file, 2, 2, 4);
	end_block(&file);
	begin_block(&file, 3); /* cut to the snap length of interface 0 */
	put32(&file, 50);
	put(&file, "WXYZ", 4);
	end_block(&file);
	begin_block(&file, 3);
	put32(&file, 3);
	put(&file, "DEF\0", 4);
	end_block(&file);
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 3);
	CHECK_EQ(parsed.end, -ENODATA);
	CHECK_EQ(parsed.views[0].captured_bytes, 3);
	CHECK_EQ(parsed.views[0].original_bytes, 30);
	CHECK_EQ(parsed.views[0].side, SIDE_egress);
	CHECK_EQ(parsed.views[1].captured_bytes, 4);
	CHECK_EQ(parsed.views[1].original_bytes, 50);
	CHECK_EQ(parsed.views[1].time_ms, 8); /* that of the packet before */
	CHECK_EQ(parsed.views[2].captured_bytes, 3);
	CHECK_EQ(parsed.parser.packets_unstamped, 2);
	CHECK_EQ(parsed.parser.packets_truncated, 2);
	release(&parsed);
}

TEST(damaged_blocks_are_refused)
{
	struct file good = { .size = 0 };
	struct file file;
	struct parsed parsed;

	put_section(&good);
	put_interface(&good, 1, 0, 0xff, 0); /* 28 + 32 bytes */
	put_packet(&good, 0, 0, "ABCD", 4, 0);

	file = good;
	file.bytes[60 + 4] = 62; /* length: no multiple of 4 */
	check_refused(&file, "FILE: not a block at offset 60: length 62 bytes");
	file.bytes[60 + 4] = 8; /* less than a block's own fields */
	check_refused(&file, "FILE: not a block at offset 60: length 8 bytes");
	file.bytes[60 + 7] = 0x40; /* 1 GiB */
	check_refused(&file, "FILE: not a block at offset 60: length 1073741832 bytes");
	file = good;
	file.bytes[file.size - 4]++; /* the two lengths differ */
	check_refused(&file, "FILE: not a block at offset 60: length 56 bytes");
	file = good;
	file.bytes[60 + 20] = 200; /* captured length beyond the block */
	check_refused(&file, "FILE: not a packet at offset 60: captured length 200 bytes");
	file = good;
	file.bytes[8] = 0;
	check_refused(&file, "FILE: not a section header at offset 0: byte order 003c2b1a");
	file = good;
	file.bytes[12] = 2;
	check_refused(&file, "FILE: pcapng version 2; expected 1");
	file = good;
	file.size -= 5;
	check_refused(&file, "FILE: cut off in the middle of a block at offset 60: expected 5 more "
			     "bytes");
	file = good;
	file.bytes[60] = 5; /* a block that is passed over is cut as well */
	file.size -= 5;
	check_refused(&file, "FILE: cut off in the middle of a block at offset 60: expected 5 more "
			     "bytes");
	/* Options without an end, and cut ones, do no harm. */
	file = good;
	file.bytes[60 + 8 + 20 + 4 + 2] = 0xff;
	parsed = parse(&file);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parsed.views[0].side, SIDE_unknown);
	release(&parsed);
}

/* A file that comes in pieces gives what it gives as a whole, wherever it is split. */
TEST(window_may_grow_byte_by_byte)
{
	struct file files[2] = { { .size = 0 }, { .size = 0 } };

	put_pcap_header(&files[0], 0xa1b2c3d4, 1);
	put_record(&files[0], 1, 0, "ABCDE", 5);
	put_record(&files[0], 2, 0, "", 5);
	put_record(&files[0], 3, 0, "FGHIJKLMNOP", 11);
	put_section(&files[1]);
	put_interface(&files[1], 1, 0, 0xff, 0);
	put_packet(&files[1], 0, 1000000, "ABCDE", 5, 0);
	begin_block(&files[1], 0x0bad);
	put(&files[1], files[0].bytes, 40);
	end_block(&files[1]);
	put_packet(&files[1], 0, 2000000, "", 5, 0);
	put_packet(&files[1], 0, 3000000, "FGHIJKLMNOP", 11, 0);
	for (size_t step = 1; step < 64; step++)
		for (size_t which = 0; which < 2; which++) {
			const struct file *file = &files[which];
			struct capture_pcap_parser parser;
			struct error_text error;
			size_t shown = 0;
			int64_t count = 0;
			int result;

			capture_pcap_parse_init(&parser, "FILE");
			do {
				struct packet_view view;
				size_t left = reader_left(&parser.window);
				size_t start = shown - left;

				shown = shown + step < file->size ? shown + step : file->size;
				capture_pcap_parse_feed(&parser, file->bytes + start, shown - start,
							shown == file->size);
				while ((result = capture_pcap_parse(&parser, &view, 1, &error)) > 0)
					CHECK_EQ(view.time_ms, 1000 * ++count);
				if (result == 0)
					CHECK(parser.wanted > reader_left(&parser.window));
			} while (result == 0);
			CHECK_EQ(result, -ENODATA);
			CHECK_EQ(count, 3);
			capture_pcap_parse_clear(&parser);
		}
}

TEST(damaged_files_are_safe)
{
	struct file originals[2] = { { .size = 0 }, { .size = 0 } };
	uint32_t random = 4711;

	put_pcap_header(&originals[0], 0xa1b2c3d4, 1);
	put_section(&originals[1]);
	put_interface(&originals[1], 1, 0, 9, 5);
	for (uint32_t i = 0; i < 5; i++) {
		put_record(&originals[0], i, 0, "ABCDEFGH", 8);
		put_packet(&originals[1], 0, i, "ABCDEFGH", 8, i);
	}
	for (int round = 0; round < 20000; round++) {
		struct file file = originals[round % 2];
		struct parsed parsed;
		unsigned int sum = 0;

		for (int i = 0; i < 3; i++) {
			random = random * 1664525 + 1013904223;
			file.bytes[(random >> 8) % file.size] = (uint8_t)random;
		}
		parsed = parse(&file);
		CHECK(parsed.count <= MAX_VIEWS);
		for (int i = 0; i < parsed.count; i++)
			for (uint32_t j = 0; j < parsed.views[i].captured_bytes; j++)
				sum += parsed.views[i].bytes[j];
		CHECK(sum < UINT32_MAX);
		release(&parsed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_in_both_byte_orders_and_units),
		cmocka_unit_test(pcap_of_old_versions),
		cmocka_unit_test(old_version_cut_in_a_packet),
		cmocka_unit_test(link_types),
		cmocka_unit_test(what_is_no_capture_file_is_named),
		cmocka_unit_test(header_alone_is_an_empty_capture),
		cmocka_unit_test(packets_before_a_cut_are_given_out),
		cmocka_unit_test(absurd_length_is_not_waited_for),
		cmocka_unit_test(pcapng_in_both_byte_orders),
		cmocka_unit_test(sections_have_their_own_byte_order_and_interfaces),
		cmocka_unit_test(unknown_link_type_of_one_interface_is_left_to_decode),
		cmocka_unit_test(unknown_link_types_only_are_refused_at_the_end),
		cmocka_unit_test(time_resolutions),
		cmocka_unit_test(simple_and_obsolete_packets),
		cmocka_unit_test(damaged_blocks_are_refused),
		cmocka_unit_test(window_may_grow_byte_by_byte),
		cmocka_unit_test(damaged_files_are_safe),
	};

	return RUN_TESTS(tests);
}
