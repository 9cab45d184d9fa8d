/* test_flow_index.c - what is in the index, and what a look-up costs when somebody chooses flows.
 *
 * The cost is counted, not timed: buckets and flow keys that look-ups read. A fixed secret makes
 * the counts the same at every run. */
#include "flow_cache.h"
#include "flow_index_look.h"

#include "check.h"

#define FLOWS 100000

static const uint8_t known_secret[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint8_t other_secret[16] = { 0x5e, 0xc7, 0xe7, 9 };

static struct flow_record *never(void *context)
{
	(void)context;
	fail();
	return NULL;
}

static const struct flow_sink sink = { never, NULL };

static struct flow_cache *new_cache(const uint8_t secret[static 16])
{
	struct flow_cache_config config = { .max_flows = FLOWS, .expiry = { .active_ms = 60000 } };
	struct flow_cache *cache;

	for (int i = 0; i < EXPIRY_CLASS_COUNT; i++)
		config.expiry.idle_ms[i] = 60000;
	memcpy(config.hash_key, secret, sizeof(config.hash_key));
	cache = flow_cache_create(&config);
	CHECK(cache != NULL);
	return cache;
}

static void put_word(struct flow_key *key, size_t number, uint64_t word)
{
	memcpy((uint8_t *)key + 8 * number, &word, sizeof(word));
}

/* The flows of one kind; each makes key number 'i'. */
struct kind {
	void (*make)(struct flow_key *key, uint32_t i);
	uint8_t ip_version;
};

static uint64_t scramble(uint64_t number)
{
	number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
	number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
	return number ^ (number >> 31);
}

static void make_random(struct flow_key *key, uint32_t i)
{
	put_word(key, 0, scramble(2 * i + 1));
	put_word(key, 3, scramble(2 * i + 2));
}

/* NH adds up (w0 + k0) * (w1 + k1) + ...: with w0 = -k0 the first product is 0 whatever w1 is. */
static void make_colliding(struct flow_key *key, uint32_t i)
{
	const struct flow_hash_key known = flow_hash_key_of(known_secret);

	put_word(key, 0, -known.words[0]);
	put_word(key, 1, i);
}

/* The same in the words of IPv6 addresses, which anybody can choose. */
static void make_colliding_addresses(struct flow_key *key, uint32_t i)
{
	const struct flow_hash_key known = flow_hash_key_of(known_secret);

	put_word(key, 4, -known.words[4]);
	put_word(key, 5, scramble(i));
}

/* A scan: addresses and ports count up. */
static void make_scan(struct flow_key *key, uint32_t i)
{
	key->protocol = 6;
	key->destination_port = 443;
	key->source_port = (uint16_t)(i & 7);
	key->addresses[5] = (uint8_t)(i >> 19);
	key->addresses[6] = (uint8_t)(i >> 11);
	key->addresses[7] = (uint8_t)(i >> 3);
}

static void add_flows(struct flow_cache *cache, const struct kind *kind, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct packet_info packet = { .octets = 40, .clock_ms = 1 };

		kind->make(&packet.key, i);
		packet.key.ip_version = kind->ip_version;
		flow_cache_add(cache, &packet, 1, &sink);
	}
	CHECK_EQ(cache->statistics.flows_cached, count);
}

/* Buckets and keys that looking up every flow once reads; '*longest' gets the most buckets. */
static uint64_t cost_of(const struct flow_cache *cache, unsigned int *longest)
{
	uint64_t cost = 0;

	*longest = 0;
	for (flow_place index = cache->age.head; index != FLOW_NONE;
	     index = flow_at(cache, index)->age_next) {
		const uint32_t hash = flow_at(cache, index)->hash;
		const struct bucket *bucket = flow_index_home(cache, hash);
		unsigned int buckets = 1;
		bool is_found = false;

		for (; !is_found; bucket = flow_index_overflow(cache, bucket), buckets++) {
			flow_index_set left = flow_index_matches(bucket, flow_index_tag(hash));

			cost++;
			for (; left && !is_found; left &= left - 1, cost++)
				is_found = bucket->flows[flow_index_slot(left)] == index;
		}
		if (buckets - 1 > *longest)
			*longest = buckets - 1;
	}
	return cost;
}

static uint64_t cost_of_kind(const struct kind *kind, const uint8_t secret[static 16],
			     uint32_t count, unsigned int *longest)
{
	struct flow_cache *cache = new_cache(secret);
	uint64_t cost;

	add_flows(cache, kind, count);
	cost = cost_of(cache, longest);
	flow_cache_destroy(cache);
	return cost;
}

static const struct kind random_flows = { make_random, 4 };
static const struct kind chosen_flows[] = {
	{ make_colliding, 4 },
	{ make_colliding, 6 },
	{ make_colliding_addresses, 6 },
	{ make_scan, 4 },
};

/* The flows are well chosen: with the secret known they are all in one chain. */
TEST(who_knows_the_secret_can_build_a_chain)
{
	for (size_t i = 0; i < 3; i++) {
		unsigned int longest;

		(void)cost_of_kind(&chosen_flows[i], known_secret, 1200, &longest);
		CHECK_EQ(longest, 1200 / BUCKET_FLOWS);
	}
}

TEST(who_does_not_know_it_cannot)
{
	unsigned int usual_longest, longest;
	const uint64_t usual = cost_of_kind(&random_flows, other_secret, FLOWS, &usual_longest);

	/* One bucket and one key, and little more. */
	CHECK(usual < FLOWS * 22 / 10);
	CHECK(usual_longest <= 3);
	for (size_t i = 0; i < sizeof(chosen_flows) / sizeof(chosen_flows[0]); i++) {
		const uint64_t cost = cost_of_kind(&chosen_flows[i], other_secret, FLOWS, &longest);

		CHECK(cost * 10 <= usual * 13);
		CHECK(longest <= usual_longest + 1);
	}
}

static struct flow_record *forget(void *context)
{
	return context;
}

/* The flows in one chain of buckets: each is where look-ups go, and no overflow bucket is empty.
 * Overflow buckets are counted. */
static uint64_t flows_in_chain(const struct flow_cache *cache, const struct bucket *home,
			       uint32_t *overflow_buckets)
{
	uint64_t flows = 0;

	for (const struct bucket *bucket = home; bucket;
	     bucket = flow_index_overflow(cache, bucket)) {
		flow_index_set used = flow_index_matches(bucket, 0) ^ FLOW_INDEX_ALL_SLOTS;

		CHECK(used || bucket == home);
		*overflow_buckets += bucket != home;
		for (; used; used &= used - 1, flows++) {
			const unsigned int slot = flow_index_slot(used);
			const struct cached_flow *flow = flow_at(cache, bucket->flows[slot]);

			CHECK(flow->key.ip_version != 0);
			CHECK(flow_index_home(cache, flow->hash) == home);
			CHECK_EQ(bucket->tags[slot], flow_index_tag(flow->hash));
		}
	}
	return flows;
}

/* The index has the cached flows and no other, and each overflow bucket is in use or free. */
static void check_index(const struct flow_cache *cache)
{
	uint32_t overflow_buckets = 0;
	uint64_t flows = 0;

	for (uint32_t i = 0; i < cache->bucket_count; i++)
		flows += flows_in_chain(cache, &cache->buckets[i], &overflow_buckets);
	CHECK_EQ(flows, cache->statistics.flows_cached);
	for (uint32_t number = cache->overflow_free; number;
	     number = cache->overflow_buckets[number - 1].overflow)
		overflow_buckets++;
	CHECK_EQ(overflow_buckets, cache->overflow_used);
	CHECK(flow_cache_is_consistent(cache));
}

/* Flows come, leave in part and come again while the table grows; the last round evicts as well. */
TEST(nothing_is_left_behind_where_flows_come_and_go)
{
	struct flow_cache *cache = new_cache(other_secret);
	struct flow_record record;
	const struct flow_sink forgetting = { forget, &record };
	cache_ms now = 1;

	for (uint64_t round = 0; round < 12; round++) {
		for (uint64_t i = 0; i < (round + 1) * 10000; i++) {
			struct packet_info packet = { .octets = 40, .clock_ms = now };

			make_random(&packet.key, (uint32_t)(scramble(round << 32 | i) % 150000));
			packet.key.ip_version = i % 3 ? 4 : 6;
			flow_cache_add(cache, &packet, 1, &forgetting);
			now += i % 1000 == 0;
		}
		check_index(cache);
		/* Half of the flows in even rounds, nearly all in odd ones. */
		for (uint64_t left = cache->statistics.flows_cached / (round % 2 ? 16 : 2);
		     cache->statistics.flows_cached > left;)
			(void)flow_cache_flush(cache, now, 1, &forgetting);
		check_index(cache);
	}
	CHECK(cache->statistics.records_expired[FLOW_END_lackOfResources] > 0);
	(void)flow_cache_flush(cache, now, FLOWS, &forgetting);
	check_index(cache);
	flow_cache_destroy(cache);
}

/* Which slots have a tag, as flow_index_look.h is used. */
static unsigned int slots_of(uint64_t matches, unsigned int (*slot)(uint64_t matches))
{
	unsigned int slots = 0;

	for (; matches; matches &= matches - 1)
		slots |= 1u << slot(matches);
	return slots;
}

static unsigned int slot_of(uint64_t matches)
{
	return flow_index_slot((flow_index_set)matches);
}

static unsigned int slot_of_portable(uint64_t matches)
{
	return flow_index_slot_portable(matches);
}

TEST(tags_are_found_in_their_slots_on_any_processor)
{
	const unsigned int all = (1u << BUCKET_FLOWS) - 1;
	_Alignas(64) struct bucket bucket = { .overflow = 0x01008001 };

	CHECK_EQ(slots_of(FLOW_INDEX_ALL_SLOTS, slot_of), all);
	CHECK_EQ(slots_of(FLOW_INDEX_ALL_SLOTS_PORTABLE, slot_of_portable), all);
	for (uint64_t round = 0; round < 100000; round++) {
		static const uint8_t tags[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
		const uint64_t draw = scramble(round);
		const uint8_t tag = tags[draw % sizeof(tags)];
		unsigned int expected = 0;

		for (unsigned int i = 0; i < BUCKET_FLOWS; i++) {
			bucket.tags[i] = tags[(draw >> (5 * i)) % sizeof(tags)];
			expected |= (unsigned int)(bucket.tags[i] == tag) << i;
		}
		CHECK_EQ(slots_of(flow_index_matches(&bucket, tag), slot_of), expected);
		CHECK_EQ(slots_of(flow_index_matches_portable(&bucket, tag), slot_of_portable),
			 expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_found_in_their_slots_on_any_processor),
		cmocka_unit_test(nothing_is_left_behind_where_flows_come_and_go),
		cmocka_unit_test(who_knows_the_secret_can_build_a_chain),
		cmocka_unit_test(who_does_not_know_it_cannot),
	};

	return RUN_TESTS(tests);
}
