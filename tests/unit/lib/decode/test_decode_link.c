/* test_decode_link.c - link headers in their stackings. */
#include "packets.h"

#define CHECK_IPv4_UDP(link, ...)                                                   \
	do {                                                                        \
		struct packet_info checked;                                         \
		CHECK_EQ(DECODE(link, &checked, __VA_ARGS__, IPv4_UDP), DROP_NONE); \
		check_ipv4_udp(&checked);                                           \
	} while (0)
#define CHECK_IPv6_UDP(link, ...)                                                   \
	do {                                                                        \
		struct packet_info checked;                                         \
		CHECK_EQ(DECODE(link, &checked, __VA_ARGS__, IPv6_UDP), DROP_NONE); \
		check_ipv6_udp(&checked);                                           \
	} while (0)
#define CHECK_DROP(link, reason, ...)                                  \
	do {                                                           \
		struct packet_info checked;                            \
		CHECK_EQ(DECODE(link, &checked, __VA_ARGS__), reason); \
	} while (0)

#define PPPoE 0x11, 0, 0, 7, 0, 30 /* session 7 */
#define SNAP  0xaa, 0xaa, 0x03, 0, 0, 0

TEST(ethernet)
{
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x0800));
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(0x86dd));
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(0x0806), 0, 1, 8, 0);
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(0x88cc), 2, 7);
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(0x8863), 0x11, 9);
}

TEST(ethertype_that_contradicts_the_ip_version)
{
	CHECK_DROP(LINK_ETHERNET, DROP_IP_VERSION, ETHERNET(0x0800), IPv6_UDP);
	CHECK_DROP(LINK_ETHERNET, DROP_IP_VERSION, ETHERNET(0x86dd), IPv4_UDP);
	CHECK_DROP(LINK_ETHERNET, DROP_IP_VERSION, ETHERNET(0x86dd), 0x45);
	CHECK_DROP(LINK_ETHERNET, DROP_IP_TRUNCATED, ETHERNET(0x0800));
}

TEST(ethertypes_of_ppp_and_of_bridged_frames)
{
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x880b), 0, 0x21);
	CHECK_IPv6_UDP(LINK_CISCO_HDLC, 0x0f, 0, BE16(0x6558), ETHERNET(0x86dd));
}

TEST(encapsulations_that_are_not_decoded)
{
	static const uint16_t types[] = {
		0x893f /* 802.1BR */, 0x8926 /* VN tag */, 0x8903 /* FabricPath */,
		0x88e5 /* MACsec */,  0x88e7 /* PBB */,    0x22f3 /* TRILL */,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK_DROP(LINK_ETHERNET, DROP_LINK_UNKNOWN, ETHERNET(types[i]), IPv4_UDP);
	CHECK_DROP(LINK_UNKNOWN, DROP_LINK_UNKNOWN, IPv4_UDP);
	CHECK_DROP(200, DROP_LINK_UNKNOWN, IPv4_UDP);
}

TEST(vlan_is_the_outermost_tag)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_ETHERNET, &info, ETHERNET(0x8100), VLAN(0xe00a, 0x0800), IPv4_UDP),
		 DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.vlan_id, 10); /* without priority and DEI */

	CHECK_EQ(DECODE(LINK_ETHERNET, &info, ETHERNET(0x88a8), VLAN(100, 0x8100),
			VLAN(200, 0x9100), VLAN(300, 0x9200), VLAN(4095, 0x86dd), IPv6_UDP),
		 DROP_NONE);
	check_ipv6_udp(&info);
	CHECK_EQ(info.key.vlan_id, 100);

	/* A priority tag is a tag. */
	CHECK_EQ(DECODE(LINK_ETHERNET, &info, ETHERNET(0x8100), VLAN(0xe000, 0x8100),
			VLAN(5, 0x0800), IPv4_UDP),
		 DROP_NONE);
	CHECK_EQ(info.key.vlan_id, 0);

	CHECK_EQ(DECODE(LINK_ETHERNET, &info, ETHERNET(0x0800), IPv4_UDP), DROP_NONE);
	CHECK_EQ(info.key.vlan_id, 0);
}

TEST(vlan_that_the_source_took_off_is_outermost)
{
	struct packet_view view = { .link = LINK_ETHERNET, .vlan_id = 7 };
	struct packet_info info;

	CHECK_EQ(DECODE_VIEW(view, &info, ETHERNET(0x8100), VLAN(10, 0x0800), IPv4_UDP), DROP_NONE);
	CHECK_EQ(info.key.vlan_id, 7);
}

TEST(vlan_tags_in_any_number)
{
	uint8_t frame[14 + 4 * 1000 + 28] = { ETHERNET(0x8100) };
	static const uint8_t tag[] = { VLAN(9, 0x8100) }, last[] = { VLAN(9, 0x0800), IPv4_UDP };
	struct packet_view view = { .link = LINK_ETHERNET };
	struct packet_info info;

	for (size_t i = 0; i < 999; i++)
		memcpy(frame + 14 + 4 * i, tag, sizeof(tag));
	memcpy(frame + 14 + 4 * 999, last, sizeof(last));
	CHECK_EQ(decode_copy(view, frame, sizeof(frame), &info), DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(decode_copy(view, frame, sizeof(frame) - 32, &info), DROP_LINK_TRUNCATED);
}

TEST(llc_and_snap)
{
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(36), SNAP, BE16(0x0800));
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(56), SNAP, BE16(0x86dd));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(36), 0xaa, 0xaa, 3, 0, 0, 0xf8, BE16(0x0800));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(31), 6, 6, 3);
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8100), VLAN(3, 36), SNAP, BE16(0x0800));
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(38), 0x42, 0x42, 3, 0, 0); /* 802.1D */
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(38), 0xfe, 0xfe, 3, 0x83); /* IS-IS */
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(38), 0xff, 0xff, 0, 30);   /* IPX */
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(38), 0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0);
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_UNKNOWN, ETHERNET(38), 0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0,
		   7);
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_TRUNCATED, ETHERNET(38), 0xaa, 0xaa);
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_TRUNCATED, ETHERNET(38), SNAP, 8);
}

TEST(mpls_with_ip_below)
{
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1));
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(0x8848), MPLS(100, 0), MPLS(200, 0), MPLS(300, 1));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(0, 1)); /* explicit null */
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(2, 1));
	CHECK_DROP(LINK_ETHERNET, DROP_IP_VERSION, ETHERNET(0x8847), MPLS(0, 1), IPv6_UDP);
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(0x8847), MPLS(13, 1), 0x10, 0, 0, 7);
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8100), VLAN(5, 0x8847), MPLS(100, 1));
}

TEST(mpls_with_ethernet_below)
{
	/* With control word, without, and with addresses that look like a control word, an
	 * associated channel or an IP header. */
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), 0, 0, 0, 0, ETHERNET(0x0800));
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), 0, 0, 0, 9, ETHERNET(0x8100),
		       VLAN(6, 0x86dd));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), ETHERNET(0x0800));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), ETHERNET(0x8100),
		       VLAN(6, 0x0800));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), 0xfe, 0, 0, 0, 0, 1, 2, 0, 0,
		       0, 0, 2, BE16(0x0800));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), 0x18, 0x66, 0xda, 1, 2, 3, 2,
		       0, 0, 0, 0, 2, BE16(0x0800));
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), 0x10, 0, 0, 1, 2, 3, 2, 0, 0,
		       0, 0, 2, BE16(0x8100), VLAN(6, 0x86dd));
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), 0x4c, 0x5e, 0x0c, 1, 2, 3, 2,
		       0, 0, 0, 0, 2, BE16(0x0800));
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 1), 0x60, 0xa4, 0x4c, 1, 2, 3, 2,
		       0, 0, 0, 0, 2, BE16(0x86dd));
	CHECK_DROP(LINK_ETHERNET, DROP_NOT_IP, ETHERNET(0x8847), MPLS(100, 1), ETHERNET(0x0806), 0,
		   1, 8, 0, 6, 4);
}

TEST(mpls_with_ethernet_cut_off)
{
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_TRUNCATED, ETHERNET(0x8847), MPLS(100, 1), 0, 0, 0);
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_TRUNCATED, ETHERNET(0x8847), MPLS(100, 1), 0, 0, 0, 0,
		   2);
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_TRUNCATED, ETHERNET(0x8847), MPLS(100, 1), 0xfe, 0, 0);
	CHECK_DROP(LINK_ETHERNET, DROP_IP_TRUNCATED, ETHERNET(0x8847), MPLS(100, 1), 0x45, 0, 0);
}

TEST(mpls_with_ip_that_looks_like_ethernet)
{
	/* Source 8.0.69.1: bytes 12 to 14 are those of an Ethernet frame with IPv4. */
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_ETHERNET, &info, ETHERNET(0x8847), MPLS(100, 1), 0x45, 0, 0, 28, 0, 0,
			0, 0, 64, 17, 0, 0, 8, 0, 0x45, 1, 192, 0, 2, 1, UDP),
		 DROP_NONE);
	CHECK_EQ(info.key.addresses[0], 8);
	CHECK_EQ(info.octets, 28);
}

TEST(mpls_without_bottom)
{
	struct packet_view cut = { .link = LINK_ETHERNET, .original_bytes = 1000 };
	struct packet_info info;

	CHECK_DROP(LINK_ETHERNET, DROP_LINK_MALFORMED, ETHERNET(0x8847), MPLS(1, 0), MPLS(2, 0));
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_MALFORMED, ETHERNET(0x8847), MPLS(1, 0), 0, 0, 0);
	CHECK_EQ(DECODE_VIEW(cut, &info, ETHERNET(0x8847), MPLS(1, 0)), DROP_LINK_TRUNCATED);
	CHECK_DROP(LINK_ETHERNET, DROP_LINK_TRUNCATED, ETHERNET(0x8847), MPLS(1, 1));
}

TEST(nesting_is_bounded)
{
	/* Each level is a label and an Ethernet header. */
	static const uint8_t level[] = { MPLS(100, 1), ETHERNET(0x8847) };
	uint8_t frame[14 + 18 * 40] = { ETHERNET(0x8847) };
	static const uint8_t last[] = { MPLS(100, 1), IPv4_UDP };
	struct packet_view view = { .link = LINK_ETHERNET };
	struct packet_info info;

	for (size_t i = 0; i < 39; i++)
		memcpy(frame + 14 + sizeof(level) * i, level, sizeof(level));
	CHECK_EQ(decode_copy(view, frame, sizeof(frame), &info), DROP_LINK_MALFORMED);
	memcpy(frame + 14 + sizeof(level) * 31, last, sizeof(last));
	CHECK_EQ(decode_copy(view, frame, 14 + sizeof(level) * 31 + sizeof(last), &info),
		 DROP_NONE);
	check_ipv4_udp(&info);
	memcpy(frame + 14 + sizeof(level) * 31, level, sizeof(level));
	memcpy(frame + 14 + sizeof(level) * 32, last, sizeof(last));
	CHECK_EQ(decode_copy(view, frame, 14 + sizeof(level) * 32 + sizeof(last), &info),
		 DROP_LINK_MALFORMED);
}

TEST(pppoe)
{
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x8864), PPPoE, 0, 0x21);
	CHECK_IPv6_UDP(LINK_ETHERNET, ETHERNET(0x8864), PPPoE, 0, 0x57);
	CHECK_IPv4_UDP(LINK_ETHERNET, ETHERNET(0x88a8), VLAN(7, 0x8100), VLAN(8, 0x8864), PPPoE, 0,
		       0x21);
	CHECK_IPv4_UDP(LINK_PPPOE, PPPoE, 0, 0x21);
	CHECK_DROP(LINK_PPPOE, DROP_NOT_IP, PPPoE, 0xc0, 0x21, 1, 1);              /* LCP */
	CHECK_DROP(LINK_PPPOE, DROP_NOT_IP, 0x11, 0xa7, 0, 7, 0, 0);               /* PADT */
	CHECK_DROP(LINK_PPPOE, DROP_LINK_MALFORMED, 0x21, 0, 0, 7, 0, 0, 0, 0x21); /* version 2 */
	CHECK_DROP(LINK_PPPOE, DROP_LINK_TRUNCATED, 0x11, 0, 0, 7, 0);
	CHECK_DROP(LINK_PPPOE, DROP_LINK_TRUNCATED, PPPoE, 0);
}

TEST(ppp_and_hdlc)
{
	CHECK_IPv4_UDP(LINK_PPP, 0xff, 0x03, 0, 0x21); /* HDLC-like framing */
	CHECK_IPv4_UDP(LINK_PPP, 0xff, 0x03, 0x21);    /* protocol field compressed */
	CHECK_IPv4_UDP(LINK_PPP, 0, 0x21);             /* address and control compressed */
	CHECK_IPv6_UDP(LINK_PPP, 0x57);                /* both */
	CHECK_IPv4_UDP(LINK_PPP, 0xff, 0x03, 0x02, 0x81, MPLS(100, 1));
	CHECK_IPv4_UDP(LINK_PPP, 0x0f, 0, BE16(0x0800)); /* Cisco HDLC */
	CHECK_IPv6_UDP(LINK_CISCO_HDLC, 0x0f, 0, BE16(0x86dd));
	CHECK_IPv4_UDP(LINK_CISCO_HDLC, 0x8f, 0, BE16(0x8847), MPLS(100, 1));
	CHECK_IPv4_UDP(LINK_CISCO_HDLC, 0xff, 0x03, 0, 0x21);                  /* PPP after all */
	CHECK_DROP(LINK_CISCO_HDLC, DROP_NOT_IP, 0x8f, 0, BE16(0x8035), 0, 0); /* SLARP */
	CHECK_DROP(LINK_CISCO_HDLC, DROP_NOT_IP, 0x8f, 0, 0, 38, 0x42, 0x42, 3);
	CHECK_DROP(LINK_PPP, DROP_LINK_UNKNOWN, 0xff, 0x03, 0, 0x3d, 0xc0, 0); /* multilink */
	CHECK_DROP(LINK_PPP, DROP_LINK_UNKNOWN, 0x2d, 0, 0);                   /* RFC 1144 */
	CHECK_DROP(LINK_PPP, DROP_NOT_IP, 0xff, 0x03, 0x80, 0x21, 1, 1);       /* IPCP */
	CHECK_DROP(LINK_PPP, DROP_LINK_TRUNCATED, 0xff);
	CHECK_DROP(LINK_PPP, DROP_LINK_TRUNCATED, 0xff, 0x03, 0);
	CHECK_DROP(LINK_CISCO_HDLC, DROP_LINK_TRUNCATED, 0x0f, 0, 8);
}

TEST(loopback_in_both_byte_orders)
{
	CHECK_IPv4_UDP(LINK_NULL, 2, 0, 0, 0);
	CHECK_IPv4_UDP(LINK_NULL, 0, 0, 0, 2);
	CHECK_IPv6_UDP(LINK_NULL, 30, 0, 0, 0);
	CHECK_IPv6_UDP(LINK_NULL, 0, 0, 0, 28);
	CHECK_IPv6_UDP(LINK_NULL, 10, 0, 0, 0);
	CHECK_IPv6_UDP(LINK_NULL, 23, 0, 0, 0);
	CHECK_IPv4_UDP(LINK_LOOP, 0, 0, 0, 2);
	CHECK_IPv6_UDP(LINK_LOOP, 0, 0, 0, 24);
	CHECK_DROP(LINK_NULL, DROP_IP_VERSION, 2, 0, 0, 0, IPv6_UDP);
	CHECK_DROP(LINK_NULL, DROP_NOT_IP, 7, 0, 0, 0, 1); /* OSI */
	CHECK_DROP(LINK_NULL, DROP_LINK_TRUNCATED, 2, 0, 0);
}

TEST(raw_ip)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_RAW, &info, IPv4_UDP), DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(DECODE(LINK_RAW, &info, IPv6_UDP), DROP_NONE);
	check_ipv6_udp(&info);
	CHECK_EQ(DECODE(LINK_IPV4, &info, IPv4_UDP), DROP_NONE);
	CHECK_EQ(DECODE(LINK_IPV6, &info, IPv6_UDP), DROP_NONE);
	CHECK_DROP(LINK_IPV4, DROP_IP_VERSION, IPv6_UDP);
	CHECK_DROP(LINK_IPV6, DROP_IP_VERSION, IPv4_UDP);
	CHECK_DROP(LINK_RAW, DROP_IP_VERSION, 0x50, 0, 0, 0);
	CHECK_DROP(LINK_RAW, DROP_IP_VERSION, 0, 0, 0, 0);
	CHECK_DROP(LINK_RAW, DROP_IP_TRUNCATED, 0x45);
}

TEST(ethertype_beside_the_packet)
{
	struct packet_view view = { .link = LINK_ETHERTYPE, .ethertype = 0x0800 };
	struct packet_info info;

	CHECK_EQ(DECODE_VIEW(view, &info, IPv4_UDP), DROP_NONE);
	check_ipv4_udp(&info);
	view.ethertype = 0x8100;
	CHECK_EQ(DECODE_VIEW(view, &info, VLAN(12, 0x86dd), IPv6_UDP), DROP_NONE);
	check_ipv6_udp(&info);
	CHECK_EQ(info.key.vlan_id, 12);
	view.ethertype = 0x0004; /* ETH_P_802_2 */
	CHECK_EQ(DECODE_VIEW(view, &info, SNAP, BE16(0x0800), IPv4_UDP), DROP_NONE);
	view.ethertype = 0x0806;
	CHECK_EQ(DECODE_VIEW(view, &info, 0, 1), DROP_NOT_IP);
	view.ethertype = 0;
	CHECK_EQ(DECODE_VIEW(view, &info, IPv4_UDP), DROP_NOT_IP);
}

/* Packet type, hardware type, address length, address, protocol. */
#define SLL(packet_type, hardware, protocol) \
	0, packet_type, BE16(hardware), 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, BE16(protocol)
/* Protocol, reserved, interface 3, hardware type, packet type, address length, address. */
#define SLL2(packet_type, hardware, protocol) \
	BE16(protocol), 0, 0, 0, 0, 0, 3, BE16(hardware), packet_type, 6, 2, 0, 0, 0, 0, 1, 0, 0

TEST(linux_cooked)
{
	CHECK_IPv4_UDP(LINK_LINUX_SLL, SLL(0, 1, 0x0800));
	CHECK_IPv6_UDP(LINK_LINUX_SLL, SLL(4, 512, 0x86dd));
	CHECK_IPv4_UDP(LINK_LINUX_SLL, SLL(0, 1, 0x8100), VLAN(4, 0x0800));
	CHECK_IPv4_UDP(LINK_LINUX_SLL, SLL(0, 1, 0x0004), SNAP, BE16(0x0800));
	CHECK_IPv4_UDP(LINK_LINUX_SLL2, SLL2(0, 1, 0x0800));
	CHECK_IPv6_UDP(LINK_LINUX_SLL2, SLL2(0, 1, 0x86dd));
	CHECK_DROP(LINK_LINUX_SLL, DROP_NOT_IP, SLL(0, 1, 0x0806), 0, 1);
	CHECK_DROP(LINK_LINUX_SLL, DROP_NOT_IP, SLL(0, 824, 0x0800), IPv4_UDP); /* netlink */
	CHECK_DROP(LINK_LINUX_SLL, DROP_LINK_UNKNOWN, SLL(0, 803, 0x0004), IPv4_UDP);
	CHECK_DROP(LINK_LINUX_SLL, DROP_LINK_TRUNCATED, 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0,
		   8);
	CHECK_DROP(LINK_LINUX_SLL2, DROP_LINK_TRUNCATED, SLL(0, 1, 0x0800));
}

/* Linux takes off the outermost of two tags and announces what is after the inner one. */
TEST(linux_cooked_with_tags_that_are_not_announced)
{
	struct packet_info info;

	CHECK_IPv4_UDP(LINK_LINUX_SLL2, SLL2(0, 1, 0x0800), VLAN(20, 0x0800));
	CHECK_IPv6_UDP(LINK_LINUX_SLL2, SLL2(0, 1, 0x86dd), VLAN(20, 0x86dd));
	CHECK_IPv4_UDP(LINK_LINUX_SLL2, SLL2(0, 1, 0x8864), VLAN(20, 0x8864), PPPoE, 0, 0x21);
	CHECK_EQ(DECODE(LINK_LINUX_SLL2, &info, SLL2(0, 1, 0x0800), VLAN(20, 0x8100),
			VLAN(30, 0x0800), IPv4_UDP),
		 DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.vlan_id, 20); /* the outermost that is there */
	/* Version 1: libpcap puts the outermost tag back and announces it. */
	CHECK_EQ(DECODE(LINK_LINUX_SLL, &info, SLL(0, 1, 0x88a8), VLAN(10, 0x0800),
			VLAN(20, 0x0800), IPv4_UDP),
		 DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.vlan_id, 10);
}

TEST(linux_cooked_tags_before_labels)
{
	struct packet_info info;

	for (uint16_t type = 0x8847; type <= 0x8848; type++) {

		CHECK_EQ(DECODE(LINK_LINUX_SLL2, &info, SLL2(0, 1, type), VLAN(20, 0x8100),
				VLAN(30, type), MPLS(100, 0), MPLS(200, 1), IPv4_UDP),
			 DROP_NONE);
		check_ipv4_udp(&info);
		CHECK_EQ(info.key.vlan_id, 20);
		CHECK_EQ(DECODE(LINK_LINUX_SLL2, &info, SLL2(0, 1, type), VLAN(20, type),
				MPLS(100, 1), IPv6_UDP),
			 DROP_NONE);
		check_ipv6_udp(&info);
		CHECK_EQ(info.key.vlan_id, 20);
		CHECK_EQ(DECODE(LINK_LINUX_SLL2, &info, SLL2(0, 1, type), MPLS(100, 1), IPv6_UDP),
			 DROP_NONE);
		check_ipv6_udp(&info);
		CHECK_EQ(info.key.vlan_id, 0);
	}
}

TEST(linux_cooked_tag_that_looks_like_an_ip_header)
{
	struct packet_info info;

	CHECK_EQ(DECODE(LINK_LINUX_SLL2, &info, SLL2(0, 1, 0x0800), VLAN(0x4500, 0x0800), IPv4_UDP),
		 DROP_NONE);
	check_ipv4_udp(&info);
	CHECK_EQ(info.key.vlan_id, 0x500);
	CHECK_EQ(DECODE(LINK_LINUX_SLL2, &info, SLL2(0, 1, 0x86dd), VLAN(0x6001, 0x86dd), IPv6_UDP),
		 DROP_NONE);
	check_ipv6_udp(&info);
	CHECK_EQ(info.key.vlan_id, 1);
}

/* Length 2048 and identification 0x4500: read as a tag, it is one before an IPv4 header. */
TEST(linux_cooked_ip_header_that_looks_like_a_tag)
{
	static const uint8_t header[] = { SLL2(0, 1, 0x0800),
					  0x45,
					  0,
					  BE16(0x0800),
					  0x45,
					  0,
					  0,
					  0,
					  64,
					  17,
					  0,
					  0,
					  192,
					  0,
					  2,
					  1,
					  198,
					  51,
					  100,
					  2,
					  UDP };
	struct packet_view view = { .link = LINK_LINUX_SLL2, .original_bytes = 20 + 0x0800 };
	struct packet_info info;

	CHECK_EQ(decode_copy(view, header, sizeof(header), &info), DROP_NONE);
	CHECK_EQ(info.octets, 0x0800);
	CHECK_EQ(info.key.vlan_id, 0);
	CHECK_EQ(info.key.destination_port, 53);
}

TEST(linux_cooked_tells_the_side_and_the_interface)
{
	static const struct {
		uint8_t packet_type, side;
	} rows[] = {
		{ 0, SIDE_ingress }, { 1, SIDE_ingress }, { 2, SIDE_ingress },
		{ 3, SIDE_unknown }, { 4, SIDE_egress },  { 5, SIDE_unknown },
	};
	struct packet_view known = { .link = LINK_LINUX_SLL2,
				     .side = SIDE_ingress,
				     .input_interface = 8 };
	struct packet_info info;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(DECODE(LINK_LINUX_SLL, &info, SLL(rows[i].packet_type, 1, 0x0800),
				IPv4_UDP),
			 DROP_NONE);
		CHECK_EQ(info.key.side, rows[i].side);
		CHECK_EQ(info.key.input_interface, 0);
		CHECK_EQ(DECODE(LINK_LINUX_SLL2, &info, SLL2(rows[i].packet_type, 1, 0x0800),
				IPv4_UDP),
			 DROP_NONE);
		CHECK_EQ(info.key.side, rows[i].side);
		CHECK_EQ(info.key.input_interface, rows[i].side == SIDE_egress ? 0 : 3);
		CHECK_EQ(info.key.output_interface, rows[i].side == SIDE_egress ? 3 : 0);
	}
	CHECK_EQ(DECODE_VIEW(known, &info, SLL2(4, 1, 0x0800), IPv4_UDP), DROP_NONE);
	CHECK_EQ(info.key.side, SIDE_ingress);
	CHECK_EQ(info.key.input_interface, 8);
	CHECK_EQ(info.key.output_interface, 0);
}

/* Cut a frame at each length: it is truncated until the fixed IP header is there, and then whole.
 */
static void check_cuts(uint8_t link, const uint8_t *frame, size_t size, size_t link_bytes,
		       size_t ip_bytes)
{
	struct packet_view view = { .link = link, .original_bytes = (uint32_t)size };

	for (size_t captured = 0; captured <= size; captured++) {
		struct packet_info info;
		enum drop_reason reason = decode_copy(view, frame, captured, &info);

		if (captured < link_bytes)
			CHECK_EQ(reason, DROP_LINK_TRUNCATED);
		else if (captured < link_bytes + ip_bytes)
			CHECK(reason == DROP_IP_TRUNCATED ||
			      (captured == link_bytes && reason == DROP_LINK_TRUNCATED));
		else
			CHECK_EQ(reason, DROP_NONE);
		if (reason == DROP_NONE)
			CHECK_EQ(info.octets, size - link_bytes);
	}
}

#define CHECK_CUTS(link, ip_bytes, ip_packet, ...)                                         \
	do {                                                                               \
		static const uint8_t frame[] = { __VA_ARGS__, ip_packet };                 \
		check_cuts(link, frame, sizeof(frame), sizeof((uint8_t[]){ __VA_ARGS__ }), \
			   ip_bytes);                                                      \
	} while (0)
#define IPv4_PACKET IPv4_UDP
#define IPv6_PACKET IPv6_UDP

TEST(frames_cut_at_each_byte)
{
	CHECK_CUTS(LINK_ETHERNET, 20, IPv4_PACKET, ETHERNET(0x0800));
	CHECK_CUTS(LINK_ETHERNET, 40, IPv6_PACKET, ETHERNET(0x8100), VLAN(1, 0x86dd));
	CHECK_CUTS(LINK_ETHERNET, 20, IPv4_PACKET, ETHERNET(36), SNAP, BE16(0x0800));
	CHECK_CUTS(LINK_ETHERNET, 20, IPv4_PACKET, ETHERNET(0x8847), MPLS(100, 0), MPLS(200, 1));
	CHECK_CUTS(LINK_ETHERNET, 20, IPv4_PACKET, ETHERNET(0x8864), PPPoE, 0, 0x21);
	CHECK_CUTS(LINK_LINUX_SLL, 20, IPv4_PACKET, SLL(0, 1, 0x0800));
	CHECK_CUTS(LINK_LINUX_SLL2, 40, IPv6_PACKET, SLL2(0, 1, 0x86dd));
	CHECK_CUTS(LINK_NULL, 20, IPv4_PACKET, 2, 0, 0, 0);
	CHECK_CUTS(LINK_PPP, 20, IPv4_PACKET, 0xff, 3, 0, 0x21);
	CHECK_CUTS(LINK_CISCO_HDLC, 20, IPv4_PACKET, 0x0f, 0, 8, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet),
		cmocka_unit_test(ethertype_that_contradicts_the_ip_version),
		cmocka_unit_test(ethertypes_of_ppp_and_of_bridged_frames),
		cmocka_unit_test(encapsulations_that_are_not_decoded),
		cmocka_unit_test(vlan_is_the_outermost_tag),
		cmocka_unit_test(vlan_that_the_source_took_off_is_outermost),
		cmocka_unit_test(vlan_tags_in_any_number),
		cmocka_unit_test(llc_and_snap),
		cmocka_unit_test(mpls_with_ip_below),
		cmocka_unit_test(mpls_with_ethernet_below),
		cmocka_unit_test(mpls_with_ethernet_cut_off),
		cmocka_unit_test(mpls_with_ip_that_looks_like_ethernet),
		cmocka_unit_test(mpls_without_bottom),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(pppoe),
		cmocka_unit_test(ppp_and_hdlc),
		cmocka_unit_test(loopback_in_both_byte_orders),
		cmocka_unit_test(raw_ip),
		cmocka_unit_test(ethertype_beside_the_packet),
		cmocka_unit_test(linux_cooked),
		cmocka_unit_test(linux_cooked_with_tags_that_are_not_announced),
		cmocka_unit_test(linux_cooked_tags_before_labels),
		cmocka_unit_test(linux_cooked_tag_that_looks_like_an_ip_header),
		cmocka_unit_test(linux_cooked_ip_header_that_looks_like_a_tag),
		cmocka_unit_test(linux_cooked_tells_the_side_and_the_interface),
		cmocka_unit_test(frames_cut_at_each_byte),
	};

	return RUN_TESTS(tests);
}
