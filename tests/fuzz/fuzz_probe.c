/* fuzz_probe.c - what answers, or does not answer, the ICMP echo of a probe. */
#include "transport_probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int kind = 0; kind < 4; kind++) {
		const struct transport_echo echo = {
			.is_ipv6 = kind & 1, .is_raw = kind & 2, .identifier = 0x1234, .sequence = 7
		};

		(void)transport_probe_is_answer(&echo, data, size);
	}
	return 0;
}
