/* packets.h - packets as byte lists, and decoding them from blocks of exactly their size. */
#ifndef PACKETS_H
#define PACKETS_H

#include "check.h"
#include "decode.h"

#include <stdlib.h>

#define BE16(value) (uint8_t)((value) >> 8), (uint8_t)((value)&0xff)
#define BE32(value) BE16((uint32_t)(value) >> 16), BE16((uint32_t)(value)&0xffff)

#define ETHERNET(type)         2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa, BE16(type)
#define VLAN(id, type)         BE16(id), BE16(type)
#define MPLS(label, is_bottom) BE32((uint32_t)(label) << 12 | (is_bottom) << 8 | 64)

/* 192.0.2.1 > 198.51.100.2, ToS 0x10, identification 0x1234. */
#define IPv4_WITH(first_byte, total_length, fragment, protocol)                                    \
	first_byte, 0x10, BE16(total_length), 0x12, 0x34, BE16(fragment), 64, protocol, 0, 0, 192, \
		0, 2, 1, 198, 51, 100, 2
#define IPv4(total_length, protocol) IPv4_WITH(0x45, total_length, 0, protocol)

/* 2001:db8::1 > 2001:db8::2, traffic class 0xb8, flow label 0x12345. */
#define IPv6(payload_length, next_header)                                                         \
	0x6b, 0x81, 0x23, 0x45, BE16(payload_length), next_header, 64, 0x20, 0x01, 0x0d, 0xb8, 0, \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,  \
		0, 0, 0, 2

/* Ports 4660 > 53. */
#define UDP 0x12, 0x34, 0, 53, 0, 8, 0, 0
/* Ports 4660 > 53, SYN and ECE. */
#define TCP 0x12, 0x34, 0, 53, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x42, 0xff, 0xff, 0, 0, 0, 0

#define IPv4_UDP IPv4(28, 17), UDP
#define IPv6_UDP IPv6(8, 17), UDP

/* Decode a copy of 'size' bytes, in a block that ends where they end. packet gives the rest. */
static inline enum drop_reason decode_copy(struct packet_view packet, const uint8_t *bytes,
					   size_t size, struct packet_info *info)
{
	uint8_t *copy = malloc(size ? size : 1);
	enum drop_reason reason;

	CHECK(copy != NULL);
	memcpy(copy, bytes, size);
	memset(info, 0xee, sizeof(*info)); /* what is not set is seen */
	packet.bytes = size ? copy : NULL;
	packet.captured_bytes = (uint32_t)size;
	reason = decode_packet(&packet, info);
	free(copy);
	return reason;
}

/* Decode a list of bytes; 'view' is a struct packet_view without bytes and sizes. */
#define DECODE_VIEW(view, info, ...)                          \
	decode_copy((view), (const uint8_t[]){ __VA_ARGS__ }, \
		    sizeof((const uint8_t[]){ __VA_ARGS__ }), info)
#define DECODE(link_type, info, ...)                                                           \
	DECODE_VIEW(((struct packet_view){ .link = (link_type), .side = SIDE_unknown }), info, \
		    __VA_ARGS__)

/* That 'info' is IPv4_UDP. */
static inline void check_ipv4_udp(const struct packet_info *info)
{
	static const uint8_t addresses[32] = { 192, 0, 2, 1, 198, 51, 100, 2 };

	CHECK_EQ(info->key.ip_version, 4);
	CHECK_BYTES(info->key.addresses, addresses, 32);
	CHECK_EQ(info->key.protocol, 17);
	CHECK_EQ(info->key.tos, 0x10);
	CHECK_EQ(info->key.source_port, 4660);
	CHECK_EQ(info->key.destination_port, 53);
	CHECK_EQ(info->octets, 28);
	CHECK_EQ(info->fragment, FRAGMENT_none);
	CHECK_EQ(info->tcp_flags, 0);
}

/* That 'info' is IPv6_UDP. */
static inline void check_ipv6_udp(const struct packet_info *info)
{
	CHECK_EQ(info->key.ip_version, 6);
	CHECK_EQ(info->key.addresses[15], 1);
	CHECK_EQ(info->key.addresses[31], 2);
	CHECK_EQ(info->key.protocol, 17);
	CHECK_EQ(info->key.tos, 0xb8);
	CHECK_EQ(info->key.source_port, 4660);
	CHECK_EQ(info->key.destination_port, 53);
	CHECK_EQ(info->octets, 48);
	CHECK_EQ(info->fragment, FRAGMENT_none);
}

#endif
