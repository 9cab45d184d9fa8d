/* asn_routes.h - the routes of one input -> an origin for each prefix; what is skipped, and why.
 *
 * Place: after a record was read (asn_mrt.h), before the table (asn_builder.h). */
#ifndef ASN_ROUTES_H
#define ASN_ROUTES_H

#include "address.h"
#include "asn_builder.h"
#include "asn_rules.h"

struct asn_skipped {
	uint64_t count;
	/* The first one: the byte of the input at which its record begins, and the prefix, of which
	 * ip_version is 0 if it has none. A prefix that all its routes decide on has no offset. */
	uint64_t offset;
	bool has_offset;
	struct prefix prefix;
};

struct asn_routes; /* opaque: defined in asn_routes.c */

struct asn_routes *asn_routes_create(const struct asn_rules *rules);
void asn_routes_destroy(struct asn_routes *routes);

/* Routes to a prefix follow; its host bits are 0. 'offset' is where its record begins. Returns 1 if
 * they are wanted, 0 if the prefix is skipped, or -ENOMEM. */
int asn_routes_begin(struct asn_routes *routes, const struct prefix *prefix, uint64_t offset);

/* A route to that prefix, which peer number 'peer' has: what asn_path_origin() found. Returns 0 or
 * -ENOMEM. */
int asn_routes_add(struct asn_routes *routes, uint32_t peer, enum asn_origin status,
		   uint32_t origin);

/* Something else is skipped, at 'offset'; a route to the present prefix if 'has_prefix'. */
void asn_routes_skip(struct asn_routes *routes, enum asn_skip skip, uint64_t offset,
		     bool has_prefix);

/* Routes that came, skipped or not: those of prefixes that are wanted. */
uint64_t asn_routes_count(const struct asn_routes *routes);
const struct asn_skipped *asn_routes_skipped(const struct asn_routes *routes, enum asn_skip skip);

/* All routes came: give each prefix with its origin to the builder. Returns 0 or a negative errno
 * of the builder. */
int asn_routes_finish(struct asn_routes *routes, struct asn_builder *builder);

#endif
