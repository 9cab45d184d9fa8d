/* test_hash.c - SipHash-1-3 against values of an independent implementation (written from the paper
 * in another language and checked with the paper's SipHash-2-4 vectors), and the round function
 * against those vectors here. Messages are the bytes 0, 1, 2, ... */
#include "hash.h"

#include "check.h"

#include <stdlib.h>

static const uint8_t COUNTING_KEY[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void fill_counting(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)i;
}

TEST(reference_values)
{
	static const struct {
		size_t size;
		uint64_t hash;
	} expected[] = {
		{ 0, 0xabac0158050fc4dc },   { 8, 0x369095118d299a8e },  { 16, 0xcc4fdd1a7d908b66 },
		{ 24, 0xf464aeb267349c8c },  { 32, 0x81157b6c16a7b60d }, { 56, 0xb4bcc0db243c6d75 },
		{ 256, 0x75b3e64e167de370 }, /* the length byte wraps to 0 */
		{ 264, 0xc8fedcc289a35d66 },
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		/* Exactly the size, so that a read past the end is seen. */
		uint8_t *message = malloc(expected[i].size ? expected[i].size : 1);

		CHECK(message);
		fill_counting(message, expected[i].size);
		CHECK_EQ(hash_words(hash_key_of(COUNTING_KEY), message, expected[i].size),
			 expected[i].hash);
		free(message);
	}
}

TEST(extreme_keys)
{
	uint8_t key[16] = { 0 };
	uint8_t message[56] = { 0 };

	CHECK_EQ(hash_words(hash_key_of(key), message, 0), 0xd1fba762150c532c);
	CHECK_EQ(hash_words(hash_key_of(key), message, 32), 0xb85bed2614339b3d);
	memset(key, 0xff, sizeof(key));
	memset(message, 0xff, sizeof(message));
	CHECK_EQ(hash_words(hash_key_of(key), message, 56), 0xf4a6d371b118a5bd);
}

/* SipHash-2-4 of the bytes 0 to 14, the worked example in appendix A of the paper. */
TEST(round_function_gives_the_papers_example)
{
	struct hash_key key = hash_key_of(COUNTING_KEY);
	const uint64_t words[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 & 0x00ffffffffffffff };
	uint64_t v[4] = { key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
			  key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573 };

	for (size_t i = 0; i < 2; i++) {
		uint64_t word = words[i] | (i == 1 ? UINT64_C(15) << 56 : 0);

		v[3] ^= word;
		hash_round(v);
		hash_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		hash_round(v);
	CHECK_EQ(v[0] ^ v[1] ^ v[2] ^ v[3], 0xa129ca6149be45e5);
}

/* A flipped bit anywhere, in key or message, flips about half of the hash's bits. */
TEST(each_bit_matters)
{
	uint8_t message[56];
	uint8_t key[16];
	uint64_t hash;
	int flipped = 0;

	fill_counting(message, sizeof(message));
	fill_counting(key, sizeof(key));
	hash = hash_words(hash_key_of(key), message, sizeof(message));
	for (size_t bit = 0; bit < 8 * (sizeof(message) + sizeof(key)); bit++) {
		bool in_key = bit / 8 >= sizeof(message);
		uint8_t *byte = in_key ? &key[bit / 8 - sizeof(message)] : &message[bit / 8];
		uint64_t difference;

		*byte ^= (uint8_t)(1 << bit % 8);
		difference = hash ^ hash_words(hash_key_of(key), message, sizeof(message));
		*byte ^= (uint8_t)(1 << bit % 8);
		CHECK(difference != 0);
		flipped += __builtin_popcountll(difference);
	}
	CHECK(flipped > 576 * 30 && flipped < 576 * 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_values),
		cmocka_unit_test(extreme_keys),
		cmocka_unit_test(round_function_gives_the_papers_example),
		cmocka_unit_test(each_bit_matters),
	};

	return RUN_TESTS(tests);
}
