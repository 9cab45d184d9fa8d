/* fuzz_bmp.c - a session of BMP in one piece and in small ones, a second session, and the table. */
#include "bmp_session.h"
#include "bmp_station.h"
#include "bmp_table.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct bmp_state *state, const uint8_t *data, size_t size, size_t step)
{
	const struct prefix address = { .ip_version = 4,
					.length = 32,
					.address = { 127, 0, 0, 1 } };
	struct bmp_router *router = bmp_station_connect(state, &address, 0);
	struct bmp_session session;
	struct error_text error;
	int goes_on = 1;

	if (bmp_session_begin(&session, router) < 0)
		abort();
	for (size_t at = 0; at < size && goes_on > 0;) {
		size_t room;
		uint8_t *place = bmp_session_room(&session, &room);
		size_t part = step < room ? step : room;

		part = part < size - at ? part : size - at;
		if (part == 0)
			abort();
		memcpy(place, data + at, part);
		at += part;
		goes_on = bmp_session_take(&session, state, part, (int64_t)at, &error);
		if (goes_on <= 0 && !error.text[0])
			abort(); /* no end without a reason */
	}
	bmp_session_end(&session);
	bmp_station_disconnect(state, router, (int64_t)size);
}

static size_t read_all(const uint8_t *data, size_t size, size_t step)
{
	const struct bmp_state_options options = {
		.rules = { .least_peers = 1, .longest_ipv4 = 32, .longest_ipv6 = 128 },
		.has_vrfs = true,
		.stale_ms = 1000,
		.most_routes = 1000,
	};
	struct bmp_state *state = bmp_state_create(&options);
	struct asn_builder *builder = asn_builder_create();
	struct bmp_table_result result;

	feed(state, data, size, step);
	feed(state, data, size / 2, step);
	bmp_station_tick(state, (int64_t)size + 500);
	if (bmp_table_build(state, builder, &result) < 0)
		abort();
	bmp_station_tick(state, (int64_t)size + 5000);
	if (bmp_station_is_settled(state) != true)
		abort();
	bmp_state_destroy(state);
	asn_builder_destroy(builder);
	return result.prefixes[0] + result.prefixes[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_open("fuzz_bmp", LOG_LEVEL_error);
	if (read_all(data, size, size) != read_all(data, size, 7))
		abort();
	return 0;
}
