/* superpacket.c - the arithmetic of segmentation offload (GSO, GRO, TSO). */
#include "superpacket.h"

#include "ip_protocol.h"

#define IPv4_HEADER_BYTES 20
#define IPv6_HEADER_BYTES 40
#define TCP_HEADER_BYTES  20 /* RFC 9293 section 3.1, without options */
#define UDP_HEADER_BYTES  8  /* RFC 768 */

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

void superpacket_split(struct packet_info *info, uint32_t mtu)
{
	uint32_t transport = transport_header_bytes(info);
	uint32_t network = network_header_bytes(info);
	uint32_t headers = network + transport;
	uint64_t payload, segments;

	if (info->octets <= mtu || info->fragment != FRAGMENT_none || network == 0 ||
	    transport == 0 || headers >= mtu)
		return;
	payload = info->octets - headers;
	segments = (payload + (mtu - headers) - 1) / (mtu - headers);
	if (segments - 1 > UINT16_MAX)
		return;
	info->packets_added = (uint16_t)(segments - 1);
	info->octets += (segments - 1) * headers;
}
