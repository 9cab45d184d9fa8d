/* test_memory_limit.c - the limit of a control group, in a tree of our own. */
#include "memory_limit.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char directory[32];

static const char *in(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = 1 - turn;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in(name), "w");

	assert_non_null(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

static void build(void)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/test_memory.XXXXXX");
	assert_non_null(mkdtemp(directory));
	CHECK_EQ(mkdir(in("tree"), 0755), 0);
	CHECK_EQ(mkdir(in("tree/system.slice"), 0755), 0);
	CHECK_EQ(mkdir(in("tree/system.slice/agent"), 0755), 0);
	put("cgroup", "1:name=systemd:/elsewhere\n0::/system.slice/agent\n");
}

static void clear(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -r %s", directory);
	CHECK_EQ(system(command), 0);
}

TEST(the_least_limit_on_the_way_up_counts)
{
	build();
	CHECK_EQ(memory_limit_read(in("cgroup"), in("tree")), MEMORY_LIMIT_NONE);
	put("tree/system.slice/agent/memory.max", "max\n");
	CHECK_EQ(memory_limit_read(in("cgroup"), in("tree")), MEMORY_LIMIT_NONE);
	put("tree/system.slice/agent/memory.max", "268435456\n");
	CHECK_EQ(memory_limit_read(in("cgroup"), in("tree")), 268435456);
	put("tree/system.slice/memory.max", "134217728\n");
	CHECK_EQ(memory_limit_read(in("cgroup"), in("tree")), 134217728);
	put("tree/memory.max", "67108864\n"); /* of a container */
	CHECK_EQ(memory_limit_read(in("cgroup"), in("tree")), 67108864);
	clear();
}

TEST(without_a_group_there_is_no_limit)
{
	build();
	CHECK_EQ(memory_limit_read(in("no-such-file"), in("tree")), MEMORY_LIMIT_NONE);
	put("cgroup", "4:memory:/old\n");
	CHECK_EQ(memory_limit_read(in("cgroup"), in("tree")), MEMORY_LIMIT_NONE);
	clear();
}

TEST(a_cache_is_no_burden_for_its_machine)
{
	const uint64_t mib = 1 << 20;

	CHECK_EQ(memory_limit_flows(256 * mib, MEMORY_LIMIT_NONE), 65536);
	CHECK_EQ(memory_limit_flows(1024 * mib, MEMORY_LIMIT_NONE), 262144);
	CHECK_EQ(memory_limit_flows(985 * mib + 4321, MEMORY_LIMIT_NONE), 251904);
	CHECK_EQ(memory_limit_flows(64 * 1024 * mib, MEMORY_LIMIT_NONE), 1048576);
	CHECK_EQ(memory_limit_flows(64 * 1024 * mib, 512 * mib), 1048576);
	CHECK_EQ(memory_limit_flows(64 * 1024 * mib, 64 * mib), 131072);
	CHECK_EQ(memory_limit_flows(32 * mib, MEMORY_LIMIT_NONE), 16384);
	CHECK_EQ(memory_limit_flows(0, MEMORY_LIMIT_NONE), 16384); /* nobody knows */
	CHECK(memory_limit_machine() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_limit_on_the_way_up_counts),
		cmocka_unit_test(without_a_group_there_is_no_limit),
		cmocka_unit_test(a_cache_is_no_burden_for_its_machine),
	};

	return RUN_TESTS(tests);
}
