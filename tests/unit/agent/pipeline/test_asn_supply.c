/* test_asn_supply.c - the table in use and the next one, with the helper thread that brings it. */
#include "asn_supply.h"

#include "asn_table_file.h"
#include "check.h"
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PATIENCE_MS 180000

static char directory[] = "/tmp/test_asn_supply-XXXXXX";
static char path[64];
static struct config config;
static int news_descriptor; /* eventfd */

/* A table of one prefix with this AS number. */
static void write_table(uint32_t as_number)
{
	const struct asn_build_facts facts = { .created_s = 1700000000, .source = "test" };
	const struct asn_entry entry = { .as_number = as_number, .prefix_length = 8 };
	struct asn_builder *builder = asn_builder_create();
	struct error_text error;
	struct asn_image image;

	CHECK(builder);
	CHECK_EQ(asn_builder_add(builder, 4, (const uint8_t[4]){ 10 }, &entry), 0);
	CHECK_EQ(asn_builder_finish(builder, &facts, &image, NULL), 0);
	asn_builder_destroy(builder);
	CHECK_EQ(asn_table_file_write(path, &image, &error), 0);
	asn_image_release(image.bytes, image.size);
}

static int set_up(void **state)
{
	(void)state;
	CHECK(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/table", directory);
	write_table(64500);
	config = (struct config){ .asn_table = path };
	news_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(news_descriptor >= 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(news_descriptor);
	(void)unlink(path);
	CHECK_EQ(rmdir(directory), 0);
	(void)memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
	return 0;
}

static struct asn_supply *create(void)
{
	struct error_text error;
	struct asn_supply *supply = asn_supply_create(&config, news_descriptor, &error);

	CHECK(supply);
	return supply;
}

static uint32_t find(const struct asn_table *table)
{
	struct asn_entry entry;

	asn_table_find(table, 4, (const uint8_t[4]){ 10, 1, 2, 3 }, &entry);
	return entry.as_number;
}

/* Wait for the helper's next table. */
static struct asn_table *next_table(struct asn_supply *supply)
{
	struct pollfd news = { .fd = news_descriptor, .events = POLLIN };

	CHECK_EQ(poll(&news, 1, PATIENCE_MS), 1);
	return asn_supply_take(supply);
}

TEST(a_new_table_is_offered_and_used)
{
	struct asn_supply *supply = create();
	struct asn_table *table;

	CHECK_EQ(find(asn_supply_table(supply)), 64500);
	CHECK_EQ(asn_supply_start(supply), 0);
	CHECK(!asn_supply_take(supply));
	write_table(64501);
	table = next_table(supply);
	CHECK(table);
	CHECK_EQ(find(asn_supply_table(supply)), 64500);
	asn_supply_use(supply, table);
	CHECK_EQ(find(asn_supply_table(supply)), 64501);
	CHECK_EQ(asn_supply_counts(supply).replaced, 1);
	CHECK_EQ(asn_supply_counts(supply).refused, 0);
	asn_supply_destroy(supply);
}

TEST(a_table_that_was_given_back_comes_again)
{
	struct asn_supply *supply = create();
	struct asn_table *table;

	CHECK_EQ(asn_supply_start(supply), 0);
	write_table(64501);
	table = next_table(supply);
	CHECK(table);
	asn_supply_return(supply, table);
	CHECK(asn_supply_take(supply) == table);
	asn_supply_return(supply, table); /* freed with the supply */
	asn_supply_destroy(supply);
}

/* Between the look at the path at the start and the helper's first one. */
TEST(a_table_that_came_before_the_helper_ran_is_seen)
{
	struct asn_supply *supply = create();
	struct asn_table *table;

	write_table(64501);
	CHECK_EQ(asn_supply_start(supply), 0);
	table = next_table(supply);
	CHECK(table);
	asn_supply_use(supply, table);
	CHECK_EQ(find(asn_supply_table(supply)), 64501);
	asn_supply_destroy(supply);
}

TEST(a_start_without_a_table_fails)
{
	struct error_text error;
	char text[200];

	CHECK_EQ(unlink(path), 0);
	CHECK(!asn_supply_create(&config, news_descriptor, &error));
	(void)snprintf(text, sizeof(text), "%s: cannot read: No such file or directory", path);
	CHECK_TEXT(error.text, text);
}

int main(void)
{
#define WITH_TABLE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_TABLE(a_new_table_is_offered_and_used),
		WITH_TABLE(a_table_that_was_given_back_comes_again),
		WITH_TABLE(a_table_that_came_before_the_helper_ran_is_seen),
		WITH_TABLE(a_start_without_a_table_fails),
	};

	return RUN_TESTS(tests);
}
