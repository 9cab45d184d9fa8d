/* decode.c - packet_view -> packet_info: entry of the decoder.
 *
 * Each layer leaves the next one what is behind its header: link (decode_link.c, decode_nflog.c),
 * network and transport (decode_ip.h, decode_network.c). Runs once per packet. Invariants: bytes
 * behind the captured ones are never read, bytes behind the IP packet are never interpreted, and
 * each loop takes bytes off the front of the packet. */
#include "decode.h"

#include "decode_ip.h"

/* What the source knows, and zeros for what a packet need not have. */
static inline void begin_info(const struct packet_view *restrict packet,
			      struct packet_info *restrict info)
{
	info->key.source_port = 0;
	info->key.destination_port = 0;
	info->key.vlan_id = packet->vlan_id;
	info->key.input_interface = packet->input_interface;
	info->key.output_interface = packet->output_interface;
	info->key.mark = 0;
	info->key.side = packet->side;
	info->key.sampler = 0;
	info->key.zero = 0;
	info->time_ms = packet->time_ms;
	info->mark = packet->mark;
	info->fragment_id = 0;
	info->fragment = FRAGMENT_none;
	info->has_unknown_length = false;
	info->fragment_protocol = 0;
	info->extension_words = 0;
	info->tcp_offset = 0;
	info->tcp_flags = 0;
	info->packets_added = 0;
}

/* Any link header. */
__attribute__((noinline)) static enum drop_reason decode_any(const struct packet_view *packet,
							     struct packet_info *info)
{
	static const uint8_t nothing[1];
	struct frame frame = {
		.rest = reader_of(packet->bytes ? packet->bytes : nothing, packet->captured_bytes),
		.packet = packet,
		.info = info,
	};

	return decode_link(&frame);
}

enum drop_reason decode_packet(const struct packet_view *restrict packet,
			       struct packet_info *restrict info)
{
	struct frame frame = { .packet = packet, .info = info };
	enum drop_reason reason;
	uint16_t type = 0;

	begin_info(packet, info);
	/* Nearly every packet is IP right behind an Ethernet header, or behind none. */
	if (packet->link == LINK_ETHERNET && packet->captured_bytes >= ETHERNET_HEADER_BYTES) {
		type = load_be16(packet->bytes + ETHERNET_TYPE_OFFSET);
		frame.rest = reader_of(packet->bytes + ETHERNET_HEADER_BYTES,
				       packet->captured_bytes - ETHERNET_HEADER_BYTES);
	} else if ((packet->link == LINK_IPV4 || packet->link == LINK_IPV6) &&
		   packet->captured_bytes) {
		type = packet->link == LINK_IPV4 ? ETHERTYPE_IPv4 : ETHERTYPE_IPv6;
		frame.rest = reader_of(packet->bytes, packet->captured_bytes);
	}
	if (type == ETHERTYPE_IPv4)
		reason = take_ipv4_header(&frame);
	else if (type == ETHERTYPE_IPv6)
		reason = take_ipv6_header(&frame);
	else
		return decode_any(packet, info);
	if (reason == DROP_NONE)
		note_transport(&frame);
	return reason;
}
