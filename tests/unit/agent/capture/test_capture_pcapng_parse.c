/* test_capture_pcapng_parse.c - pcapng: sections, interfaces, times, and what is damaged. */
#include "capture_file_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcapng_in_both_byte_orders),
		cmocka_unit_test(sections_have_their_own_byte_order_and_interfaces),
		cmocka_unit_test(unknown_link_type_of_one_interface_is_left_to_decode),
		cmocka_unit_test(unknown_link_types_only_are_refused_at_the_end),
		cmocka_unit_test(time_resolutions),
		cmocka_unit_test(simple_and_obsolete_packets),
		cmocka_unit_test(damaged_blocks_are_refused),
	};

	return RUN_TESTS(tests);
}
