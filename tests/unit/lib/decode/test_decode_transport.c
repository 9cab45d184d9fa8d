/* test_decode_transport.c - ports, ICMP type and code, TCP flags. */
#include "packets.h"

#define RAW(info, ...) DECODE(LINK_RAW, info, __VA_ARGS__)

TEST(ports_of_protocols_that_have_them)
{
	static const uint8_t with_ports[] = { 6, 17, 33, 132, 136 };
	bool has_ports[256] = { false };
	struct packet_info info;

	for (size_t i = 0; i < sizeof(with_ports); i++)
		has_ports[with_ports[i]] = true;
	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		if (protocol == 1 || protocol == 58)
			continue;
		CHECK_EQ(RAW(&info, IPv4(28, (uint8_t)protocol), UDP), DROP_NONE);
		CHECK_EQ(info.key.protocol, protocol);
		CHECK_EQ(info.key.source_port, has_ports[protocol] ? 4660 : 0);
		CHECK_EQ(info.key.destination_port, has_ports[protocol] ? 53 : 0);
		CHECK_EQ(info.tcp_flags, 0);
	}
}

TEST(ports_need_4_bytes)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4(28, 17), 0x12, 0x34, 0), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.key.destination_port, 0);
	CHECK_EQ(RAW(&info, IPv4(28, 17), 0x12, 0x34, 0, 53), DROP_NONE);
	CHECK_EQ(info.key.source_port, 4660);
	CHECK_EQ(info.key.destination_port, 53);
	CHECK_EQ(RAW(&info, IPv4(28, 17)), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
}

TEST(tcp_flags_need_the_14th_byte)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4(40, 6), 0x12, 0x34, 0, 53, 0, 0, 0, 1, 0, 0, 0, 2, 0x50),
		 DROP_NONE);
	CHECK_EQ(info.tcp_flags, 0);
	CHECK_EQ(info.key.source_port, 4660);
	CHECK_EQ(RAW(&info, IPv4(40, 6), 0x12, 0x34, 0, 53, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x42),
		 DROP_NONE);
	CHECK_EQ(info.tcp_flags, 0x42);
	/* Captured, but after the end of the IP packet. */
	CHECK_EQ(RAW(&info, IPv4(33, 6), TCP), DROP_NONE);
	CHECK_EQ(info.tcp_flags, 0);
	CHECK_EQ(RAW(&info, IPv4(34, 6), TCP), DROP_NONE);
	CHECK_EQ(info.tcp_flags, 0x42);
	CHECK_EQ(RAW(&info, IPv6(14, 6), TCP), DROP_NONE);
	CHECK_EQ(info.tcp_flags, 0x42);
}

TEST(icmp_type_and_code_are_the_destination_port)
{
	struct packet_info info;

	CHECK_EQ(RAW(&info, IPv4(28, 1), 3, 13, 0, 0, 0, 0, 0, 0), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.key.destination_port, 3 * 256 + 13);
	CHECK_EQ(RAW(&info, IPv6(8, 58), 129, 0, 0, 0, 0, 0, 0, 0), DROP_NONE);
	CHECK_EQ(info.key.source_port, 0);
	CHECK_EQ(info.key.destination_port, 129 * 256);
	CHECK_EQ(RAW(&info, IPv4(28, 1), 8, 1), DROP_NONE);
	CHECK_EQ(info.key.destination_port, 8 * 256 + 1);
	CHECK_EQ(RAW(&info, IPv4(28, 1), 8), DROP_NONE);
	CHECK_EQ(info.key.destination_port, 0);
	CHECK_EQ(RAW(&info, IPv4(21, 1), 8, 1), DROP_NONE);
	CHECK_EQ(info.key.destination_port, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_of_protocols_that_have_them),
		cmocka_unit_test(ports_need_4_bytes),
		cmocka_unit_test(tcp_flags_need_the_14th_byte),
		cmocka_unit_test(icmp_type_and_code_are_the_destination_port),
	};

	return RUN_TESTS(tests);
}
