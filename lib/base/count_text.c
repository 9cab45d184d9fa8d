/* count_text.c - numbers of things in messages. */
#include "count_text.h"

#include <inttypes.h>
#include <stdio.h>

const char *count_text(uint64_t count, const char *noun, char text[static COUNT_TEXT_SIZE])
{
	(void)snprintf(text, COUNT_TEXT_SIZE, "%" PRIu64 " %s%s", count, noun,
		       count == 1 ? "" : "s");
	return text;
}
