/* fuzz_ulog.c - any bytes as a datagram of the old netfilter log. Byte order is that of the
 * machine. */
#include "capture_ulog_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t index_of(void *context, const char *name)
{
	(void)context;
	return (uint32_t)strlen(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_ulog_parser parser = { .index_of = index_of };
	struct packet_view views[32];
	size_t count;

	capture_ulog_parse_begin(&parser, data, size, 0);
	while ((count = capture_ulog_parse(&parser, views, 32)) > 0)
		for (size_t i = 0; i < count; i++)
			if (views[i].bytes < data ||
			    views[i].captured_bytes > (size_t)(data + size - views[i].bytes))
				abort();
	return 0;
}
