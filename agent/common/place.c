/* place.c - looks at each directory on the way, and changes the identity for files.
 *
 * Whether a place belongs to the agent's user is decided on the path as it is written and on the
 * one that its links lead to. Between that and the use of the path only those can change it who own
 * a part of it: the agent's user, as whom we then act, or someone else, whose place root was asked
 * to use. */
#include "place.h"

#include "defaults.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

struct place place_of(const char *name)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(name ? name : DEFAULT_USER) : NULL;

	if (!user || user->pw_uid == 0)
		return (struct place){ .has_user = false };
	return (struct place){ .uid = user->pw_uid, .gid = user->pw_gid, .has_user = true };
}

/* Whether the user can change what 'path' itself is: as its owner, or by its mode. In a sticky
 * directory only owners can. */
static bool is_in_hands(const struct place *place, const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0)
		return false;
	if (status.st_uid == place->uid)
		return true;
	if (!S_ISDIR(status.st_mode) || status.st_mode & S_ISVTX)
		return false;
	return (status.st_mode & S_IWOTH) ||
	       (status.st_mode & S_IWGRP && status.st_gid == place->gid);
}

/* The same for any part of a path, "/" and the whole included. */
static bool is_any_in_hands(const struct place *place, const char *path)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return true;
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (is_in_hands(place, part))
			return true;
	}
	return is_in_hands(place, path[0] == '/' ? "/" : ".");
}

/* Where the links on the way to the directory of 'path' lead. */
static bool is_goal_in_hands(const struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	char goal[PATH_MAX];

	if (slash && (size_t)(slash - path) < sizeof(directory)) {
		memcpy(directory, path, (size_t)(slash - path));
		directory[slash - path] = '\0';
	}
	return directory[0] && realpath(directory, goal) && is_any_in_hands(place, goal);
}

void place_enter(struct place *place, const char *path)
{
	if (!place->has_user || (!is_any_in_hands(place, path) && !is_goal_in_hands(place, path)))
		return;
	(void)setfsgid(place->gid);
	(void)setfsuid(place->uid);
	place->is_entered = true;
}

void place_leave(struct place *place)
{
	if (!place->is_entered)
		return;
	(void)setfsuid(geteuid());
	(void)setfsgid(getegid());
	place->is_entered = false;
}

int place_give(const struct place *place, int descriptor)
{
	if (!place->has_user)
		return 0;
	return fchownat(descriptor, "", place->uid, place->gid, AT_EMPTY_PATH) ? -errno : 0;
}
