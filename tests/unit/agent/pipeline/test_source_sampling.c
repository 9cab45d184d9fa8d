/* test_source_sampling.c - rates of agent and rule together, and as text. */
#include "check.h"
#include "source_sampling.h"

static const struct sampling_secret secret;

struct fixture {
	struct samplers *samplers;
	struct source_sampling sampling;
	char text[SOURCE_SAMPLING_TEXT_SIZE];
};

static struct fixture set_up(enum sampling_method method, uint32_t interval, uint32_t rule)
{
	const struct sampling_choice choice = { (uint8_t)method, interval, rule };
	struct fixture fixture = { .samplers = samplers_create() };

	source_sampling_init(&fixture.sampling, &choice, fixture.samplers, &secret);
	return fixture;
}

static uint32_t interval_of(struct fixture *fixture, uint32_t rule_interval)
{
	return samplers_at(fixture->samplers,
			   source_sampling_number(&fixture->sampling, rule_interval))
		.interval;
}

TEST(nothing_said)
{
	struct fixture fixture = set_up(SAMPLING_none, 0, 0);

	CHECK(!source_sampling_is_on(&fixture.sampling));
	CHECK_EQ(samplers_count(fixture.samplers), 0);
	CHECK_TEXT(source_sampling_format(&fixture.sampling, fixture.text), "all");
	CHECK_EQ(source_sampling_number(&fixture.sampling, 0), SAMPLER_NONE);
	CHECK_EQ(interval_of(&fixture, 10), 10);
	CHECK_EQ(source_sampling_number(&fixture.sampling, 0), SAMPLER_NONE);
	CHECK_EQ(interval_of(&fixture, 20), 20);
	CHECK_EQ(interval_of(&fixture, 10), 10);
	CHECK_EQ(samplers_count(fixture.samplers), 2);
	CHECK_TEXT(source_sampling_format(&fixture.sampling, fixture.text), "s=10,s=20");
	for (uint32_t rule = 2; rule < 9; rule++)
		CHECK_EQ(interval_of(&fixture, rule), rule);
	CHECK_TEXT(source_sampling_format(&fixture.sampling, fixture.text),
		   "s=10,s=20,s=2,s=3,...");
	samplers_destroy(fixture.samplers);
}

TEST(agent_and_rule_multiply)
{
	struct fixture fixture = set_up(SAMPLING_hash, 10, 0);

	CHECK(source_sampling_is_on(&fixture.sampling));
	CHECK_EQ(samplers_count(fixture.samplers), 1); /* before any packet */
	CHECK_EQ(interval_of(&fixture, 0), 10);
	CHECK_EQ(interval_of(&fixture, 50), 500);
	CHECK_EQ(samplers_at(fixture.samplers, 2).method, SAMPLING_hash);
	CHECK_EQ(interval_of(&fixture, UINT32_MAX), 0); /* more than 32 bits: not known */
	CHECK_EQ(source_sampling_number(&fixture.sampling, UINT32_MAX), SAMPLER_UNKNOWN);
	CHECK_TEXT(source_sampling_format(&fixture.sampling, fixture.text),
		   "hash:10+s=50,s=4294967295");
	samplers_destroy(fixture.samplers);
}

TEST(a_declared_rate_stands_for_prefixes)
{
	struct fixture fixture = set_up(SAMPLING_none, 0, 7);

	CHECK_EQ(samplers_count(fixture.samplers), 1);
	CHECK_EQ(interval_of(&fixture, 0), 7);
	CHECK_EQ(interval_of(&fixture, 50), 7);
	CHECK_TEXT(source_sampling_format(&fixture.sampling, fixture.text), "rule:7");
	samplers_destroy(fixture.samplers);

	fixture = set_up(SAMPLING_random, 1000000, 1000000);
	CHECK_EQ(source_sampling_number(&fixture.sampling, 0), SAMPLER_UNKNOWN);
	CHECK_TEXT(source_sampling_format(&fixture.sampling, fixture.text),
		   "random:1000000+rule:1000000");
	samplers_destroy(fixture.samplers);

	fixture = set_up(SAMPLING_none, 0, 1); /* the prefix means something else */
	CHECK_EQ(source_sampling_number(&fixture.sampling, 50), SAMPLER_NONE);
	samplers_destroy(fixture.samplers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said),
		cmocka_unit_test(agent_and_rule_multiply),
		cmocka_unit_test(a_declared_rate_stands_for_prefixes),
	};

	return RUN_TESTS(tests);
}
