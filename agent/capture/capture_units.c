/* capture_units.c - a hash table from groups to units, and the walk that fills it.
 *
 * Place: owner_lookup.c -> here. A table has open addressing and nothing is taken out: when it is
 * full, the next walk fills another one with what is still there, and that one is known at the end.
 * Names stay, so that the number of a unit is always the same. */
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

struct table {
	struct group groups[SLOTS];
	size_t count;
};

struct level {
	DIR *directory;     /* owned */
	size_t path_length; /* of this directory's path below the root */
};

/* Where it is; depth 0: none is under way. */
struct walk {
	struct level levels[DEPTH_MAX + 1]; /* the root first */
	size_t depth;
	char path[PATH_SIZE]; /* below the root */
};

struct capture_units {
	const char *root; /* borrowed */
	struct table tables[2];
	struct table *known; /* one of them */
	struct table *found; /* what a walk adds to: the same, or the other if that was full */
	struct walk walk;
	char names[CAPTURE_UNITS_MAX][UNIT_NAME_SIZE]; /* of unit number - 1 */
	size_t unit_count;
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

	if (!units)
		return NULL;
	units->root = root;
	units->known = units->found = &units->tables[0];
	return units;
}

/* Return to the directory above. */
static void leave(struct walk *walk)
{
	(void)closedir(walk->levels[--walk->depth].directory);
	if (walk->depth)
		walk->path[walk->levels[walk->depth - 1].path_length] = '\0';
}

static void end_walk(struct capture_units *units)
{
	while (units->walk.depth)
		leave(&units->walk);
	units->known = units->found;
}

void capture_units_destroy(struct capture_units *units)
{
	if (units)
		end_walk(units);
	free(units);
}

/* Numbers are given in order by the kernel, so neighbours lie side by side. */
static size_t slot_of(const struct table *table, uint64_t number)
{
	size_t slot = (size_t)number & (SLOTS - 1);

	while (table->groups[slot].number && table->groups[slot].number != number)
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
	struct table *table = units->found;
	struct group *group = &table->groups[slot_of(table, number)];

	if (group->number)
		return true;
	if (table->count == CAPTURE_UNITS_GROUPS_MAX) {
		units->refused++;
		return false;
	}
	*group = (struct group){ .number = number, .unit = unit_of(units, path) };
	units->refused += !group->unit;
	table->count++;
	return true;
}

/* Enter a directory; 'descriptor' is taken. */
static void enter(struct walk *walk, int descriptor)
{
	struct level *level = &walk->levels[walk->depth];

	level->directory = fdopendir(descriptor);
	level->path_length = strlen(walk->path);
	if (level->directory)
		walk->depth++;
	else
		(void)close(descriptor);
}

/* A group in the directory where the walk is. Returns whether there is room for more. */
static bool visit(struct capture_units *units, const struct dirent *entry)
{
	struct walk *walk = &units->walk;
	const struct level *level = &walk->levels[walk->depth - 1];
	const size_t room = PATH_SIZE - level->path_length;
	char *const end = walk->path + level->path_length;
	int descriptor;

	if (walk->depth > DEPTH_MAX || (size_t)snprintf(end, room, "/%s", entry->d_name) >= room) {
		*end = '\0';
		return true;
	}
	descriptor = openat(dirfd(level->directory), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!add(units, entry->d_ino, walk->path)) {
		if (descriptor >= 0)
			(void)close(descriptor);
		return false;
	}
	if (descriptor >= 0) /* others have vanished meanwhile, which is no fault */
		enter(walk, descriptor);
	if (level == &walk->levels[walk->depth - 1])
		*end = '\0';
	return true;
}

int capture_units_walk_begin(struct capture_units *units)
{
	int descriptor;

	if (units->walk.depth)
		return 0;
	descriptor = open(units->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	units->walk.path[0] = '\0';
	enter(&units->walk, descriptor);
	if (units->known->count == CAPTURE_UNITS_GROUPS_MAX) {
		units->found =
			units->found == &units->tables[0] ? &units->tables[1] : &units->tables[0];
		memset(units->found, 0, sizeof(*units->found));
	}
	return units->walk.depth ? 0 : -ENOMEM;
}

bool capture_units_walk(struct capture_units *units, size_t groups_max)
{
	struct walk *walk = &units->walk;
	const struct dirent *entry;

	while (walk->depth && groups_max) {
		entry = readdir(walk->levels[walk->depth - 1].directory);
		if (!entry) {
			leave(walk);
			continue;
		}
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		groups_max--;
		if (!visit(units, entry))
			break;
	}
	if (walk->depth && !groups_max)
		return true;
	end_walk(units);
	return false;
}

uint32_t capture_units_find(const struct capture_units *units, uint64_t cgroup, bool *is_new)
{
	const struct group *group = &units->known->groups[slot_of(units->known, cgroup)];

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
		.groups = units->known->count,
		.units = units->unit_count,
		.refused = units->refused,
	};
}
