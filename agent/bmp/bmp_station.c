/* bmp_station.c - see bmp_station.h.
 *
 * Invariant: a message that is damaged changes no route. */
#include "bmp_station.h"

#include "bmp_peer.h"
#include "bmp_routes.h"

#include <string.h>

#define TERMINATION_REASON 1

/* ---- sessions ---- */

static struct bmp_router *find_router(struct bmp_state *state, const struct prefix *address)
{
	struct bmp_router *vacant = NULL;

	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++) {
		struct bmp_router *router = &state->routers[i];

		if (router->is_used &&
		    prefix_contains(&router->address, address->ip_version, address->address))
			return router;
		/* One that is gone, with its routes, is remembered while there is room. */
		if (!router->is_used)
			vacant = router;
		else if (!router->is_connected && !router->stale_at_ms && !vacant)
			vacant = router;
	}
	if (!vacant)
		return NULL;
	*vacant = (struct bmp_router){ .is_used = true, .address = *address };
	(void)address_format(address->ip_version, address->address, vacant->address_text);
	return vacant;
}

struct bmp_router *bmp_station_connect(struct bmp_state *state, const struct prefix *address,
				       int64_t now_ms)
{
	struct bmp_router *router = find_router(state, address);

	if (!router)
		return NULL;
	router->is_connected = true;
	router->is_filling = true;
	router->last_route_ms = now_ms;
	router->stale_at_ms = now_ms + state->options.stale_ms;
	memset(router->has_view, 0, sizeof(router->has_view));
	bmp_peers_begin_session(state, router);
	return router;
}

void bmp_station_disconnect(struct bmp_state *state, struct bmp_router *router, int64_t now_ms)
{
	router->is_connected = false;
	router->is_filling = false;
	router->stale_at_ms = now_ms + state->options.stale_ms;
}

/* ---- messages without routes ---- */

static void read_initiation(struct bmp_router *router, struct reader *reader)
{
	struct reader value;
	uint16_t type;

	while (bmp_tlv_take(reader, &type, &value)) {
		const size_t size = reader_left(&value);

		if (type != BMP_TLV_SYS_NAME)
			continue;
		memset(router->name, 0, sizeof(router->name));
		memcpy(router->name, value.next,
		       size < sizeof(router->name) ? size : sizeof(router->name) - 1);
	}
}

static void read_termination(struct reader *reader, struct error_text *error)
{
	static const char *const reasons[] = { "administratively closed", "no reason",
					       "out of resources", "redundant connection",
					       "permanently closed" };
	struct reader value;
	uint16_t type;

	error_text_set(error, "the router ended the session");
	while (bmp_tlv_take(reader, &type, &value))
		if (type == TERMINATION_REASON && reader_left(&value) == 2) {
			const uint16_t reason = reader_u16(&value);

			if (reason < sizeof(reasons) / sizeof(reasons[0]))
				error_text_set(error, "the router ended the session: %s",
					       reasons[reason]);
		}
}

static bool read_peer_up(struct bmp_state *state, struct bmp_router *router, struct reader *reader)
{
	struct bmp_peer_header header;
	struct bgp_open sent, received;
	struct reader body;

	if (!bmp_peer_header_take(reader, &header))
		return false;
	if (!bmp_peer_counts(state, &header.name)) {
		router->counters[BMP_COUNTER_vrf]++;
		return true;
	}
	(void)reader_take(reader, 16 + 2 + 2); /* local address, ports */
	if (bgp_message_take(reader, &body) != BGP_OPEN || bgp_open_read(body, &sent) < 0 ||
	    bgp_message_take(reader, &body) != BGP_OPEN || bgp_open_read(body, &received) < 0)
		return false;
	bmp_peers_up(state, router, &header, &sent, &received);
	return true;
}

static bool read_peer_down(struct bmp_state *state, struct bmp_router *router,
			   struct reader *reader)
{
	struct bmp_peer_header header;

	if (!bmp_peer_header_take(reader, &header))
		return false;
	(void)reader_u8(reader); /* reason */
	if (!reader->failed)
		bmp_peers_down(state, router, &header);
	return !reader->failed;
}

/* ---- any ---- */

/* Returns false if the message is damaged. */
static bool read_message(struct bmp_state *state, struct bmp_router *router, uint8_t type,
			 struct reader *reader, struct error_text *error)
{
	switch (type) {
	case BMP_ROUTE_MONITORING: return bmp_routes_read(state, router, reader);
	case BMP_PEER_DOWN: return read_peer_down(state, router, reader);
	case BMP_PEER_UP: return read_peer_up(state, router, reader);
	case BMP_INITIATION: read_initiation(router, reader); return !reader->failed;
	case BMP_TERMINATION: read_termination(reader, error); return true;
	default: return true;
	}
}

static enum bmp_counter counter_of(uint8_t type)
{
	static const enum bmp_counter counters[] = {
		[BMP_ROUTE_MONITORING] = BMP_COUNTER_route_monitoring,
		[BMP_STATISTICS] = BMP_COUNTER_statistics,
		[BMP_PEER_DOWN] = BMP_COUNTER_peer_down,
		[BMP_PEER_UP] = BMP_COUNTER_peer_up,
		[BMP_INITIATION] = BMP_COUNTER_initiation,
		[BMP_TERMINATION] = BMP_COUNTER_termination,
		[BMP_ROUTE_MIRRORING] = BMP_COUNTER_route_mirroring,
	};

	return type < sizeof(counters) / sizeof(counters[0]) ? counters[type]
							     : BMP_COUNTER_unknown_type;
}

int bmp_station_message(struct bmp_state *state, struct bmp_router *router, const uint8_t *bytes,
			size_t size, int64_t now_ms, struct error_text *error)
{
	const uint8_t type = bytes[BMP_HEADER_SIZE - 1];
	const enum bmp_counter counter = counter_of(type);
	struct reader reader = reader_of(bytes + BMP_HEADER_SIZE, size - BMP_HEADER_SIZE);

	*error = (struct error_text){ .text = "" };
	router->counters[counter]++;
	if (type == BMP_ROUTE_MONITORING)
		router->last_route_ms = now_ms;
	if (!read_message(state, router, type, &reader, error)) {
		router->counters[BMP_COUNTER_damaged]++;
		error_text_set(error, "damaged: one of the %s, of %zu bytes",
			       bmp_counter_text(counter), size);
	}
	return type != BMP_TERMINATION;
}

/* ---- time ---- */

static bool is_filled(const struct bmp_state *state, const struct bmp_router *router,
		      int64_t now_ms)
{
	return now_ms - router->last_route_ms >= BMP_QUIET_MS ||
	       bmp_peers_have_ended(state, router);
}

void bmp_station_tick(struct bmp_state *state, int64_t now_ms)
{
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++) {
		struct bmp_router *router = &state->routers[i];

		if (router->is_filling && is_filled(state, router, now_ms))
			router->is_filling = false;
		if (!router->stale_at_ms || now_ms < router->stale_at_ms)
			continue;
		router->stale_at_ms = 0;
		router->is_filling = false;
		bmp_peers_drop_stale(state, router);
	}
}

bool bmp_station_is_settled(const struct bmp_state *state)
{
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		if (state->routers[i].is_filling)
			return false;
	return true;
}
