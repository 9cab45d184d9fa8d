/* test_capture_nflog_recorded.c - netfilter log datagrams as kernels have sent them. */
#include "nflog_fixture.h"

#include <stdio.h>

static struct parsed parse_file(struct capture_nflog_parser *parser, const char *name)
{
	char path[512];
	uint8_t bytes[8192];
	size_t size;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/tests/wire/%s", SOURCE_DIRECTORY, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	return parse(parser, bytes, size);
}

/* What one frame of a recorded datagram must give. */
struct expected {
	uint32_t captured_bytes, input_interface, output_interface, mark;
	uint16_t vlan_id, ethertype;
	uint8_t link, side;
	uint8_t first_bytes[4];
};

static void check_file(const char *name, const struct expected *expected, size_t count,
		       uint64_t unstamped)
{
	struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
	struct parsed parsed;

	if (htole16(1) != 1)
		skip(); /* recorded on a little-endian machine */
	parsed = parse_file(&parser, name);
	CHECK_EQ(parsed.count, count);
	CHECK_EQ(parser.messages_malformed, 0);
	CHECK_EQ(parser.packets_unstamped, unstamped);
	for (size_t i = 0; i < count; i++) {
		const struct packet_view *view = &parsed.views[i];

		CHECK_EQ(view->captured_bytes, expected[i].captured_bytes);
		CHECK_EQ(view->input_interface, expected[i].input_interface);
		CHECK_EQ(view->output_interface, expected[i].output_interface);
		CHECK_EQ(view->mark, expected[i].mark);
		CHECK_EQ(view->vlan_id, expected[i].vlan_id);
		CHECK_EQ(view->link, expected[i].link);
		CHECK_EQ(view->side, expected[i].side);
		if (view->link == LINK_ETHERTYPE)
			CHECK_EQ(view->ethertype, expected[i].ethertype);
		CHECK_BYTES(view->bytes, expected[i].first_bytes, 4);
	}
	release(&parsed);
}

#define IPV4    0x45, 0x00, 0x00, 0x28
#define IPV6    0x60, 0x00, 0x00, 0x00
#define TO_PEER 0x02, 0x00, 0x00, 0x00 /* the link header's destination */
#define ARP     0x00, 0x01, 0x08, 0x00

TEST(netdev_hooks_as_recorded)
{
	static const struct expected ingress[] = {
		{ 40, 2, 0, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_ingress, { IPV4 } },
		{ 42, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { 0xff, 0xff, 0xff, 0xff } },
		{ 28, 2, 0, 0, 0, 0x0806, LINK_ETHERTYPE, SIDE_ingress, { ARP } },
		{ 82, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 60, 2, 0, 0, 0, 0x86dd, LINK_ETHERTYPE, SIDE_ingress, { IPV6 } },
		{ 40, 2, 0, 0, 100, 0x0800, LINK_ETHERTYPE, SIDE_ingress, { IPV4 } },
		{ 60, 2, 0, 0, 101, 0x86dd, LINK_ETHERTYPE, SIDE_ingress, { IPV6 } },
		/* 802.1ad 200: the inner tag, 100, is still in the payload */
		{ 44, 2, 0, 0, 200, 0x8100, LINK_ETHERTYPE, SIDE_ingress, { 0, 100, 8, 0 } },
		{ 110, 2, 0, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_ingress, { 0x45, 0, 1, 0x48 } },
		{ 110, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 28, 2, 0, 0, 0, 0x0806, LINK_ETHERTYPE, SIDE_ingress, { ARP } },
		{ 42, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 38, 2, 0, 0, 0, 0x0004, LINK_ETHERTYPE, SIDE_ingress, { 0x42, 0x42, 3, 0 } },
	};
	static const struct expected egress[] = {
		{ 54, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 74, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 58, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } }, /* tagged */
		{ 78, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 62, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } }, /* two tags */
		{ 110, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 42, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 52, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 98, 0, 2, 0, 0, 0, LINK_ETHERNET, SIDE_egress, { TO_PEER } },
		{ 84, 2, 0, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_ingress, { 0x45, 0, 0, 0x54 } },
	};
	/* a tun device has no link header: the payload starts at IP on the way out as well */
	static const struct expected tun[] = {
		{ 84, 0, 3, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_egress, { 0x45, 0, 0, 0x54 } },
	};

	check_file("nflog_netdev_ingress.bin", ingress, 13, 0);
	check_file("nflog_netdev_egress.bin", egress, 10, 0);
	check_file("nflog_tun.bin", tun, 1, 0);
}

TEST(inet_and_arp_tables_as_recorded)
{
	static const struct expected expected[] = {
		{ 40, 2, 0, 0, 0, 0, LINK_IPV4, SIDE_ingress, { IPV4 } },
		{ 40, 2, 0, 0x77, 0, 0, LINK_IPV4, SIDE_ingress, { IPV4 } },
		{ 68, 0, 2, 0, 0, 0, LINK_IPV4, SIDE_egress, { 0x45, 0xc0, 0, 0x44 } },
		{ 40, 2, 0, 0, 0, 0, LINK_IPV6, SIDE_ingress, { IPV6 } },
		{ 40, 2, 0, 0, 0, 0, LINK_IPV4, SIDE_ingress, { IPV4 } },
		{ 28, 2, 0, 0, 0, 0x0806, LINK_ETHERTYPE, SIDE_ingress, { ARP } },
	};

	check_file("nflog_inet_arp.bin", expected, 6, 4);
}

TEST(bridge_hooks_as_recorded)
{
	/* Each packet twice: prerouting and input, or output and postrouting. The port is 2, its
	 * bridge 4. */
	static const struct expected expected[] = {
		{ 40, 2, 0, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_ingress, { IPV4 } },
		{ 28, 0, 2, 0, 0, 0x0806, LINK_ETHERTYPE, SIDE_egress, { ARP } },
		{ 28, 2, 0, 0, 0, 0x0806, LINK_ETHERTYPE, SIDE_ingress, { ARP } },
		{ 68, 0, 2, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_egress, { 0x45, 0xc0, 0, 0x44 } },
		{ 60, 2, 0, 0, 0, 0x86dd, LINK_ETHERTYPE, SIDE_ingress, { IPV6 } },
		{ 40, 2, 0, 0, 100, 0x0800, LINK_ETHERTYPE, SIDE_ingress, { IPV4 } },
		{ 60, 2, 0, 0, 101, 0x86dd, LINK_ETHERTYPE, SIDE_ingress, { IPV6 } },
		{ 44, 2, 0, 0, 200, 0x8100, LINK_ETHERTYPE, SIDE_ingress, { 0, 100, 8, 0 } },
		{ 38, 2, 0, 0, 0, 0x0004, LINK_ETHERTYPE, SIDE_ingress, { 0x42, 0x42, 3, 0 } },
		{ 84, 0, 2, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_egress, { 0x45, 0, 0, 0x54 } },
		{ 84, 2, 0, 0, 0, 0x0800, LINK_ETHERTYPE, SIDE_ingress, { 0x45, 0, 0, 0x54 } },
	};
	struct expected twice[22];

	for (size_t i = 0; i < 22; i++)
		twice[i] = expected[i / 2];
	check_file("nflog_bridge.bin", twice, 22, 6);
}

/* Whatever the bytes are, views stay inside and no more packets than messages come out. */
TEST(damaged_datagrams_are_safe)
{
	struct datagram original = { .size = 0 };
	uint32_t random = 12345;

	for (uint32_t i = 0; i < 8; i++)
		put_packet(&original, i);
	for (int round = 0; round < 20000; round++) {
		struct capture_nflog_parser parser = { .snaplen = SNAPLEN };
		struct datagram damaged = original;
		struct parsed parsed;
		unsigned int sum = 0;

		for (int i = 0; i < 3; i++) {
			random = random * 1664525 + 1013904223;
			damaged.bytes[(random >> 8) % damaged.size] = (uint8_t)random;
		}
		parsed = parse(&parser, damaged.bytes, damaged.size);
		CHECK(parsed.count <= damaged.size / 20);
		for (size_t i = 0; i < parsed.count; i++)
			for (uint32_t j = 0; j < parsed.views[i].captured_bytes; j++)
				sum += parsed.views[i].bytes[j];
		CHECK(sum < UINT32_MAX);
		release(&parsed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netdev_hooks_as_recorded),
		cmocka_unit_test(inet_and_arp_tables_as_recorded),
		cmocka_unit_test(bridge_hooks_as_recorded),
		cmocka_unit_test(damaged_datagrams_are_safe),
	};

	return RUN_TESTS(tests);
}
