/* asn_rules.h - which routes count, and why the others do not.
 *
 * Place: of each route that a routing table has, before its peers vote: in dumps (asn_routes.h) and
 * in what routers report (bmp_station.h). Pure. */
#ifndef ASN_RULES_H
#define ASN_RULES_H

#include "address.h"
#include "asn_path.h"

#include <stdbool.h>
#include <stdint.h>

enum asn_skip {
#define ASN_SKIP(name, text) ASN_SKIP_##name,
#include "asn_skips.def"
#undef ASN_SKIP
	ASN_SKIP_COUNT
};

/* "routes without an AS path" */
const char *asn_skip_text(enum asn_skip skip);

/* Which routes and prefixes are wanted. */
struct asn_rules {
	uint32_t least_peers;   /* that must have a prefix */
	uint8_t longest_ipv4;   /* mask, 0 to 32 */
	uint8_t longest_ipv6;   /* 0 to 128 */
	bool has_bogons;        /* bogon prefixes and AS numbers are taken, too */
	bool has_default_route; /* and so are 0.0.0.0/0 and ::/0 */
};

/* The reason to skip a prefix, whatever its routes are; ASN_SKIP_COUNT: none. */
enum asn_skip asn_rules_prefix(const struct asn_rules *rules, const struct prefix *prefix);

/* The reason why a route has no origin that counts; ASN_SKIP_COUNT: none. The arguments are what
 * asn_path.h found. */
enum asn_skip asn_rules_origin(const struct asn_rules *rules, enum asn_origin status,
			       uint32_t origin);

#endif
