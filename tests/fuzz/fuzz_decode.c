/* fuzz_decode.c - any bytes through the decoder. The first 6 say what the source knew: link type,
 * side, bytes that were not captured, EtherType. */
#include "bytes.h"
#include "decode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader = reader_of(data, size);
	struct packet_view packet = { 0 };
	struct packet_info info;
	uint8_t *copy;

	packet.link = reader_u8(&reader);
	packet.side = reader_u8(&reader);
	packet.original_bytes = reader_u16(&reader);
	packet.ethertype = reader_u16(&reader);
	if (reader.failed)
		return 0;
	packet.captured_bytes = (uint32_t)reader_left(&reader);
	packet.original_bytes += packet.captured_bytes;
	packet.bytes = copy = malloc(packet.captured_bytes); /* of exactly this size */
	if (packet.captured_bytes)
		memcpy(copy, reader.next, packet.captured_bytes);
	(void)decode_packet(&packet, &info);
	free(copy);
	return 0;
}
