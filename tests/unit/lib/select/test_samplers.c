/* test_samplers.c - numbers keep their meaning, and run out in a known way. */
#include "check.h"
#include "samplers.h"

#include <pthread.h>

TEST(a_sampler_has_one_number)
{
	struct samplers *samplers = samplers_create();

	CHECK_EQ(samplers_count(samplers), 0);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 10), 1);
	CHECK_EQ(samplers_number(samplers, SAMPLING_hash, 10), 2);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 11), 3);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 10), 1);
	CHECK_EQ(samplers_count(samplers), 3);
	CHECK_EQ(samplers_at(samplers, 2).method, SAMPLING_hash);
	CHECK_EQ(samplers_at(samplers, 2).interval, 10);
	CHECK_EQ(samplers_at(samplers, 3).interval, 11);
	samplers_destroy(samplers);
}

TEST(every_packet_is_no_sampler)
{
	struct samplers *samplers = samplers_create();

	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 1), SAMPLER_NONE);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 0), SAMPLER_NONE);
	CHECK_EQ(samplers_count(samplers), 0);
	CHECK_EQ(samplers_at(samplers, SAMPLER_NONE).interval, 1);
	samplers_destroy(samplers);
	samplers_destroy(NULL);
}

TEST(numbers_and_bits_run_out)
{
	struct samplers *samplers = samplers_create();

	CHECK_EQ(samplers_number(samplers, SAMPLING_random, UINT64_C(1) << 32), SAMPLER_UNKNOWN);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, UINT32_MAX), 1);
	for (unsigned int i = 2; i <= 254; i++)
		CHECK_EQ(samplers_number(samplers, SAMPLING_random, i), i);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 255), SAMPLER_UNKNOWN);
	CHECK_EQ(samplers_number(samplers, SAMPLING_random, 254), 254);
	CHECK_EQ(samplers_count(samplers), 254);
	CHECK_EQ(samplers_at(samplers, 254).interval, 254);
	CHECK_EQ(samplers_at(samplers, SAMPLER_UNKNOWN).interval, 0);
	samplers_destroy(samplers);
}

static void *add_all(void *samplers)
{
	for (unsigned int i = 2; i < 200; i++) {
		uint8_t number = samplers_number(samplers, SAMPLING_random, i);

		CHECK_EQ(samplers_at(samplers, number).interval, i);
	}
	return NULL;
}

TEST(threads_agree)
{
	struct samplers *samplers = samplers_create();
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_all, samplers), 0);
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(samplers_count(samplers), 198);
	samplers_destroy(samplers);
}

TEST(methods_have_names)
{
	CHECK_TEXT(sampling_method_name(SAMPLING_none), "none");
	for (int method = 0; method < SAMPLING_METHOD_COUNT; method++)
		CHECK(strcmp(sampling_method_name((enum sampling_method)method), "unknown") != 0);
	CHECK_TEXT(sampling_method_name(SAMPLING_METHOD_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sampler_has_one_number),
		cmocka_unit_test(every_packet_is_no_sampler),
		cmocka_unit_test(numbers_and_bits_run_out),
		cmocka_unit_test(threads_agree),
		cmocka_unit_test(methods_have_names),
	};

	return RUN_TESTS(tests);
}
