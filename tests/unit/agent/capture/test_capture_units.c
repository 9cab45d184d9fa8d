/* test_capture_units.c - a tree of directories in the place of cgroup v2: numbers are inodes there,
 * too. */
#include "capture_units.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/flowagent-test-units-XXXXXX";

static const char *place(const char *path)
{
	static char text[512];

	CHECK((size_t)snprintf(text, sizeof(text), "%s%s", root, path) < sizeof(text));
	return text;
}

/* Returns the number of its inode. */
static uint64_t make(const char *path)
{
	struct stat found;

	CHECK_EQ(mkdir(place(path), 0700), 0);
	CHECK_EQ(stat(place(path), &found), 0);
	return found.st_ino;
}

static void check_name(const struct capture_units *units, uint64_t cgroup, const char *name)
{
	bool is_new;
	const uint32_t unit = capture_units_find(units, cgroup, &is_new);

	CHECK(!is_new);
	CHECK_TEXT(capture_units_name(units, unit), name);
}

static void walk(struct capture_units *units)
{
	CHECK_EQ(capture_units_walk_begin(units), 0);
	CHECK(!capture_units_walk(units, SIZE_MAX));
}

TEST(a_walk_knows_every_group)
{
	struct capture_units *units = capture_units_create(root);
	const uint64_t slice = make("/system.slice");
	const uint64_t service = make("/system.slice/nginx.service");
	const uint64_t part = make("/system.slice/nginx.service/worker");
	const uint64_t other = make("/other");
	FILE *file = fopen(place("/cgroup.procs"), "w");
	bool is_new;

	CHECK(file && fclose(file) == 0);
	CHECK_EQ(capture_units_find(units, service, &is_new), 0);
	CHECK(is_new);
	walk(units);
	check_name(units, slice, "system.slice");
	check_name(units, service, "nginx.service");
	check_name(units, part, "nginx.service");
	check_name(units, other, "other");
	CHECK_EQ(capture_units_counts(units).groups, 4);
	CHECK_EQ(capture_units_counts(units).units, 3);
	CHECK_TEXT(capture_units_name(units, 0), "");

	/* What is gone keeps its name. */
	CHECK_EQ(rmdir(place("/system.slice/nginx.service/worker")), 0);
	CHECK_EQ(rmdir(place("/system.slice/nginx.service")), 0);
	walk(units);
	check_name(units, service, "nginx.service");
	CHECK_EQ(rmdir(place("/system.slice")), 0);
	CHECK_EQ(rmdir(place("/other")), 0);
	CHECK_EQ(unlink(place("/cgroup.procs")), 0);
	capture_units_destroy(units);
}

/* Groups beyond the names that have room are known to be nobody's, and counted. */
TEST(names_have_bounds)
{
	struct capture_units *units = capture_units_create(root);
	uint64_t last = 0;
	char path[32];

	for (int i = 0; i < CAPTURE_UNITS_MAX + 3; i++) {
		(void)snprintf(path, sizeof(path), "/unit%d", i);
		last = make(path);
		if (i == CAPTURE_UNITS_MAX - 1) {
			walk(units);
			check_name(units, last, path + 1);
			CHECK_EQ(capture_units_counts(units).refused, 0);
		}
	}
	walk(units);
	check_name(units, last, "");
	CHECK_EQ(capture_units_counts(units).units, CAPTURE_UNITS_MAX);
	CHECK_EQ(capture_units_counts(units).refused, 3);
	for (int i = 0; i < CAPTURE_UNITS_MAX + 3; i++) {
		(void)snprintf(path, sizeof(path), "/unit%d", i);
		CHECK_EQ(rmdir(place(path)), 0);
	}
	capture_units_destroy(units);
}

/* Groups /a.service/0 to /a.service/COUNT-1. */
static void make_many(int count, uint64_t *first, uint64_t *last)
{
	char path[32] = "/a.service";

	(void)make(path);
	for (int i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "/a.service/%d", i);
		*last = make(path);
		if (i == 0)
			*first = *last;
	}
}

static void remove_many(int first, int end)
{
	char path[32];

	for (int i = first; i < end; i++) {
		(void)snprintf(path, sizeof(path), "/a.service/%d", i);
		CHECK_EQ(rmdir(place(path)), 0);
	}
}

/* No step visits more than it may; a group that vanishes meanwhile is no fault. */
TEST(a_walk_goes_in_steps)
{
	struct capture_units *units = capture_units_create(root);
	uint64_t first, last;
	size_t steps = 1;

	make_many(100, &first, &last);
	CHECK_EQ(capture_units_walk_begin(units), 0);
	while (capture_units_walk(units, 10)) {
		CHECK_EQ(capture_units_counts(units).groups, 10 * steps);
		if (steps == 3)
			(void)make("/b.slice");
		CHECK_EQ(capture_units_walk_begin(units), 0); /* it continues */
		steps++;
	}
	CHECK(steps >= 11);
	check_name(units, first, "a.service");
	check_name(units, last, "a.service");
	/* One that is left half done lets go of its directories. */
	CHECK_EQ(capture_units_walk_begin(units), 0);
	CHECK(capture_units_walk(units, 50));
	capture_units_destroy(units);
	remove_many(0, 100);
	CHECK_EQ(rmdir(place("/a.service")), 0);
	CHECK_EQ(rmdir(place("/b.slice")), 0);
}

/* Those that are gone make room, and none is unknown while the walk is under way. */
TEST(a_full_table_is_known_until_the_next_is_complete)
{
	enum { MANY = CAPTURE_UNITS_GROUPS_MAX - 1 };
	struct capture_units *units = capture_units_create(root);
	uint64_t first, last, later;
	bool is_new;

	make_many(MANY, &first, &last);
	walk(units);
	CHECK_EQ(capture_units_counts(units).groups, CAPTURE_UNITS_GROUPS_MAX);
	later = make("/late.service"); /* before: a file system may give the number of one that is
					  gone */
	remove_many(1, MANY);
	CHECK_EQ(capture_units_walk_begin(units), 0);
	CHECK(capture_units_walk(units, 1));
	check_name(units, last, "a.service");
	(void)capture_units_find(units, later, &is_new);
	CHECK(is_new);
	CHECK(!capture_units_walk(units, SIZE_MAX));
	check_name(units, first, "a.service");
	check_name(units, later, "late.service");
	CHECK_EQ(capture_units_counts(units).groups, 3);
	CHECK_EQ(capture_units_counts(units).refused, 0);
	remove_many(0, 1);
	CHECK_EQ(rmdir(place("/a.service")), 0);
	CHECK_EQ(rmdir(place("/late.service")), 0);
	capture_units_destroy(units);
}

TEST(tree_that_is_not_there)
{
	struct capture_units *units = capture_units_create("/nonexistent");

	CHECK_EQ(capture_units_walk_begin(units), -ENOENT);
	CHECK(!capture_units_walk(units, 1));
	capture_units_destroy(units);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_knows_every_group),
		cmocka_unit_test(names_have_bounds),
		cmocka_unit_test(a_walk_goes_in_steps),
		cmocka_unit_test(a_full_table_is_known_until_the_next_is_complete),
		cmocka_unit_test(tree_that_is_not_there),
	};
	int result;

	CHECK(mkdtemp(root) != NULL);
	result = RUN_TESTS(tests);
	(void)rmdir(root);
	return result;
}
