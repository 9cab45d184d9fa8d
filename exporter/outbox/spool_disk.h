/* spool_disk.h - the file of a spool, read and written in a thread of its own: a call that hangs
 * (NFS, a dying disk) holds up nobody.
 *
 * Place: spool -> spool_disk -> kernel. A fixed number of buffers; each has at most one job, jobs
 * are done in the order in which they were given. A file in memory cannot hang: its jobs are done
 * at once and without a thread. */
#ifndef SPOOL_DISK_H
#define SPOOL_DISK_H

#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spool_disk; /* opaque: defined in spool_disk.c */

/* The calls that may hang. */
struct spool_disk_calls {
	ssize_t (*write)(int fd, const void *bytes, size_t size, off_t offset);
	ssize_t (*read)(int fd, void *bytes, size_t size, off_t offset);
	int (*truncate)(int fd, off_t size);
};

enum spool_disk_job { SPOOL_DISK_write, SPOOL_DISK_read, SPOOL_DISK_truncate };

/* Make an empty file without a name in 'directory', or in memory if that is NULL. The thread starts
 * with the first job: privileges are given up by then.
 *
 * calls   static; NULL: those of the kernel.
 * Returns 0, or a negative errno with 'error' filled. */
int spool_disk_open(struct spool_disk **disk, const char *directory, size_t buffers,
		    size_t buffer_size, const struct spool_disk_calls *calls,
		    struct error_text *error);
/* Waits for the last job, but not for ever: a thread that hangs frees all when it comes back. */
void spool_disk_close(struct spool_disk *disk);

/* The bytes of a buffer; while it has a job nobody may touch them. */
uint8_t *spool_disk_buffer(const struct spool_disk *disk, size_t buffer);

/* Write 'size' bytes of a buffer at 'offset', or read them, or cut the file to 'offset'. The buffer
 * has no job yet. */
void spool_disk_give(struct spool_disk *disk, size_t buffer, enum spool_disk_job job, size_t size,
		     uint64_t offset);
/* Take back a buffer whose job is done, the first given first. 'result': 0 or a negative errno.
 * Returns false if there is none. */
bool spool_disk_take(struct spool_disk *disk, size_t *buffer, int *result);

/* Readable after a job was done, until spool_disk_take() finds nothing; -1 for a file in memory. */
int spool_disk_descriptor(const struct spool_disk *disk);

/* Of the file; for tests. */
int spool_disk_file(const struct spool_disk *disk);

#endif
