/* flow_index.c - from flow key to flow: the hashed index of the flow cache.
 *
 * Linear hashing: the table grows by one bucket whenever the buckets hold more than BUCKET_LOAD
 * flows on average, by splitting one bucket in two, in turn. So it needs no size in advance, no
 * pause to grow, and memory follows use. A bucket is one cache line of 8-bit tags and flow
 * numbers: a look-up reads one line of the index and, but for a false tag in 3 %, only
 * the flow looked for. What does not fit into its bucket goes to an overflow bucket; the keyed hash
 * keeps those rare. */
#include "flow_cache_layout.h"

static uint8_t tag_of(uint64_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 56);

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

/* The top bit of each byte of 'word' that is 0, exactly: 0x7f + its low bits carries into the top
 * bit unless they are 0. */
static uint64_t zero_bytes(uint64_t word)
{
	const uint64_t low_bits = 0x7f7f7f7f7f7f7f7fu;

	return ~(((word & low_bits) + low_bits) | word) & ~low_bits;
}

#define EVERY_BYTE 0x0101010101010101u
#define ALL_SLOTS  0x80808080c0c0c0c0u

/* A bit for each slot whose tag is 'tag': 8 * i + 7 for slots 0 to 7, 8 * (i - 8) + 6 for the last
 * four, so that all fit into one word. */
static uint64_t tag_matches(const struct bucket *bucket, uint8_t tag)
{
	uint64_t first;
	uint32_t last;

	memcpy(&first, bucket->tags, 8);
	memcpy(&last, bucket->tags + 8, 4);
	first = zero_bytes(le64toh(first) ^ tag * EVERY_BYTE);
	return first | (zero_bytes(le32toh(last) ^ tag * EVERY_BYTE) & 0x80808080u) >> 1;
}

/* The slot of the lowest bit that tag_matches() has set. */
static unsigned int first_slot(uint64_t matches)
{
	unsigned int bit = (unsigned int)__builtin_ctzll(matches);

	return bit / 8 + (bit & 1 ? 0 : 8);
}

static uint64_t words_differ(const void *a, const void *b, size_t words)
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
static bool key_equals(const struct flow_key *a, const struct flow_key *b)
{
	_Static_assert(FLOW_KEY_FIXED_SIZE == 24, "three words, then one or four of addresses");

	if (words_differ(a, b, 4))
		return false;
	return a->ip_version == 4 || !words_differ(a->addresses + 8, b->addresses + 8, 3);
}

flow_index flow_index_find(const struct flow_cache *cache, const struct flow_key *key,
			   uint64_t hash)
{
	const struct bucket *bucket = home_bucket(cache, (uint32_t)hash);
	uint8_t tag = tag_of(hash);

	for (; bucket; bucket = overflow_of(cache, bucket)) {
		for (uint64_t left = tag_matches(bucket, tag); left; left &= left - 1) {
			flow_index index = bucket->flows[first_slot(left)];

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

static void bucket_insert(struct flow_cache *cache, struct bucket *bucket, uint8_t tag,
			  flow_index index)
{
	for (;;) {
		uint64_t free = tag_matches(bucket, 0);

		if (free) {
			bucket->tags[first_slot(free)] = tag;
			bucket->flows[first_slot(free)] = index;
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
		if (before && tag_matches(bucket, 0) == ALL_SLOTS)
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
			if (before && tag_matches(bucket, 0) == ALL_SLOTS)
				overflow_free(cache, before);
			return;
		}
	}
}

void flow_index_prefetch(const struct flow_cache *cache, uint64_t hash)
{
	__builtin_prefetch(home_bucket(cache, (uint32_t)hash));
}

flow_index flow_index_guess(const struct flow_cache *cache, uint64_t hash)
{
	const struct bucket *bucket = home_bucket(cache, (uint32_t)hash);
	uint64_t matches = tag_matches(bucket, tag_of(hash));
	flow_index index;

	if (!matches)
		return FLOW_NONE;
	index = bucket->flows[first_slot(matches)];
	__builtin_prefetch(flow_at(cache, index), 1);
	__builtin_prefetch(&flow_at(cache, index)->key, 1);
	return index;
}

bool flow_index_is(const struct flow_cache *cache, flow_index index, const struct flow_key *key)
{
	const struct cached_flow *flow = flow_at(cache, index);

	return key_equals(key, &flow->key) && flow->packets;
}
