/* test_capture_nflog_parse.c - netfilter log datagrams that are built here: attributes, losses, and
 * what is cut. */
#include "nflog_fixture.h"

TEST(every_attribute_goes_into_the_view)
{
	const uint8_t header[4] = { 0x86, 0xdd, 4, 0 }; /* IPv6, postrouting */
	const uint8_t time[16] = { [3] = 1, [7] = 2, [13] = 0x0f, 0x42, 0x3f }; /* 2^32 + 2 s,
										    999999 us */
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	begin_message(&datagram, PACKET, 10);
	put_attribute(&datagram, NFULA_PACKET_HDR, header, sizeof(header));
	put_u32(&datagram, NFULA_IFINDEX_INDEV, 3);
	put_u32(&datagram, NFULA_IFINDEX_OUTDEV, 0x01020304);
	put_u32(&datagram, NFULA_MARK, 0xf10a);
	put_attribute(&datagram, NFULA_TIMESTAMP, time, sizeof(time));
	put_attribute(&datagram, NFULA_PAYLOAD | 0x8000, "ABCDE", 5); /* flag bits do not count */
	end_message(&datagram);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parsed.views[0].captured_bytes, 5);
	CHECK_BYTES(parsed.views[0].bytes, "ABCDE", 5);
	CHECK_EQ(parsed.views[0].original_bytes, 0);
	CHECK_EQ(parsed.views[0].time_ms, 4294967298999);
	CHECK_EQ(parsed.views[0].input_interface, 3);
	CHECK_EQ(parsed.views[0].output_interface, 0x01020304);
	CHECK_EQ(parsed.views[0].mark, 0xf10a);
	CHECK_EQ(parsed.views[0].link, LINK_IPV6);
	CHECK_EQ(parsed.views[0].side, SIDE_egress);
	CHECK_EQ(parser.packets_unstamped, 0);
	CHECK_EQ(parser.messages_malformed, 0);
	release(&parsed);
}

/* In family inet (br_netfilter) the bridge stays the interface, in family bridge its port is. */
TEST(ports_of_a_bridge_are_beside_the_interfaces)
{
	static const struct {
		uint8_t family;
		uint32_t in, out;
	} cases[] = { { 2, 9, 9 }, { 10, 9, 9 }, { 7, 70000, 3 }, { 5, 9, 9 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
		struct datagram datagram = { .size = 0 };
		struct parsed parsed;

		begin_message(&datagram, PACKET, cases[i].family);
		put_u32(&datagram, NFULA_IFINDEX_PHYSINDEV, 70000);
		put_u32(&datagram, NFULA_IFINDEX_INDEV, 9);
		put_u32(&datagram, NFULA_IFINDEX_PHYSOUTDEV, 3);
		put_u32(&datagram, NFULA_IFINDEX_OUTDEV, 9);
		end_message(&datagram);
		put_packet(&datagram, 0); /* of no bridge */
		parsed = parse(&parser, datagram.bytes, datagram.size);
		CHECK_EQ(parsed.count, 2);
		CHECK_EQ(parsed.views[0].physical_input, 70000);
		CHECK_EQ(parsed.views[0].physical_output, 3);
		CHECK_EQ(parsed.views[0].input_interface, cases[i].in);
		CHECK_EQ(parsed.views[0].output_interface, cases[i].out);
		CHECK_EQ(parsed.views[1].physical_input, 0);
		CHECK_EQ(parsed.views[1].physical_output, 0);
		release(&parsed);
	}
}

TEST(port_that_is_cut_is_malformed)
{
	for (uint16_t type = NFULA_IFINDEX_PHYSINDEV; type <= NFULA_IFINDEX_PHYSOUTDEV; type++) {
		struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
		struct datagram datagram = { .size = 0 };
		struct parsed parsed;

		begin_message(&datagram, PACKET, 2);
		put_attribute(&datagram, type, "\0\0\3", 3);
		end_message(&datagram);
		parsed = parse(&parser, datagram.bytes, datagram.size);
		CHECK_EQ(parsed.count, 0);
		CHECK_EQ(parser.messages_malformed, 1);
		release(&parsed);
	}
}

/* Root is a user; who asks for link headers only gets no owners. */
TEST(users_are_beside_the_views)
{
	const uint32_t users[] = { 0, 1001, UINT32_MAX };
	const uint32_t wanted[] = { 1, 1002, 0 };
	struct packet_owner owners[4] = {
		{ .user = 77 }, { .user = 77 }, { .user = 77 }, { .user = 77 }
	};
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN, .owners = owners };
	struct datagram datagram = { .size = 0 };
	struct packet_view views[8];

	for (size_t i = 0; i < 3; i++) {
		begin_message(&datagram, PACKET, 2);
		put_u32(&datagram, NFULA_UID, users[i]);
		put_u32(&datagram, NFULA_GID, 5);
		end_message(&datagram);
	}
	put_packet(&datagram, 0);
	capture_nflog_parse_begin(&parser, datagram.bytes, datagram.size, RECEIVED_MS);
	CHECK_EQ(capture_nflog_parse(&parser, views, 8), 4);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(owners[i].user, wanted[i]);
	CHECK_EQ(owners[3].user, 0);
	parser.owners = NULL;
	parser.takes_link_headers = true;
	capture_nflog_parse_begin(&parser, datagram.bytes, datagram.size, RECEIVED_MS);
	CHECK_EQ(capture_nflog_parse(&parser, views, 8), 4);
}

TEST(user_that_is_cut_is_malformed)
{
	struct packet_owner owners[4] = { { .user = 0 } };
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN, .owners = owners };
	struct datagram datagram = { .size = 0 };
	struct packet_view views[4];

	begin_message(&datagram, PACKET, 2);
	put_attribute(&datagram, NFULA_UID, "\0\0\3", 3);
	end_message(&datagram);
	capture_nflog_parse_begin(&parser, datagram.bytes, datagram.size, RECEIVED_MS);
	CHECK_EQ(capture_nflog_parse(&parser, views, 4), 0);
	CHECK_EQ(parser.messages_malformed, 1);
}

TEST(packet_without_time_has_the_time_of_receipt)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	put_packet(&datagram, 0);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.views[0].time_ms, RECEIVED_MS);
	CHECK_EQ(parser.packets_unstamped, 1);
	release(&parsed);
}

TEST(impossible_time_is_no_time)
{
	const uint8_t far[16] = { [0] = 0x7f };              /* 2^62 s */
	const uint8_t odd[16] = { [13] = 0x0f, 0x42, 0x40 }; /* 1000000 us */
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	begin_message(&datagram, PACKET, 2);
	put_attribute(&datagram, NFULA_TIMESTAMP, far, sizeof(far));
	end_message(&datagram);
	begin_message(&datagram, PACKET, 2);
	put_attribute(&datagram, NFULA_TIMESTAMP, odd, sizeof(odd));
	end_message(&datagram);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 2);
	CHECK_EQ(parsed.views[0].time_ms, RECEIVED_MS);
	CHECK_EQ(parsed.views[1].time_ms, RECEIVED_MS);
	CHECK_EQ(parser.packets_unstamped, 2);
	release(&parsed);
}

TEST(copy_as_long_as_the_range_counts_as_cut)
{
	struct capture_nflog_parser parser = { .snaplen = 5 };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	put_packet(&datagram, 0);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parser.packets_at_range, 1);
	release(&parsed);
	parser.snaplen = 6;
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parser.packets_at_range, 1);
	release(&parsed);
}

TEST(side_is_that_of_the_hook)
{
	static const struct {
		uint8_t family, hook, side;
	} cases[] = {
		{ 2, 0, SIDE_ingress },  { 2, 1, SIDE_ingress }, { 2, 2, SIDE_ingress },
		{ 2, 3, SIDE_egress },   { 2, 4, SIDE_egress },  { 2, 5, SIDE_ingress },
		{ 10, 0, SIDE_ingress }, { 10, 4, SIDE_egress }, { 7, 0, SIDE_ingress },
		{ 7, 2, SIDE_ingress },  { 7, 3, SIDE_egress },  { 7, 4, SIDE_egress },
		{ 5, 0, SIDE_ingress },  { 5, 1, SIDE_egress },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t header[4] = { 0x08, 0x00, cases[i].hook, 0 };
		struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
		struct datagram datagram = { .size = 0 };
		struct parsed parsed;

		begin_message(&datagram, PACKET, cases[i].family);
		put_attribute(&datagram, NFULA_PACKET_HDR, header, sizeof(header));
		end_message(&datagram);
		parsed = parse(&parser, datagram.bytes, datagram.size);
		CHECK_EQ(parsed.count, 1);
		CHECK_EQ(parsed.views[0].side, cases[i].side);
		release(&parsed);
	}
}

TEST(lost_packets_are_counted_also_across_the_wrap)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	/* The kernel begins with 0: 3 were lost before the first that came. */
	put_packet(&datagram, 3);
	put_packet(&datagram, 4);
	put_packet(&datagram, 10);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 3);
	CHECK_EQ(parser.packets_lost, 3 + 5);
	release(&parsed);

	parser.next_sequence = UINT32_MAX - 1;
	datagram.size = 0;
	put_packet(&datagram, UINT32_MAX - 1);
	put_packet(&datagram, UINT32_MAX);
	put_packet(&datagram, 0);
	put_packet(&datagram, 2);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 4);
	CHECK_EQ(parser.packets_lost, 8 + 1);
	CHECK_EQ(parser.next_sequence, 3);
	CHECK_EQ(parser.messages_malformed, 0);
	release(&parsed);
}

TEST(numbers_that_go_back_are_no_loss)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN, .next_sequence = 1000 };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	put_packet(&datagram, 5);
	put_packet(&datagram, 6);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 2);
	CHECK_EQ(parser.packets_lost, 0);
	CHECK_EQ(parser.messages_malformed, 1);
	release(&parsed);
}

TEST(other_messages_are_skipped)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	begin_message(&datagram, 2, 0); /* NLMSG_ERROR: an acknowledgement */
	put(&datagram, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	end_message(&datagram);
	put_packet(&datagram, 0);
	put_packet(&datagram, 1);
	begin_message(&datagram, 3, 0); /* NLMSG_DONE */
	end_message(&datagram);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 2);
	CHECK_EQ(parser.messages_malformed, 0);
	CHECK_EQ(capture_nflog_parse(&parser, parsed.views, MAX_VIEWS), 0);
	release(&parsed);
}

TEST(datagram_is_given_out_in_batches)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct packet_view views[3];

	for (uint32_t i = 0; i < 7; i++)
		put_packet(&datagram, i);
	capture_nflog_parse_begin(&parser, datagram.bytes, datagram.size, RECEIVED_MS);
	CHECK_EQ(capture_nflog_parse(&parser, views, 3), 3);
	CHECK_EQ(capture_nflog_parse(&parser, views, 3), 3);
	CHECK_EQ(capture_nflog_parse(&parser, views, 3), 1);
	CHECK_EQ(capture_nflog_parse(&parser, views, 3), 0);
	CHECK_EQ(parser.packets_lost, 0);
}

TEST(malformed_message_is_skipped_alone)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	begin_message(&datagram, PACKET, 2);
	put_u32(&datagram, NFULA_MARK, 1);
	put_host16(&datagram, 9); /* an attribute longer than its message */
	put_host16(&datagram, NFULA_PAYLOAD);
	end_message(&datagram);
	begin_message(&datagram, PACKET, 2);
	put_attribute(&datagram, NFULA_MARK, "\0\0", 2); /* a number of 2 bytes */
	end_message(&datagram);
	begin_message(&datagram, PACKET, 2);
	put_host16(&datagram, 3); /* shorter than its own header */
	put_host16(&datagram, NFULA_PAYLOAD);
	end_message(&datagram);
	put_packet(&datagram, 0);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parser.messages_malformed, 3);
	release(&parsed);
}

TEST(wrong_message_length_ends_the_datagram)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;

	put_packet(&datagram, 0);
	begin_message(&datagram, PACKET, 2); /* length 0 */
	put_packet(&datagram, 1);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parser.messages_malformed, 1);
	release(&parsed);
	/* The parser goes on with the next datagram. */
	datagram.size = 0;
	put_packet(&datagram, 1);
	parsed = parse(&parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parser.packets_lost, 0);
	release(&parsed);
}

TEST(every_cut_is_safe_and_loses_no_whole_packet)
{
	struct datagram datagram = { .size = 0 };
	size_t one;

	put_packet(&datagram, 0);
	one = datagram.size;
	put_packet(&datagram, 1);
	for (size_t size = 0; size <= datagram.size; size++) {
		struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
		struct parsed parsed = parse(&parser, datagram.bytes, size);

		CHECK_EQ(parsed.count, size / one);
		CHECK_EQ(parser.messages_malformed, size % one != 0);
		release(&parsed);
	}
}

static uint32_t interval_of(struct capture_nflog_parser *parser, const char *prefix)
{
	struct datagram datagram = { .size = 0 };
	struct parsed parsed;
	uint32_t interval;

	begin_message(&datagram, PACKET, 2);
	put_attribute(&datagram, NFULA_PREFIX, prefix, strlen(prefix) + 1);
	put_attribute(&datagram, NFULA_PAYLOAD, "ABCDE", 5);
	end_message(&datagram);
	parsed = parse(parser, datagram.bytes, datagram.size);
	CHECK_EQ(parsed.count, 1);
	interval = parsed.views[0].rule_interval;
	release(&parsed);
	return interval;
}

TEST(a_prefix_tells_the_rate_of_its_packets_only)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	char longest[128] = "";

	CHECK_EQ(interval_of(&parser, ""), 0);
	CHECK_EQ(interval_of(&parser, "s=10"), 10);
	CHECK_EQ(interval_of(&parser, ""), 0);
	CHECK_EQ(interval_of(&parser, "s=10"), 10);
	CHECK_EQ(interval_of(&parser, "s=20"), 20);
	CHECK_EQ(interval_of(&parser, "s=1"), 0); /* all packets */
	CHECK_EQ(interval_of(&parser, "web s=300: "), 300);
	CHECK_EQ(interval_of(&parser, "something else"), 0);
	memset(longest, 'x', sizeof(longest) - 1);
	CHECK_EQ(interval_of(&parser, longest), 0);
	memcpy(longest + sizeof(longest) - 6, " s=12", 6);
	CHECK_EQ(interval_of(&parser, longest), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_attribute_goes_into_the_view),
		cmocka_unit_test(ports_of_a_bridge_are_beside_the_interfaces),
		cmocka_unit_test(port_that_is_cut_is_malformed),
		cmocka_unit_test(users_are_beside_the_views),
		cmocka_unit_test(user_that_is_cut_is_malformed),
		cmocka_unit_test(packet_without_time_has_the_time_of_receipt),
		cmocka_unit_test(impossible_time_is_no_time),
		cmocka_unit_test(copy_as_long_as_the_range_counts_as_cut),
		cmocka_unit_test(side_is_that_of_the_hook),
		cmocka_unit_test(lost_packets_are_counted_also_across_the_wrap),
		cmocka_unit_test(numbers_that_go_back_are_no_loss),
		cmocka_unit_test(other_messages_are_skipped),
		cmocka_unit_test(datagram_is_given_out_in_batches),
		cmocka_unit_test(malformed_message_is_skipped_alone),
		cmocka_unit_test(wrong_message_length_ends_the_datagram),
		cmocka_unit_test(every_cut_is_safe_and_loses_no_whole_packet),
		cmocka_unit_test(a_prefix_tells_the_rate_of_its_packets_only),
	};

	return RUN_TESTS(tests);
}
