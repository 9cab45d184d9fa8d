/* fuzz_rules.c - any bytes as answers of nf_tables. Byte order is that of the machine. */
#include "capture_rules_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void found(void *context, uint16_t group)
{
	*(uint32_t *)context += group;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;
	struct capture_rules_answer answer = { found, &sum, .sequence = 1 };

	capture_rules_parse(&answer, data, size);
	return 0;
}
