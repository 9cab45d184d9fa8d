/* fuzz_control.c - requests of the control socket, with the filter words that they carry. */
#include "control_protocol.h"
#include "flow_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request request;
	struct error_text error;

	if (control_request_parse(data, size, &request, &error) == 0) {
		flow_filter_destroy(
			flow_filter_parse(request.filter, request.filter_count, NULL, &error));
		control_request_clear(&request);
	}
	return 0;
}
