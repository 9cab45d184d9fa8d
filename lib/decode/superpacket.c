/* superpacket.c - the arithmetic of segmentation offload (GSO, GRO, TSO). */
#include "superpacket.h"

#include "ip_protocol.h"

#define IPv4_HEADER_BYTES  20
#define IPv6_HEADER_BYTES  40
#define TCP_HEADER_BYTES   20 /* RFC 9293 section 3.1, without options */
#define UDP_HEADER_BYTES   8  /* RFC 768 */
#define JUMBO_OPTION_BYTES 8  /* RFC 2675 section 2, with the header of hop-by-hop options */

/* Bytes of the IP header with what belongs to it; 0 if there is too much of it to be known. */
static uint32_t network_header_bytes(const struct packet_info *info)
{
	if (info->extension_words == UINT8_MAX)
		return 0;
	return (info->key.ip_version == 4 ? IPv4_HEADER_BYTES : IPv6_HEADER_BYTES) +
	       info->extension_words * 4u;
}

/* Bytes of the transport header, 0 for a protocol that is not segmented. */
static uint32_t transport_header_bytes(const struct packet_info *info)
{
	uint32_t bytes = (uint32_t)(info->tcp_offset >> 4) * 4;

	switch (info->key.protocol) {
	case PROTOCOL_TCP: return bytes < TCP_HEADER_BYTES ? TCP_HEADER_BYTES : bytes;
	case PROTOCOL_UDP: return UDP_HEADER_BYTES;
	default: return 0;
	}
}

/* As many segments as the payload makes, 'segment_bytes' each. Returns false if that is more than
 * any superpacket has. */
static bool add_segments(struct packet_info *info, uint32_t headers, uint32_t segment_bytes)
{
	const uint64_t payload = info->octets > headers ? info->octets - headers : 0;
	const uint64_t segments = payload ? (payload + segment_bytes - 1) / segment_bytes : 1;

	if (segments - 1 > UINT16_MAX)
		return false;
	info->packets_added = (uint16_t)(segments - 1);
	info->octets += (segments - 1) * headers;
	return true;
}

void superpacket_split(struct packet_info *info, uint32_t mtu)
{
	uint32_t transport = transport_header_bytes(info);
	uint32_t network = network_header_bytes(info);
	uint32_t headers = network + transport;

	if (info->octets <= mtu || info->fragment != FRAGMENT_none || network == 0 ||
	    transport == 0 || headers >= mtu)
		return;
	(void)add_segments(info, headers, mtu - headers);
}

/* Ports of tunnels over UDP, whose segments are those of a connection inside. */
static bool is_tunnel(const struct packet_info *info)
{
	if (info->key.protocol != PROTOCOL_UDP)
		return false;
	switch (info->key.destination_port) {
	case 2152:              /* GTP-U */
	case 4789:              /* VXLAN */
	case 4790:              /* VXLAN-GPE */
	case 6080:              /* GUE */
	case 6081:              /* Geneve */
	case 6635:              /* MPLS */
	case 8472: return true; /* Linux's VXLAN before it had a number */
	default: return false;
	}
}

/* Longer than a payload length says, Linux has a jumbo option in it that no segment has. */
static bool has_inner_jumbo(const struct packet_info *info)
{
	return info->key.ip_version == 6 && info->octets > UINT16_MAX + IPv6_HEADER_BYTES &&
	       info->extension_words * 4 >= JUMBO_OPTION_BYTES;
}

bool superpacket_count(struct packet_info *info, uint32_t segment_bytes)
{
	const uint32_t transport = transport_header_bytes(info);
	uint32_t network = network_header_bytes(info);

	if (info->fragment != FRAGMENT_none || network == 0 || transport == 0 || is_tunnel(info))
		return false;
	if (has_inner_jumbo(info)) {
		network -= JUMBO_OPTION_BYTES;
		info->octets -= JUMBO_OPTION_BYTES;
	}
	return add_segments(info, network + transport, segment_bytes);
}
