/* decode_packet.h - decode_packet() for the loop that every packet goes through: the same, inlined.
 *
 * Place: entry of the decoder. */
#ifndef DECODE_PACKET_H
#define DECODE_PACKET_H

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

/* EtherType of what the first captured byte belongs to; 0 if that is a link header, or unknown. */
static inline uint16_t network_type(const struct packet_view *packet)
{
	switch (packet->link) {
	case LINK_IPV4: return ETHERTYPE_IPv4;
	case LINK_IPV6: return ETHERTYPE_IPv6;
	case LINK_ETHERTYPE: return packet->ethertype;
	default: return 0;
	}
}

/* As decode_packet_noted(), where 'ip' and 'noted' are constants in loops; 'noted' is the set of
 * what has to be in 'note'. */
__attribute__((always_inline)) static inline enum drop_reason
decode_packet_inline(const struct packet_view *restrict packet, struct packet_info *restrict info,
		     struct packet_note *restrict note, struct reader *ip, const unsigned int noted)
{
	struct frame frame = {
		.packet = packet, .info = info, .note = note, .ip = ip, .noted = noted
	};
	enum drop_reason reason;
	uint16_t type = 0;

	begin_info(packet, info);
	packet_note_source(note, packet, noted);
	/* Nearly every packet is IP right after an Ethernet header, or without any header. */
	if (packet->link == LINK_ETHERNET && packet->captured_bytes >= ETHERNET_HEADER_BYTES) {
		type = load_be16(packet->bytes + ETHERNET_TYPE_OFFSET);
		frame.rest = reader_of(packet->bytes + ETHERNET_HEADER_BYTES,
				       packet->captured_bytes - ETHERNET_HEADER_BYTES);
		if (noted & PACKET_NOTES_MACS)
			packet_note_ethernet(note, packet->bytes, packet_note_leaves(packet->side));
	} else {
		if (noted & PACKET_NOTES_MACS)
			packet_note_link_header(note, packet);
		if (packet->captured_bytes) {
			type = network_type(packet);
			frame.rest = reader_of(packet->bytes, packet->captured_bytes);
		}
	}
	if (type == ETHERTYPE_IPv4)
		reason = take_ipv4_header(&frame);
	else if (type == ETHERTYPE_IPv6)
		reason = take_ipv6_header(&frame);
	else
		return decode_link_any(packet, info, noted ? note : NULL, ip);
	if (reason == DROP_NONE)
		note_transport(&frame);
	return reason;
}

#endif
