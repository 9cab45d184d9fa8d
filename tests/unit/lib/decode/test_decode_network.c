/* test_decode_network.c - IPv4 and IPv6 headers: lengths, fragments, extension headers. */
#include "packets.h"

#define RAW(info, ...) DECODE(LINK_RAW, info, __VA_ARGS__)

/* Extension headers of 8 bytes. */
#define EXTENSION(next_header) next_header, 0, 1, 4, 0, 0, 0, 0
#define FRAGMENT(next_header, offset, m) \
	next_header, 0, BE16((offset) | (m)), 0xca, 0xfe, 0xba, 0xbe
#define JUMBO(next_header, length) next_header, 0, 0xc2, 4, BE32(length)

TEST(ipv4_key_is_complete_and_the_rest_is_0)
{
	struct packet_view view = { .link = LINK_RAW,
				    .side = SIDE_egress,
				    .input_interface = 3,
				    .output_interface = 0x10004,
				    .mark = 0xf10a,
				    .vlan_id = 77,
				    .time_ms = -5 };
	static const struct flow_key expected = {
		.source_port = 4660,
		.destination_port = 53,
		.protocol = 6,
		.tos = 0x10,
		.vlan_id = 77,
		.input_interface = 3,
		.output_interface = 0x10004,
		.side = SIDE_egress,
		.ip_version = 4,
		.addresses = { 192, 0, 2, 1, 198, 51, 100, 2 },
	};
	struct packet_info info;

	CHECK_EQ(DECODE_VIEW(view, &info, IPv4(40, 6), TCP), DROP_NONE);
	CHECK_BYTES(&info.key, &expected, sizeof(expected));
	CHECK_EQ(info.octets, 40);
	CHECK_EQ(info.time_ms, -5);
	CHECK_EQ(info.mark, 0xf10a);
	CHECK_EQ(info.tcp_flags, 0x42);
	CHECK_EQ(info.fragment, FRAGMENT_none);
	CHECK_EQ(info.fragment_id, 0);
}

TEST(ipv6_key_is_complete_and_the_rest_is_0)
{
	static const struct flow_key expected = {
		.source_port = 4660,
		.destination_port = 53,
		.protocol = 17,
		.tos = 0xb8,
		.side = SIDE_unknown,
		.ip_version = 6,
		.addresses = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1, 0x20, 0x01, 0x0d, 0xb8, [31] = 2 },
	};
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv6_UDP), DROP_NONE);
	CHECK_BYTES(&info.key, &expected, sizeof(expected));
	CHECK_EQ(info.octets, 48);
}

TEST(header_sizes_are_reported)
{
	uint8_t long_chain[40 + 1040 + 20] = { 0x60, [4] = 4, [5] = 36, [6] = 60, [40] = 6, 129 };
	struct packet_view view = { .link = LINK_RAW,
				    .bytes = long_chain,
				    .captured_bytes = sizeof(long_chain) };
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4(40, 6), TCP), DROP_NONE);
	CHECK_EQ(info.extension_words, 0);
	CHECK_EQ(info.tcp_offset, 0x50);
	CHECK_EQ(RAW(&info, IPv4_WITH(0x46, 44, 0, 6), 1, 1, 1, 1, TCP), DROP_NONE);
	CHECK_EQ(info.extension_words, 1);
	CHECK_EQ(RAW(&info, IPv4_UDP), DROP_NONE);
	CHECK_EQ(info.tcp_offset, 0);
	CHECK_EQ(info.packets_added, 0);
	CHECK_EQ(RAW(&info, IPv6_UDP), DROP_NONE);
	CHECK_EQ(info.extension_words, 0);
	CHECK_EQ(RAW(&info, IPv6(36, 0), EXTENSION(60), EXTENSION(6), TCP), DROP_NONE);
	CHECK_EQ(info.extension_words, 4);
	CHECK_EQ(info.tcp_offset, 0x50);
	/* 1040 bytes are 260 words: more than can be reported. */
	CHECK_EQ(decode_packet(&view, &info), DROP_NONE);
	CHECK_EQ(info.key.protocol, 6);
	CHECK_EQ(info.extension_words, 255);
}

TEST(ipv4_header_is_checked)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4_WITH(0x44, 28, 0, 17), UDP), DROP_IP_HEADER_LENGTH);
	CHECK_EQ(RAW(&info, IPv4_WITH(0x40, 0, 0, 17), UDP), DROP_IP_HEADER_LENGTH);
	CHECK_EQ(RAW(&info, IPv4(19, 17), UDP), DROP_IP_TOTAL_LENGTH);
	CHECK_EQ(RAW(&info, IPv4(1, 17), UDP), DROP_IP_TOTAL_LENGTH);
	CHECK_EQ(RAW(&info, IPv4_WITH(0x46, 23, 0, 17), UDP), DROP_IP_TOTAL_LENGTH);
	CHECK_EQ(RAW(&info, IPv4(20, 17)), DROP_NONE);
	CHECK_EQ(info.octets, 20);
	CHECK_EQ(RAW(&info, 0x45, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		 DROP_IP_TRUNCATED);
}

TEST(ipv4_options_are_skipped)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4_WITH(0x46, 32, 0, 17), 0x94, 4, 0, 0, UDP), DROP_NONE);
	CHECK_EQ(info.key.source_port, 4660);
	CHECK_EQ(info.octets, 32);

	/* Cut within or after the options: counted, without ports. */
	CHECK_EQ(RAW(&info, IPv4_WITH(0x4f, 68, 0, 17), UDP), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.key.destination_port, 0);
	CHECK_EQ(info.octets, 68);
	CHECK_EQ(RAW(&info, IPv4_WITH(0x46, 32, 0, 17), 0x94, 4, 0, 0), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
}

TEST(octets_are_what_the_ip_header_says)
{
	struct packet_info info;

	/* Longer than the frame. */
	CHECK_EQ(RAW(&info, IPv4(65535, 17), UDP), DROP_NONE);
	CHECK_EQ(info.octets, 65535);
	CHECK_EQ(info.key.source_port, 4660);
	CHECK_EQ(RAW(&info, IPv6(65535, 17), UDP), DROP_NONE);
	CHECK_EQ(info.octets, 65575);

	/* Shorter: Ethernet padding after it counts for nothing. */
	CHECK_EQ(DECODE(LINK_ETHERNET, &info, ETHERNET(0x0800), IPv4(28, 17), UDP, 0, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		 DROP_NONE);
	CHECK_EQ(info.octets, 28);
}

TEST(padding_is_not_taken_for_ports)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4(23, 17), UDP), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.key.destination_port, 0);
	CHECK_EQ(RAW(&info, IPv4(24, 17), UDP), DROP_NONE);
	CHECK_EQ(info.key.destination_port, 53);
	CHECK_EQ(RAW(&info, IPv6(3, 17), UDP), DROP_NONE);
	CHECK_EQ(info.key.destination_port, 0);
	CHECK_EQ(RAW(&info, IPv6(4, 17), UDP), DROP_NONE);
	CHECK_EQ(info.key.destination_port, 53);
}

TEST(ipv4_total_length_0_is_the_frame_less_its_link_header)
{
	struct packet_view view = { .link = LINK_ETHERNET, .original_bytes = 70014 };
	struct packet_info info;

	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x0800), IPv4(0, 6), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 70000);
	CHECK_EQ(info.key.source_port, 4660);
	CHECK_EQ(info.tcp_flags, 0x42);

	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x8100), VLAN(1, 0x0800), IPv4(0, 6)),
		 DROP_NONE);
	CHECK_EQ(info.octets, 69996);
	CHECK(!info.has_unknown_length);

	/* The source cannot tell the frame's length, or tells less than it captured. */
	view.original_bytes = 0;
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x0800), IPv4(0, 6), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 40);
	CHECK(info.has_unknown_length);
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x0800), IPv4(40, 6), TCP), DROP_NONE);
	CHECK(!info.has_unknown_length);
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 6), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 60);
	CHECK(info.has_unknown_length);
	view.original_bytes = 20;
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x0800), IPv4(0, 6), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 40);

	/* Options run past the end of the frame. */
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x0800), IPv4_WITH(0x4f, 0, 0, 6), TCP),
		 DROP_NONE);
	CHECK_EQ(info.octets, 40);
	CHECK_EQ(info.key.source_port, 0);
}

TEST(ipv4_fragments)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4_WITH(0x45, 1500, 0x2000, 17), UDP), DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_first);
	CHECK_EQ(info.fragment_id, 0x1234);
	CHECK_EQ(info.fragment_protocol, 17);
	CHECK_EQ(info.key.source_port, 4660);

	CHECK_EQ(RAW(&info, IPv4_WITH(0x45, 1500, 0x2001, 17), UDP), DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_later);
	CHECK_EQ(info.fragment_id, 0x1234);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.key.destination_port, 0);
	CHECK_EQ(info.octets, 1500);

	CHECK_EQ(RAW(&info, IPv4_WITH(0x45, 40, 0x1fff, 6), TCP), DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_later);
	CHECK_EQ(info.tcp_flags, 0);

	/* One that overlaps the ports and flags of its first fragment is not read as those, whether
	 * it ends the datagram or not (RFC 1858 section 4). */
	for (uint16_t more = 0; more <= 0x2000; more = (uint16_t)(more + 0x2000)) {
		CHECK_EQ(RAW(&info, IPv4_WITH(0x45, 40, 1 | more, 6), TCP), DROP_NONE);
		CHECK_EQ(info.fragment, FRAGMENT_later);
		CHECK_EQ(info.key.source_port, 0);
		CHECK_EQ(info.key.destination_port, 0);
		CHECK_EQ(info.tcp_flags, 0);
		CHECK_EQ(info.octets, 40);
	}

	/* "Do not fragment" and the reserved bit make no fragment. */
	CHECK_EQ(RAW(&info, IPv4_WITH(0x45, 28, 0xc000, 17), UDP), DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_none);
	CHECK_EQ(info.key.source_port, 4660);
}

TEST(ipv4_authentication_header_is_a_protocol)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4(40, 51), 17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, UDP), DROP_NONE);
	CHECK_EQ(info.key.protocol, 51);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.key.destination_port, 0);
}

TEST(ipv6_extension_headers_are_walked)
{
	static const uint8_t headers[] = { 0, 43, 60, 135, 139, 140 };
	struct packet_info info;

	for (size_t i = 0; i < sizeof(headers); i++) {
		CHECK_EQ(RAW(&info, IPv6(16, headers[i]), EXTENSION(17), UDP), DROP_NONE);
		CHECK_EQ(info.key.protocol, 17);
		CHECK_EQ(info.key.source_port, 4660);
		CHECK_EQ(info.octets, 56);
	}
	/* 16 bytes of destination options, then an authentication header of 12 bytes, which its
	 * length field counts in words less 2; then out of order and repeated. */
	CHECK_EQ(RAW(&info, IPv6(60, 60), 51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1,
		     0, 0, 0, 0, 0, 9, 0, 0, 0, 1, EXTENSION(0), EXTENSION(60), EXTENSION(17), UDP),
		 DROP_NONE);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.key.destination_port, 53);
	CHECK_EQ(info.octets, 100);
}

TEST(ipv6_walk_stops)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv6(16, 0), EXTENSION(50), UDP), DROP_NONE); /* ESP */
	CHECK_EQ(info.key.protocol, 50);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(RAW(&info, IPv6(16, 0), EXTENSION(59), UDP), DROP_NONE); /* no next header */
	CHECK_EQ(info.key.protocol, 59);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(RAW(&info, IPv6(8, 253), UDP), DROP_NONE); /* experimental */
	CHECK_EQ(info.key.protocol, 253);
	CHECK_EQ(info.key.source_port, 0);
}

TEST(ipv6_header_that_is_not_there_in_full_still_names_the_next)
{
	struct packet_info info;

	/* Cut by the capture. */
	CHECK_EQ(RAW(&info, IPv6(24, 0), EXTENSION(60), 17, 0, 1, 4, 0, 0, 0), DROP_NONE);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.octets, 64);
	CHECK_EQ(RAW(&info, IPv6(24, 43)), DROP_NONE);
	CHECK_EQ(info.key.protocol, 43);
	CHECK_EQ(RAW(&info, IPv6(24, 44), 17), DROP_NONE);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.fragment, FRAGMENT_none);

	/* Runs past the payload length, or is longer than all there is. */
	CHECK_EQ(RAW(&info, IPv6(7, 60), EXTENSION(17), UDP), DROP_NONE);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(RAW(&info, IPv6(16, 60), 17, 255, 1, 4, 0, 0, 0, 0, UDP), DROP_NONE);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.octets, 56);
}

TEST(ipv6_chain_as_long_as_the_packet)
{
	enum { COUNT = 8000 };
	static uint8_t packet[40 + 8 * COUNT];
	static const uint8_t header[] = { IPv6(8 * COUNT, 60) }, extension[] = { EXTENSION(60) };
	struct packet_view view = { .link = LINK_RAW };
	struct packet_info info;

	memcpy(packet, header, sizeof(header));
	for (size_t i = 0; i < COUNT; i++)
		memcpy(packet + 40 + 8 * i, extension, sizeof(extension));
	CHECK_EQ(decode_copy(view, packet, sizeof(packet), &info), DROP_NONE);
	CHECK_EQ(info.key.protocol, 60);
	CHECK_EQ(info.octets, sizeof(packet));
}

TEST(ipv6_fragments)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv6(24, 44), FRAGMENT(60, 0, 1), EXTENSION(17), UDP), DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_first);
	CHECK_EQ(info.fragment_id, 0xcafebabe);
	CHECK_EQ(info.fragment_protocol, 60);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.key.source_port, 4660);

	CHECK_EQ(RAW(&info, IPv6(24, 0), EXTENSION(44), FRAGMENT(60, 8, 0), UDP), DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_later);
	CHECK_EQ(info.fragment_id, 0xcafebabe);
	CHECK_EQ(info.fragment_protocol, 60);
	CHECK_EQ(info.key.protocol, 60);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.octets, 64);

	/* Atomic (RFC 6946): no fragment; the reserved bits say nothing. */
	CHECK_EQ(RAW(&info, IPv6(16, 44), FRAGMENT(17, 6, 0), UDP), DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_none);
	CHECK_EQ(info.fragment_id, 0);
	CHECK_EQ(info.key.source_port, 4660);
}

TEST(ipv6_fragment_within_a_fragment_keeps_the_outer_name)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv6(24, 44), FRAGMENT(44, 0, 1), 17, 0, 0, 8, 0, 0, 0, 5, UDP),
		 DROP_NONE);
	CHECK_EQ(info.fragment, FRAGMENT_first);
	CHECK_EQ(info.fragment_id, 0xcafebabe);
	CHECK_EQ(info.fragment_protocol, 44);
	CHECK_EQ(info.key.protocol, 17);
	CHECK_EQ(info.key.source_port, 0);
}

TEST(ipv6_jumbograms)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv6(0, 0), JUMBO(6, 70000), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 70040);
	CHECK_EQ(info.key.protocol, 6);
	CHECK_EQ(info.key.source_port, 4660);
	CHECK_EQ(info.tcp_flags, 0x42);
	CHECK_EQ(RAW(&info, IPv6(0, 0), JUMBO(6, 0xffffffff), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 0x100000027); /* 40 + 4294967295: 64 bits */

	/* After other options, in a header of 16 bytes. */
	CHECK_EQ(RAW(&info, IPv6(0, 0), 6, 1, 0, 1, 0, 5, 2, 0, 0, 0xc2, 4, BE32(80000), 0, TCP),
		 DROP_NONE);
	CHECK_EQ(info.octets, 80040);
	CHECK_EQ(info.key.source_port, 4660);

	/* Not valid beside a payload length. */
	CHECK_EQ(RAW(&info, IPv6(28, 0), JUMBO(6, 70000), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 68);
}

TEST(ipv6_payload_length_0_without_a_jumbo_option)
{
	struct packet_view view = { .link = LINK_ETHERNET, .original_bytes = 80054 };
	struct packet_info info;

	/* Segmentation offload. */
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 6), TCP), DROP_NONE);
	CHECK_EQ(info.octets, 80040);
	CHECK_EQ(info.key.source_port, 4660);
	/* The option is in what was not captured, or runs past its header. */
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 0), 6, 0, 0xc2, 4, 0),
		 DROP_NONE);
	CHECK_EQ(info.octets, 80040);
	CHECK_EQ(info.key.protocol, 6);
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 0), 6, 0, 1, 0, 0, 0xc2, 4, 0,
			     TCP),
		 DROP_NONE);
	CHECK_EQ(info.octets, 80040);

	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 0), 6), DROP_NONE);
	CHECK_EQ(info.octets, 80040);
	/* Other options only. */
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 0), EXTENSION(6), TCP),
		 DROP_NONE);
	CHECK_EQ(info.octets, 80040);
	CHECK_EQ(info.key.source_port, 4660);

	/* Nothing follows. */
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 59), 0, 0, 0, 0), DROP_NONE);
	CHECK_EQ(info.octets, 40);
	view.original_bytes = 54;
	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x86dd), IPv6(0, 6)), DROP_NONE);
	CHECK_EQ(info.octets, 40);
	CHECK_EQ(info.key.protocol, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_key_is_complete_and_the_rest_is_0),
		cmocka_unit_test(ipv6_key_is_complete_and_the_rest_is_0),
		cmocka_unit_test(header_sizes_are_reported),
		cmocka_unit_test(ipv4_header_is_checked),
		cmocka_unit_test(ipv4_options_are_skipped),
		cmocka_unit_test(octets_are_what_the_ip_header_says),
		cmocka_unit_test(padding_is_not_taken_for_ports),
		cmocka_unit_test(ipv4_total_length_0_is_the_frame_less_its_link_header),
		cmocka_unit_test(ipv4_fragments),
		cmocka_unit_test(ipv4_authentication_header_is_a_protocol),
		cmocka_unit_test(ipv6_extension_headers_are_walked),
		cmocka_unit_test(ipv6_walk_stops),
		cmocka_unit_test(ipv6_header_that_is_not_there_in_full_still_names_the_next),
		cmocka_unit_test(ipv6_chain_as_long_as_the_packet),
		cmocka_unit_test(ipv6_fragments),
		cmocka_unit_test(ipv6_fragment_within_a_fragment_keeps_the_outer_name),
		cmocka_unit_test(ipv6_jumbograms),
		cmocka_unit_test(ipv6_payload_length_0_without_a_jumbo_option),
	};

	return RUN_TESTS(tests);
}
