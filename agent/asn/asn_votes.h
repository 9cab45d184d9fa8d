/* asn_votes.h - which peer has which origin for a prefix, and what most of them say.
 *
 * Each peer has one vote for a prefix, its first. Votes for a prefix may come in any order and at
 * any time. Takes about 50 bytes a prefix whose peers agree, for each 64 peers. */
#ifndef ASN_VOTES_H
#define ASN_VOTES_H

#include "address.h"

struct asn_votes; /* opaque: defined in asn_votes.c */

/* What came of the votes for a prefix. */
struct asn_votes_result {
	struct prefix prefix;
	uint32_t origin; /* of most votes, of several with as many the lowest; 0: no vote for any */
	uint32_t peers;  /* that voted, also for no origin */
};

struct asn_votes *asn_votes_create(void);
void asn_votes_destroy(struct asn_votes *votes);

/* The number of a prefix, for asn_votes_add(). Its host bits are 0. Returns 0 or -ENOMEM. */
int asn_votes_prefix(struct asn_votes *votes, const struct prefix *prefix, uint32_t *number);

/* Note the vote of a peer, a number that the caller gives it; the lower these are, the less memory
 * they take. Origin 0: the peer has the prefix, and says nothing of its origin. A second vote of
 * the peer for the prefix does not count. Returns 0 or -ENOMEM. */
int asn_votes_add(struct asn_votes *votes, uint32_t number, uint32_t peer, uint32_t origin);

/* Call 'visit' for each prefix, IPv4 first, in the order in which they came. Ends with what 'visit'
 * returns if that is not 0. */
int asn_votes_each(const struct asn_votes *votes,
		   int (*visit)(void *context, const struct asn_votes_result *result),
		   void *context);

#endif
