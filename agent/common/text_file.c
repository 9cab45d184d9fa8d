/* text_file.c - reads a file whole. */
#include "text_file.h"

#include "fault_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether it is a pipe without a name, as of a shell's <(...): somebody writes to it already. */
static bool is_nameless(int descriptor)
{
	static const char nameless[] = "pipe:";
	char link[64], target[sizeof(nameless) - 1];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	return readlink(link, target, sizeof(target)) == (ssize_t)sizeof(target) &&
	       memcmp(target, nameless, sizeof(target)) == 0;
}

int text_file_open(const char *path)
{
	/* Without O_NONBLOCK, opening waits for whoever writes to a named pipe. */
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (descriptor < 0)
		return -errno;
	if (fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode) &&
	    !is_nameless(descriptor)) {
		(void)close(descriptor);
		return TEXT_FILE_NAMED_PIPE;
	}
	(void)fcntl(descriptor, F_SETFL, 0); /* reading waits */
	return descriptor;
}

const char *text_file_fault(int result)
{
	return result == TEXT_FILE_NAMED_PIPE ? "a named pipe; expected a file"
					      : fault_text(-result);
}

static void say_too_large(const char *path, size_t limit, struct error_text *error)
{
	const bool is_small = limit < 1 << 20;

	error_text_set(error, "%s: larger than %zu %s, the most that is read", path,
		       is_small ? limit : limit >> 20, is_small ? "bytes" : "MB");
}

char *text_file_read(const char *path, size_t limit, size_t *size, struct error_text *error)
{
	const int descriptor = text_file_open(path);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
	char *text = NULL;
	size_t capacity = 0;
	struct stat status;

	if (!file) {
		error_text_set(error, "%s: cannot read: %s", path,
			       text_file_fault(descriptor < 0 ? descriptor : -errno));
		if (descriptor >= 0)
			(void)close(descriptor);
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
