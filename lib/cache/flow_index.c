/* flow_index.c - from flow key to flow: the hashed index of the flow cache.
 *
 * Place: flow_cache.c -> here -> the flow of a key. What each packet takes is in flow_index_look.h.
 *
 * Linear hashing: the table grows by one bucket whenever the buckets hold more than BUCKET_LOAD
 * flows on average, by splitting one bucket in two, in turn. So it needs no size in advance, no
 * pause to grow, and memory follows use. A bucket is one cache line of 8-bit tags and flow
 * numbers: a look-up reads one line of the index and, but for a false tag in 3 %, only
 * the flow looked for. What does not fit into its bucket goes to an overflow bucket; the keyed hash
 * keeps those rare. */
#include "flow_index_look.h"

flow_place flow_index_find(const struct flow_cache *cache, const struct flow_key *key,
			   uint32_t hash)
{
	return flow_index_find_from(cache, flow_index_home(cache, hash), key, hash);
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
			  flow_place index)
{
	for (;;) {
		flow_index_set free = flow_index_matches(bucket, 0);

		if (free) {
			bucket->tags[flow_index_slot(free)] = tag;
			bucket->flows[flow_index_slot(free)] = index;
			return;
		}
		bucket = bucket->overflow ? flow_index_overflow(cache, bucket)
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
	cache->split_above += BUCKET_LOAD;
	while (bucket) {
		flow_index_set used = flow_index_matches(bucket, 0) ^ FLOW_INDEX_ALL_SLOTS;

		for (; used; used &= used - 1) {
			unsigned int slot = flow_index_slot(used);

			if (!(flow_at(cache, bucket->flows[slot])->hash & bit))
				continue;
			bucket_insert(cache, to, bucket->tags[slot], bucket->flows[slot]);
			bucket->tags[slot] = 0;
		}
		if (before && flow_index_matches(bucket, 0) == FLOW_INDEX_ALL_SLOTS)
			overflow_free(cache, before);
		else
			before = bucket;
		bucket = flow_index_overflow(cache, before);
	}
	if (cache->bucket_count == 2 * bit) {
		cache->bucket_mask = cache->bucket_mask_wide;
		cache->bucket_mask_wide = 4 * bit - 1;
	}
}

void flow_index_insert(struct flow_cache *cache, struct bucket *home, flow_place index,
		       uint32_t hash)
{
	bucket_insert(cache, home, flow_index_tag(hash), index);
	if (cache->statistics.flows_cached > cache->split_above)
		split_bucket(cache);
}

void flow_index_remove(struct flow_cache *cache, flow_place index)
{
	const uint32_t hash = flow_at(cache, index)->hash;
	const uint8_t tag = flow_index_tag(hash);
	struct bucket *bucket = flow_index_home(cache, hash);
	struct bucket *before = NULL;

	for (; bucket; before = bucket, bucket = flow_index_overflow(cache, bucket)) {
		for (flow_index_set left = flow_index_matches(bucket, tag); left;
		     left &= left - 1) {
			unsigned int slot = flow_index_slot(left);

			if (bucket->flows[slot] != index)
				continue;
			bucket->tags[slot] = 0;
			if (before && flow_index_matches(bucket, 0) == FLOW_INDEX_ALL_SLOTS)
				overflow_free(cache, before);
			return;
		}
	}
}
