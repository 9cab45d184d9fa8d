/* test_interface_names.c - which name is announced to a collector next. */
#include "check.h"
#include "interface_names.h"

#include <stdio.h>
#include <stdlib.h>

static struct interface_names names;

static void set(uint32_t index, const char *text)
{
	struct interface_name name = { .index = index };

	(void)snprintf(name.name, sizeof(name.name), "%s", text);
	CHECK_EQ(interface_names_set(&names, &name), 0);
}

/* Announce the next name; returns its index, 0 if there is none. */
static uint32_t announce(struct interface_walk *walk)
{
	const struct interface_names_entry *next = interface_walk_next(walk, &names);

	if (!next)
		return 0;
	interface_walk_step(walk, next);
	return next->name.index;
}

#define CHECK_TELLS(walk, ...)                                                           \
	do {                                                                             \
		static const uint32_t expected_[] = { __VA_ARGS__ };                     \
		for (size_t i_ = 0; i_ < sizeof(expected_) / sizeof(expected_[0]); i_++) \
			CHECK_EQ(announce(walk), expected_[i_]);                         \
	} while (0)

TEST(changes_are_announced_in_their_order)
{
	struct interface_walk walk = { 0 };

	CHECK(!interface_walk_has_more(&walk, &names));
	CHECK_TELLS(&walk, 0);
	set(3, "c");
	set(1, "a");
	set(2, "b");
	CHECK(interface_walk_has_more(&walk, &names));
	CHECK_TELLS(&walk, 3, 1, 2, 0);
	CHECK(!interface_walk_has_more(&walk, &names));
	set(1, "a");
	CHECK(!interface_walk_has_more(&walk, &names));
	set(3, "d");
	set(1, "e");
	set(3, "f");
	CHECK_TELLS(&walk, 1, 3, 0);
	interface_names_clear(&names);
}

TEST(what_was_removed_is_not_announced)
{
	struct interface_walk walk = { 0 };

	set(1, "a");
	set(2, "b");
	interface_names_remove(&names, 2);
	interface_names_remove(&names, 9);
	CHECK_TELLS(&walk, 1);
	CHECK(interface_walk_has_more(&walk, &names)); /* it may not know */
	CHECK_TELLS(&walk, 0);
	CHECK(!interface_walk_has_more(&walk, &names));
	set(2, "b");
	CHECK_TELLS(&walk, 2, 0);
	interface_names_clear(&names);
}

TEST(a_refresh_goes_round_once_and_changes_go_before_it)
{
	struct interface_walk walk = { 0 };

	for (uint32_t i = 1; i <= 5; i++)
		set(i, "x");
	CHECK_TELLS(&walk, 1, 2, 3, 4, 5, 0);
	interface_walk_repeat(&walk);
	CHECK_TELLS(&walk, 1, 2);
	set(5, "y");
	set(7, "new");
	CHECK_TELLS(&walk, 5, 7, 3);
	interface_names_remove(&names, 4);
	interface_walk_repeat(&walk);
	CHECK_TELLS(&walk, 5, 7, 1, 2, 3, 0);
	/* A refresh that comes before the last one has ended does not keep it from the rest. */
	interface_walk_repeat(&walk);
	CHECK_TELLS(&walk, 5);
	interface_walk_repeat(&walk);
	CHECK_TELLS(&walk, 7, 1, 2, 3, 5, 0);
	interface_names_clear(&names);
}

TEST(the_highest_index_is_one_like_others)
{
	struct interface_walk walk = { 0 };

	set(UINT32_MAX, "z");
	set(1, "a");
	CHECK_TELLS(&walk, UINT32_MAX, 1, 0);
	interface_walk_repeat(&walk);
	CHECK_TELLS(&walk, 1, UINT32_MAX, 0);
	interface_walk_repeat(&walk);
	CHECK_TELLS(&walk, 1, UINT32_MAX, 0);
	interface_names_clear(&names);
}

TEST(a_name_is_found_by_its_index)
{
	CHECK(!interface_names_is(&names, 2, "eth0"));
	set(2, "eth0");
	set(9, "0123456789abcde");
	CHECK(interface_names_is(&names, 2, "eth0"));
	CHECK(!interface_names_is(&names, 2, "eth"));
	CHECK(!interface_names_is(&names, 2, "eth01"));
	CHECK(!interface_names_is(&names, 3, "eth0"));
	CHECK(interface_names_is(&names, 9, "0123456789abcde"));
	interface_names_remove(&names, 2);
	CHECK(!interface_names_is(&names, 2, "eth0"));
	interface_names_clear(&names);
}

/* Whatever comes and goes: who has walked to the end knows every name as it is. */
TEST(at_the_end_of_a_walk_everything_is_known)
{
	struct interface_walk walk = { 0 };
	struct interface_name known[64] = { 0 };

	srandom(5);
	for (int round = 0; round < 20000; round++) {
		uint32_t index = (uint32_t)(1 + random() % 63);
		const struct interface_names_entry *next;

		switch (random() % 8) {
		case 0: set(index, random() % 2 ? "one" : "two"); break;
		case 1: interface_names_remove(&names, index); break;
		case 2: random() % 50 ? (void)0 : interface_walk_repeat(&walk); break;
		default:
			next = interface_walk_next(&walk, &names);
			if (next) {
				known[next->name.index] = next->name;
				interface_walk_step(&walk, next);
				break;
			}
			for (size_t i = 0; i < names.count; i++) {
				const struct interface_name *name = &names.entries[i].name;

				CHECK_BYTES(&known[name->index], name, sizeof(*name));
			}
		}
	}
	interface_names_clear(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_announced_in_their_order),
		cmocka_unit_test(what_was_removed_is_not_announced),
		cmocka_unit_test(a_refresh_goes_round_once_and_changes_go_before_it),
		cmocka_unit_test(the_highest_index_is_one_like_others),
		cmocka_unit_test(a_name_is_found_by_its_index),
		cmocka_unit_test(at_the_end_of_a_walk_everything_is_known),
	};

	return RUN_TESTS(tests);
}
