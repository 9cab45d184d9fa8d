/* fuzz_nflog.c - any bytes as a datagram of the netfilter log. Byte order is that of the machine.
 */
#include "capture_nflog_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_nflog_parser parser = { .snaplen = 128 };
	struct packet_view views[32];
	size_t count;

	capture_nflog_parse_begin(&parser, data, size, 0);
	while ((count = capture_nflog_parse(&parser, views, 32)) > 0)
		for (size_t i = 0; i < count; i++)
			if (views[i].bytes < data ||
			    views[i].captured_bytes > (size_t)(data + size - views[i].bytes))
				if (views[i].captured_bytes)
					abort();
	return 0;
}
