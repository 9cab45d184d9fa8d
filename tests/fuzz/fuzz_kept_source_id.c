/* fuzz_kept_source_id.c - the file with the source id of an earlier run. */
#include "kept_source_id.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kept_source_id kept;

	if (kept_source_id_parse((const char *)data, size, &kept) &&
	    strlen(kept.mark) >= sizeof(kept.mark))
		abort();
	return 0;
}
