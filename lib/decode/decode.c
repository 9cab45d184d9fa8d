/* decode.c - packet_view -> packet_info: entry of the decoder.
 *
 * Each layer leaves the next one what follows its header: link (decode_link.c, decode_nflog.c),
 * network and transport (decode_ip.h, decode_network.c). Runs once per packet. Invariant: bytes
 * after the captured ones are never read, bytes after the IP packet are never interpreted, and
 * each loop takes bytes off the front of the packet. */
#include "decode.h"

#include "decode_packet.h"

enum drop_reason decode_packet(const struct packet_view *packet, struct packet_info *info)
{
	return decode_packet_inline(packet, info, NULL, NULL, PACKET_NOTES_NONE);
}

enum drop_reason decode_packet_noted(const struct packet_view *packet, struct packet_info *info,
				     struct packet_note *note, struct reader *ip)
{
	return decode_packet_inline(packet, info, note, ip,
				    note ? PACKET_NOTES_ALL : PACKET_NOTES_NONE);
}
