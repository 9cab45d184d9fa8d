/* fuzz_sequence_file.c - the file of sequence numbers of an earlier run. */
#include "sequence_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t sequence = 0;

	if (sequence_file_find(data, size, "127.0.0.1:2055", &sequence) &&
	    size < 8 + SEQUENCE_FILE_ENTRY)
		abort();
	(void)sequence_file_find(data, size, "", &sequence);
	return 0;
}
