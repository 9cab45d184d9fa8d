/* text_file.c - reads a file whole. */
#include "text_file.h"

#include "fault_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void say_too_large(const char *path, size_t limit, struct error_text *error)
{
	const bool is_small = limit < 1 << 20;

	error_text_set(error, "%s: larger than %zu %s, the most that is read", path,
		       is_small ? limit : limit >> 20, is_small ? "bytes" : "MB");
}

char *text_file_read(const char *path, size_t limit, size_t *size, struct error_text *error)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;
	struct stat status;

	if (!file) {
		error_text_set(error, "%s: cannot read: %s", path, fault_text(errno));
		return NULL;
	}
	/* A file whose size is known is refused before it is read. */
	if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
	    (uint64_t)status.st_size > limit) {
		say_too_large(path, limit, error);
		goto fail;
	}
	*size = 0;
	do {
		char *larger;

		capacity = capacity ? capacity * 2 : 65536;
		if (capacity > limit)
			capacity = limit + 1; /* the last byte is one too many */
		larger = realloc(text, capacity + 1);
		if (!larger) {
			error_text_set(error, "%s: no memory for %zu bytes", path, capacity);
			goto fail;
		}
		text = larger;
		*size += fread(text + *size, 1, capacity - *size, file);
		if (*size > limit) {
			say_too_large(path, limit, error);
			goto fail;
		}
	} while (*size == capacity);
	if (ferror(file)) {
		error_text_set(error, "%s: cannot read: %s", path, fault_text(errno));
		goto fail;
	}
	(void)fclose(file);
	text[*size] = '\0';
	return text;
fail:
	(void)fclose(file);
	free(text);
	return NULL;
}
