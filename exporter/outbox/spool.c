/* spool.c - ring of datagrams in a file.
 *
 * Place: behind the queue of an outbox. A datagram lies in one piece behind its header, so what is
 * left before the end of the ring may stay unused. An empty spool gives its memory or disk space
 * back; while it is in use, places are used again but not given back one by one.
 *
 * A file system that is full before the ring is makes the ring end there: going round needs no new
 * space. Invariant: count, total_bytes and amount are the sums over what lies in it, so that all
 * can be accounted for if the file cannot be read. */
#include "spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Only this process reads it. */
struct spool_header {
	uint32_t size;
	uint32_t sequence_step;
	struct amount amount;
	struct export_time time;
	uint64_t file;
	unix_ms file_ms;
	bool has_templates;
};

/* Where the file system cannot make a file without a name (NFS, overlayfs before Linux 6.3). */
static int open_and_unlink(const char *directory)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/flowagent-spool-XXXXXX", directory) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(path);
	return fd;
}

static int open_in(const char *directory)
{
	const int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL
		       ? open_and_unlink(directory)
		       : -errno;
}

int spool_init(struct spool *spool, uint64_t size, const char *directory, struct error_text *error)
{
	*spool = (struct spool){ .fd = -1, .size = size };
	if (size == 0)
		return 0;
	if (directory) {
		spool->fd = open_in(directory);
	} else {
		spool->fd = memfd_create("flowagent-spool", MFD_CLOEXEC);
		if (spool->fd < 0)
			spool->fd = -errno;
	}
	if (spool->fd >= 0)
		return 0;
	error_text_set(error, "cannot make a spool in %s: %s", directory ? directory : "memory",
		       strerror(-spool->fd));
	return spool->fd;
}

void spool_clear(struct spool *spool)
{
	if (spool->fd >= 0)
		(void)close(spool->fd);
	*spool = (struct spool){ .fd = -1 };
}

void spool_forget(struct spool *spool)
{
	const int fd = spool->fd;
	const uint64_t size = spool->size;

	(void)!ftruncate(fd, 0); /* else it keeps the space, which is as well */
	*spool = (struct spool){ .fd = fd, .size = size };
}

size_t spool_room(const struct spool *spool, size_t size)
{
	const uint64_t one = sizeof(struct spool_header) + size;

	if (spool->is_round)
		return (size_t)((spool->head - spool->tail) / one);
	return (size_t)((spool->size - spool->tail) / one + spool->head / one);
}

/* Whether 'needed' bytes may be written at spool->tail; may go round for that. */
static bool find_place(struct spool *spool, uint64_t needed)
{
	if (spool->is_round)
		return spool->head - spool->tail >= needed;
	if (spool->size - spool->tail >= needed)
		return true;
	if (spool->head < needed)
		return false;
	spool->end = spool->tail;
	spool->tail = 0;
	spool->is_round = true;
	return true;
}

static int write_all(int fd, const void *bytes, size_t size, uint64_t offset)
{
	const uint8_t *next = bytes;

	while (size) {
		const ssize_t written = pwrite(fd, next, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		next += written;
		offset += (uint64_t)written;
		size -= (size_t)written;
	}
	return 0;
}

static int read_all(int fd, void *bytes, size_t size, uint64_t offset)
{
	uint8_t *next = bytes;

	while (size) {
		const ssize_t count = pread(fd, next, size, (off_t)offset);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -EIO;
		next += count;
		offset += (uint64_t)count;
		size -= (size_t)count;
	}
	return 0;
}

int spool_put(struct spool *spool, const struct queued_datagram *datagram)
{
	const struct spool_header header = {
		.size = datagram->size,
		.sequence_step = datagram->sequence_step,
		.amount = datagram->amount,
		.time = datagram->time,
		.file = datagram->file,
		.file_ms = datagram->file_ms,
		.has_templates = datagram->has_templates,
	};
	const uint64_t needed = sizeof(header) + datagram->size;
	int result;

	if (!find_place(spool, needed))
		return -ENOSPC;
	result = write_all(spool->fd, &header, sizeof(header), spool->tail);
	if (!result)
		result = write_all(spool->fd, datagram->bytes, datagram->size,
				   spool->tail + sizeof(header));
	if (result == -ENOSPC && !spool->is_round && spool->head >= needed) {
		spool->end = spool->tail;
		spool->tail = 0;
		spool->is_round = true;
		return spool_put(spool, datagram);
	}
	if (result)
		return result;
	spool->tail += needed;
	spool->count++;
	spool->total_bytes += datagram->size;
	amount_add(&spool->amount, &datagram->amount);
	return 0;
}

int spool_take(struct spool *spool, struct queued_datagram *datagram, size_t capacity)
{
	struct spool_header header;
	int result;

	assert(spool->count > 0);
	if (spool->is_round && spool->head == spool->end) {
		spool->head = 0;
		spool->is_round = false;
	}
	result = read_all(spool->fd, &header, sizeof(header), spool->head);
	if (!result && header.size > capacity)
		result = -EIO;
	if (!result)
		result = read_all(spool->fd, datagram->bytes, header.size,
				  spool->head + sizeof(header));
	if (result)
		return result;
	datagram->size = header.size;
	datagram->sequence_step = header.sequence_step;
	datagram->amount = header.amount;
	datagram->time = header.time;
	datagram->file = header.file;
	datagram->file_ms = header.file_ms;
	datagram->has_templates = header.has_templates;
	datagram->is_ahead = false;
	spool->head += sizeof(header) + header.size;
	spool->count--;
	spool->total_bytes -= header.size;
	amount_subtract(&spool->amount, &header.amount);
	if (spool->count == 0)
		spool_forget(spool);
	return 0;
}
