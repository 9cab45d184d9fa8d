/* asn_votes.c - keeps votes as sets of peers.
 *
 * Place: between the routes of a dump (asn_routes.c) and the table. Nearly all prefixes have one
 * origin that all peers agree on: so a ballot is an origin with a bit for each of 64 peers, and a
 * prefix has a list of ballots.
 *
 * Invariant: a peer has one bit at most in all ballots of a prefix. */
#include "asn_votes.h"

#include "asn_prefixes.h"

#include <errno.h>
#include <stdlib.h>

#define PEERS_PER_BALLOT 64

struct ballot {
	uint32_t origin;
	uint32_t next;  /* number of the next ballot of the prefix; 0: none */
	uint32_t group; /* peers group * 64 and up have the bits */
	uint32_t zero;
	uint64_t peers;
};

struct asn_votes {
	struct asn_prefixes prefixes[2]; /* IPv4, IPv6; with the first ballot of each */
	struct asn_vector ballots;
};

#define FAMILY_BIT 0x80000000u /* of the numbers that callers have: IPv6 */

struct asn_votes *asn_votes_create(void)
{
	struct asn_votes *votes = calloc(1, sizeof(*votes));

	if (!votes)
		return NULL;
	asn_prefixes_init(&votes->prefixes[0], 4);
	asn_prefixes_init(&votes->prefixes[1], 6);
	votes->ballots.element_size = sizeof(struct ballot);
	return votes;
}

void asn_votes_destroy(struct asn_votes *votes)
{
	if (!votes)
		return;
	for (int family = 0; family < 2; family++)
		asn_prefixes_clear(&votes->prefixes[family]);
	asn_vector_clear(&votes->ballots);
	free(votes);
}

int asn_votes_prefix(struct asn_votes *votes, const struct prefix *prefix, uint32_t *number)
{
	const int family = prefix->ip_version == 6;
	const int result = asn_prefixes_number(&votes->prefixes[family], prefix, number);

	if (result == 0 && family)
		*number |= FAMILY_BIT;
	return result;
}

/* A new ballot, at the end of a list. Number 0 stays unused. */
static struct ballot *add_ballot(struct asn_votes *votes, uint32_t *first, uint32_t last)
{
	struct ballot *added;

	if (votes->ballots.count == 0 && !asn_vector_add(&votes->ballots))
		return NULL;
	added = asn_vector_add(&votes->ballots);
	if (!added)
		return NULL;
	if (last)
		((struct ballot *)votes->ballots.elements)[last].next =
			(uint32_t)(votes->ballots.count - 1);
	else
		*first = (uint32_t)(votes->ballots.count - 1);
	*added = (struct ballot){ .next = 0 };
	return added;
}

int asn_votes_add(struct asn_votes *votes, uint32_t number, uint32_t peer, uint32_t origin)
{
	const struct asn_prefixes *prefixes = &votes->prefixes[(number & FAMILY_BIT) != 0];
	uint32_t *first = asn_prefixes_first(prefixes, number & ~FAMILY_BIT);
	struct ballot *ballots = votes->ballots.elements;
	const uint32_t group = peer / PEERS_PER_BALLOT;
	const uint64_t bit = (uint64_t)1 << peer % PEERS_PER_BALLOT;
	struct ballot *found = NULL;
	uint32_t last = 0;

	for (uint32_t next = *first; next; next = ballots[next].next) {
		struct ballot *ballot = &ballots[next];

		last = next;
		if (ballot->group != group)
			continue;
		if (ballot->peers & bit)
			return 0;
		if (ballot->origin == origin)
			found = ballot;
	}
	if (!found) {
		found = add_ballot(votes, first, last);
		if (!found)
			return -ENOMEM;
		found->origin = origin;
		found->group = group;
	}
	found->peers |= bit;
	return 0;
}

static uint32_t votes_for(const struct ballot *ballots, uint32_t first, uint32_t origin)
{
	uint32_t sum = 0;

	for (uint32_t next = first; next; next = ballots[next].next)
		if (ballots[next].origin == origin)
			sum += (uint32_t)__builtin_popcountll(ballots[next].peers);
	return sum;
}

static void count_votes(const struct ballot *ballots, uint32_t first,
			struct asn_votes_result *result)
{
	uint32_t most = 0;

	result->origin = 0;
	result->peers = 0;
	for (uint32_t next = first; next; next = ballots[next].next) {
		const uint32_t origin = ballots[next].origin;
		uint32_t sum;

		result->peers += (uint32_t)__builtin_popcountll(ballots[next].peers);
		if (origin == 0 || origin == result->origin)
			continue;
		sum = votes_for(ballots, first, origin);
		if (sum > most || (sum == most && origin < result->origin)) {
			most = sum;
			result->origin = origin;
		}
	}
}

int asn_votes_each(const struct asn_votes *votes,
		   int (*visit)(void *context, const struct asn_votes_result *result),
		   void *context)
{
	const struct ballot *ballots = votes->ballots.elements;
	int status = 0;

	for (int family = 0; family < 2; family++) {
		const struct asn_prefixes *prefixes = &votes->prefixes[family];

		for (size_t i = 1; status == 0 && i < asn_prefixes_end(prefixes); i++) {
			struct asn_votes_result result = { .prefix =
								   asn_prefixes_get(prefixes, i) };

			count_votes(ballots, *asn_prefixes_first(prefixes, i), &result);
			status = visit(context, &result);
		}
	}
	return status;
}
