/* asn_prefixes.h - the prefixes of a family, each once, with a number and the beginning of a list
 * that is the caller's.
 *
 * Place: under asn_votes.c (lists of ballots) and bmp_rib.c (lists of routes). Takes 20 bytes for
 * each prefix of IPv4 and 36 for one of IPv6, and the hash table. */
#ifndef ASN_PREFIXES_H
#define ASN_PREFIXES_H

#include "address.h"
#include "asn_pool.h"

struct asn_prefixes {
	struct asn_pool pool;
	struct asn_vector first; /* uint32_t for each number */
	uint8_t ip_version;
};

void asn_prefixes_init(struct asn_prefixes *prefixes, uint8_t ip_version);
void asn_prefixes_clear(struct asn_prefixes *prefixes);

/* The number of a prefix of this family, whose host bits are 0; it is added, with an empty list, if
 * it is not there. Numbers begin with 1, in the order in which prefixes come. Returns 0 or -ENOMEM.
 */
int asn_prefixes_number(struct asn_prefixes *prefixes, const struct prefix *prefix,
			uint32_t *number);

/* One more than the highest number. */
static inline size_t asn_prefixes_end(const struct asn_prefixes *prefixes)
{
	return prefixes->first.count;
}

/* The prefix of a number. */
struct prefix asn_prefixes_get(const struct asn_prefixes *prefixes, size_t number);

/* Where its list begins: 0 until the caller changes it. Valid until a prefix is added. */
static inline uint32_t *asn_prefixes_first(const struct asn_prefixes *prefixes, size_t number)
{
	return (uint32_t *)prefixes->first.elements + number;
}

#endif
