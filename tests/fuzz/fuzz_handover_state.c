/* fuzz_handover_state.c - what an agent has left for the next one, with its flows. */
#include "handover_flow.h"
#include "handover_state.h"
#include "handover_translation.h"
#include "pipeline_waiting.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handover_section section;
	struct queued_datagram datagram;
	struct nat_connection connection;
	struct moved_flow flow;
	int64_t ended_ms;
	size_t cursor = 0;

	if (!handover_state_check(data, size))
		return 0;
	while (handover_state_next(data, size, &cursor, &section)) {
		struct reader waiting = section.body, translations = section.body;
		const uint32_t flow_size = handover_flow_begin(&section.body);
		const uint32_t each = handover_translation_begin(&translations);

		while (flow_size && handover_flow_read(&section.body, flow_size, &flow))
			if (!flow.record.packets)
				abort();
		while (each &&
		       handover_translation_read(&translations, each, &connection, &ended_ms))
			if (connection.ip_version != 4 && connection.ip_version != 6)
				abort();
		while (pipeline_waiting_read(&waiting, &datagram))
			if (datagram.bytes < data || datagram.bytes + datagram.size > data + size)
				abort();
		if (section.body.next < data || section.body.end > data + size)
			abort();
	}
	(void)handover_state_find(data, size, HANDOVER_sequence, "nflog:40", &section.body);
	return 0;
}
