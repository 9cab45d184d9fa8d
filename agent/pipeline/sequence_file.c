/* sequence_file.c - keeps sequence numbers over a restart.
 *
 * Place: beside pipeline.c; the exporter stores into the mapping by itself. Invariant: the file at
 * the path is whole at any moment: a new one is written aside and renamed before it is mapped. The
 * lock on it belongs to the process that stores there. */
#include "sequence_file.h"

#include "bytes.h"
#include "fault_text.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC      "fa-seq1\n"
#define MAGIC_SIZE 8
#define SIZE_LIMIT (1 << 20) /* 3600 collectors */

struct entry {
	char name[SEQUENCE_FILE_NAME_SIZE];
	_Atomic uint32_t sequence_be;
	uint32_t unused;
};

_Static_assert(sizeof(struct entry) == SEQUENCE_FILE_ENTRY, "the format of the file");

struct sequence_file {
	struct exporter *exporter; /* borrowed */
	int fd;                    /* owned; with the lock */
	uint8_t *bytes;            /* owned; the mapping */
	size_t size;
};

/* Path of the file. Returns false if nothing must be kept. One file per source id: instances do
 * not mix. */
static bool file_path(uint32_t source_id, char *path, size_t size)
{
	const char *directory = getenv("STATE_DIRECTORY");

	if (!directory || !directory[0])
		return false;
	return snprintf(path, size, "%.*s/sequence-%" PRIu32, (int)strcspn(directory, ":"),
			directory, source_id) < (int)size;
}

bool sequence_file_find(const uint8_t *bytes, size_t size, const char *collector,
			uint32_t *sequence)
{
	struct reader reader = reader_of(bytes, size);
	const uint8_t *magic = reader_take(&reader, MAGIC_SIZE);

	if (!magic || memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
		return false;
	while (reader_left(&reader) >= SEQUENCE_FILE_ENTRY) {
		const uint8_t *name = reader_take(&reader, SEQUENCE_FILE_NAME_SIZE);
		const uint32_t found = reader_u32(&reader);

		(void)reader_u32(&reader);
		if (strnlen((const char *)name, SEQUENCE_FILE_NAME_SIZE) == strlen(collector) &&
		    memcmp(name, collector, strlen(collector)) == 0) {
			*sequence = found;
			return true;
		}
	}
	return false;
}

/* The bytes of an earlier run, owned by the caller; NULL if there are none. Returns 0, or -EBUSY:
 * another process stores there. */
static int read_earlier(const char *path, uint8_t **bytes, size_t *size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;
	ssize_t got = -1;
	int result = 0;

	*bytes = NULL;
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		result = -EBUSY;
	else if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
		 status.st_size <= SIZE_LIMIT)
		*bytes = malloc((size_t)status.st_size);
	if (*bytes)
		got = read(fd, *bytes, (size_t)status.st_size);
	*size = got < 0 ? 0 : (size_t)got;
	(void)close(fd);
	return result;
}

/* A file of 'size' zeros beside the path, mapped. Returns 0 or a negative errno. */
static int make_new(struct sequence_file *file, const char *path)
{
	int result;

	file->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd < 0)
		return -errno;
	/* Space is taken now: a store into a hole of a full disk would end the process. */
	result = -posix_fallocate(file->fd, 0, (off_t)file->size);
	if (result)
		return result;
	if (flock(file->fd, LOCK_EX | LOCK_NB))
		return -errno;
	file->bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->bytes != MAP_FAILED)
		return 0;
	file->bytes = NULL;
	return -errno;
}

static struct entry *entry_at(const struct sequence_file *file, size_t i)
{
	return (struct entry *)(void *)(file->bytes + MAGIC_SIZE + i * sizeof(struct entry));
}

/* Numbers of the earlier run into the exporter, if there is one and the exporter has none yet:
 * those that it has are of memory that was kept, and exact, while a kill leaves the file ahead of
 * what has gone. Those that it has now into the new file. */
static void fill(struct sequence_file *file, const uint8_t *earlier, size_t size)
{
	memcpy(file->bytes, MAGIC, MAGIC_SIZE);
	for (size_t i = 0; i < exporter_collector_count(file->exporter); i++) {
		struct entry *entry = entry_at(file, i);
		struct collector_status status;
		uint32_t sequence;

		exporter_collector_status(file->exporter, i, &status);
		(void)snprintf(entry->name, sizeof(entry->name), "%s", status.name);
		if (earlier && !status.sequence &&
		    sequence_file_find(earlier, size, status.name, &sequence))
			exporter_set_sequence(file->exporter, i, sequence);
		exporter_keep_sequence(file->exporter, i, &entry->sequence_be);
	}
}

static int open_at(struct sequence_file *file, const char *path, bool is_running)
{
	char aside[4096 + 8];
	uint8_t *earlier;
	size_t size = 0;
	int result = read_earlier(path, &earlier, &size);

	(void)snprintf(aside, sizeof(aside), "%s.new", path);
	file->size = MAGIC_SIZE + exporter_collector_count(file->exporter) * sizeof(struct entry);
	if (!result)
		result = make_new(file, aside);
	if (!result)
		fill(file, is_running ? NULL : earlier, size);
	if (!result && rename(aside, path))
		result = -errno;
	free(earlier);
	return result;
}

struct sequence_file *sequence_file_open(struct exporter *exporter, uint32_t source_id,
					 bool is_running)
{
	struct sequence_file *file;
	char path[4096];
	int result;

	if (!file_path(source_id, path, sizeof(path)))
		return NULL;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->exporter = exporter;
	file->fd = -1;
	result = open_at(file, path, is_running);
	if (!result)
		return file;
	log_warning("%s: cannot keep sequence numbers: %s", path,
		    result == -EBUSY ? "another process keeps its own there" : fault_text(-result));
	sequence_file_close(file);
	return NULL;
}

void sequence_file_close(struct sequence_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < exporter_collector_count(file->exporter); i++)
		exporter_keep_sequence(file->exporter, i, NULL);
	if (file->bytes)
		(void)munmap(file->bytes, file->size);
	if (file->fd >= 0)
		(void)close(file->fd);
	free(file);
}
