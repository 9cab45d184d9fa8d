/* text_file.c - reads a file whole. */
#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *text_file_read(const char *path, size_t limit, size_t *size, struct error_text *error)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;

	if (!file) {
		error_text_set(error, "%s: cannot read: %s", path, strerror(errno));
		return NULL;
	}
	*size = 0;
	do {
		char *larger;

		capacity = capacity ? capacity * 2 : 65536;
		larger = realloc(text, capacity + 1);
		if (!larger) {
			error_text_set(error, "%s: no memory for %zu bytes", path, capacity);
			goto fail;
		}
		text = larger;
		*size += fread(text + *size, 1, capacity - *size, file);
		if (*size > limit) {
			error_text_set(error, "%s: larger than %zu bytes", path, limit);
			goto fail;
		}
	} while (*size == capacity);
	if (ferror(file)) {
		error_text_set(error, "%s: cannot read: %s", path, strerror(errno));
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
