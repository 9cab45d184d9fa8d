/* asn_routes.c - filters what comes from a routing table, and lets the peers vote.
 *
 * Place: between asn_mrt.c and asn_builder.c. Prefixes are filtered when they come, origins when a
 * route comes: so a private AS never wins a vote. What depends on all peers is filtered at the end.
 *
 * Invariant: each route, prefix or record that is not in the table is counted under one reason,
 * unless a peer had another route to the prefix before it. */
#include "asn_routes.h"

#include "asn_votes.h"

#include <errno.h>
#include <stdlib.h>

struct asn_routes {
	struct asn_rules rules;
	struct asn_votes *votes; /* owned */
	struct asn_skipped skipped[ASN_SKIP_COUNT];
	uint64_t count;
	struct prefix prefix; /* the present one */
	uint64_t offset;      /* of its record */
	uint32_t number;      /* of its votes */
};

/* Of asn_routes_finish(). */
struct finish {
	struct asn_routes *routes;
	struct asn_builder *builder;
};

struct asn_routes *asn_routes_create(const struct asn_rules *rules)
{
	struct asn_routes *routes = calloc(1, sizeof(*routes));

	if (!routes)
		return NULL;
	routes->rules = *rules;
	routes->votes = asn_votes_create();
	if (routes->votes)
		return routes;
	free(routes);
	return NULL;
}

void asn_routes_destroy(struct asn_routes *routes)
{
	if (!routes)
		return;
	asn_votes_destroy(routes->votes);
	free(routes);
}

/* 'offset' and 'prefix' may be NULL. */
static void note_skipped(struct asn_routes *routes, enum asn_skip skip, const uint64_t *offset,
			 const struct prefix *prefix)
{
	struct asn_skipped *skipped = &routes->skipped[skip];

	if (skipped->count++ > 0)
		return;
	skipped->has_offset = offset != NULL;
	if (offset)
		skipped->offset = *offset;
	if (prefix)
		skipped->prefix = *prefix;
}

void asn_routes_skip(struct asn_routes *routes, enum asn_skip skip, uint64_t offset,
		     bool has_prefix)
{
	if (has_prefix)
		routes->count++;
	note_skipped(routes, skip, &offset, has_prefix ? &routes->prefix : NULL);
}

int asn_routes_begin(struct asn_routes *routes, const struct prefix *prefix, uint64_t offset)
{
	const enum asn_skip skip = asn_rules_prefix(&routes->rules, prefix);

	if (skip != ASN_SKIP_COUNT) {
		note_skipped(routes, skip, &offset, prefix);
		return 0;
	}
	routes->prefix = *prefix;
	routes->offset = offset;
	return asn_votes_prefix(routes->votes, prefix, &routes->number) < 0 ? -ENOMEM : 1;
}

int asn_routes_add(struct asn_routes *routes, uint32_t peer, enum asn_origin status,
		   uint32_t origin)
{
	const enum asn_skip skip = asn_rules_origin(&routes->rules, status, origin);

	if (skip == ASN_SKIP_COUNT) {
		routes->count++;
	} else {
		asn_routes_skip(routes, skip, routes->offset, true);
		origin = 0;
	}
	return asn_votes_add(routes->votes, routes->number, peer, origin);
}

uint64_t asn_routes_count(const struct asn_routes *routes)
{
	return routes->count;
}

const struct asn_skipped *asn_routes_skipped(const struct asn_routes *routes, enum asn_skip skip)
{
	return &routes->skipped[skip];
}

static int finish_prefix(void *context, const struct asn_votes_result *result)
{
	struct finish *finish = context;
	struct asn_routes *routes = finish->routes;
	const struct asn_entry entry = {
		.as_number = result->origin,
		.prefix_length = result->prefix.length,
		.peers = result->peers < UINT16_MAX ? (uint16_t)result->peers : UINT16_MAX,
	};

	if (result->origin == 0) {
		note_skipped(routes, ASN_SKIP_no_origin, NULL, &result->prefix);
		return 0;
	}
	if (result->peers < routes->rules.least_peers) {
		note_skipped(routes, ASN_SKIP_few_peers, NULL, &result->prefix);
		return 0;
	}
	return asn_builder_add(finish->builder, result->prefix.ip_version, result->prefix.address,
			       &entry);
}

int asn_routes_finish(struct asn_routes *routes, struct asn_builder *builder)
{
	struct finish finish = { .routes = routes, .builder = builder };

	return asn_votes_each(routes->votes, finish_prefix, &finish);
}
