/* test_capture_pcap_parse.c - pcap in both byte orders, cut; any capture file read byte by byte, or
 * damaged. */
#include "capture_file_fixture.h"

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

/* Filters are compiled for the number that libpcap has on Linux. */
TEST(link_types_of_libpcap)
{
	for (uint32_t number = 0; number < 300; number++) {
		const uint8_t link = capture_pcap_link(number);

		if (link != LINK_UNKNOWN)
			CHECK_EQ(capture_pcap_link((uint32_t)capture_pcap_link_type(link)), link);
	}
	CHECK_EQ(capture_pcap_link_type(LINK_ETHERNET), 1);
	CHECK_EQ(capture_pcap_link_type(LINK_PPP), 9);
	CHECK_EQ(capture_pcap_link_type(LINK_RAW), 12);
	CHECK_EQ(capture_pcap_link_type(LINK_LINUX_SLL2), 276);
	CHECK_EQ(capture_pcap_link_type(LINK_ETHERTYPE), -1);
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
		cmocka_unit_test(link_types_of_libpcap),
		cmocka_unit_test(pcap_of_old_versions),
		cmocka_unit_test(old_version_cut_in_a_packet),
		cmocka_unit_test(link_types),
		cmocka_unit_test(what_is_no_capture_file_is_named),
		cmocka_unit_test(header_alone_is_an_empty_capture),
		cmocka_unit_test(packets_before_a_cut_are_given_out),
		cmocka_unit_test(absurd_length_is_not_waited_for),
		cmocka_unit_test(window_may_grow_byte_by_byte),
		cmocka_unit_test(damaged_files_are_safe),
	};

	return RUN_TESTS(tests);
}
