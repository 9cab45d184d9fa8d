/* decode.c - packet_view -> packet_info: entry of the decoder.
 *
 * Each layer calls the next: link (decode_link.c, decode_nflog.c), network (decode_network.c),
 * transport (decode_transport.c). Runs once per packet. Invariants: bytes behind the captured ones
 * are never read, bytes behind the IP packet are never interpreted, and each loop takes bytes off
 * the front of the packet. */
#include "decode.h"

#include "decode_layers.h"

enum drop_reason decode_packet(const struct packet_view *packet, struct packet_info *info)
{
	static const uint8_t nothing[1];
	struct frame frame = {
		.rest = reader_of(packet->bytes ? packet->bytes : nothing, packet->captured_bytes),
		.packet = packet,
		.info = info,
	};

	info->key.source_port = 0;
	info->key.destination_port = 0;
	info->key.vlan_id = packet->vlan_id;
	info->key.input_interface = packet->input_interface;
	info->key.output_interface = packet->output_interface;
	info->key.mark = 0;
	info->key.side = packet->side;
	info->key.zero[0] = 0;
	info->key.zero[1] = 0;
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
	return decode_link(&frame);
}
