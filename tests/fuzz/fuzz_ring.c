/* fuzz_ring.c - any bytes as a block of a packet socket's ring. The first says what link it is, and
 * how many views are taken at once. */
#include "capture_ring_parse.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) uint8_t block[BLOCK_BYTES];
	struct capture_ring_parser parser = { .interface_index = 2 };
	struct packet_view views[8];
	size_t count;

	if (size == 0)
		return 0;
	parser.link = data[0] & 1 ? LINK_ETHERNET : LINK_RAW;
	parser.is_loopback = data[0] & 2;
	size = size - 1 < BLOCK_BYTES ? size - 1 : BLOCK_BYTES;
	memset(block, 0, sizeof(block));
	memcpy(block, data + 1, size);
	capture_ring_parse_begin(&parser, block, size);
	while ((count = capture_ring_parse(&parser, views, 1 + (data[0] >> 5))))
		for (size_t i = 0; i < count; i++)
			if (views[i].bytes < block ||
			    views[i].bytes + views[i].captured_bytes > block + size)
				abort();
	if (parser.left)
		abort();
	return 0;
}
