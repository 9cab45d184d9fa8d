/* fuzz_bpf_ring.c - any bytes as the ring of the BPF program. The first eight say how far the
 * kernel has written. */
#include "capture_bpf_ring.h"

#include <stdlib.h>
#include <string.h>

#define RING_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) uint8_t memory[2 * RING_BYTES];
	unsigned long produced = 0, consumed = 0;
	struct packet_owner owners[8];
	struct capture_bpf_ring ring = { .data = memory,
					 .size = RING_BYTES,
					 .produced = &produced,
					 .consumed = &consumed,
					 .owners = owners };
	const struct capture_bpf_scene scene = { .interface_index = 2 };
	struct packet_view views[8];
	size_t count;

	if (size < sizeof(produced))
		return 0;
	memcpy(&produced, data, sizeof(produced));
	size -= sizeof(produced);
	memset(memory, 0, sizeof(memory));
	memcpy(memory, data + sizeof(produced), size < RING_BYTES ? size : RING_BYTES);
	memcpy(memory + RING_BYTES, memory, RING_BYTES);
	for (int turn = 0; turn < 64; turn++) {
		count = capture_bpf_ring_read(&ring, &scene, views, 8);
		for (size_t i = 0; i < count; i++)
			if (views[i].bytes < memory ||
			    views[i].bytes + views[i].captured_bytes > memory + sizeof(memory))
				abort();
	}
	return 0;
}
