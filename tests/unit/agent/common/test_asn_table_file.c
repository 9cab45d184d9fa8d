/* test_asn_table_file.c - AS tables in files: written whole, mapped, refused. */
#include "asn_table_file.h"

#include "check.h"
#include "mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_asn_table_file-XXXXXX";
static char path[64];
static struct asn_image image;

/* A table of one prefix. */
static void make_image(uint32_t as_number)
{
	const struct asn_build_facts facts = { .created_s = 1700000000,
					       .source = "rrc00",
					       .peer_count = 40 };
	const struct asn_entry entry = { .as_number = as_number, .prefix_length = 24, .peers = 38 };
	struct asn_builder *builder = asn_builder_create();

	asn_image_release(image.bytes, image.size);
	CHECK(builder);
	CHECK_EQ(asn_builder_add(builder, 4, (const uint8_t[4]){ 192, 0, 2, 0 }, &entry), 0);
	CHECK_EQ(asn_builder_finish(builder, &facts, &image, NULL), 0);
	asn_builder_destroy(builder);
}

static int set_up(void **state)
{
	(void)state;
	CHECK(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/table", directory);
	make_image(64500);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)rmdir(path);
	CHECK_EQ(rmdir(directory), 0); /* nothing else is left there */
	(void)memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
	asn_image_release(image.bytes, image.size);
	image = (struct asn_image){ NULL, 0 };
	return 0;
}

static void write_raw(const void *bytes, size_t size)
{
	FILE *file = fopen(path, "we");

	CHECK(file);
	CHECK_EQ(fwrite(bytes, 1, size, file), size);
	CHECK_EQ(fclose(file), 0);
}

static void check_refused(const char *expected)
{
	struct error_text error;
	char text[200];

	CHECK(!asn_table_file_open(path, &error));
	(void)snprintf(text, sizeof(text), "%s: %s", path, expected);
	CHECK_TEXT(error.text, text);
}

static uint32_t find(const struct asn_table *table)
{
	struct asn_entry entry;

	asn_table_find(table, 4, (const uint8_t[4]){ 192, 0, 2, 77 }, &entry);
	return entry.as_number;
}

TEST(what_was_written_is_mapped)
{
	struct error_text error;
	struct asn_table *table;
	struct stat status;

	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	CHECK_EQ(stat(path, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0644);
	table = asn_table_file_open(path, &error);
	CHECK(table);
	CHECK_EQ(find(table), 64500);
	CHECK_EQ(asn_table_created_s(table), 1700000000);
	CHECK_EQ(asn_table_peer_count(table), 40);
	CHECK_TEXT(asn_table_source(table), "rrc00");
	asn_table_destroy(table);
}

TEST(a_mapped_table_outlives_its_replacement)
{
	struct error_text error;
	struct asn_table *old, *new;

	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	old = asn_table_file_open(path, &error);
	CHECK(old);
	make_image(64501);
	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	new = asn_table_file_open(path, &error);
	CHECK(new);
	CHECK_EQ(find(old), 64500);
	CHECK_EQ(find(new), 64501);
	asn_table_destroy(old);
	asn_table_destroy(new);
}

/* As cp and scp do: the agent must not die of SIGBUS. */
TEST(a_file_that_is_cut_while_it_is_mapped_finds_nothing)
{
	struct error_text error;
	struct asn_table *table;

	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	table = asn_table_file_open(path, &error);
	CHECK(table);
	CHECK_EQ(truncate(path, 0), 0);
	CHECK_EQ(find(table), 0);
	asn_table_destroy(table);
}

TEST(only_so_many_are_mapped_at_once)
{
	struct asn_table *tables[MAPPED_FILES_MAX];
	struct error_text error;

	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	for (size_t i = 0; i < MAPPED_FILES_MAX; i++)
		CHECK(tables[i] = asn_table_file_open(path, &error));
	check_refused("cannot map: 8 tables are mapped already");
	for (size_t i = 0; i < MAPPED_FILES_MAX; i++)
		asn_table_destroy(tables[i]);
	CHECK(tables[0] = asn_table_file_open(path, &error));
	asn_table_destroy(tables[0]);
}

TEST(what_is_no_table_is_named)
{
	struct error_text error;
	char text[200];

	check_refused("cannot read: No such file or directory");
	write_raw("", 0);
	check_refused("empty; expected an AS table");
	write_raw("64500,192.0.2.0/24\n", 19);
	check_refused("no AS table");
	write_raw(image.bytes, image.size - 8);
	(void)snprintf(text, sizeof(text), "cut AS table: has %zu bytes, its header says %zu",
		       image.size - 8, image.size);
	check_refused(text);
	((uint8_t *)image.bytes)[image.size / 2] ^= 1;
	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	check_refused("damaged AS table: its checksum is wrong");
}

TEST(what_is_no_file_of_that_kind_is_named)
{
	struct error_text error;
	char text[200];

	CHECK_EQ(mkdir(path, 0700), 0);
	check_refused("not a regular file; expected an AS table");
	CHECK_EQ(asn_table_file_write(path, &image, &error), -EINVAL);
	(void)snprintf(text, sizeof(text), "%s: not a regular file; expected the place of a table",
		       path);
	CHECK_TEXT(error.text, text);
	CHECK_EQ(rmdir(path), 0);
	CHECK_EQ(mkfifo(path, 0600), 0);
	check_refused("not a regular file; expected an AS table");
}

TEST(a_huge_file_is_refused_before_it_is_read)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(descriptor >= 0);
	CHECK_EQ(ftruncate(descriptor, (off_t)ASN_TABLE_FILE_LIMIT + 8), 0);
	CHECK_EQ(close(descriptor), 0);
	check_refused("larger than 512 MB, the most of an AS table");
}

TEST(a_write_that_fails_leaves_the_old_file_alone)
{
	struct error_text error;
	struct asn_table *table;
	struct rlimit before, little;

	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = (struct rlimit){ .rlim_cur = 100, .rlim_max = before.rlim_max };
	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
	CHECK_EQ(asn_table_file_write(path, &image, &error), -EFBIG);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
	table = asn_table_file_open(path, &error);
	CHECK(table);
	CHECK_EQ(find(table), 64500);
	asn_table_destroy(table);
}

TEST(a_directory_that_is_not_there_is_named)
{
	struct error_text error;

	CHECK_EQ(asn_table_file_write("/nowhere/table", &image, &error), -ENOENT);
	CHECK_TEXT(error.text,
		   "/nowhere/table: cannot make a file in its directory: No such file or "
		   "directory");
}

int main(void)
{
#define WITH_FILE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_FILE(what_was_written_is_mapped),
		WITH_FILE(a_mapped_table_outlives_its_replacement),
		WITH_FILE(a_file_that_is_cut_while_it_is_mapped_finds_nothing),
		WITH_FILE(only_so_many_are_mapped_at_once),
		WITH_FILE(what_is_no_table_is_named),
		WITH_FILE(what_is_no_file_of_that_kind_is_named),
		WITH_FILE(a_huge_file_is_refused_before_it_is_read),
		WITH_FILE(a_write_that_fails_leaves_the_old_file_alone),
		WITH_FILE(a_directory_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
