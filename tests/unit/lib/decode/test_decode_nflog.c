/* test_decode_nflog.c - NFLOG records of capture files. */
#include "packets.h"

/* Attributes as a little-endian and as a big-endian machine writes them. */
#define LE(size, type) (uint8_t)((size) + 4), 0, type, 0
#define BE(size, type) 0, (uint8_t)((size) + 4), 0, type

#define HEADER(family)                    family, 0, 0, 40 /* version 0, group 40 */
#define PACKET_HDR(order, protocol, hook) order(4, 1), BE16(protocol), hook, 0
#define NUMBER(order, type, value)        order(4, type), BE32(value)
#define PREFIX(order)                     order(2, 10), 'x', 0, 0, 0 /* with padding */

TEST(record_in_both_byte_orders)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), PACKET_HDR(LE, 0x0800, 0), PREFIX(LE),
			NUMBER(LE, 4, 3), NUMBER(LE, 2, 0xf10a), LE(28, 9), IPv4_UDP),
		 DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.input_interface, 3);
	CHECK_EQ(info.key.output_interface, 0);
	CHECK_EQ(info.key.side, SIDE_ingress);
	CHECK_EQ(info.key.mark, 0);
	CHECK_EQ(info.mark, 0xf10a);

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(10), PACKET_HDR(BE, 0, 3), PREFIX(BE),
			NUMBER(BE, 5, 0x10002), BE(48, 9), IPv6_UDP),
		 DROP_NONE);
	check_ipv6_udp(&info);
	CHECK_EQ(info.key.input_interface, 0);
	CHECK_EQ(info.key.output_interface, 0x10002);
	CHECK_EQ(info.key.side, SIDE_egress);
}

TEST(length_that_only_the_copy_tells_is_unknown)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), PACKET_HDR(LE, 0x0800, 0), LE(40, 9),
			IPv4(0, 6), TCP),
		 DROP_NONE);
	CHECK_EQ(info.octets, 40);
	CHECK(info.has_unknown_length);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), PACKET_HDR(LE, 0x0800, 0), LE(40, 9),
			IPv4(40, 6), TCP),
		 DROP_NONE);
	CHECK(!info.has_unknown_length);
}

TEST(side_is_that_of_the_hook)
{
	static const struct {
		uint8_t family, hook, side;
	} rows[] = {
		{ 2, 0, SIDE_ingress }, /* prerouting */
		{ 2, 1, SIDE_ingress }, /* input */
		{ 2, 2, SIDE_ingress }, /* forward */
		{ 2, 3, SIDE_egress },  /* output */
		{ 2, 4, SIDE_egress },  /* postrouting */
		{ 2, 5, SIDE_ingress }, /* ingress of table inet */
		{ 7, 0, SIDE_ingress }, { 7, 3, SIDE_egress },
		{ 7, 4, SIDE_egress },  { 5, 0, SIDE_ingress },
	};
	struct packet_info info;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(rows[i].family),
				PACKET_HDR(LE, 0x0800, rows[i].hook), LE(28, 9), IPv4_UDP),
			 DROP_NONE);
		check_ipv4_udp(&info);
		CHECK_EQ(info.key.side, rows[i].side);
	}
}

TEST(ports_are_the_interfaces_in_the_bridge_family)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(7), PACKET_HDR(BE, 0x0800, 2), NUMBER(BE, 6, 2),
			NUMBER(BE, 4, 9), NUMBER(BE, 7, 3), NUMBER(BE, 5, 9), BE(28, 9), IPv4_UDP),
		 DROP_NONE);
	CHECK_EQ(info.key.input_interface, 2);
	CHECK_EQ(info.key.output_interface, 3);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), PACKET_HDR(BE, 0x0800, 2), NUMBER(BE, 6, 2),
			NUMBER(BE, 4, 9), BE(28, 9), IPv4_UDP),
		 DROP_NONE);
	CHECK_EQ(info.key.input_interface, 9);
}

/* Of a record with these attributes; the note holds what another packet has left there. */
static struct packet_note note_of(const uint8_t *bytes, size_t size)
{
	const struct packet_view view = {
		.bytes = bytes,
		.captured_bytes = (uint32_t)size,
		.link = LINK_NFLOG,
	};
	struct packet_note note = { .physical_input = 77, .physical_output = 77, .user = 77 };
	struct packet_info info;

	CHECK_EQ(decode_packet_noted(&view, &info, &note, NULL), DROP_NONE);
	return note;
}

TEST(user_of_a_socket_is_noted)
{
	const uint8_t root[] = { HEADER(2), PACKET_HDR(BE, 0, 3), NUMBER(BE, 11, 0), BE(28, 9),
				 IPv4_UDP };
	const uint8_t other[] = { HEADER(2), PACKET_HDR(LE, 0, 3), NUMBER(LE, 11, 1001), LE(28, 9),
				  IPv4_UDP };
	const uint8_t none[] = { HEADER(2), PACKET_HDR(LE, 0, 3), LE(28, 9), IPv4_UDP };
	const uint8_t cut[] = { HEADER(2), LE(2, 11), 1, 2, 0, 0, LE(28, 9), IPv4_UDP };

	CHECK_EQ(note_of(root, sizeof(root)).user, 1);
	CHECK_EQ(note_of(other, sizeof(other)).user, 1002);
	CHECK_EQ(note_of(none, sizeof(none)).user, 0);
	CHECK_EQ(note_of(cut, sizeof(cut)).user, 0);
}

TEST(ports_of_a_bridge_are_noted)
{
	const uint8_t families[] = { 2, 7 };

	for (size_t i = 0; i < sizeof(families); i++) {
		const uint8_t both[] = { HEADER(families[i]), PACKET_HDR(BE, 0x0800, 2),
					 NUMBER(BE, 6, 2),    NUMBER(BE, 4, 9),
					 NUMBER(BE, 7, 3),    NUMBER(BE, 5, 9),
					 BE(28, 9),           IPv4_UDP };
		const uint8_t none[] = { HEADER(families[i]), PACKET_HDR(LE, 0x0800, 2),
					 NUMBER(LE, 4, 9), LE(28, 9), IPv4_UDP };
		struct packet_note note = note_of(both, sizeof(both));

		CHECK_EQ(note.physical_input, 2);
		CHECK_EQ(note.physical_output, 3);
		note = note_of(none, sizeof(none));
		CHECK_EQ(note.physical_input, 0);
		CHECK_EQ(note.physical_output, 0);
	}
}

TEST(ports_that_the_source_names_are_noted)
{
	const uint8_t bytes[] = { IPv4_UDP };
	const struct packet_view view = { .bytes = bytes,
					  .captured_bytes = sizeof(bytes),
					  .link = LINK_IPV4,
					  .physical_input = 70000,
					  .physical_output = 3 };
	struct packet_note note;
	struct packet_info info;

	CHECK_EQ(decode_packet_noted(&view, &info, &note, NULL), DROP_NONE);
	CHECK_EQ(note.physical_input, 70000);
	CHECK_EQ(note.physical_output, 3);
}

TEST(side_is_unknown_without_a_hook)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), LE(28, 9), IPv4_UDP), DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.side, SIDE_unknown);
}

TEST(netdev_egress_starts_at_the_ethernet_header)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(5), PACKET_HDR(LE, 0x0800, 1), LE(42, 9),
			ETHERNET(0x0800), IPv4_UDP),
		 DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.side, SIDE_egress);
}

TEST(bridge_and_netdev_start_after_the_ethertype)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(7), PACKET_HDR(LE, 0x8100, 0), LE(52, 9),
			VLAN(12, 0x86dd), IPv6_UDP),
		 DROP_NONE);
	check_ipv6_udp(&info);
	CHECK_EQ(info.key.vlan_id, 12);
	/* The kernel took the tag off: nested attributes with protocol and tag. */
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(7), PACKET_HDR(LE, 0x0800, 0), 20, 0, 20, 0x80,
			LE(2, 1), BE16(0x8100), 0, 0, LE(2, 2), BE16(0xe00d), 0, 0, LE(28, 9),
			IPv4_UDP),
		 DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.vlan_id, 13);
	/* Attributes of the tag without the tag. */
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(7), PACKET_HDR(LE, 0x0800, 0), 12, 0, 20, 0x80,
			LE(2, 1), BE16(0x8100), 0, 0, LE(28, 9), IPv4_UDP),
		 DROP_NONE);
	CHECK_EQ(info.key.vlan_id, 0);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(7), PACKET_HDR(LE, 0x0806, 0), LE(28, 9), 0, 1),
		 DROP_NOT_IP);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(5), PACKET_HDR(LE, 0x86dd, 0), LE(28, 9),
			IPv4_UDP),
		 DROP_IP_VERSION);
}

TEST(ip_family_must_agree_with_the_packet)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(10), PACKET_HDR(LE, 0, 3), LE(28, 9), IPv4_UDP),
		 DROP_IP_VERSION);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(3), PACKET_HDR(LE, 0x0806, 0), LE(28, 9), 0, 1),
		 DROP_NOT_IP); /* ARP */
}

TEST(payload_that_was_cut_counts_in_full)
{
	struct packet_view view = { .link = LINK_NFLOG, .original_bytes = 9999 };
	struct packet_info info;

	/* Total length 0: the length of the attribute, without its padding or what is after it. */
	CHECK_EQ(DECODE_VIEW(view, &info, HEADER(2), LE(41, 9), IPv4(0, 17), UDP), DROP_NONE);
	CHECK_EQ(info.octets, 41);
	CHECK_EQ(DECODE_VIEW(view, &info, HEADER(2), LE(28, 9), IPv4(0, 17), UDP, NUMBER(LE, 2, 1)),
		 DROP_NONE);
	CHECK_EQ(info.octets, 28);
	/* The packet ends where its attribute does. */
	CHECK_EQ(DECODE_VIEW(view, &info, HEADER(2), LE(20, 9), IPv4(28, 17), UDP), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
}

TEST(broken_records)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_NFLOG, &info, 2, 0, 0), DROP_LINK_TRUNCATED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2)), DROP_LINK_TRUNCATED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), PACKET_HDR(LE, 0, 3)), DROP_LINK_TRUNCATED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), 8, 0, 1), DROP_LINK_TRUNCATED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), 8, 0, 1, 0, 8), DROP_LINK_TRUNCATED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), 3, 0, 1, 0, 8, 0, 0, 0), DROP_LINK_MALFORMED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), 0, 0, 0, 0), DROP_LINK_MALFORMED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), LE(0, 9)), DROP_IP_TRUNCATED);
	CHECK_EQ(DECODE(LINK_NFLOG, &info, 2, 1, 0, 40, LE(28, 9), IPv4_UDP), DROP_LINK_UNKNOWN);
	/* Interface of 2 bytes: as if it were not there. */
	CHECK_EQ(DECODE(LINK_NFLOG, &info, HEADER(2), LE(2, 4), 0, 3, 0, 0, LE(28, 9), IPv4_UDP),
		 DROP_NONE);
	CHECK_EQ(info.key.input_interface, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_in_both_byte_orders),
		cmocka_unit_test(length_that_only_the_copy_tells_is_unknown),
		cmocka_unit_test(side_is_that_of_the_hook),
		cmocka_unit_test(ports_are_the_interfaces_in_the_bridge_family),
		cmocka_unit_test(ports_of_a_bridge_are_noted),
		cmocka_unit_test(user_of_a_socket_is_noted),
		cmocka_unit_test(ports_that_the_source_names_are_noted),
		cmocka_unit_test(side_is_unknown_without_a_hook),
		cmocka_unit_test(netdev_egress_starts_at_the_ethernet_header),
		cmocka_unit_test(bridge_and_netdev_start_after_the_ethertype),
		cmocka_unit_test(ip_family_must_agree_with_the_packet),
		cmocka_unit_test(payload_that_was_cut_counts_in_full),
		cmocka_unit_test(broken_records),
	};

	return RUN_TESTS(tests);
}
