/* test_wide.c - the portable product of 64-bit numbers, against long multiplication of bytes. */
#include "check.h"
#include "hash.h"
#include "wide.h"

/* By bytes, as on paper. */
static struct wide_halves by_bytes(uint64_t a, uint64_t b)
{
	uint32_t digits[17] = { 0 };
	struct wide_halves result = { 0, 0 };

	for (unsigned int i = 0; i < 8; i++)
		for (unsigned int j = 0; j < 8; j++)
			digits[i + j] += (uint32_t)((a >> 8 * i & 0xff) * (b >> 8 * j & 0xff));
	for (unsigned int i = 0; i < 16; i++) {
		digits[i + 1] += digits[i] >> 8;
		if (i < 8)
			result.low |= (uint64_t)(digits[i] & 0xff) << 8 * i;
		else
			result.high |= (uint64_t)(digits[i] & 0xff) << 8 * (i - 8);
	}
	return result;
}

static void check(uint64_t a, uint64_t b)
{
	const struct wide_halves expected = by_bytes(a, b);
	const struct wide_halves got = wide_halves_product(a, b);
	const struct wide_halves sum = wide_halves_sum(got, (struct wide_halves){ a, b });
	const wide native = wide_product(a, b);
	const wide native_sum = wide_sum(native, wide_sum(wide_product(a, 1), wide_product(b, 0)));

	CHECK_EQ(got.low, expected.low);
	CHECK_EQ(got.high, expected.high);
	CHECK_EQ(wide_low(native), expected.low);
	CHECK_EQ(wide_high(native), expected.high);
	CHECK_EQ(wide_low(native_sum), sum.low);
	CHECK_EQ(wide_high(native_sum), sum.high - b);
}

TEST(products_and_sums)
{
	static const uint64_t edges[] = { 0, 1, UINT32_MAX, 1ull << 32, UINT64_MAX, 1ull << 63 };
	const struct hash_key key = { 1, 2 };

	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < 6; j++)
			check(edges[i], edges[j]);
	for (uint64_t i = 0; i < 10000; i++) {
		const uint64_t other = ~i;

		check(hash_words(key, &i, 8), hash_words(key, &other, 8));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(products_and_sums) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
