/* decode_transport.c - ports, ICMP type and code, TCP flags: last layer of the decoder.
 *
 * The payload ends where the IP packet ends, so Ethernet padding is never taken for ports. What is
 * not there stays 0 in packet_info. */
#include "decode_layers.h"

/* Source and destination port are the first 4 bytes of TCP (RFC 9293), UDP (RFC 768), DCCP (RFC
 * 4340), SCTP (RFC 9260) and UDP-Lite (RFC 3828). */
static void note_ports(const uint8_t *header, struct packet_info *info)
{
	info->key.source_port = load_be16(header);
	info->key.destination_port = load_be16(header + 2);
}

enum drop_reason decode_transport(const uint8_t *bytes, size_t size, struct packet_info *info)
{

	switch (info->key.protocol) {
	case PROTOCOL_TCP:
		if (size >= 14) { /* RFC 9293 section 3.1 */
			info->tcp_offset = bytes[12];
			info->tcp_flags = bytes[13];
		}
		/* fall through */
	case PROTOCOL_UDP:
	case PROTOCOL_DCCP:
	case PROTOCOL_SCTP:
	case PROTOCOL_UDPLite:
		if (size >= 4)
			note_ports(bytes, info);
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_IPv6_ICMP:
		if (size >= 2) /* type and code: RFC 792, RFC 4443 section 2.1 */
			info->key.destination_port = load_be16(bytes);
		break;
	default: break;
	}
	return DROP_NONE;
}
