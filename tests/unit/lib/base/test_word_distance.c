/* test_word_distance.c - lib/base/word_distance: edits, and the word that is worth suggesting. */
#include "check.h"

#include "word_distance.h"

TEST(distance_counts_edits)
{
	CHECK_EQ(word_distance("port", 4, "port"), 0);
	CHECK_EQ(word_distance("prot", 4, "port"), 1); /* swapped */
	CHECK_EQ(word_distance("pot", 3, "port"), 1);
	CHECK_EQ(word_distance("poort", 5, "port"), 1);
	CHECK_EQ(word_distance("past", 4, "port"), 2);
	CHECK_EQ(word_distance("", 0, "port"), 4);
	CHECK_EQ(word_distance("port=80", 4, "port"), 0); /* only 'length' characters count */
	CHECK_EQ(word_distance("0123456789012345678901234567890", 31, ""), 31);
	CHECK(word_distance("01234567890123456789012345678901", 32, "") == SIZE_MAX);
}

static const char *nearest(const char *typed, const char *const *known)
{
	struct word_nearest nearest = word_distance_begin(typed, strlen(typed));

	for (; *known; known++)
		word_distance_offer(&nearest, *known);
	return nearest.best;
}

TEST(the_nearest_word_wins_wherever_it_stands)
{
	static const char *const known[] = { "dport", "port", "sport", NULL };
	static const char *const sections[] = { "collector", "control", NULL };

	CHECK_TEXT(nearest("prt", known), "port");
	CHECK_TEXT(nearest("dprt", known), "dport");
	CHECK_TEXT(nearest("xport", known), "dport"); /* of equals, the first */
	CHECK_TEXT(nearest("colector", sections), "collector");
}

TEST(what_is_far_from_all_is_not_suggested)
{
	static const char *const known[] = { "tcp", "inactive", NULL };

	CHECK_TEXT(nearest("tpc", known), "tcp");
	CHECK(!nearest("t", known));       /* two of three letters */
	CHECK(!nearest("reactor", known)); /* five of eight */
	CHECK_TEXT(nearest("inctve", known), "inactive");
	CHECK(!nearest("", known));
}

TEST(a_word_that_is_alike_is_as_near_as_one_edit)
{
	struct word_nearest found = word_distance_begin("act", 3);

	word_distance_offer(&found, "export-rate");
	CHECK(!found.best);
	word_distance_offer_alike(&found, "active-timeout");
	CHECK_TEXT(found.best, "active-timeout");
	word_distance_offer(&found, "acts"); /* one edit, too */
	CHECK_TEXT(found.best, "active-timeout");
	word_distance_offer(&found, "act");
	CHECK_TEXT(found.best, "act");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_counts_edits),
		cmocka_unit_test(the_nearest_word_wins_wherever_it_stands),
		cmocka_unit_test(what_is_far_from_all_is_not_suggested),
		cmocka_unit_test(a_word_that_is_alike_is_as_near_as_one_edit),
	};

	return RUN_TESTS(tests);
}
