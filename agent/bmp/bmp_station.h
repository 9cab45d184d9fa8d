/* bmp_station.h - the monitoring station of RFC 7854: sessions of routers, and what their messages
 * do.
 *
 * Place: bmp_server.c gives it whole messages; it changes bmp_state.h. No socket, no clock:
 * monotonic milliseconds come in.
 *
 * A router is known by its address. When its session ends its routes are stale; they go after
 * 'stale_ms', or when its next session has reported a peer's routes to their end (End-of-RIB). */
#ifndef BMP_STATION_H
#define BMP_STATION_H

#include "bmp_state.h"
#include "error_text.h"

/* A router that reports no route for so long has reported its table to the end: some send no
 * End-of-RIB. */
#define BMP_QUIET_MS 10000

/* A session with the router at an address begins; it has none. Returns the router, borrowed; NULL:
 * there are too many. */
struct bmp_router *bmp_station_connect(struct bmp_state *state, const struct prefix *address,
				       int64_t now_ms);
void bmp_station_disconnect(struct bmp_state *state, struct bmp_router *router, int64_t now_ms);

/* One whole message of the router (bmp_message_size()). Returns 1 if the session continues, 0 if
 * the router ends the session, with the reason in 'error'. A damaged message is skipped and
 * counted, with what is wrong in 'error', which is empty otherwise. */
int bmp_station_message(struct bmp_state *state, struct bmp_router *router, const uint8_t *bytes,
			size_t size, int64_t now_ms, struct error_text *error);

/* Time passes: drop what is stale for long enough, note tables that came to their end. */
void bmp_station_tick(struct bmp_state *state, int64_t now_ms);

/* Whether no router is filling: a table of what is known would not be a half one. */
bool bmp_station_is_settled(const struct bmp_state *state);

#endif
