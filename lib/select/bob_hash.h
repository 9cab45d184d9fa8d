/* bob_hash.h - Bob Jenkins' 32-bit hash of a few bytes: the one that PSAMP names for choosing
 * packets by their content (RFC 5475 section 6.2.4.1, selectorAlgorithm 6).
 *
 * Place: under connection_hash.c and sampling.c.
 *
 * Every agent that uses it with the same start on the same bytes chooses the same packets. It is no
 * keyed hash: who knows the start can make packets that are chosen, or never. */
#ifndef BOB_HASH_H
#define BOB_HASH_H

#include "bytes.h"

#define BOB_HASH_BLOCK 12 /* bytes mixed in at once */

struct bob_hash_state {
	uint32_t a, b, c;
};

/* One third of the mix: take y and z from x, then xor z shifted, to the right if 'right'. */
static inline uint32_t bob_hash_step(uint32_t x, uint32_t y, uint32_t z, unsigned int bits,
				     bool right)
{
	return (x - y - z) ^ (right ? z >> bits : z << bits);
}

static inline void bob_hash_mix(struct bob_hash_state *state)
{
	static const uint8_t shifts[3][3] = { { 13, 8, 13 }, { 12, 16, 5 }, { 3, 10, 15 } };

	for (size_t i = 0; i < 3; i++) {
		state->a = bob_hash_step(state->a, state->b, state->c, shifts[i][0], true);
		state->b = bob_hash_step(state->b, state->c, state->a, shifts[i][1], false);
		state->c = bob_hash_step(state->c, state->a, state->b, shifts[i][2], true);
	}
}

/* Hash of 'size' bytes. Words are taken least significant byte first on every machine. */
static inline uint32_t bob_hash(const uint8_t *bytes, size_t size, uint32_t start)
{
	struct bob_hash_state state = { 0x9e3779b9u, 0x9e3779b9u, start };
	uint8_t rest[BOB_HASH_BLOCK] = { 0 };
	size_t left = size;

	for (; left >= BOB_HASH_BLOCK; left -= BOB_HASH_BLOCK, bytes += BOB_HASH_BLOCK) {
		state.a += load_le32(bytes);
		state.b += load_le32(bytes + 4);
		state.c += load_le32(bytes + 8);
		bob_hash_mix(&state);
	}
	/* The lowest byte of the last word is for the length. */
	memcpy(rest, bytes, left < 8 ? left : 8);
	if (left > 8)
		memcpy(rest + 9, bytes + 8, left - 8);
	state.a += load_le32(rest);
	state.b += load_le32(rest + 4);
	state.c += load_le32(rest + 8) + (uint32_t)size;
	bob_hash_mix(&state);
	return state.c;
}

/* The same of a number, which a keyed hash has made: so that who knows the start alone cannot tell.
 */
static inline uint32_t bob_hash_number(uint64_t number)
{
	uint8_t bytes[8];

	store_be64(bytes, number);
	return bob_hash(bytes, sizeof(bytes), 0);
}

#endif
