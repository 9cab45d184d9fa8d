/* fuzz_decode.c - any bytes through the decoder, with what it notes for columns and where it
 * finds the IP packet. The first 6 say
 * what the source knew: link type, side, bytes that were not captured, EtherType. The rest goes
 * into a block of exactly its size. */
#include "bytes.h"
#include "decode.h"
#include "superpacket.h"
#include "tcp_track.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = size > 6 ? malloc(size - 6) : NULL;
	struct packet_view packet;
	struct packet_info info;
	struct packet_note note;
	struct tcp_track track = { .next = 0 };
	struct reader ip;

	if (!copy)
		return 0;
	packet = (struct packet_view){ .link = data[0],
				       .side = data[1],
				       .bytes = memcpy(copy, data + 6, size - 6),
				       .captured_bytes = (uint32_t)size - 6,
				       .original_bytes = (uint32_t)size - 6 + load_be16(data + 2),
				       .ethertype = load_be16(data + 4) };
	if (decode_packet_noted(&packet, &info, &note, &ip) == DROP_NONE) {
		if (ip.next < copy || ip.end > copy + size - 6 ||
		    ip.next[0] >> 4 != info.key.ip_version || reader_left(&ip) > info.octets)
			abort();
		superpacket_split(&info, packet.ethertype);
		if (note.tcp && (note.tcp < copy || note.tcp_captured > size - 6 ||
				 note.tcp + note.tcp_captured > copy + size - 6))
			abort();
		for (int i = 0; i < 3; i++)
			tcp_track_add(&track, &info, &note);
	}
	free(copy);
	return 0;
}
