/* fuzz_flow_cache_recover.c - a cache as a process has left it that was killed, with bytes of it
 * changed: four bytes say where, and four what stands there then.
 * Damage may cost flows, but no byte beyond the memory. */
#include "bytes.h"
#include "flow_cache_recover.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct flow_record *forget(void *context)
{
	return context;
}

/* Some flows of both IP versions, all of which can be found. */
static void add_flows(struct flow_cache *cache, const struct flow_sink *sink)
{
	for (unsigned int i = 0; i < 40; i++) {
		struct packet_info packet = { .octets = 100, .clock_ms = i, .time_ms = i };

		packet.key.ip_version = i % 2 ? 4 : 6;
		packet.key.addresses[0] = (uint8_t)i;
		flow_cache_add(cache, &packet, 1, sink);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct flow_cache_config config = {
		.max_flows = 64,
		.expiry = { .active_ms = 1000, .idle_ms = { 100, 100, 100, 100, 100, 100 } }
	};
	const struct flow_cache_statistics before = { 0 };
	struct flow_record record;
	const struct flow_sink sink = { forget, &record };
	const size_t memory_size = flow_cache_size(&config);
	uint8_t *memory = aligned_alloc(4096, (memory_size + 4095) / 4096 * 4096);
	struct reader reader = reader_of(data, size);
	struct flow_cache *cache;

	if (!memory)
		return 0;
	memset(memory, 0, memory_size);
	add_flows(flow_cache_create_in(&config, memory), &sink);
	while (reader_left(&reader) >= 8) {
		const size_t place = reader_u32(&reader) % (memory_size - 3);

		memcpy(memory + place, reader_take(&reader, 4), 4);
	}
	cache = flow_cache_recover(&config, memory);
	if (cache) {
		flow_cache_recover_statistics(cache, &before);
		if (!size && !flow_cache_is_consistent(cache))
			abort();
		(void)flow_cache_flush(cache, 5000, 100, &sink);
	}
	free(memory);
	return 0;
}
