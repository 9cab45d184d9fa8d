/* asn_table_file.c - see asn_table_file.h. Place: flowagent-asn writes tables, the agent maps them.
 */
#include "asn_table_file.h"

#include "fault_text.h"
#include "mapped_file.h"
#include "write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- writing ---- */

static int fail(struct error_text *error, const char *path, const char *what, int fault)
{
	error_text_set(error, "%.200s: cannot %s: %s", path, what, fault_text(fault));
	return -fault;
}

/* The name of the file is on the disk, too. */
static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	int descriptor;
	int result = 0;

	if (slash) {
		const size_t length = slash == path ? 1 : (size_t)(slash - path);

		memcpy(directory, path, length); /* shorter than the temporary name, which fits */
		directory[length] = '\0';
	}
	descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	/* Some file systems have no such call for directories. */
	if (fsync(descriptor) != 0 && errno != EINVAL)
		result = -errno;
	(void)close(descriptor);
	return result;
}

static int fill_file(int descriptor, const struct asn_image *image)
{
	int result = write_all(descriptor, image->bytes, image->size);

	if (result == 0 && fchmod(descriptor, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) != 0)
		result = -errno;
	if (result == 0 && fsync(descriptor) != 0)
		result = -errno;
	if (close(descriptor) != 0 && result == 0)
		result = -errno;
	return result;
}

int asn_table_file_write(const char *path, const struct asn_image *image, struct error_text *error)
{
	char temporary[PATH_MAX];
	struct stat status;
	int descriptor, result;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		error_text_set(error, "%.200s: not a regular file; expected the place of a table",
			       path);
		return -EINVAL;
	}
	if (snprintf(temporary, sizeof(temporary), "%s.new-XXXXXX", path) >= (int)sizeof(temporary))
		return fail(error, path, "write", ENAMETOOLONG);
	descriptor = mkostemp(temporary, O_CLOEXEC);
	if (descriptor < 0)
		return fail(error, path, "make a file in its directory", errno);
	result = fill_file(descriptor, image);
	if (result == 0 && rename(temporary, path) != 0)
		result = -errno;
	if (result < 0) {
		(void)unlink(temporary);
		return fail(error, path, "write", -result);
	}
	result = sync_directory(path);
	return result < 0 ? fail(error, path, "bring its directory to the disk", -result) : 0;
}

/* ---- mapping ---- */

static struct asn_table *map(const char *path, int descriptor, size_t size,
			     struct error_text *error)
{
	void *image = mapped_file_open(descriptor, size);
	struct asn_table *table;

	if (!image) {
		if (errno == EBUSY)
			error_text_set(error, "%.200s: cannot map: %d tables are mapped already",
				       path, MAPPED_FILES_MAX);
		else
			(void)fail(error, path, "map", errno);
		return NULL;
	}
	table = asn_table_open(path, image, size, mapped_file_close, error);
	if (!table)
		mapped_file_close(image, size);
	return table;
}

struct asn_table *asn_table_file_open(const char *path, struct error_text *error)
{
	/* A pipe without a writer must not stop us. */
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct asn_table *table = NULL;
	struct stat status;

	if (descriptor < 0) {
		(void)fail(error, path, "read", errno);
		return NULL;
	}
	if (fstat(descriptor, &status) != 0)
		(void)fail(error, path, "read", errno);
	else if (!S_ISREG(status.st_mode))
		error_text_set(error, "%.200s: not a regular file; expected an AS table", path);
	else if ((uint64_t)status.st_size > ASN_TABLE_FILE_LIMIT)
		error_text_set(error, "%.200s: larger than %u MB, the most of an AS table", path,
			       ASN_TABLE_FILE_LIMIT >> 20);
	else if (status.st_size == 0) /* cannot be mapped */
		table = asn_table_open(path, "", 0, NULL, error);
	else
		table = map(path, descriptor, (size_t)status.st_size, error);
	(void)close(descriptor);
	return table;
}
