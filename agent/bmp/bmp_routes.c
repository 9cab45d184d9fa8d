/* bmp_routes.c - see bmp_routes.h. */
#include "bmp_routes.h"

#include "asn_path.h"
#include "bmp_peer.h"

#include <string.h>

/* A message while it is read. */
struct monitoring {
	struct bmp_state *state;
	struct bmp_router *router;
	struct bmp_peer *peer;
	struct bgp_update update;
	uint16_t source;
	int is_post_policy;
};

/* FRR states 4 bytes and has 2 in paths of its own routes: the size that fills the path is right.
 */
static struct asn_path read_path(struct bmp_router *router, const struct bgp_update *update,
				 unsigned int as_size)
{
	struct asn_path path = asn_path_read(update->as_path, as_size, update->as4_path);

	if (path.status == ASN_ORIGIN_damaged) {
		const struct asn_path other =
			asn_path_read(update->as_path, as_size == 2 ? 4 : 2, update->as4_path);

		if (other.status == ASN_ORIGIN_damaged)
			return path;
		router->counters[BMP_COUNTER_other_as_size]++;
		path = other;
	}
	return path;
}

static void find_attributes(const struct monitoring *monitoring, uint8_t flags, uint32_t header_as,
			    struct bmp_attributes *attributes)
{
	const struct bgp_update *update = &monitoring->update;
	struct asn_path path = read_path(monitoring->router, update, flags & BMP_FLAG_AS2 ? 2 : 4);
	uint32_t own_as = monitoring->peer->own_as;
	enum asn_skip skip;

	if (!own_as && monitoring->peer->name.type == BMP_PEER_loc_rib)
		own_as = header_as;
	if (path.status == ASN_ORIGIN_no_path && own_as) {
		path.status = ASN_ORIGIN_found; /* a route of the router's own AS */
		path.origin = own_as;
	}
	skip = asn_rules_origin(&monitoring->state->options.rules, path.status, path.origin);
	if (skip != ASN_SKIP_COUNT)
		monitoring->router->skipped[skip]++;
	*attributes = (struct bmp_attributes){
		.origin = skip == ASN_SKIP_COUNT ? path.origin : 0,
		.neighbour = path.neighbour,
		.local_preference = update->local_preference,
		.path_length = path.length,
	};
}

static void announce(const struct monitoring *monitoring, struct bgp_routes routes,
		     struct bmp_attributes attributes, const uint8_t next_hop[static 16])
{
	struct bmp_router *router = monitoring->router;
	struct bmp_rib *rib = monitoring->state->rib;
	struct prefix prefix;
	uint32_t path_id;

	memcpy(attributes.next_hop, next_hop, sizeof(attributes.next_hop));
	while (bgp_routes_next(&routes, &prefix, &path_id)) {
		const enum asn_skip skip =
			asn_rules_prefix(&monitoring->state->options.rules, &prefix);

		router->counters[BMP_COUNTER_announced]++;
		if (skip != ASN_SKIP_COUNT)
			router->skipped[skip]++;
		else if (bmp_rib_announce(rib, monitoring->source, &prefix, path_id, &attributes) <
			 0)
			router->counters[BMP_COUNTER_too_many_routes]++;
	}
}

static void withdraw(const struct monitoring *monitoring, struct bgp_routes routes)
{
	const struct asn_rules *rules = &monitoring->state->options.rules;
	struct bmp_router *router = monitoring->router;
	struct prefix prefix;
	uint32_t path_id;

	while (bgp_routes_next(&routes, &prefix, &path_id)) {
		router->counters[BMP_COUNTER_withdrawn]++;
		if (asn_rules_prefix(rules, &prefix) == ASN_SKIP_COUNT &&
		    !bmp_rib_withdraw(monitoring->state->rib, monitoring->source, &prefix, path_id))
			router->counters[BMP_COUNTER_unknown_withdrawn]++;
	}
}

static void note_view(const struct monitoring *monitoring, enum bgp_family family)
{
	const enum bmp_view view = bmp_peer_view(monitoring->peer, monitoring->is_post_policy);

	monitoring->router->has_view[family][view] = true;
}

static void end_family(const struct monitoring *monitoring, enum bgp_family family)
{
	monitoring->router->counters[BMP_COUNTER_end_of_rib]++;
	monitoring->peer->has_end[monitoring->is_post_policy][family] = true;
	note_view(monitoring, family);
	bmp_rib_drop_stale(monitoring->state->rib, monitoring->source, family);
}

static void use_update(const struct monitoring *monitoring, const struct bmp_peer_header *header)
{
	const struct bgp_update *update = &monitoring->update;
	struct bmp_attributes attributes;

	monitoring->peer->reports[monitoring->is_post_policy] = true;
	withdraw(monitoring, update->withdrawn);
	withdraw(monitoring, update->mp_withdrawn);
	if (reader_left(&update->announced.prefixes) ||
	    reader_left(&update->mp_announced.prefixes)) {
		find_attributes(monitoring, header->flags, header->as_number, &attributes);
		if (reader_left(&update->announced.prefixes))
			note_view(monitoring, update->announced.family);
		if (reader_left(&update->mp_announced.prefixes))
			note_view(monitoring, update->mp_announced.family);
		announce(monitoring, update->announced, attributes, update->next_hop);
		announce(monitoring, update->mp_announced, attributes, update->mp_next_hop);
	}
	for (int family = 0; family < BGP_FAMILY_COUNT; family++)
		if (update->is_end_of_rib[family])
			end_family(monitoring, (enum bgp_family)family);
	if (update->has_other_families)
		monitoring->router->counters[BMP_COUNTER_other_families]++;
}

/* The reason to leave a message alone; BMP_COUNTER_COUNT: none. */
static enum bmp_counter left_alone(const struct bmp_state *state,
				   const struct bmp_peer_header *header)
{
	if (header->flags & BMP_FLAG_OUT)
		return BMP_COUNTER_adj_rib_out;
	if (!bmp_peer_counts(state, &header->name))
		return BMP_COUNTER_vrf;
	return BMP_COUNTER_COUNT;
}

static bool read_update(struct monitoring *monitoring, struct reader *reader)
{
	struct reader body;

	/* Bytes after the UPDATE are TLVs of drafts: it is taken by its own length. */
	return bgp_message_take(reader, &body) == BGP_UPDATE &&
	       bgp_update_read(body, monitoring->peer->has_path_ids, &monitoring->update) == 0;
}

bool bmp_routes_read(struct bmp_state *state, struct bmp_router *router, struct reader *reader)
{
	struct monitoring monitoring = { .state = state, .router = router };
	struct bmp_peer_header header;
	enum bmp_counter reason;

	if (!bmp_peer_header_take(reader, &header))
		return false;
	reason = left_alone(state, &header);
	if (reason != BMP_COUNTER_COUNT) {
		router->counters[reason]++;
		return true;
	}
	monitoring.is_post_policy = (header.flags & BMP_FLAG_POST_POLICY) != 0;
	monitoring.peer = bmp_peers_get(state, router, &header.name);
	if (monitoring.peer)
		monitoring.source =
			bmp_peer_source(state, monitoring.peer, monitoring.is_post_policy);
	if (!monitoring.peer || monitoring.source == BMP_NO_SOURCE) {
		router->counters[BMP_COUNTER_too_many_peers]++;
		return true;
	}
	monitoring.peer->is_seen = true;
	router->counters[BMP_COUNTER_no_peer_up] += !monitoring.peer->is_up;
	if (!read_update(&monitoring, reader))
		return false;
	use_update(&monitoring, &header);
	return true;
}
