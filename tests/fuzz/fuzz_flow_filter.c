/* fuzz_flow_filter.c - filter words, one a line, matched against the bytes of a flow_record. */
#include "flow_filter.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512];
	char *words[16];
	struct flow_record flow = { 0 };
	struct error_text error;
	struct flow_filter *filter;
	size_t count = 0;

	memcpy(&flow, data, size < sizeof(flow) ? size : sizeof(flow));
	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *rest = text; rest && count < 16;)
		words[count++] = strsep(&rest, "\n");
	filter = flow_filter_parse((const char *const *)words, count, NULL, &error);
	if (filter)
		(void)flow_filter_matches(filter, &flow, flow.key.mark, 64500, flow.last_ms);
	flow_filter_destroy(filter);
	return 0;
}
