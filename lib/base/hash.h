/* hash.h - SipHash-1-3, the keyed hash of every table that outsiders can fill.
 *
 * Place: under connection_hash.c, fragment_table.c, sampling.c and the tables of lib/lookup.
 *
 * With a key drawn at start nobody outside can choose packets that collide. Inlined: it runs once
 * per packet. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", with 1 compression
 * and 3 finalization rounds. */
#ifndef HASH_H
#define HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
	uint64_t k0, k1;
};

/* Make a key of 16 secret bytes. */
static inline struct hash_key hash_key_of(const uint8_t bytes[static 16])
{
	struct hash_key key;

	memcpy(&key.k0, bytes, 8);
	memcpy(&key.k1, bytes + 8, 8);
	key.k0 = le64toh(key.k0);
	key.k1 = le64toh(key.k1);
	return key;
}

static inline uint64_t hash_rotate(uint64_t value, unsigned int bits)
{
	return (value << bits) | (value >> (64 - bits));
}

static inline void hash_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = hash_rotate(v[1], 13) ^ v[0];
	v[3] = hash_rotate(v[3], 16) ^ v[2];
	v[0] = hash_rotate(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = hash_rotate(v[3], 21) ^ v[0];
	v[1] = hash_rotate(v[1], 17) ^ v[2];
	v[2] = hash_rotate(v[2], 32);
}

/* SipHash-1-3 of 'size' bytes; size must be a multiple of 8. */
static inline uint64_t hash_words(struct hash_key key, const void *bytes, size_t size)
{
	uint64_t v[4] = {
		key.k0 ^ 0x736f6d6570736575u,
		key.k1 ^ 0x646f72616e646f6du,
		key.k0 ^ 0x6c7967656e657261u,
		key.k1 ^ 0x7465646279746573u,
	};
	uint64_t last = (uint64_t)(size & 0xff) << 56;

	for (size_t i = 0; i < size; i += 8) {
		uint64_t word;

		memcpy(&word, (const uint8_t *)bytes + i, 8);
		word = le64toh(word);
		v[3] ^= word;
		hash_round(v);
		v[0] ^= word;
	}
	v[3] ^= last;
	hash_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	hash_round(v);
	hash_round(v);
	hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
