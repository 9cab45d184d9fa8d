/* bmp_table.c - see bmp_table.h. Runs once for each new table, over all routes. */
#include "bmp_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The vote of a source for the present prefix is votes[place[source]], if 'stamp' is the prefix's.
 */
struct voter {
	bool votes_for[BGP_FAMILY_COUNT];
	uint32_t stamp;
	uint32_t place;
};

struct election {
	struct bmp_state *state;
	struct asn_builder *builder;
	struct bmp_table_result *result;
	struct voter *voters;                /* owned; by source */
	const struct bmp_attributes **votes; /* owned; room for one of each source */
	uint32_t vote_count;
	uint32_t stamp;
};

/* ---- who votes ---- */

static enum bmp_view best_view(const struct bmp_state *state, uint8_t router,
			       enum bgp_family family)
{
	enum bmp_view best = BMP_VIEW_pre_policy;

	for (int view = BMP_VIEW_COUNT - 1; view > 0; view--)
		if (state->routers[router].has_view[family][view])
			return (enum bmp_view)view;
	/* It has not reported anything yet: the view that it had before, which is stale. */
	for (size_t i = 0; i < state->peer_count; i++) {
		const struct bmp_peer *peer = &state->peers[i];

		for (int policy = 0; policy < 2; policy++)
			if (peer->is_used && peer->router == router &&
			    peer->sources[policy] != BMP_NO_SOURCE &&
			    bmp_rib_routes(state->rib, peer->sources[policy], family) &&
			    bmp_peer_view(peer, policy) > best)
				best = bmp_peer_view(peer, policy);
	}
	return best;
}

static void admit_peer(struct election *election, const struct bmp_peer *peer,
		       const enum bmp_view views[static BGP_FAMILY_COUNT])
{
	for (int policy = 0; policy < 2; policy++) {
		const uint16_t source = peer->sources[policy];
		bool votes = false;

		for (int family = 0; source != BMP_NO_SOURCE && family < BGP_FAMILY_COUNT;
		     family++) {
			if (bmp_peer_view(peer, policy) != views[family])
				continue;
			election->voters[source].votes_for[family] = true;
			votes |= bmp_rib_routes(election->state->rib, source,
						(enum bgp_family)family) > 0;
		}
		election->result->voters += votes;
	}
}

static void admit_router(struct election *election, uint8_t router)
{
	const struct bmp_state *state = election->state;
	enum bmp_view views[BGP_FAMILY_COUNT];

	for (int family = 0; family < BGP_FAMILY_COUNT; family++)
		views[family] = best_view(state, router, (enum bgp_family)family);
	for (size_t i = 0; i < state->peer_count; i++)
		if (state->peers[i].is_used && state->peers[i].router == router)
			admit_peer(election, &state->peers[i], views);
}

/* ---- votes ---- */

/* As BGP begins its choice (RFC 4271 section 9.1.2.2); what is left decides for the same outcome
 * always. */
static bool is_better(const struct bmp_attributes *one, const struct bmp_attributes *other)
{
	int order;

	if (one->local_preference != other->local_preference)
		return one->local_preference > other->local_preference;
	if (one->path_length != other->path_length)
		return one->path_length < other->path_length;
	if (one->neighbour != other->neighbour)
		return one->neighbour < other->neighbour;
	order = memcmp(one->next_hop, other->next_hop, sizeof(one->next_hop));
	return order ? order < 0 : one->origin < other->origin;
}

/* Of several paths of one source (ADD-PATH) the best one votes. */
static void collect_votes(struct election *election, enum bgp_family family,
			  const struct bmp_route *routes, size_t count)
{
	election->stamp++;
	election->vote_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct voter *voter = &election->voters[routes[i].source];

		if (!voter->votes_for[family])
			continue;
		if (voter->stamp != election->stamp) {
			voter->stamp = election->stamp;
			voter->place = election->vote_count++;
			election->votes[voter->place] = routes[i].attributes;
		} else if (is_better(routes[i].attributes, election->votes[voter->place])) {
			election->votes[voter->place] = routes[i].attributes;
		}
	}
}

static uint32_t votes_for(const struct election *election, uint32_t origin)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < election->vote_count; i++)
		sum += election->votes[i]->origin == origin;
	return sum;
}

/* 0: no vote for any. */
static uint32_t elected(const struct election *election)
{
	uint32_t winner = 0, most = 0;

	for (uint32_t i = 0; i < election->vote_count; i++) {
		const uint32_t origin = election->votes[i]->origin;
		uint32_t sum;

		/* Nearly all prefixes have one origin: it is counted once. */
		if (origin == 0 || origin == winner)
			continue;
		sum = votes_for(election, origin);
		if (sum > most || (sum == most && origin < winner)) {
			most = sum;
			winner = origin;
		}
	}
	return winner;
}

static const struct bmp_attributes *best_of(const struct election *election, uint32_t origin)
{
	const struct bmp_attributes *best = NULL;

	for (uint32_t i = 0; i < election->vote_count; i++) {
		const struct bmp_attributes *vote = election->votes[i];

		if (vote->origin == origin && (!best || is_better(vote, best)))
			best = vote;
	}
	return best;
}

static int elect(void *context, const struct prefix *prefix, const struct bmp_route *routes,
		 size_t count)
{
	static const uint8_t none[16];
	struct election *election = context;
	const enum bgp_family family = prefix->ip_version == 6 ? BGP_FAMILY_ipv6 : BGP_FAMILY_ipv4;
	struct asn_entry entry = { .prefix_length = prefix->length };
	const struct bmp_attributes *best;

	collect_votes(election, family, routes, count);
	if (election->vote_count == 0)
		return 0;
	entry.as_number = elected(election);
	if (entry.as_number == 0) {
		election->result->no_origin++;
		return 0;
	}
	if (election->vote_count < election->state->options.rules.least_peers) {
		election->result->few_peers++;
		return 0;
	}
	best = best_of(election, entry.as_number);
	entry.peers = (uint16_t)election->vote_count; /* sources have 16 bits */
	entry.peer_as_number = best->neighbour;
	entry.has_next_hop = memcmp(best->next_hop, none, sizeof(none)) != 0;
	memcpy(entry.next_hop, best->next_hop, sizeof(entry.next_hop));
	election->result->prefixes[family]++;
	return asn_builder_add(election->builder, prefix->ip_version, prefix->address, &entry);
}

int bmp_table_build(struct bmp_state *state, struct asn_builder *builder,
		    struct bmp_table_result *result)
{
	struct election election = { .state = state, .builder = builder, .result = result };
	int status = -ENOMEM;

	*result = (struct bmp_table_result){ .voters = 0 };
	bmp_rib_sweep(state->rib);
	election.voters = calloc(BMP_SOURCES_MAX, sizeof(*election.voters));
	election.votes = calloc(BMP_SOURCES_MAX, sizeof(struct bmp_attributes *));
	if (election.voters && election.votes) {
		for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
			if (state->routers[i].is_used)
				admit_router(&election, (uint8_t)i);
		status = bmp_rib_each(state->rib, elect, &election);
	}
	free(election.voters);
	free(election.votes);
	return status;
}
