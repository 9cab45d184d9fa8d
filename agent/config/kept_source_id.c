/* kept_source_id.c - one line in a file of the state directory.
 *
 * Invariant: the file is whole at any moment: a new one is written aside and renamed. */
#include "kept_source_id.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096

bool kept_source_id_parse(const char *bytes, size_t size, struct kept_source_id *kept)
{
	const char *line_end = memchr(bytes, '\n', size);
	const char *blank = memchr(bytes, ' ', size);
	uint64_t number = 0;
	size_t length;

	if (!line_end || !blank || blank == bytes || blank > line_end || blank - bytes > 10)
		return false;
	for (const char *digit = bytes; digit < blank; digit++) {
		if (*digit < '0' || *digit > '9')
			return false;
		number = number * 10 + (uint64_t)(*digit - '0');
	}
	length = (size_t)(line_end - blank - 1);
	if (number > UINT32_MAX || length >= sizeof(kept->mark) || memchr(blank + 1, '\0', length))
		return false;
	kept->number = (uint32_t)number;
	(void)memcpy(kept->mark, blank + 1, length);
	kept->mark[length] = '\0';
	return true;
}

/* Returns false without a directory. */
static bool make_path(const char *format, uint32_t number, char path[static PATH_SIZE])
{
	const char *directory = getenv("STATE_DIRECTORY");
	int length;

	if (!directory || !*directory)
		return false;
	length = snprintf(path, PATH_SIZE, "%.*s/", (int)strcspn(directory, ":"), directory);
	if (length >= PATH_SIZE - 64)
		return false;
	(void)snprintf(path + length, PATH_SIZE - (size_t)length, "%s%" PRIu32, format, number);
	return true;
}

bool kept_source_id_read(uint32_t instance, struct kept_source_id *kept)
{
	char bytes[KEPT_SOURCE_ID_SIZE_MAX];
	char path[PATH_SIZE];
	ssize_t got;
	int descriptor;

	if (!make_path("source-id-", instance, path))
		return false;
	descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (descriptor < 0)
		return false;
	got = read(descriptor, bytes, sizeof(bytes));
	(void)close(descriptor);
	return got > 0 && kept_source_id_parse(bytes, (size_t)got, kept);
}

int kept_source_id_write(uint32_t instance, const struct kept_source_id *kept)
{
	struct kept_source_id before;
	char path[PATH_SIZE], aside[PATH_SIZE + 8];
	FILE *file;

	if (!make_path("source-id-", instance, path) ||
	    (kept_source_id_read(instance, &before) && before.number == kept->number &&
	     strcmp(before.mark, kept->mark) == 0))
		return 0;
	(void)snprintf(aside, sizeof(aside), "%s.new", path);
	file = fopen(aside, "we");
	if (!file)
		return -errno;
	(void)fprintf(file, "%" PRIu32 " %s\n", kept->number, kept->mark);
	if (fclose(file) || rename(aside, path))
		return -errno;
	return 0;
}

bool kept_source_id_has_numbers(uint32_t source_id)
{
	char path[PATH_SIZE];

	return make_path("sequence-", source_id, path) && access(path, F_OK) == 0;
}
