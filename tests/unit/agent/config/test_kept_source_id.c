/* test_kept_source_id.c - the line of a source id, and whether its machine is this one. */
#include "check.h"

#include "kept_source_id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool parse(const char *text, struct kept_source_id *kept)
{
	return kept_source_id_parse(text, strlen(text), kept);
}

TEST(a_line_is_a_number_and_a_mark)
{
	struct kept_source_id kept;

	CHECK(parse("4294967295 02:00:00:00:00:01 10.0.0.7\n", &kept));
	CHECK_EQ(kept.number, 4294967295);
	CHECK_TEXT(kept.mark, "02:00:00:00:00:01 10.0.0.7");
	CHECK(parse("7 \nrest", &kept));
	CHECK_EQ(kept.number, 7);
	CHECK_TEXT(kept.mark, "");
	CHECK(!parse("", &kept));
	CHECK(!parse("\n", &kept));
	CHECK(!parse("7\n", &kept));
	CHECK(!parse("7 mark", &kept));
	CHECK(!parse(" mark\n", &kept));
	CHECK(!parse("7\n mark\n", &kept));
	CHECK(!parse("4294967296 mark\n", &kept));
	CHECK(!parse("99999999999 mark\n", &kept));
	CHECK(!parse("-7 mark\n", &kept));
	CHECK(!kept_source_id_parse("7 a\0b\n", 6, &kept));
}

TEST(what_is_written_is_read_again_by_its_instance)
{
	char directory[] = "/tmp/test_kept.XXXXXX";
	struct kept_source_id kept = { .number = 12, .mark = "10.0.0.7" };
	struct kept_source_id found = { .number = 0 };
	char path[64];

	CHECK(mkdtemp(directory));
	CHECK(unsetenv("STATE_DIRECTORY") == 0);
	CHECK_EQ(kept_source_id_write(5, &kept), 0);
	CHECK(!kept_source_id_read(5, &found));
	CHECK(setenv("STATE_DIRECTORY", directory, 1) == 0);
	CHECK(!kept_source_id_read(5, &found));
	CHECK_EQ(kept_source_id_write(5, &kept), 0);
	CHECK(kept_source_id_read(5, &found));
	CHECK_EQ(found.number, 12);
	CHECK_TEXT(found.mark, "10.0.0.7");
	CHECK(!kept_source_id_read(6, &found));
	CHECK(!kept_source_id_has_numbers(12));
	(void)snprintf(path, sizeof(path), "%s/source-id-5", directory);
	CHECK(unlink(path) == 0);
	CHECK(rmdir(directory) == 0);
	CHECK(kept_source_id_write(5, &kept) < 0);
	CHECK(unsetenv("STATE_DIRECTORY") == 0);
}

TEST(the_mark_of_this_machine_is_here_and_another_is_not)
{
	char mark[MACHINE_MARK_SIZE];
	char longer[MACHINE_MARK_SIZE + 8];

	machine_mark_read(mark);
	CHECK(machine_mark_is_here(mark));
	CHECK(machine_mark_is_here(""));
	CHECK(!machine_mark_is_here("02:de:ad:00:00:01"));
	(void)snprintf(longer, sizeof(longer), "%s9", mark);
	CHECK(!*mark || strchr(mark, ' ') || !machine_mark_is_here(longer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_number_and_a_mark),
		cmocka_unit_test(what_is_written_is_read_again_by_its_instance),
		cmocka_unit_test(the_mark_of_this_machine_is_here_and_another_is_not),
	};

	return RUN_TESTS(tests);
}
