/* flow_index_look.h - the look into the index that each packet takes. Internal to flow_cache*.c and
 * flow_index.c; inlined, since a call costs as much as the look.
 *
 * Place: inside the loops of flow_cache.c. */
#ifndef FLOW_INDEX_LOOK_H
#define FLOW_INDEX_LOOK_H

#include "flow_index_tags.h"

/* The highest bits, which only tables of 2^24 buckets and more use for the bucket. */
static inline uint8_t flow_index_tag(uint32_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 24);

	return tag ? tag : 1;
}

static inline struct bucket *flow_index_home(const struct flow_cache *cache, uint32_t hash)
{
	uint32_t number = hash & cache->bucket_mask_wide;
	uint32_t unsplit = hash & cache->bucket_mask;

	return &cache->buckets[number < cache->bucket_count ? number : unsplit];
}

static inline struct bucket *flow_index_overflow(const struct flow_cache *cache,
						 const struct bucket *bucket)
{
	return bucket->overflow ? &cache->overflow_buckets[bucket->overflow - 1] : NULL;
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

/* An IPv4 key never equals an IPv6 flow's, nor a packet's that of a flow not in use: ip_version is
 * in the first three words, which all have. */
static inline bool flow_index_key_equals(const struct flow_key *a, const struct flow_key *b)
{
	_Static_assert(FLOW_KEY_FIXED_SIZE == 24, "three words, then one or four of addresses");

	if (flow_index_words_differ(a, b, 4))
		return false;
	return a->ip_version == 4 ||
	       !flow_index_words_differ(a->addresses + 8, b->addresses + 8, 3);
}

/* flow_index_find() from the bucket on that is flow_index_home(). */
static inline flow_place flow_index_find_from(const struct flow_cache *cache,
					      const struct bucket *bucket,
					      const struct flow_key *key, uint32_t hash)
{
	const uint8_t tag = flow_index_tag(hash);

	for (; bucket; bucket = flow_index_overflow(cache, bucket)) {
		for (flow_index_set left = flow_index_matches(bucket, tag); left;
		     left &= left - 1) {
			flow_place index = bucket->flows[flow_index_slot(left)];

			if (flow_index_key_equals(key, &flow_at(cache, index)->key))
				return index;
		}
	}
	return FLOW_NONE;
}

/* The flow that flow_index_find() will likely find, and ask for its cache lines. Returns false if
 * none is likely: a constant for the branch of the caller. */
static inline __attribute__((always_inline)) bool flow_index_guess(const struct flow_cache *cache,
								   uint32_t hash, flow_place *place)
{
	const struct bucket *bucket = flow_index_home(cache, hash);
	flow_index_set matches = flow_index_matches(bucket, flow_index_tag(hash));
	const struct cached_flow *flow;

	if (!matches)
		return false;
	*place = bucket->flows[flow_index_slot(matches)];
	flow = flow_at(cache, *place);
	__builtin_prefetch(flow, 1);
	__builtin_prefetch(&flow->key, 1);
	return true;
}

/* Ask for the bucket of a flow, or FLOW_NONE, that leaves soon: it may be anywhere in the index.
 * Always inlined: gcc 12 takes a call of what only prefetches for one without effect, and out. */
static inline __attribute__((always_inline)) void
flow_index_prefetch(const struct flow_cache *cache, flow_place index)
{
	if (index != FLOW_NONE)
		__builtin_prefetch(flow_index_home(cache, flow_at(cache, index)->hash));
}

/* flow_index_remove() of a flow with this hash; without the call where it is in its home bucket and
 * the first there with its tag: nearly always. */
static inline __attribute__((always_inline)) void
flow_index_take_out(struct flow_cache *cache, flow_place index, uint32_t hash)
{
	struct bucket *home = flow_index_home(cache, hash);
	const flow_index_set matches = flow_index_matches(home, flow_index_tag(hash));

	if (__builtin_expect(matches && home->flows[flow_index_slot(matches)] == index, 1))
		home->tags[flow_index_slot(matches)] = 0;
	else
		flow_index_remove(cache, index);
}

#endif
