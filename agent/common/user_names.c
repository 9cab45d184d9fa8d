/* user_names.c - a sorted array of numbers and names, read anew when the file changes. */
#include "user_names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_SIZE 4096 /* of longer lines the rest is passed over */

struct user {
	uint32_t number;
	uint32_t line; /* the first of equal numbers wins */
	char name[USER_NAME_SIZE];
};

struct user_names {
	const char *path;   /* borrowed */
	struct user *users; /* owned; by number, then by line */
	size_t count, capacity;
	struct stat file; /* as it was when it was read */
};

struct user_names *user_names_create(const char *path)
{
	struct user_names *names = calloc(1, sizeof(*names));

	if (names)
		names->path = path;
	return names;
}

void user_names_destroy(struct user_names *names)
{
	if (!names)
		return;
	free(names->users);
	free(names);
}

static int compare(const void *one, const void *other)
{
	const struct user *first = one;
	const struct user *second = other;

	if (first->number != second->number)
		return first->number < second->number ? -1 : 1;
	return first->line < second->line ? -1 : first->line > second->line;
}

/* Returns whether there is room for more. */
static bool add(struct user_names *names, uint32_t number, const char *name)
{
	struct user *user;

	if (names->count == names->capacity) {
		const size_t capacity = names->capacity ? 2 * names->capacity : 64;
		struct user *grown = realloc(names->users, capacity * sizeof(*grown));

		if (!grown)
			return false;
		names->users = grown;
		names->capacity = capacity;
	}
	user = &names->users[names->count];
	*user = (struct user){ .number = number, .line = (uint32_t)names->count };
	(void)snprintf(user->name, sizeof(user->name), "%.*s", (int)sizeof(user->name) - 1, name);
	return ++names->count < USER_NAMES_MAX;
}

/* Read the next line, and keep of it what there is room for: name and number stand first. Returns
 * false at the end of the file. */
static bool read_line(FILE *file, char line[static LINE_SIZE])
{
	size_t length = 0;
	int byte = getc_unlocked(file);

	if (byte == EOF)
		return false;
	for (; byte != EOF && byte != '\n'; byte = getc_unlocked(file))
		if (length < LINE_SIZE - 1)
			line[length++] = (char)byte;
	line[length] = '\0';
	return true;
}

/* "name:password:number:...". Returns whether it is that, with NUL after the name then. */
static bool parse_line(char *line, uint32_t *number)
{
	char *password = strchr(line, ':');
	const char *digits = password ? strchr(password + 1, ':') : NULL;
	uint64_t value = 0;

	if (!digits || password == line || line[0] == '#' || line[0] == '+' || line[0] == '-')
		return false;
	if (*++digits < '0' || *digits > '9')
		return false;
	for (; *digits >= '0' && *digits <= '9' && value <= UINT32_MAX; digits++)
		value = 10 * value + (uint64_t)(*digits - '0');
	if (*digits != ':' || value > UINT32_MAX)
		return false;
	*password = '\0';
	*number = (uint32_t)value;
	return true;
}

/* Not with fgetpwent_r(): at a line that is too long, it reads that line again and again. */
static void read_users(struct user_names *names, FILE *file)
{
	char line[LINE_SIZE];
	uint32_t number;

	while (read_line(file, line))
		if (parse_line(line, &number) && !add(names, number, line))
			return;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_dev == other->st_dev &&
	       one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
	       one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

void user_names_look(struct user_names *names)
{
	struct stat now;
	FILE *file;

	if (stat(names->path, &now) || is_same(&now, &names->file))
		return;
	file = fopen(names->path, "re");
	if (!file)
		return;
	names->file = now;
	names->count = 0;
	read_users(names, file);
	(void)fclose(file);
	if (names->count)
		qsort(names->users, names->count, sizeof(*names->users), compare);
}

void user_names_find(const struct user_names *names, uint32_t user,
		     char name[static USER_NAME_SIZE])
{
	size_t first = 0;
	size_t end = names->count;

	while (first < end) {
		const size_t middle = first + (end - first) / 2;

		if (names->users[middle].number < user)
			first = middle + 1;
		else
			end = middle;
	}
	memset(name, 0, USER_NAME_SIZE);
	if (first < names->count && names->users[first].number == user)
		memcpy(name, names->users[first].name, USER_NAME_SIZE);
	else
		(void)snprintf(name, USER_NAME_SIZE, "%" PRIu32, user);
}

size_t user_names_count(const struct user_names *names)
{
	return names->count;
}
