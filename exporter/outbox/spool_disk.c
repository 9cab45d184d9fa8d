/* spool_disk.c - jobs of reading and writing, and the thread that does them.
 *
 * Place: the export thread gives jobs and takes them back; the thread does them. 'lock' protects
 * the ring and its marks, and is never held over a call that may hang. Invariant: of the jobs in
 * the ring the first 'done' are done, and the next is under way or waits. Who comes second, the
 * thread or spool_disk_close(), frees all: the thread may still read from a buffer. */
#include "spool_disk.h"

#include "fault_text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_WAIT_S 2 /* for the last call */

struct job {
	enum spool_disk_job kind;
	size_t buffer;
	size_t size;
	uint64_t offset;
	int result;
};

struct spool_disk {
	const struct spool_disk_calls *calls; /* static */
	int fd;                               /* owned */
	int event;                            /* owned eventfd; -1: in memory */
	uint8_t *bytes;                       /* owned; all buffers */
	size_t buffers, buffer_size;
	struct job *jobs; /* owned ring of 'buffers' */
	size_t first, count, done;

	pthread_mutex_t lock;
	pthread_cond_t work;  /* for the thread */
	pthread_cond_t ended; /* for spool_disk_close() */
	pthread_t thread;
	bool is_running;
	bool is_close_wanted, has_ended, is_abandoned;
};

static const struct spool_disk_calls kernel = { pwrite, pread, ftruncate };

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

static int open_in_memory(void)
{
	const int fd = memfd_create("flowagent-spool", MFD_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

static void disk_free(struct spool_disk *disk)
{
	if (disk->fd >= 0)
		(void)close(disk->fd);
	if (disk->event >= 0)
		(void)close(disk->event);
	(void)pthread_cond_destroy(&disk->work);
	(void)pthread_cond_destroy(&disk->ended);
	(void)pthread_mutex_destroy(&disk->lock);
	free(disk->bytes);
	free(disk->jobs);
	free(disk);
}

/* Waiting goes by a clock that nobody sets. */
static int locks_init(struct spool_disk *disk)
{
	pthread_condattr_t attributes;

	if (pthread_condattr_init(&attributes))
		return -ENOMEM;
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&disk->lock, NULL);
	(void)pthread_cond_init(&disk->work, NULL);
	(void)pthread_cond_init(&disk->ended, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return 0;
}

static int parts_init(struct spool_disk *disk, const char *directory)
{
	disk->bytes = malloc(disk->buffers * disk->buffer_size);
	disk->jobs = calloc(disk->buffers, sizeof(*disk->jobs));
	if (!disk->bytes || !disk->jobs)
		return -ENOMEM;
	disk->fd = directory ? open_in(directory) : open_in_memory();
	if (disk->fd < 0)
		return disk->fd;
	if (directory)
		disk->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return directory && disk->event < 0 ? -errno : 0;
}

int spool_disk_open(struct spool_disk **disk, const char *directory, size_t buffers,
		    size_t buffer_size, const struct spool_disk_calls *calls,
		    struct error_text *error)
{
	struct spool_disk *made = calloc(1, sizeof(*made));
	int result = made ? locks_init(made) : -ENOMEM;

	if (result) {
		free(made);
	} else {
		made->calls = calls ? calls : &kernel;
		made->fd = made->event = -1;
		made->buffers = buffers;
		made->buffer_size = buffer_size;
		result = parts_init(made, directory);
		if (result)
			disk_free(made);
	}
	if (result)
		error_text_set(error, "cannot make a spool in %s: %s",
			       directory ? directory : "memory", fault_text(-result));
	else
		*disk = made;
	return result;
}

static int write_all(const struct spool_disk *disk, const struct job *job)
{
	const uint8_t *bytes = spool_disk_buffer(disk, job->buffer);
	size_t written = 0;

	while (written < job->size) {
		const ssize_t count =
			disk->calls->write(disk->fd, bytes + written, job->size - written,
					   (off_t)(job->offset + written));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -EIO;
		written += (size_t)count;
	}
	return 0;
}

static int read_all(const struct spool_disk *disk, const struct job *job)
{
	uint8_t *bytes = spool_disk_buffer(disk, job->buffer);
	size_t read = 0;

	while (read < job->size) {
		const ssize_t count = disk->calls->read(disk->fd, bytes + read, job->size - read,
							(off_t)(job->offset + read));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -EIO;
		read += (size_t)count;
	}
	return 0;
}

static int do_job(const struct spool_disk *disk, const struct job *job)
{
	switch (job->kind) {
	case SPOOL_DISK_write: return write_all(disk, job);
	case SPOOL_DISK_read: return read_all(disk, job);
	default: return disk->calls->truncate(disk->fd, (off_t)job->offset) ? -errno : 0;
	}
}

static struct job *job_at(struct spool_disk *disk, size_t index)
{
	return &disk->jobs[(disk->first + index) % disk->buffers];
}

/* The next job. The lock is held before and after, not within. */
static void do_next(struct spool_disk *disk)
{
	struct job job = *job_at(disk, disk->done);
	const uint64_t one = 1;

	(void)pthread_mutex_unlock(&disk->lock);
	job.result = do_job(disk, &job);
	(void)pthread_mutex_lock(&disk->lock);
	job_at(disk, disk->done)->result = job.result;
	disk->done++;
	(void)!write(disk->event, &one, sizeof(one));
}

static void *run(void *context)
{
	struct spool_disk *disk = context;
	bool is_abandoned;

	(void)pthread_mutex_lock(&disk->lock);
	while (!disk->is_close_wanted) {
		if (disk->done < disk->count)
			do_next(disk);
		else
			(void)pthread_cond_wait(&disk->work, &disk->lock);
	}
	disk->has_ended = true;
	is_abandoned = disk->is_abandoned;
	(void)pthread_cond_signal(&disk->ended);
	(void)pthread_mutex_unlock(&disk->lock);
	if (is_abandoned)
		disk_free(disk);
	return NULL;
}

/* The thread inherits this mask: signals are for the control thread. */
static int start(struct spool_disk *disk)
{
	sigset_t all, before;
	int result;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&disk->thread, NULL, run, disk);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	disk->is_running = result == 0;
	return -result;
}

/* Wait for the last call, but not for ever. Returns whether the thread has ended. */
static bool wait_for_end(struct spool_disk *disk)
{
	struct timespec until;
	bool has_ended;
	int result = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_WAIT_S;
	(void)pthread_mutex_lock(&disk->lock);
	disk->is_close_wanted = true;
	(void)pthread_cond_signal(&disk->work);
	while (!disk->has_ended && result == 0)
		result = pthread_cond_timedwait(&disk->ended, &disk->lock, &until);
	has_ended = disk->has_ended;
	disk->is_abandoned = !has_ended;
	(void)pthread_mutex_unlock(&disk->lock);
	return has_ended;
}

void spool_disk_close(struct spool_disk *disk)
{
	pthread_t thread;

	if (!disk)
		return;
	if (!disk->is_running) {
		disk_free(disk);
		return;
	}
	thread = disk->thread; /* the rest may be freed by it from here on */
	if (wait_for_end(disk)) {
		(void)pthread_join(thread, NULL);
		disk_free(disk);
	} else {
		(void)pthread_detach(thread);
	}
}

uint8_t *spool_disk_buffer(const struct spool_disk *disk, size_t buffer)
{
	return disk->bytes + buffer * disk->buffer_size;
}

void spool_disk_give(struct spool_disk *disk, size_t buffer, enum spool_disk_job kind, size_t size,
		     uint64_t offset)
{
	struct job job = { .kind = kind, .buffer = buffer, .size = size, .offset = offset };
	bool is_done = disk->event < 0;

	if (is_done)
		job.result = do_job(disk, &job);
	(void)pthread_mutex_lock(&disk->lock);
	if (!is_done && !disk->is_running) {
		job.result = start(disk);
		is_done = job.result != 0; /* as if the call had failed */
	}
	*job_at(disk, disk->count++) = job;
	if (is_done)
		disk->done = disk->count;
	else
		(void)pthread_cond_signal(&disk->work);
	(void)pthread_mutex_unlock(&disk->lock);
}

bool spool_disk_take(struct spool_disk *disk, size_t *buffer, int *result)
{
	uint64_t events;
	bool is_done;

	(void)pthread_mutex_lock(&disk->lock);
	is_done = disk->done > 0;
	if (is_done) {
		*buffer = job_at(disk, 0)->buffer;
		*result = job_at(disk, 0)->result;
		disk->first = (disk->first + 1) % disk->buffers;
		disk->count--;
		disk->done--;
	} else if (disk->event >= 0) {
		(void)!read(disk->event, &events, sizeof(events));
	}
	(void)pthread_mutex_unlock(&disk->lock);
	return is_done;
}

int spool_disk_descriptor(const struct spool_disk *disk)
{
	return disk->event;
}

int spool_disk_file(const struct spool_disk *disk)
{
	return disk->fd;
}
