/* memory_limit.c - walks from the group of the process up. */
#include "memory_limit.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

enum {
	FLOW_BYTES = 128,
	FLOWS_LEAST = 16384, /* 2 MiB */
	FLOWS_MOST = 1048576,
	FLOWS_STEP = 1024,
	SHARE_OF_MACHINE = 32,
	SHARE_OF_LIMIT = 4,
};

/* The path of our group: the line of cgroup v2, "0::/system.slice/flowagent.service". Returns false
 * if there is none. */
static bool find_group(const char *membership, char *group, size_t size)
{
	FILE *file = fopen(membership, "re");
	char line[PATH_MAX];
	bool is_found = false;

	if (!file)
		return false;
	while (!is_found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		is_found = strncmp(line, "0::/", 4) == 0 &&
			   snprintf(group, size, "%s", line + 3) < (int)size;
	}
	(void)fclose(file);
	return is_found;
}

/* Of one group; "max" is none. */
static uint64_t limit_of(const char *tree, const char *group)
{
	char path[2 * PATH_MAX];
	uint64_t limit = MEMORY_LIMIT_NONE;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s%s/memory.max", tree, group);
	file = fopen(path, "re");
	if (!file)
		return MEMORY_LIMIT_NONE;
	if (fscanf(file, "%" SCNu64, &limit) != 1)
		limit = MEMORY_LIMIT_NONE;
	(void)fclose(file);
	return limit;
}

uint64_t memory_limit_read(const char *membership, const char *tree)
{
	char group[PATH_MAX];
	uint64_t least = MEMORY_LIMIT_NONE;
	char *slash;

	if (!find_group(membership, group, sizeof(group)))
		return MEMORY_LIMIT_NONE;
	do {
		const uint64_t limit = limit_of(tree, group);

		if (limit < least)
			least = limit;
		slash = strrchr(group, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return least;
}

uint64_t memory_limit_machine(void)
{
	struct sysinfo system;

	return sysinfo(&system) ? 0 : (uint64_t)system.totalram * system.mem_unit;
}

uint32_t memory_limit_flows(uint64_t machine_bytes, uint64_t limit_bytes)
{
	const uint64_t of_machine = machine_bytes / SHARE_OF_MACHINE;
	const uint64_t of_limit = limit_bytes / SHARE_OF_LIMIT;
	const uint64_t flows = (of_machine < of_limit ? of_machine : of_limit) / FLOW_BYTES;

	if (flows < FLOWS_LEAST)
		return FLOWS_LEAST;
	return flows > FLOWS_MOST ? FLOWS_MOST : (uint32_t)(flows - flows % FLOWS_STEP);
}
