/* test_interface_mtus.c - MTUs by interface, with a fallback. */
#include "check.h"
#include "interface_mtus.h"

static struct interface_mtus mtus;

TEST(without_a_list_there_is_the_fallback)
{
	interface_mtus_init(&mtus, 1500);
	CHECK_EQ(interface_mtus_least(&mtus), 1500);
	CHECK_EQ(interface_mtus_find(&mtus, 0), 1500);
	CHECK_EQ(interface_mtus_find(&mtus, 7), 1500);
}

TEST(the_newest_list_counts)
{
	static const struct interface_mtu first[] = { { 1, 65536 }, { 2, 9000 }, { 3, 1280 } };
	static const struct interface_mtu second[] = { { 2, 1400 } };

	interface_mtus_init(&mtus, 1500);
	interface_mtus_set(&mtus, first, 3);
	CHECK_EQ(interface_mtus_least(&mtus), 1280);
	CHECK_EQ(interface_mtus_find(&mtus, 1), 65536);
	CHECK_EQ(interface_mtus_find(&mtus, 2), 9000);
	CHECK_EQ(interface_mtus_find(&mtus, 3), 1280);
	CHECK_EQ(interface_mtus_find(&mtus, 4), 1500);
	CHECK_EQ(interface_mtus_find(&mtus, 0), 1500);
	interface_mtus_set(&mtus, second, 1);
	CHECK_EQ(interface_mtus_least(&mtus), 1400);
	CHECK_EQ(interface_mtus_find(&mtus, 2), 1400);
	CHECK_EQ(interface_mtus_find(&mtus, 1), 1500);
	/* Nothing below the fallback: packets without an interface need it. */
	interface_mtus_set(&mtus, first, 1);
	CHECK_EQ(interface_mtus_least(&mtus), 1500);
}

TEST(a_list_that_is_too_long_is_cut)
{
	static struct interface_mtu list[INTERFACE_MTUS_MAX + 1];

	for (uint32_t i = 0; i <= INTERFACE_MTUS_MAX; i++)
		list[i] = (struct interface_mtu){ i + 1, 2000 };
	interface_mtus_init(&mtus, 1500);
	interface_mtus_set(&mtus, list, INTERFACE_MTUS_MAX + 1);
	CHECK_EQ(interface_mtus_find(&mtus, INTERFACE_MTUS_MAX), 2000);
	CHECK_EQ(interface_mtus_find(&mtus, INTERFACE_MTUS_MAX + 1), 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_list_there_is_the_fallback),
		cmocka_unit_test(the_newest_list_counts),
		cmocka_unit_test(a_list_that_is_too_long_is_cut),
	};

	return RUN_TESTS(tests);
}
