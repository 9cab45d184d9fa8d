/* flow_index_look.h - the look into the index that each packet takes. Internal to flow_cache*.c and
 * flow_index.c; inlined, since a call costs as much as the look. */
#ifndef FLOW_INDEX_LOOK_H
#define FLOW_INDEX_LOOK_H

#include "flow_cache_layout.h"

/* The highest bits, which only tables of 2^24 buckets and more use for the bucket. */
static inline uint8_t flow_index_tag(uint32_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 24);

	return tag ? tag : 1;
}

static inline struct bucket *flow_index_home(const struct flow_cache *cache, uint32_t hash)
{
	uint32_t number = hash & (2 * cache->bucket_mask + 1);

	if (number >= cache->bucket_count)
		number &= cache->bucket_mask;
	return &cache->buckets[number];
}

static inline struct bucket *flow_index_overflow(const struct flow_cache *cache,
						 const struct bucket *bucket)
{
	return bucket->overflow ? &cache->overflow_buckets[bucket->overflow - 1] : NULL;
}

/* The top bit of each byte of 'word' that is 0, exactly: 0x7f + its low bits carries into the top
 * bit unless they are 0. */
static inline uint64_t flow_index_zero_bytes(uint64_t word)
{
	const uint64_t low_bits = 0x7f7f7f7f7f7f7f7fu;

	return ~(((word & low_bits) + low_bits) | word) & ~low_bits;
}

#define FLOW_INDEX_EVERY_BYTE 0x0101010101010101u
#define FLOW_INDEX_ALL_SLOTS  0x80808080c0c0c0c0u

/* A bit for each slot whose tag is 'tag': 8 * i + 7 for slots 0 to 7, 8 * (i - 8) + 6 for the last
 * four, so that all fit into one word. */
static inline uint64_t flow_index_matches(const struct bucket *bucket, uint8_t tag)
{
	uint64_t first;
	uint32_t last;

	memcpy(&first, bucket->tags, 8);
	memcpy(&last, bucket->tags + 8, 4);
	first = flow_index_zero_bytes(le64toh(first) ^ tag * FLOW_INDEX_EVERY_BYTE);
	return first |
	       (flow_index_zero_bytes(le32toh(last) ^ tag * FLOW_INDEX_EVERY_BYTE) & 0x80808080u) >>
		       1;
}

/* The slot of the lowest bit that flow_index_matches() has set. */
static inline unsigned int flow_index_slot(uint64_t matches)
{
	unsigned int bit = (unsigned int)__builtin_ctzll(matches);

	return bit / 8 + (bit & 1 ? 0 : 8);
}

static inline uint64_t flow_index_words_differ(const void *a, const void *b, size_t words)
{
	uint64_t difference = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t left;
		uint64_t right;

		memcpy(&left, (const uint8_t *)a + 8 * i, 8);
		memcpy(&right, (const uint8_t *)b + 8 * i, 8);
		difference |= left ^ right;
	}
	return difference;
}

/* An IPv4 key never equals an IPv6 flow's: ip_version is in the first three words, which both have.
 */
static inline bool flow_index_key_equals(const struct flow_key *a, const struct flow_key *b)
{
	_Static_assert(FLOW_KEY_FIXED_SIZE == 24, "three words, then one or four of addresses");

	if (flow_index_words_differ(a, b, 4))
		return false;
	return a->ip_version == 4 ||
	       !flow_index_words_differ(a->addresses + 8, b->addresses + 8, 3);
}

/* Ask for the cache line that flow_index_guess() will read. */
static inline void flow_index_prefetch(const struct flow_cache *cache, uint32_t hash)
{
	__builtin_prefetch(flow_index_home(cache, hash));
}

/* The flow that flow_index_find() will likely find, and ask for its cache lines. FLOW_NONE if none
 * is likely. */
static inline flow_index flow_index_guess(const struct flow_cache *cache, uint32_t hash)
{
	const struct bucket *bucket = flow_index_home(cache, hash);
	uint64_t matches = flow_index_matches(bucket, flow_index_tag(hash));
	flow_index index;

	if (!matches)
		return FLOW_NONE;
	index = bucket->flows[flow_index_slot(matches)];
	__builtin_prefetch(flow_at(cache, index), 1);
	__builtin_prefetch(&flow_at(cache, index)->key, 1);
	return index;
}

/* Whether 'index', which was in use a moment ago, still is the flow of a key. */
static inline bool flow_index_is(const struct flow_cache *cache, flow_index index,
				 const struct flow_key *key)
{
	const struct cached_flow *flow = flow_at(cache, index);

	return flow_index_key_equals(key, &flow->key) && flow->packets;
}

#endif
