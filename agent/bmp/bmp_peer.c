/* bmp_peer.c - see bmp_peer.h. */
#include "bmp_peer.h"

#include <string.h>

static uint8_t number_of(const struct bmp_state *state, const struct bmp_router *router)
{
	return (uint8_t)(router - state->routers);
}

static bool is_peer(const struct bmp_peer *peer, uint8_t router, const struct bmp_peer_name *name)
{
	return peer->is_used && peer->router == router && peer->name.type == name->type &&
	       memcmp(peer->name.address, name->address, sizeof(name->address)) == 0 &&
	       memcmp(peer->name.distinguisher, name->distinguisher, sizeof(name->distinguisher)) ==
		       0;
}

static struct bmp_peer *find_peer(struct bmp_state *state, const struct bmp_router *router,
				  const struct bmp_peer_name *name)
{
	const uint8_t number = number_of(state, router);

	if (is_peer(&state->peers[state->last_peer], number, name))
		return &state->peers[state->last_peer];
	for (size_t i = 0; i < state->peer_count; i++)
		if (is_peer(&state->peers[i], number, name)) {
			state->last_peer = i;
			return &state->peers[i];
		}
	return NULL;
}

struct bmp_peer *bmp_peers_get(struct bmp_state *state, const struct bmp_router *router,
			       const struct bmp_peer_name *name)
{
	struct bmp_peer *peer = find_peer(state, router, name);
	size_t vacant = 0;

	if (peer)
		return peer;
	while (vacant < state->peer_count && state->peers[vacant].is_used)
		vacant++;
	if (vacant == BMP_PEERS_MAX)
		return NULL;
	if (vacant == state->peer_count)
		state->peer_count++;
	peer = &state->peers[vacant];
	*peer = (struct bmp_peer){ .is_used = true,
				   .router = number_of(state, router),
				   .name = *name,
				   .sources = { BMP_NO_SOURCE, BMP_NO_SOURCE } };
	return peer;
}

uint16_t bmp_peer_source(struct bmp_state *state, struct bmp_peer *peer, int is_post_policy)
{
	uint16_t *source = &peer->sources[is_post_policy];

	if (*source == BMP_NO_SOURCE)
		*source = bmp_rib_source_add(state->rib);
	return *source;
}

static void release(struct bmp_state *state, struct bmp_peer *peer)
{
	for (int i = 0; i < 2; i++)
		if (peer->sources[i] != BMP_NO_SOURCE)
			bmp_rib_source_remove(state->rib, peer->sources[i]);
	peer->is_used = false;
}

/* Identifiers are on the wire if who sends wants to and who receives, too. A router makes both
 * messages of its Loc-RIB itself: there the capability alone says it (RFC 9069 section 5.2). */
static bool sends_path_ids(const struct bmp_peer *peer, uint8_t sender, uint8_t receiver)
{
	if (peer->name.type == BMP_PEER_loc_rib)
		return sender || receiver;
	return (sender & BGP_ADD_PATH_SEND) && (receiver & BGP_ADD_PATH_RECEIVE);
}

/* Both must have the family, or there is no table of it to wait for. Of Loc-RIB both messages are
 * the router's own, as above. */
static bool has_table(const struct bmp_peer *peer, bool is_sent, bool is_received)
{
	if (peer->name.type == BMP_PEER_loc_rib)
		return is_sent || is_received;
	return is_sent && is_received;
}

void bmp_peers_up(struct bmp_state *state, struct bmp_router *router,
		  const struct bmp_peer_header *header, const struct bgp_open *sent,
		  const struct bgp_open *received)
{
	struct bmp_peer *peer = find_peer(state, router, &header->name);

	/* Up again without a down, or routes before it: they may have been read wrongly. */
	if (peer && peer->is_seen)
		release(state, peer);
	peer = bmp_peers_get(state, router, &header->name);
	if (!peer) {
		router->counters[BMP_COUNTER_too_many_peers]++;
		return;
	}
	peer->is_up = true;
	peer->is_seen = true;
	peer->own_as = sent->as_number;
	if (peer->name.type == BMP_PEER_loc_rib && header->as_number)
		peer->own_as = header->as_number;
	for (int family = 0; family < BGP_FAMILY_COUNT; family++) {
		peer->has_family[family] =
			has_table(peer, sent->has_family[family], received->has_family[family]);
		peer->has_path_ids[family] =
			sends_path_ids(peer, received->add_path[family], sent->add_path[family]);
	}
}

void bmp_peers_down(struct bmp_state *state, const struct bmp_router *router,
		    const struct bmp_peer_header *header)
{
	struct bmp_peer *peer = find_peer(state, router, &header->name);

	if (peer)
		release(state, peer);
}

static bool is_of(const struct bmp_state *state, const struct bmp_peer *peer,
		  const struct bmp_router *router)
{
	return peer->is_used && peer->router == number_of(state, router);
}

void bmp_peers_begin_session(struct bmp_state *state, const struct bmp_router *router)
{
	for (size_t i = 0; i < state->peer_count; i++) {
		struct bmp_peer *peer = &state->peers[i];

		if (!is_of(state, peer, router))
			continue;
		peer->is_up = peer->is_seen = false;
		memset(peer->has_family, 0, sizeof(peer->has_family));
		memset(peer->reports, 0, sizeof(peer->reports));
		memset(peer->has_end, 0, sizeof(peer->has_end));
		memset(peer->has_path_ids, 0, sizeof(peer->has_path_ids));
		for (int view = 0; view < 2; view++)
			if (peer->sources[view] != BMP_NO_SOURCE)
				bmp_rib_make_stale(state->rib, peer->sources[view]);
	}
}

static void drop_stale(struct bmp_state *state, const struct bmp_peer *peer)
{
	for (int view = 0; view < 2; view++)
		for (int family = 0;
		     peer->sources[view] != BMP_NO_SOURCE && family < BGP_FAMILY_COUNT; family++)
			bmp_rib_drop_stale(state->rib, peer->sources[view],
					   (enum bgp_family)family);
}

void bmp_peers_drop_stale(struct bmp_state *state, const struct bmp_router *router)
{
	for (size_t i = 0; i < state->peer_count; i++) {
		struct bmp_peer *peer = &state->peers[i];

		if (!is_of(state, peer, router))
			continue;
		if (router->is_connected && peer->is_seen)
			drop_stale(state, peer);
		else
			release(state, peer);
	}
}

/* Whether routes of the last session wait to be reported again. */
static bool has_stale(const struct bmp_state *state, const struct bmp_peer *peer, int view)
{
	bool has_any = false;

	for (int family = 0; peer->sources[view] != BMP_NO_SOURCE && family < BGP_FAMILY_COUNT;
	     family++)
		has_any |= bmp_rib_stale_routes(state->rib, peer->sources[view],
						(enum bgp_family)family) > 0;
	return has_any;
}

/* A peer without a family that both sides have, such as one whose routes came before it was up, has
 * ended with its first End-of-RIB. */
static bool has_view_ended(const struct bmp_peer *peer, int view)
{
	bool is_any = false, are_all = true;

	for (int family = 0; family < BGP_FAMILY_COUNT; family++) {
		is_any |= peer->has_end[view][family];
		are_all &= peer->has_end[view][family] || !peer->has_family[family];
	}
	return is_any && are_all;
}

bool bmp_peer_has_ended(const struct bmp_state *state, const struct bmp_peer *peer)
{
	bool is_any = false, are_all = true;

	for (int view = 0; view < 2; view++) {
		if (!peer->reports[view] && !has_stale(state, peer, view))
			continue;
		is_any = true;
		are_all &= has_view_ended(peer, view);
	}
	return is_any && are_all;
}

bool bmp_peers_have_ended(const struct bmp_state *state, const struct bmp_router *router)
{
	bool is_any = false, are_all = true;

	for (size_t i = 0; i < state->peer_count; i++) {
		const struct bmp_peer *peer = &state->peers[i];
		bool has_ended;

		if (!is_of(state, peer, router) || !peer->is_seen)
			continue;
		has_ended = bmp_peer_has_ended(state, peer);
		if (has_ended && peer->name.type == BMP_PEER_loc_rib)
			return true; /* what the router uses: no other view counts beside it */
		are_all &= has_ended;
		is_any = true;
	}
	return is_any && are_all;
}
