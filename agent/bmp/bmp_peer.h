/* bmp_peer.h - the peers of routers: who is up, how his routes are to be read, which sources of the
 * RIB are his.
 *
 * Place: a part of bmp_station.c. */
#ifndef BMP_PEER_H
#define BMP_PEER_H

#include "bmp_state.h"

/* The peer of a router, made if it is not there; NULL: there are too many. */
struct bmp_peer *bmp_peers_get(struct bmp_state *state, const struct bmp_router *router,
			       const struct bmp_peer_name *name);

/* The source of a view, made if it is not there; BMP_NO_SOURCE: there are too many. */
uint16_t bmp_peer_source(struct bmp_state *state, struct bmp_peer *peer, int is_post_policy);

void bmp_peers_up(struct bmp_state *state, struct bmp_router *router,
		  const struct bmp_peer_header *header, const struct bgp_open *sent,
		  const struct bgp_open *received);
/* With all its routes. */
void bmp_peers_down(struct bmp_state *state, const struct bmp_router *router,
		    const struct bmp_peer_header *header);

/* A session of the router begins: what its peers have is stale. */
void bmp_peers_begin_session(struct bmp_state *state, const struct bmp_router *router);
/* Drop what is stale of it: all, if it is not connected. */
void bmp_peers_drop_stale(struct bmp_state *state, const struct bmp_router *router);
/* Whether each view that a peer reports has come to the end of its tables. A view whose routes of
 * the last session are still stale is expected again. */
bool bmp_peer_has_ended(const struct bmp_state *state, const struct bmp_peer *peer);
/* Whether all peers of the router that are up have reported a table to the end, and there is one.
 */
bool bmp_peers_have_ended(const struct bmp_state *state, const struct bmp_router *router);

#endif
