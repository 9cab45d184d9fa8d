/* test_agentctl_rows.c - agentctl's texts, order, sums and tables. */
#include "check.h"

#include "agentctl_cells.h"
#include "agentctl_group.h"
#include "agentctl_sort.h"
#include "agentctl_table.h"
#include "agentctl_text.h"

#include <locale.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct agentctl_column columns[] = {
	{ "src", NULL, COLUMN_ADDRESS, COLUMN_SHOWN },
	{ "dir", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "bytes", "octets", COLUMN_BYTES, COLUMN_SHOWN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

TEST(bytes_are_short)
{
	char text[AGENTCTL_TEXT_SIZE];

	CHECK_TEXT(agentctl_text_bytes(0, text), "0 B");
	CHECK_TEXT(agentctl_text_bytes(9999, text), "9999 B");
	CHECK_TEXT(agentctl_text_bytes(10000, text), "10.0 kB");
	CHECK_TEXT(agentctl_text_bytes(999999, text), "999.9 kB");
	CHECK_TEXT(agentctl_text_bytes(1000000, text), "1.0 MB");
	CHECK_TEXT(agentctl_text_bytes(91234567, text), "91.2 MB");
	CHECK_TEXT(agentctl_text_bytes(UINT64_MAX, text), "18.4 EB");
}

TEST(durations_are_short)
{
	char text[AGENTCTL_TEXT_SIZE];

	CHECK_TEXT(agentctl_text_duration(0, text), "0.000s");
	CHECK_TEXT(agentctl_text_duration(9999, text), "9.999s");
	CHECK_TEXT(agentctl_text_duration(12340, text), "12.3s");
	CHECK_TEXT(agentctl_text_duration(250000, text), "4m10s");
	CHECK_TEXT(agentctl_text_duration(3600000 * 3 + 60000 * 5, text), "3h05m");
	CHECK_TEXT(agentctl_text_duration(86400000 * 3LL + 3600000 * 4, text), "3d04h");
	CHECK_TEXT(agentctl_text_duration(-1500, text), "-1.500s");
	CHECK_TEXT(agentctl_text_duration(INT64_MIN, text), "-106751991167d07h");
}

TEST(times_flags_and_protocols)
{
	char text[AGENTCTL_TEXT_SIZE];

	CHECK_TEXT(agentctl_text_time(1795375020114, true, text), "2026-11-22 19:17:00.114Z");
	CHECK_TEXT(agentctl_text_time(-1, true, text), "1969-12-31 23:59:59.999Z");
	CHECK_TEXT(agentctl_text_flags(0x1b, text), "...AP.SF");
	CHECK_TEXT(agentctl_text_flags(0xff, text), "CEUAPRSF");
	CHECK_TEXT(agentctl_text_protocol(6, text), "tcp");
	CHECK_TEXT(agentctl_text_protocol(253, text), "253");
}

/* Lines are collected with commas after them. */
static int collect(void *context, char *line)
{
	(void)strcat(strcat(context, line), ",");
	free(line);
	return 0;
}

/* Keep a row as "src bytes". */
static int add_row(struct agentctl_sort *sort, const char *src, int bytes)
{
	json_t *row = json_pack("{s:s, s:i}", "src", src, "bytes", bytes);
	char line[100];
	int result;

	(void)snprintf(line, sizeof(line), "%s %d", src, bytes);
	result = agentctl_sort_add(sort, row, strdup(line));
	json_decref(row);
	return result;
}

static void sort_example(const char *order, uint64_t top, const char *expected)
{
	static const struct {
		const char *src;
		int bytes;
	} rows[] = { { "10.0.0.1", 5 }, { "9.0.0.1", 7 }, { "::1", 5 }, { "10.0.0.1", 100 } };
	struct error_text error;
	struct agentctl_sort *sort = agentctl_sort_create(columns, order, top, &error);
	char list[500] = "";

	assert_non_null(sort);
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(add_row(sort, rows[i].src, rows[i].bytes), 0);
	CHECK_EQ(agentctl_sort_each(sort, collect, list), 0);
	CHECK_TEXT(list, expected);
	agentctl_sort_destroy(sort);
}

TEST(rows_are_sorted_by_number_and_by_address)
{
	sort_example("bytes", 0, "10.0.0.1 100,9.0.0.1 7,10.0.0.1 5,::1 5,");
	sort_example("octets:asc", 0, "10.0.0.1 5,::1 5,9.0.0.1 7,10.0.0.1 100,");
	sort_example("src", 0, "9.0.0.1 7,10.0.0.1 5,10.0.0.1 100,::1 5,");
	sort_example("src:desc", 2, "::1 5,10.0.0.1 5,");
	sort_example(NULL, 0, "10.0.0.1 5,9.0.0.1 7,::1 5,10.0.0.1 100,");
	sort_example(NULL, 1, "10.0.0.1 5,");
	sort_example("bytes", 1, "10.0.0.1 100,");
}

TEST(top_of_many_rows_is_exact)
{
	struct error_text error;
	struct agentctl_sort *sort = agentctl_sort_create(columns, "bytes", 3, &error);
	char list[500] = "";
	uint32_t random = 1;

	for (int i = 0; i < 20000; i++) {
		random = random * 1664525 + 1013904223;
		CHECK_EQ(add_row(sort, "a", i == 7000 ? 0x7fffffff : (int)(random >> 2)), 0);
	}
	CHECK_EQ(agentctl_sort_each(sort, collect, list), 0);
	CHECK(strncmp(list, "a 2147483647,a 10737", 20) == 0);
	agentctl_sort_destroy(sort);
}

TEST(orders_that_do_not_exist_are_refused)
{
	struct error_text error;

	CHECK(agentctl_sort_create(columns, "size", 0, &error) == NULL);
	assert_non_null(strstr(error.text, "size"));
	assert_non_null(strstr(error.hint, "src, dir, bytes"));
	CHECK(agentctl_sort_create(columns, "bytes:up", 0, &error) == NULL);
	CHECK(agentctl_sort_create(columns, "", 0, &error) == NULL);
}

static json_t *flow(const char *src, const char *dst, int src_as, int dst_as, int bytes)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s}", "src", src, "dst",
			 dst, "bits_per_s", 8 * bytes, "packets_per_s", 1, "src_as", src_as,
			 "dst_as", dst_as, "packets", 1, "bytes", bytes, "in_if_name", "eth0",
			 "out_if_name", "");
}

static int append_row(void *context, const json_t *row)
{
	return json_array_append(context, (json_t *)(uintptr_t)row);
}

/* The rates of flow(), summed. */
static void add_rates(json_t *row)
{
	json_object_set_new(row, "bits_per_s",
			    json_integer(8 * json_integer_value(json_object_get(row, "bytes"))));
	json_object_set(row, "packets_per_s", json_object_get(row, "packets"));
}

/* Sum three flows by some keys and compare with JSON, which is without the rates. */
static void group_example(const char *keys, const char *expected)
{
	struct error_text error;
	struct agentctl_group *group = agentctl_group_create(keys, &error);
	json_t *flows[3] = { flow("a", "b", 1, 2, 10), flow("b", "a", 2, 1, 20),
			     flow("a", "c", 1, 1, 40) };
	json_t *rows = json_array();
	json_t *wanted = json_loads(expected, 0, NULL);

	assert_non_null(group);
	assert_non_null(wanted);
	for (size_t i = 0; i < json_array_size(wanted); i++)
		add_rates(json_array_get(wanted, i));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(agentctl_group_add(group, flows[i]), 0);
		json_decref(flows[i]);
	}
	CHECK_EQ(agentctl_group_each(group, append_row, rows), 0);
	if (!json_equal(rows, wanted))
		fail_msg("%s: %s", keys, json_dumps(rows, JSON_COMPACT));
	json_decref(rows);
	json_decref(wanted);
	agentctl_group_destroy(group);
}

TEST(flows_are_summed_by_key)
{
	group_example("src", "[{\"src\":\"a\",\"flows\":2,\"packets\":2,\"bytes\":50},"
			     "{\"src\":\"b\",\"flows\":1,\"packets\":1,\"bytes\":20}]");
	group_example("src,dst_as",
		      "[{\"src\":\"a\",\"dst_as\":1,\"flows\":1,\"packets\":1,\"bytes\":40},"
		      "{\"src\":\"a\",\"dst_as\":2,\"flows\":1,\"packets\":1,\"bytes\":10},"
		      "{\"src\":\"b\",\"dst_as\":1,\"flows\":1,\"packets\":1,\"bytes\":20}]");
}

TEST(keys_of_both_ends_count_a_flow_once_per_end)
{
	group_example("as", "[{\"as\":1,\"flows\":3,\"packets\":3,\"bytes\":70},"
			    "{\"as\":2,\"flows\":2,\"packets\":2,\"bytes\":30}]");
	group_example("host", "[{\"host\":\"a\",\"flows\":3,\"packets\":3,\"bytes\":70},"
			      "{\"host\":\"b\",\"flows\":2,\"packets\":2,\"bytes\":30},"
			      "{\"host\":\"c\",\"flows\":1,\"packets\":1,\"bytes\":40}]");
	group_example("iface", "[{\"iface\":\"eth0\",\"flows\":3,\"packets\":3,\"bytes\":70}]");
}

TEST(sums_survive_many_keys)
{
	struct error_text error;
	struct agentctl_group *group = agentctl_group_create("src_as", &error);
	json_t *rows = json_array();

	for (int i = 0; i < 30000; i++) {
		json_t *row = flow("a", "b", i % 5000, 1, 1);

		CHECK_EQ(agentctl_group_add(group, row), 0);
		json_decref(row);
	}
	CHECK_EQ(agentctl_group_each(group, append_row, rows), 0);
	CHECK_EQ(json_array_size(rows), 5000);
	for (size_t i = 0; i < 5000; i++)
		CHECK_EQ(json_integer_value(json_object_get(json_array_get(rows, i), "flows")), 6);
	json_decref(rows);
	agentctl_group_destroy(group);
}

TEST(keys_that_do_not_exist_are_refused)
{
	struct error_text error;

	CHECK(agentctl_group_create("asn", &error) == NULL);
	assert_non_null(strstr(error.hint, "src dst host"));
	CHECK(agentctl_group_create("src,", &error) == NULL);
	CHECK(agentctl_group_create("src,src", &error) == NULL);
}

TEST(hint_lists_every_key)
{
	struct error_text error;

	CHECK(agentctl_group_create("", &error) == NULL);
	for (size_t i = 0; agentctl_group_key_name(i); i++)
		assert_non_null(strstr(error.hint, agentctl_group_key_name(i)));
}

TEST(columns_are_found_by_name_and_alias)
{
	CHECK(agentctl_column_find(columns, "bytes,", 5) == &columns[2]);
	CHECK(agentctl_column_find(columns, "octets", 6) == &columns[2]);
	CHECK(agentctl_column_find(columns, "byte", 4) == NULL);
	CHECK(agentctl_column_find(columns, "", 0) == NULL);
}

TEST(sums_of_the_agent_are_added_up)
{
	struct error_text error;
	struct agentctl_group *group = agentctl_group_create("host", &error);
	json_t *rows = json_array();
	json_t *wanted = json_loads("[{\"host\":\"a\",\"flows\":5,\"packets\":7,\"bytes\":9,"
				    "\"bits_per_s\":11,\"packets_per_s\":13}]",
				    0, NULL);
	json_t *sums[2] = {
		json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "host", "a", "flows", 2, "packets", 3,
			  "bytes", 4, "bits_per_s", 5, "packets_per_s", 6),
		json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "host", "a", "flows", 3, "packets", 4,
			  "bytes", 5, "bits_per_s", 6, "packets_per_s", 7)
	};

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(agentctl_group_add(group, sums[i]), 0);
		json_decref(sums[i]);
	}
	CHECK_EQ(agentctl_group_each(group, append_row, rows), 0);
	CHECK(json_equal(rows, wanted));
	json_decref(rows);
	json_decref(wanted);
	agentctl_group_destroy(group);
}

/* Print one line of four cells on a terminal of a width and compare. */
static void expect_cells(size_t room, const char *expected)
{
	static const struct agentctl_cell_column four[] = { { "NAME", false, 1 },
							    { "START", false, 3 },
							    { "COUNT", true, 1 },
							    { "END", false, 3 } };
	static const char line[] = "\xc3\xa4\xc3\xb6 x\0"
				   "2026-11-22\0"
				   "7\0"
				   "2026-11-23";
	struct agentctl_cells *cells = agentctl_cells_create(four, 4, false, false, room);
	char *copy = malloc(sizeof(line));
	char output[200] = "";
	int file = memfd_create("out", 0);
	int kept[2] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };

	memcpy(copy, line, sizeof(line));
	(void)fflush(stdout);
	(void)dup2(file, STDOUT_FILENO);
	(void)dup2(file, STDERR_FILENO);
	CHECK_EQ(agentctl_cells_add(cells, copy), 0);
	agentctl_cells_write(cells);
	(void)fflush(stdout);
	(void)dup2(kept[0], STDOUT_FILENO);
	(void)dup2(kept[1], STDERR_FILENO);
	CHECK(pread(file, output, sizeof(output) - 1, 0) > 0);
	CHECK_TEXT(output, expected);
	agentctl_cells_destroy(cells);
	(void)close(kept[0]);
	(void)close(kept[1]);
	(void)close(file);
}

TEST(a_narrow_terminal_gets_fewer_columns_and_whole_words)
{
	CHECK(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	expect_cells(0, "NAME START      COUNT END\n"
			"\xc3\xa4\xc3\xb6 x 2026-11-22     7 2026-11-23\n");
	expect_cells(32, "NAME START      COUNT END\n"
			 "\xc3\xa4\xc3\xb6 x 2026-11-22     7 2026-11-23\n");
	expect_cells(31, "left out on this terminal: END\n  (--wide)\n"
			 "NAME START      COUNT\n\xc3\xa4\xc3\xb6 x 2026-11-22     7\n");
	expect_cells(12, "left out on\n  this\n  terminal:\n  START, END\n  (--wide)\n"
			 "NAME COUNT\n\xc3\xa4\xc3\xb6 x     7\n");
	expect_cells(5, "left\n  out\n  on\n  this terminal: START, END (--wide)\n"
			"NAME COUNT\n\xc3\xa4\xc3\xb6 x     7\n");
	CHECK(setlocale(LC_CTYPE, "C") != NULL);
}

TEST(cells_cannot_command_the_terminal)
{
	char text[100];

	CHECK(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	(void)agentctl_cell_copy(text, "a\033[2J\xc2\x9b\xff\xc3\xa4\n\x7f");
	CHECK_TEXT(text, "a\\x1b[2J\\xc2\\x9b\\xff\xc3\xa4\\x0a\\x7f");
	CHECK(setlocale(LC_CTYPE, "C") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_short),
		cmocka_unit_test(durations_are_short),
		cmocka_unit_test(times_flags_and_protocols),
		cmocka_unit_test(rows_are_sorted_by_number_and_by_address),
		cmocka_unit_test(top_of_many_rows_is_exact),
		cmocka_unit_test(orders_that_do_not_exist_are_refused),
		cmocka_unit_test(flows_are_summed_by_key),
		cmocka_unit_test(keys_of_both_ends_count_a_flow_once_per_end),
		cmocka_unit_test(sums_survive_many_keys),
		cmocka_unit_test(keys_that_do_not_exist_are_refused),
		cmocka_unit_test(hint_lists_every_key),
		cmocka_unit_test(columns_are_found_by_name_and_alias),
		cmocka_unit_test(sums_of_the_agent_are_added_up),
		cmocka_unit_test(a_narrow_terminal_gets_fewer_columns_and_whole_words),
		cmocka_unit_test(cells_cannot_command_the_terminal),
	};

	return RUN_TESTS(tests);
}
