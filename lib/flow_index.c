/* flow_index.c - from flow key to flow: the hashed index of the flow cache.
 *
 * Linear hashing: the table grows by one bucket whenever the buckets hold more than BUCKET_LOAD
 * flows on average, by splitting one bucket in two, in turn. So it needs no size in advance, no
 * pause to grow, and memory follows use. A bucket is one cache line of 16-bit tags and flow
 * numbers: a look-up reads one line of the index and, but for one in some thousand false tags, only
 * the flow looked for. What does not fit into its bucket goes to an overflow bucket; the keyed hash
 * keeps those rare. */
#include "flow_cache_layout.h"

static uint16_t tag_of(uint64_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 48);

	return tag ? tag : 1;
}

static struct bucket *home_bucket(const struct flow_cache *cache, uint32_t hash)
{
	uint32_t number = hash & (2 * cache->bucket_mask + 1);

	if (number >= cache->bucket_count)
		number &= cache->bucket_mask;
	return &cache->buckets[number];
}

static struct bucket *overflow_of(const struct flow_cache *cache, const struct bucket *bucket)
{
	return bucket->overflow ? &cache->overflow_buckets[bucket->overflow - 1] : NULL;
}

/* Bit i is set where tags[i] is 'tag'. Without branches, so that it compiles to vector comparisons.
 */
static unsigned int tag_matches(const struct bucket *bucket, uint16_t tag)
{
	unsigned int matches = 0;

	for (unsigned int i = 0; i < BUCKET_FLOWS; i++)
		matches |= (unsigned int)(bucket->tags[i] == tag) << i;
	return matches;
}

/* Keys are compared word by word: flow_key_size() is a multiple of 8. */
static bool key_equals(const struct flow_key *a, const struct flow_key *b)
{
	size_t size = flow_key_size(a);
	uint64_t difference = 0;

	for (size_t i = 0; i < size; i += 8) {
		uint64_t left;
		uint64_t right;

		memcpy(&left, (const uint8_t *)a + i, 8);
		memcpy(&right, (const uint8_t *)b + i, 8);
		difference |= left ^ right;
	}
	return difference == 0;
}

flow_index flow_index_find(const struct flow_cache *cache, const struct flow_key *key,
			   uint64_t hash)
{
	const struct bucket *bucket = home_bucket(cache, (uint32_t)hash);
	uint16_t tag = tag_of(hash);

	for (; bucket; bucket = overflow_of(cache, bucket)) {
		for (unsigned int left = tag_matches(bucket, tag); left; left &= left - 1) {
			flow_index index = bucket->flows[__builtin_ctz(left)];

			/* An IPv4 key never equals an IPv6 flow's: ip_version is in the part that
			 * both have. */
			if (key_equals(key, &flow_at(cache, index)->key))
				return index;
		}
	}
	return FLOW_NONE;
}

static struct bucket *overflow_allocate(struct flow_cache *cache, struct bucket *before)
{
	uint32_t number = cache->overflow_free;
	struct bucket *bucket;

	if (number)
		cache->overflow_free = cache->overflow_buckets[number - 1].overflow;
	else
		number = ++cache->overflow_used;
	bucket = &cache->overflow_buckets[number - 1];
	*bucket = (struct bucket){ 0 };
	before->overflow = number;
	return bucket;
}

/* Unlink an overflow bucket that has become empty. */
static void overflow_free(struct flow_cache *cache, struct bucket *before)
{
	uint32_t number = before->overflow;
	struct bucket *bucket = &cache->overflow_buckets[number - 1];

	before->overflow = bucket->overflow;
	bucket->overflow = cache->overflow_free;
	cache->overflow_free = number;
}

static void bucket_insert(struct flow_cache *cache, struct bucket *bucket, uint16_t tag,
			  flow_index index)
{
	for (;;) {
		unsigned int free = tag_matches(bucket, 0);

		if (free) {
			bucket->tags[__builtin_ctz(free)] = tag;
			bucket->flows[__builtin_ctz(free)] = index;
			return;
		}
		bucket = bucket->overflow ? overflow_of(cache, bucket)
					  : overflow_allocate(cache, bucket);
	}
}

/* Add bucket number bucket_count and move into it what belongs there, from the bucket half the
 * table before it. */
static void split_bucket(struct flow_cache *cache)
{
	struct bucket *from = &cache->buckets[cache->bucket_count - (cache->bucket_mask + 1)];
	struct bucket *to = &cache->buckets[cache->bucket_count];
	uint32_t bit = cache->bucket_mask + 1;
	struct bucket *before = NULL;
	struct bucket *bucket = from;

	cache->bucket_count++;
	while (bucket) {
		for (unsigned int i = 0; i < BUCKET_FLOWS; i++) {
			if (!bucket->tags[i] || !(flow_at(cache, bucket->flows[i])->hash & bit))
				continue;
			bucket_insert(cache, to, bucket->tags[i], bucket->flows[i]);
			bucket->tags[i] = 0;
		}
		if (before && tag_matches(bucket, 0) == (1u << BUCKET_FLOWS) - 1)
			overflow_free(cache, before);
		else
			before = bucket;
		bucket = overflow_of(cache, before);
	}
	if (cache->bucket_count == 2 * bit)
		cache->bucket_mask = 2 * bit - 1;
}

void flow_index_insert(struct flow_cache *cache, flow_index index, uint64_t hash)
{
	bucket_insert(cache, home_bucket(cache, (uint32_t)hash), tag_of(hash), index);
	if (cache->statistics.flows_cached > (uint64_t)BUCKET_LOAD * cache->bucket_count)
		split_bucket(cache);
}

void flow_index_remove(struct flow_cache *cache, flow_index index)
{
	struct bucket *bucket = home_bucket(cache, flow_at(cache, index)->hash);
	struct bucket *before = NULL;

	for (; bucket; before = bucket, bucket = overflow_of(cache, bucket)) {
		for (unsigned int i = 0; i < BUCKET_FLOWS; i++) {
			if (bucket->flows[i] != index || !bucket->tags[i])
				continue;
			bucket->tags[i] = 0;
			if (before && tag_matches(bucket, 0) == (1u << BUCKET_FLOWS) - 1)
				overflow_free(cache, before);
			return;
		}
	}
}

void flow_index_prefetch_bucket(const struct flow_cache *cache, uint64_t hash)
{
	__builtin_prefetch(home_bucket(cache, (uint32_t)hash));
}

void flow_index_prefetch_flow(const struct flow_cache *cache, uint64_t hash)
{
	const struct bucket *bucket = home_bucket(cache, (uint32_t)hash);
	unsigned int matches = tag_matches(bucket, tag_of(hash));

	if (matches) {
		const struct cached_flow *flow =
			flow_at(cache, bucket->flows[__builtin_ctz(matches)]);

		__builtin_prefetch(flow, 1);
		__builtin_prefetch(&flow->key, 1);
	}
}
