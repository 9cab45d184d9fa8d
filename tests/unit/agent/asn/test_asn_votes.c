/* test_asn_votes.c - origins by most peers. */
#include "asn_votes.h"

#include "check.h"

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	CHECK_EQ(prefix_parse(text, &prefix), 0);
	return prefix;
}

static void vote(struct asn_votes *votes, const char *text, uint32_t peer, uint32_t origin)
{
	const struct prefix prefix = prefix_of(text);
	uint32_t number;

	CHECK_EQ(asn_votes_prefix(votes, &prefix, &number), 0);
	CHECK_EQ(asn_votes_add(votes, number, peer, origin), 0);
}

struct wanted {
	struct prefix prefix;
	bool is_found;
	struct asn_votes_result result;
};

static int look(void *context, const struct asn_votes_result *result)
{
	struct wanted *wanted = context;

	if (memcmp(&result->prefix, &wanted->prefix, sizeof(wanted->prefix)) == 0) {
		CHECK(!wanted->is_found);
		wanted->is_found = true;
		wanted->result = *result;
	}
	return 0;
}

static void check(const struct asn_votes *votes, const char *text, uint32_t origin, uint32_t peers)
{
	struct wanted wanted = { .prefix = prefix_of(text) };

	CHECK_EQ(asn_votes_each(votes, look, &wanted), 0);
	CHECK(wanted.is_found);
	CHECK_EQ(wanted.result.origin, origin);
	CHECK_EQ(wanted.result.peers, peers);
}

TEST(most_peers_win_whatever_the_order)
{
	struct asn_votes *votes = asn_votes_create();

	CHECK(votes);
	vote(votes, "192.0.2.0/24", 1, 10);
	vote(votes, "2001:db8::/32", 1, 11);
	vote(votes, "192.0.2.0/24", 2, 20);
	vote(votes, "192.0.2.0/25", 2, 30);
	vote(votes, "192.0.2.0/24", 3, 20);
	check(votes, "192.0.2.0/24", 20, 3);
	check(votes, "192.0.2.0/25", 30, 1);
	check(votes, "2001:db8::/32", 11, 1);
	asn_votes_destroy(votes);
}

TEST(of_a_tie_the_lowest)
{
	struct asn_votes *votes = asn_votes_create();

	CHECK(votes);
	vote(votes, "192.0.2.0/24", 1, 30);
	vote(votes, "192.0.2.0/24", 2, 10);
	vote(votes, "192.0.2.0/24", 3, 20);
	check(votes, "192.0.2.0/24", 10, 3);
	asn_votes_destroy(votes);
}

TEST(a_peer_votes_once)
{
	struct asn_votes *votes = asn_votes_create();

	CHECK(votes);
	vote(votes, "192.0.2.0/24", 1, 10);
	vote(votes, "192.0.2.0/24", 1, 20);
	vote(votes, "192.0.2.0/24", 1, 20);
	check(votes, "192.0.2.0/24", 10, 1);
	asn_votes_destroy(votes);
}

TEST(no_origin_is_a_vote_that_never_wins)
{
	struct asn_votes *votes = asn_votes_create();

	CHECK(votes);
	vote(votes, "192.0.2.0/24", 1, 0);
	vote(votes, "192.0.2.0/24", 2, 0);
	check(votes, "192.0.2.0/24", 0, 2);
	vote(votes, "192.0.2.0/24", 3, 7);
	check(votes, "192.0.2.0/24", 7, 3);
	asn_votes_destroy(votes);
}

/* More than one set of 64. */
TEST(many_peers)
{
	struct asn_votes *votes = asn_votes_create();

	CHECK(votes);
	for (uint32_t peer = 0; peer < 1000; peer++)
		vote(votes, "192.0.2.0/24", peer, peer % 10 < 4 ? 5 : 6);
	vote(votes, "192.0.2.0/24", 65535, 5);
	check(votes, "192.0.2.0/24", 6, 1001);
	asn_votes_destroy(votes);
}

/* The prefixes whose bytes are all zero. */
TEST(default_routes_are_prefixes)
{
	struct asn_votes *votes = asn_votes_create();

	CHECK(votes);
	vote(votes, "0.0.0.0/0", 0, 1);
	vote(votes, "::/0", 0, 2);
	vote(votes, "0.0.0.0/8", 0, 3);
	check(votes, "0.0.0.0/0", 1, 1);
	check(votes, "::/0", 2, 1);
	check(votes, "0.0.0.0/8", 3, 1);
	asn_votes_destroy(votes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_peers_win_whatever_the_order),
		cmocka_unit_test(of_a_tie_the_lowest),
		cmocka_unit_test(a_peer_votes_once),
		cmocka_unit_test(no_origin_is_a_vote_that_never_wins),
		cmocka_unit_test(many_peers),
		cmocka_unit_test(default_routes_are_prefixes),
	};

	return RUN_TESTS(tests);
}
