/* flow_hash.h - the keyed hash of flow keys. Internal to the flow cache.
 *
 * Place: flow_cache.c hashes each packet's key by it, once.
 *
 * NH (RFC 4418 section 5.2, here with 64-bit words): the sum of products (w0 + k0) * (w1 + k1) +
 * ... modulo 2^128. For two different keys of one length the chance that the sums are equal is at
 * most 2^-64 over the secret k, whatever the keys are: so nobody who does not know k can choose
 * packets that collide, at a fifth of the cost of SipHash. Three more products fold the sum to
 * 32 well-mixed bits. The secret words are drawn from a 16-byte secret by SipHash. */
#ifndef FLOW_HASH_H
#define FLOW_HASH_H

#include "flow.h"
#include "hash.h"
#include "wide.h"

#define FLOW_HASH_WORDS 8 /* an IPv6 key has 7 words; the last one counts as 0 */

struct flow_hash_key {
	uint64_t words[FLOW_HASH_WORDS];
	uint64_t fold[3];
};

static inline struct flow_hash_key flow_hash_key_of(const uint8_t secret[static 16])
{
	struct hash_key source = hash_key_of(secret);
	struct flow_hash_key key;
	uint64_t number = 0;

	for (size_t i = 0; i < FLOW_HASH_WORDS; i++, number++)
		key.words[i] = hash_words(source, &number, sizeof(number));
	for (size_t i = 0; i < 3; i++, number++)
		key.fold[i] = hash_words(source, &number, sizeof(number)) | 1;
	return key;
}

static inline uint64_t flow_hash_word(const struct flow_key *flow, size_t number)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)flow + 8 * number, 8);
	return word;
}

static inline wide flow_hash_product(const struct flow_hash_key *key, const struct flow_key *flow,
				     size_t number)
{
	return wide_product(flow_hash_word(flow, number) + key->words[number],
			    flow_hash_word(flow, number + 1) + key->words[number + 1]);
}

/* Hash of the part of a flow key that counts. */
static inline uint32_t flow_hash(const struct flow_hash_key *key, const struct flow_key *flow)
{
	wide sum = wide_sum(flow_hash_product(key, flow, 0), flow_hash_product(key, flow, 2));

	if (flow->ip_version != 4)
		sum = wide_sum(sum, wide_sum(flow_hash_product(key, flow, 4),
					     wide_product(flow_hash_word(flow, 6) + key->words[6],
							  key->words[7])));
	sum = wide_sum(wide_product(wide_low(sum), key->fold[0]),
		       wide_product(wide_high(sum), key->fold[1]));
	return (uint32_t)(wide_high(sum) ^ (wide_low(sum) * key->fold[2]) >> 32);
}

#endif
