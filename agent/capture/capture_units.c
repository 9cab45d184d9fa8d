/* capture_units.c - a hash table from groups to units, and the walk that fills it.
 *
 * Place: owner_lookup.c -> here. The table has open addressing and nothing is taken out: when it is
 * full it is emptied, and the next walk brings back what is still there. Names stay, so that the
 * number of a unit is always the same. */
#include "capture_units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	SLOTS = 2 * CAPTURE_UNITS_GROUPS_MAX, /* a power of two */
	DEPTH_MAX = 24,
	PATH_SIZE = 2048, /* deeper ones are passed over */
};

struct group {
	uint64_t number; /* 0: the slot is empty */
	uint32_t unit;
};

struct capture_units {
	const char *root; /* borrowed */
	struct group groups[SLOTS];
	char names[CAPTURE_UNITS_MAX][UNIT_NAME_SIZE]; /* of unit number - 1 */
	size_t group_count, unit_count;
	uint64_t refused;
};

const char *capture_units_root(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs found;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (statfs(roots[i], &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC)
			return roots[i];
	return NULL;
}

struct capture_units *capture_units_create(const char *root)
{
	struct capture_units *units = calloc(1, sizeof(*units));

	if (units)
		units->root = root;
	return units;
}

void capture_units_destroy(struct capture_units *units)
{
	free(units);
}

/* Numbers are given in order by the kernel, so neighbours lie side by side. */
static size_t slot_of(const struct capture_units *units, uint64_t number)
{
	size_t slot = (size_t)number & (SLOTS - 1);

	while (units->groups[slot].number && units->groups[slot].number != number)
		slot = (slot + 1) & (SLOTS - 1);
	return slot;
}

/* Of a name, new or not; 0 if there is no room for it. */
static uint32_t unit_of(struct capture_units *units, const char *path)
{
	char name[UNIT_NAME_SIZE];

	unit_name_of(path, name);
	for (size_t i = 0; i < units->unit_count; i++)
		if (memcmp(units->names[i], name, sizeof(name)) == 0)
			return (uint32_t)i + 1;
	if (units->unit_count == CAPTURE_UNITS_MAX)
		return 0;
	memcpy(units->names[units->unit_count], name, sizeof(name));
	return (uint32_t)++units->unit_count;
}

/* Returns whether there is room for more. */
static bool add(struct capture_units *units, uint64_t number, const char *path)
{
	struct group *group = &units->groups[slot_of(units, number)];

	if (group->number)
		return true;
	if (units->group_count == CAPTURE_UNITS_GROUPS_MAX) {
		units->refused++;
		return false;
	}
	*group = (struct group){ .number = number, .unit = unit_of(units, path) };
	units->refused += !group->unit;
	units->group_count++;
	return true;
}

static int walk(struct capture_units *units, int descriptor, char path[static PATH_SIZE],
		int depth);

/* A directory in another one, which is open. Returns 0, or -ENOSPC. */
static int walk_below(struct capture_units *units, int above, const struct dirent *entry,
		      char path[static PATH_SIZE], int depth)
{
	const size_t length = strlen(path);
	const size_t room = PATH_SIZE - length;
	int descriptor, result = 0;

	if (depth == DEPTH_MAX ||
	    (size_t)snprintf(path + length, room, "/%s", entry->d_name) >= room) {
		path[length] = '\0';
		return 0;
	}
	descriptor = openat(above, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!add(units, entry->d_ino, path))
		result = -ENOSPC;
	if (!result && descriptor >= 0)
		result = walk(units, descriptor, path, depth + 1);
	else if (descriptor >= 0)
		(void)close(descriptor);
	path[length] = '\0';
	return result == -ENOSPC ? result : 0; /* others that vanish meanwhile are no fault */
}

/* 'descriptor' is taken. */
static int walk(struct capture_units *units, int descriptor, char path[static PATH_SIZE], int depth)
{
	DIR *directory = fdopendir(descriptor);
	const struct dirent *entry;
	int result = 0;

	if (!directory) {
		(void)close(descriptor);
		return -EIO;
	}
	while (!result && (entry = readdir(directory)) != NULL)
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			result = walk_below(units, dirfd(directory), entry, path, depth);
	(void)closedir(directory);
	return result;
}

int capture_units_walk(struct capture_units *units)
{
	const int descriptor = open(units->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_SIZE] = "";
	int result;

	if (descriptor < 0)
		return -errno;
	if (units->group_count == CAPTURE_UNITS_GROUPS_MAX) {
		memset(units->groups, 0, sizeof(units->groups));
		units->group_count = 0;
	}
	result = walk(units, descriptor, path, 0);
	return result == -ENOSPC ? 0 : result;
}

uint32_t capture_units_find(const struct capture_units *units, uint64_t cgroup, bool *is_new)
{
	const struct group *group = &units->groups[slot_of(units, cgroup)];

	*is_new = !group->number;
	return group->unit;
}

const char *capture_units_name(const struct capture_units *units, uint32_t unit)
{
	return unit ? units->names[unit - 1] : "";
}

struct capture_units_counts capture_units_counts(const struct capture_units *units)
{
	return (struct capture_units_counts){
		.groups = units->group_count,
		.units = units->unit_count,
		.refused = units->refused,
	};
}
