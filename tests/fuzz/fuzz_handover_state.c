/* fuzz_handover_state.c - what an agent has left for the next one. */
#include "handover_state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader body;

	if (!handover_state_check(data, size))
		return 0;
	if (handover_state_find(data, size, HANDOVER_sequence, "nflog:40", &body) &&
	    (body.next < data || body.end > data + size))
		abort();
	(void)handover_state_find(data, size, HANDOVER_sequence, "", &body);
	return 0;
}
