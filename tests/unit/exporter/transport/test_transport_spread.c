/* test_transport_spread.c - shares of a fleet among the addresses of a name. */
#include "transport_spread.h"

#include "check.h"

#include <string.h>

#define AGENTS 20000

/* How many agents have the item with this number first. */
static unsigned int firsts(const struct transport_spread_item *items, size_t count, size_t wanted)
{
	unsigned int found = 0;

	for (uint32_t seed = 1; seed <= AGENTS; seed++) {
		struct transport_spread_item copy[8];

		memcpy(copy, items, count * sizeof(*items));
		transport_spread(copy, count, seed);
		found += copy[0].index == wanted;
	}
	return found;
}

TEST(weights_are_shares_within_a_priority)
{
	const struct transport_spread_item items[] = {
		{ .priority = 20, .weight = 100, .key = "backup", .index = 0 },
		{ .priority = 10, .weight = 3, .key = "three", .index = 1 },
		{ .priority = 10, .weight = 1, .key = "one", .index = 2 },
		{ .priority = 10, .weight = 0, .key = "none", .index = 3 },
	};
	const unsigned int three = firsts(items, 4, 1);

	CHECK_EQ(firsts(items, 4, 0), 0);
	CHECK(three > AGENTS * 73 / 100 && three < AGENTS * 77 / 100);
	CHECK(firsts(items, 4, 3) < AGENTS / 500);
	/* Without weights all are alike. */
	CHECK(firsts(items + 3, 1, 3) == AGENTS);
}

TEST(one_that_goes_moves_only_its_own_agents)
{
	const struct transport_spread_item items[] = {
		{ .weight = 1, .key = "a", .index = 0 },
		{ .weight = 1, .key = "b", .index = 1 },
		{ .weight = 1, .key = "c", .index = 2 },
	};

	for (uint32_t seed = 1; seed <= 1000; seed++) {
		struct transport_spread_item all[3], two[2];

		memcpy(all, items, sizeof(all));
		memcpy(two, items, sizeof(two));
		transport_spread(all, 3, seed);
		transport_spread(two, 2, seed);
		CHECK(all[0].index == 2 || all[0].index == two[0].index);
	}
}

TEST(without_a_seed_the_order_stays)
{
	struct transport_spread_item items[] = {
		{ .priority = 2, .weight = 1, .key = "a", .index = 0 },
		{ .priority = 1, .weight = 1, .key = "b", .index = 1 },
		{ .priority = 1, .weight = 9, .key = "c", .index = 2 },
	};

	transport_spread(items, 3, 0);
	CHECK_EQ(items[0].index, 1);
	CHECK_EQ(items[1].index, 2);
	CHECK_EQ(items[2].index, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_shares_within_a_priority),
		cmocka_unit_test(one_that_goes_moves_only_its_own_agents),
		cmocka_unit_test(without_a_seed_the_order_stays),
	};

	return RUN_TESTS(tests);
}
