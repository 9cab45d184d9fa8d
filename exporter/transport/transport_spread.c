/* transport_spread.c - weighted rendezvous: -log(u) / weight, where u is a number between 0 and 1
 * of agent and item, is lowest for an item in weight / sum of the weights of all agents. */
#include "transport_spread.h"

#include "hash.h"

#include <math.h>

#define HARDLY_ANY 0.001 /* RFC 2782: "a very small chance" */

static double score_of(const struct transport_spread_item *item, uint32_t seed)
{
	const struct hash_key key = { .k0 = seed, .k1 = 0 };
	const uint64_t hash = hash_words(key, item->key, sizeof(item->key));
	const double fraction = ((double)(hash >> 12) + 0.5) / (double)(1ull << 52);

	return -log(fraction) / (item->weight ? item->weight : HARDLY_ANY);
}

/* Whether 'one' must stand after 'other', which is after it now. */
static int is_after(const struct transport_spread_item *one,
		    const struct transport_spread_item *other)
{
	if (one->priority != other->priority)
		return one->priority > other->priority;
	return one->score > other->score;
}

void transport_spread(struct transport_spread_item *items, size_t count, uint32_t seed)
{
	for (size_t i = 0; i < count; i++) {
		struct transport_spread_item next = items[i];
		size_t place = i;

		next.score = seed ? score_of(&next, seed) : 0;
		for (; place && is_after(&items[place - 1], &next); place--)
			items[place] = items[place - 1];
		items[place] = next;
	}
}
