/* write_all.c - write() until nothing is left. */
#include "write_all.h"

#include <errno.h>
#include <unistd.h>

int write_all(int descriptor, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		const ssize_t written = write(descriptor, next, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		next += written;
		size -= (size_t)written;
	}
	return 0;
}
