/* test_cpu_list.c - lists of CPUs as the kernel writes them. */
#include "cpu_list.h"

#include "check.h"

#include <errno.h>

static void check_list(const char *text, const uint16_t *numbers, size_t count)
{
	struct cpu_list list;

	CHECK_EQ(cpu_list_parse(text, &list), 0);
	CHECK_EQ(list.count, count);
	for (size_t i = 0; i < count; i++)
		CHECK_EQ(list.numbers[i], numbers[i]);
}

TEST(lists_have_numbers_and_ranges)
{
	check_list("0\n", (const uint16_t[]){ 0 }, 1);
	check_list("0-3", (const uint16_t[]){ 0, 1, 2, 3 }, 4);
	check_list("0,2-3,7\n", (const uint16_t[]){ 0, 2, 3, 7 }, 4);
	check_list("1023", (const uint16_t[]){ 1023 }, 1);
}

TEST(all_cpus_there_can_be_fit)
{
	struct cpu_list list;

	CHECK_EQ(cpu_list_parse("0-1023", &list), 0);
	CHECK_EQ(list.count, CPU_LIST_MAX);
}

TEST(other_texts_are_refused)
{
	static const char *const texts[] = { "",
					     "\n",
					     "a",
					     "0-",
					     "-1",
					     "3-1",
					     "0,",
					     "1,1",
					     "2,0",
					     "0-2,1",
					     "0x1",
					     "1024",
					     "0-1024",
					     "0 1",
					     " 0",
					     "0--2",
					     "99999999999999999999" };
	struct cpu_list list;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_EQ(cpu_list_parse(texts[i], &list), -EINVAL);
}

TEST(this_machine_has_one_at_least)
{
	struct cpu_list list;

	cpu_list_online(&list);
	CHECK(list.count >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_have_numbers_and_ranges),
		cmocka_unit_test(all_cpus_there_can_be_fit),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(this_machine_has_one_at_least),
	};

	return RUN_TESTS(tests);
}
