/* test_superpacket.c - the segments of a superpacket, at the boundaries of the MTU. */
#include "superpacket.h"

#include "check.h"

#include <stdlib.h>

/* A TCP packet with this IP header: 20 or more bytes are IPv4, 40 or more IPv6. */
static struct packet_info tcp(uint32_t network_bytes, uint8_t tcp_offset, uint64_t octets)
{
	bool is_ipv6 = network_bytes >= 40;

	return (struct packet_info){
		.key = { .protocol = 6, .ip_version = is_ipv6 ? 6 : 4 },
		.octets = octets,
		.extension_words = (uint8_t)((network_bytes - (is_ipv6 ? 40 : 20)) / 4),
		.tcp_offset = tcp_offset,
	};
}

static void check_split(struct packet_info info, uint32_t mtu, uint32_t packets, uint64_t octets)
{
	superpacket_split(&info, mtu);
	CHECK_EQ(info.packets_added + UINT64_C(1), packets);
	CHECK_EQ(info.octets, octets);
}

TEST(what_fits_is_left_alone)
{
	check_split(tcp(20, 0x50, 40), 1500, 1, 40);
	check_split(tcp(20, 0x50, 1500), 1500, 1, 1500);
	check_split(tcp(20, 0x50, 9000), 9000, 1, 9000);
}

TEST(each_further_segment_has_headers_of_its_own)
{
	check_split(tcp(20, 0x50, 1501), 1500, 2, 1541);
	check_split(tcp(20, 0x50, 40 + 2 * 1460), 1500, 2, 3000);
	check_split(tcp(20, 0x50, 40 + 2 * 1460 + 1), 1500, 3, 3041);
	check_split(tcp(20, 0x50, 40 + 3 * 1460 - 1), 1500, 3, 4499);
	/* IPv4's longest; IPv6 of BIG TCP. */
	check_split(tcp(20, 0x50, 65535), 1500, 45, 65535 + 44 * 40);
	check_split(tcp(40, 0x50, 60 + 130 * 1440), 1500, 130, 130 * 1500);
}

TEST(options_and_extension_headers_are_repeated)
{
	/* Time stamps: 32 bytes of TCP header, 1448 of payload. */
	check_split(tcp(20, 0x80, 52 + 44 * 1448), 1500, 44, 44 * 1500);
	check_split(tcp(20, 0x80, 52 + 44 * 1448 + 1), 1500, 45, 44 * 1500 + 53);
	/* IPv4 options of 4 bytes; IPv6 with an extension header of 8; both with 60 of TCP. */
	check_split(tcp(24, 0xf0, 84 + 2 * 1416), 1500, 2, 3000);
	check_split(tcp(48, 0xf0, 108 + 2 * 1392), 1500, 2, 3000);
}

TEST(tcp_header_that_was_not_captured_counts_as_20_bytes)
{
	check_split(tcp(20, 0, 40 + 2 * 1460), 1500, 2, 3000);
	check_split(tcp(20, 0x40, 40 + 2 * 1460), 1500, 2, 3000);
}

TEST(udp_is_split_by_its_header)
{
	struct packet_info info = tcp(20, 0, 28 + 3 * 1472);

	info.key.protocol = 17;
	check_split(info, 1500, 3, 4500);
	info.octets++;
	check_split(info, 1500, 4, 4529);
}

TEST(what_is_not_segmented_is_left_alone)
{
	struct packet_info info = tcp(20, 0x50, 9000);

	info.key.protocol = 1;
	check_split(info, 1500, 1, 9000);
	info.key.protocol = 6;
	info.fragment = FRAGMENT_first;
	check_split(info, 1500, 1, 9000);
	info.fragment = FRAGMENT_later;
	check_split(info, 1500, 1, 9000);
	info.fragment = FRAGMENT_none;
	info.extension_words = 255; /* or more */
	check_split(info, 1500, 1, 9000);
	/* More segments than the kernel makes of anything. */
	check_split(tcp(20, 0x50, 40 + 28 * 65536), 68, 65536, UINT64_C(65536) * 68);
	check_split(tcp(20, 0x50, 40 + 28 * 65536 + 1), 68, 1, 40 + 28 * 65536 + 1);
	/* No room for a byte of payload in an MTU. */
	check_split(tcp(60, 0xf0, 9000), 120, 1, 9000);
	check_split(tcp(60, 0xf0, 122), 121, 2, 242);
}

TEST(every_segment_but_the_last_one_fills_the_mtu)
{
	srand(7);
	for (int i = 0; i < 100000; i++) {
		uint32_t mtu = 200 + (uint32_t)rand() % 9000;
		uint32_t network = 20 + (uint32_t)rand() % 11 * 4;
		struct packet_info info = tcp(network, (uint8_t)((rand() % 11 + 5) * 16),
					      mtu + 1 + (uint64_t)rand() % 500000);
		uint64_t headers = network + (info.tcp_offset >> 4) * 4u;
		uint64_t before = info.octets;

		superpacket_split(&info, mtu);
		CHECK(info.packets_added > 0);
		CHECK_EQ(info.octets, before + info.packets_added * headers);
		CHECK(info.octets <= (info.packets_added + UINT64_C(1)) * mtu);
		CHECK(info.octets > (uint64_t)info.packets_added * mtu + headers);
	}
}

static void check_count(struct packet_info info, uint32_t segment_bytes, uint32_t packets,
			uint64_t octets)
{
	CHECK(superpacket_count(&info, segment_bytes));
	CHECK_EQ(info.packets_added + UINT64_C(1), packets);
	CHECK_EQ(info.octets, octets);
}

/* What the kernel says of the segments holds, whatever the MTU. */
TEST(known_segments_are_counted)
{
	struct packet_info udp = tcp(20, 0, 28 + 10 * 100 + 1);

	check_count(tcp(20, 0x80, 52 + 1448), 1448, 1, 1500);
	check_count(tcp(20, 0x80, 52 + 1449), 1448, 2, 1501 + 52);
	check_count(tcp(20, 0x50, 40 + 3 * 100), 100, 3, 3 * 140);
	check_count(tcp(20, 0x50, 40), 100, 1, 40); /* no payload */
	check_count(tcp(20, 0x50, 39), 100, 1, 39); /* less than its headers */
	check_count(tcp(48, 0x50, 68 + 2 * 1000), 1000, 2, 2 * 1068);
	udp.key.protocol = 17;
	check_count(udp, 100, 11, 11 * 28 + 1001);
}

/* Linux puts a jumbo option into the superpacket and into none of its segments. */
TEST(the_jumbo_option_is_not_on_the_wire)
{
	check_count(tcp(48, 0x80, 80 + 130 * 1428), 1428, 130, 130 * (72 + 1428));
	check_count(tcp(48, 0x80, 80 + 40 * 1428), 1428, 40, 40 * (80 + 1428)); /* another one */
}

static void check_uncounted(struct packet_info info)
{
	const uint64_t octets = info.octets;

	CHECK(!superpacket_count(&info, 1400));
	CHECK_EQ(info.octets, octets);
	CHECK_EQ(info.packets_added, 0);
}

TEST(segments_of_what_was_not_read_are_not_known)
{
	static const uint16_t tunnels[] = { 2152, 4789, 4790, 6080, 6081, 6635, 8472 };
	struct packet_info info = tcp(20, 0x50, 9000);

	info.key.protocol = 47; /* GRE */
	check_uncounted(info);
	info.key.protocol = 17;
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		info.key.destination_port = tunnels[i];
		check_uncounted(info);
	}
	info.key.protocol = 6;
	info.fragment = FRAGMENT_later;
	check_uncounted(info);
	info.fragment = FRAGMENT_none;
	info.extension_words = UINT8_MAX;
	check_uncounted(info);
	info.extension_words = 0;
	info.octets = UINT64_C(1400) * 70000;
	check_uncounted(info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_left_alone),
		cmocka_unit_test(each_further_segment_has_headers_of_its_own),
		cmocka_unit_test(options_and_extension_headers_are_repeated),
		cmocka_unit_test(tcp_header_that_was_not_captured_counts_as_20_bytes),
		cmocka_unit_test(udp_is_split_by_its_header),
		cmocka_unit_test(what_is_not_segmented_is_left_alone),
		cmocka_unit_test(every_segment_but_the_last_one_fills_the_mtu),
		cmocka_unit_test(known_segments_are_counted),
		cmocka_unit_test(the_jumbo_option_is_not_on_the_wire),
		cmocka_unit_test(segments_of_what_was_not_read_are_not_known),
	};

	return RUN_TESTS(tests);
}
