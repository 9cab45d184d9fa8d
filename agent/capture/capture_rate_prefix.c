/* capture_rate_prefix.c - remembers the last prefix and what it meant. */
#include "capture_rate_prefix.h"

#include "sampling.h"

#include <string.h>

/* Not inlined: most rules have no prefix. */
__attribute__((noinline)) uint32_t capture_rate_prefix_interval(struct capture_rate_prefix *last,
								const uint8_t *bytes, size_t size)
{
	if (size > sizeof(last->bytes))
		size = sizeof(last->bytes); /* longer than the kernel's */
	if (size != last->size || memcmp(bytes, last->bytes, size) != 0) {
		const uint32_t interval = sampling_prefix_interval(bytes, size);

		memcpy(last->bytes, bytes, size);
		last->size = (uint8_t)size;
		last->interval = interval > 1 ? interval : 0;
	}
	return last->interval;
}
