/* transport_file_name.c - moves finished files to their names, and removes the oldest.
 *
 * Place: transport_file -> transport_file_name -> kernel. Names of finished files sort by time, and
 * only what has exactly such a name is ever removed. */
#include "transport_file_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES_MAX     10000              /* files begun in one second */
#define STAMP_PATTERN ".dddddddd-dddddd" /* d is a digit */
#define STAMP_LENGTH  (sizeof(STAMP_PATTERN) - 1)
#define MILLISECONDS  1000
#define YEAR_MAX      9999

/* Write ".20261122-213000" for a time. A year of more digits than four is that far off that its
 * last second does. */
static void stamp_format(int64_t time_ms, char stamp[static STAMP_LENGTH + 1])
{
	time_t seconds = (time_t)(time_ms / MILLISECONDS) - (time_ms % MILLISECONDS < 0);
	struct tm parts;

	if (!gmtime_r(&seconds, &parts) || parts.tm_year > YEAR_MAX - 1900 ||
	    parts.tm_year < -1900 ||
	    strftime(stamp, STAMP_LENGTH + 1, ".%Y%m%d-%H%M%S", &parts) != STAMP_LENGTH)
		(void)memcpy(stamp, ".99991231-235959", STAMP_LENGTH + 1);
}

/* rename() that never replaces; where the file system cannot do that, a second name and then no
 * first one. */
static int move(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(from, to))
		return -errno;
	return unlink(from) ? -errno : 0;
}

int transport_file_name_finish(const char *path, int64_t begun_ms)
{
	char name[PATH_MAX];
	char stamp[STAMP_LENGTH + 1];
	int result = -EEXIST;

	stamp_format(begun_ms, stamp);
	for (int i = 1; result == -EEXIST && i <= TRIES_MAX; i++) {
		char number[16] = "";

		if (i > 1)
			(void)snprintf(number, sizeof(number), "-%d", i);
		if (snprintf(name, sizeof(name), "%s%s%s", path, stamp, number) >=
		    (int)sizeof(name))
			return -ENAMETOOLONG;
		result = move(path, name);
	}
	return result;
}

/* Number after the stamp in the name of a finished file of 'base', 1 without one; 0: it is none.
 */
static unsigned long number_of(const char *name, const char *base)
{
	const size_t length = strlen(base);
	char *end;
	unsigned long number;

	if (strncmp(name, base, length) != 0)
		return 0;
	name += length;
	for (size_t i = 0; i < STAMP_LENGTH; i++) {
		const bool is_digit = name[i] >= '0' && name[i] <= '9';

		if (STAMP_PATTERN[i] == 'd' ? !is_digit : name[i] != STAMP_PATTERN[i])
			return 0;
	}
	name += STAMP_LENGTH;
	if (!*name)
		return 1;
	if (name[0] != '-' || name[1] < '1' || name[1] > '9')
		return 0;
	number = strtoul(name + 1, &end, 10);
	return *end || number < 2 ? 0 : number;
}

struct finished {
	char *name;  /* owned */
	size_t base; /* length of what is before the number */
	unsigned long number;
};

/* By stamp, then by number. */
static int compare(const void *one, const void *other)
{
	const struct finished *a = one;
	const struct finished *b = other;
	const int order = strncmp(a->name, b->name, a->base);

	if (order)
		return order;
	return a->number < b->number ? -1 : a->number > b->number;
}

struct list {
	struct finished *files; /* owned */
	size_t count, capacity;
};

static bool list_add(struct list *list, const char *name, size_t base, unsigned long number)
{
	struct finished *files = list->files;

	if (list->count == list->capacity) {
		const size_t capacity = list->capacity ? 2 * list->capacity : 64;

		files = realloc(files, capacity * sizeof(*files));
		if (!files)
			return false;
		list->files = files;
		list->capacity = capacity;
	}
	files[list->count] = (struct finished){ strdup(name), base, number };
	if (!files[list->count].name)
		return false;
	list->count++;
	return true;
}

void transport_file_name_keep(const char *path, uint32_t count)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	char directory[PATH_MAX];
	struct list list = { 0 };
	const struct dirent *entry;
	DIR *entries;

	/* "/file" is in "/." */
	(void)snprintf(directory, sizeof(directory), "%.*s.", (int)(base - path), path);
	entries = opendir(directory);
	if (!entries)
		return;
	while ((entry = readdir(entries))) {
		const unsigned long number = number_of(entry->d_name, base);

		if (number && !list_add(&list, entry->d_name, strlen(base) + STAMP_LENGTH, number))
			break;
	}
	if (list.count)
		qsort(list.files, list.count, sizeof(*list.files), compare);
	for (size_t i = 0; i < list.count; i++) {
		if (i + count < list.count)
			(void)unlinkat(dirfd(entries), list.files[i].name, 0);
		free(list.files[i].name);
	}
	free(list.files);
	(void)closedir(entries);
}
