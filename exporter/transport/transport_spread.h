/* transport_spread.h - the order in which one agent of many uses the addresses of a name.
 *
 * Place: transport_lookup.c -> here. Pure.
 *
 * Each agent has an order of its own, by a hash of its source id and the address: so a fleet
 * spreads over the addresses in shares of their weights, whatever order an answer has, and one that
 * comes or goes moves only the agents that it concerns. */
#ifndef TRANSPORT_SPREAD_H
#define TRANSPORT_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_SPREAD_KEY_SIZE 32 /* a multiple of 8 */

struct transport_spread_item {
	uint32_t priority; /* lower ones first, whatever the hash says */
	uint32_t weight; /* share among those of one priority; 0: hardly any, if others have some */
	uint8_t key[TRANSPORT_SPREAD_KEY_SIZE]; /* what it is, filled up with zeros */
	size_t index;                           /* the caller's */
	double score;                           /* set here */
};

/* Sort the items for the agent 'seed'; 0: within one priority they keep their order. */
void transport_spread(struct transport_spread_item *items, size_t count, uint32_t seed);

#endif
