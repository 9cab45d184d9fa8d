/* transport_file.c - messages into a file: an IPFIX File (RFC 5655) or lines of JSON; also into a
 * named pipe, a device, or standard output.
 *
 * Place: outbox -> transport_file -> kernel. Each file is a session, which begins with the
 * templates: it can be read on its own. Invariant: up to 'size' a file holds whole messages; what a
 * failed write has left after them is cut off, and the next write goes over it.
 *
 * A file is written under the name that was configured. When it ends it gets the time of its first
 * message as a suffix (transport_file_name.h), by rename, so whoever looks for that finds whole
 * files only; so does a file of an earlier run that is still there. No name is ever given twice. */
#include "transport.h"

#include "transport_file_name.h"
#include "transport_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define RETRY_MS       200  /* between tries to open */
#define CHECK_MS       1000 /* between looks whether the file is still where it was */
#define PARTS_MAX      64   /* messages in one write */
#define HEAD_SIZE      9    /* bytes by which a file of ours is known */
#define MODE           0640 /* the group may read, as it may the control socket */
#define MILLISECONDS   1000
#define NANOSECONDS_MS 1000000 /* of a millisecond */

struct transport {
	char *path; /* owned; "-": standard output */
	struct rotation_settings rotation;
	uint32_t keep;

	int fd;         /* -1: not open */
	bool is_stream; /* no place to go back to */
	bool is_ours;   /* opened here, not standard output */
	bool is_pipe;   /* shows how much of it is unread */
	enum transport_pipe_kind kind;
	struct transport_pipe pipe;
	dev_t device;
	ino_t inode;
	off_t size;           /* of the whole messages */
	uint64_t next_number; /* of the messages that come next */
	int64_t next_ms;      /* their time */
	uint64_t number;      /* of the file, as the messages have it */
	int64_t begun_ms;     /* time of its first message */
	bool has_messages;    /* since it was opened */

	int error; /* negative errno of the last try to open */
	int64_t next_try_ms, next_check_ms;
	struct transport_session session;
};

static bool is_standard_output(const struct transport *file)
{
	return strcmp(file->path, "-") == 0;
}

/* What is at the path already may say that it will never do. */
static int check_kind(const struct transport_config *config, struct error_text *error)
{
	struct stat status;

	if (strcmp(config->host, "-") == 0 || stat(config->host, &status) ||
	    S_ISREG(status.st_mode))
		return 0;
	if (S_ISDIR(status.st_mode)) {
		error_text_set(error, "%s is a directory, expected a file in it", config->host);
		return -EISDIR;
	}
	if (S_ISSOCK(status.st_mode)) {
		error_text_set(error, "%s is a socket, expected a file; write unix:%s",
			       config->host, config->host);
		return -ENOTSUP;
	}
	if (rotation_is_wanted(&config->rotation) || config->keep) {
		error_text_set(error,
			       "%s is a pipe or device: rotate, rotate-size and keep are for files",
			       config->host);
		return -EINVAL;
	}
	return 0;
}

static int file_open(const struct transport_config *config, struct transport **transport,
		     struct error_text *error)
{
	struct transport *file;
	int result = check_kind(config, error);

	if (result)
		return result;
	if (strlen(config->host) > TRANSPORT_FILE_NAME_PATH_MAX) {
		error_text_set(error, "%s is too long: expected a path of at most %d characters",
			       config->host, TRANSPORT_FILE_NAME_PATH_MAX);
		return -ENAMETOOLONG;
	}
	file = calloc(1, sizeof(*file));
	if (file)
		file->path = strdup(config->host);
	if (!file || !file->path) {
		free(file);
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	file->rotation = config->rotation;
	file->keep = config->keep;
	file->fd = -1;
	*transport = file;
	return 0;
}

/* Move what is at the path to its final name, and remove the oldest of those there are too many of.
 * Returns 0 or a negative errno. */
static int put_away(const struct transport *file, int64_t begun_ms)
{
	const int result = transport_file_name_finish(file->path, begun_ms);

	if (result == 0 && file->keep)
		transport_file_name_keep(file->path, file->keep);
	return result;
}

static void begin_session(struct transport *file)
{
	file->session.number++;
	file->session.unconfirmed = 0;
	transport_pipe_begin(&file->pipe);
	file->has_messages = false;
}

/* How many messages are in the pipe or beside it. */
static size_t unconfirmed(const struct transport *file)
{
	int unread = 0;

	if (file->fd < 0 || !file->is_stream)
		return file->session.unconfirmed;
	if (file->is_pipe && ioctl(file->fd, FIONREAD, &unread))
		unread = 0;
	return transport_pipe_unconfirmed(&file->pipe, (size_t)unread);
}

static void shut(struct transport *file)
{
	file->session.unconfirmed = unconfirmed(file);
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
}

/* Whether somebody has moved or removed the file, which would take no one's messages any more. */
static bool is_gone(const struct transport *file)
{
	struct stat status;

	return stat(file->path, &status) || status.st_dev != file->device ||
	       status.st_ino != file->inode;
}

/* The file ends here. One with nothing in it is none. Returns 0 or a negative errno. */
static int finish(struct transport *file)
{
	const bool is_empty = file->size == 0;
	const bool is_elsewhere = is_gone(file);

	shut(file);
	if (is_elsewhere)
		return 0;
	if (is_empty) {
		(void)unlink(file->path);
		return 0;
	}
	return put_away(file, file->begun_ms);
}

static void file_close(struct transport *file)
{
	if (!file)
		return;
	if (file->fd >= 0 && !file->is_stream && file->is_ours &&
	    rotation_is_wanted(&file->rotation))
		(void)finish(file);
	shut(file);
	transport_pipe_clear(&file->pipe);
	free(file->path);
	free(file);
}

/* Take over a descriptor, whatever it is of. */
static int adopt(struct transport *file, int fd, enum transport_pipe_kind kind,
		 const struct stat *status)
{
	file->fd = fd;
	file->kind = kind;
	file->is_stream = !S_ISREG(status->st_mode);
	file->is_pipe = S_ISFIFO(status->st_mode);
	file->device = status->st_dev;
	file->inode = status->st_ino;
	file->size = 0;
	begin_session(file);
	return 0;
}

/* After what the shell or others have written already. */
static int open_standard_output(struct transport *file)
{
	struct stat status;
	int fd;

	if (file->session.number) /* nobody can give us another one */
		return -EPIPE;
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status)) {
		(void)close(fd);
		return -EBADF;
	}
	(void)adopt(file, fd, S_ISSOCK(status.st_mode) ? PIPE_socket : PIPE_shared, &status);
	if (!file->is_stream)
		file->size =
			fcntl(fd, F_GETFL) & O_APPEND ? status.st_size : lseek(fd, 0, SEEK_CUR);
	return 0;
}

/* A pipe without a reader is ENXIO. */
static int open_stream(struct transport *file)
{
	const int fd = open(file->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return -errno;
	file->is_ours = true;
	if (fstat(fd, &status) || S_ISREG(status.st_mode)) {
		(void)close(fd);
		return -EAGAIN;
	}
	return adopt(file, fd, PIPE_own, &status);
}

/* One writer at a time: a second one would move the file away under the first. */
static int lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK ? -EBUSY : 0;
}

static int create(struct transport *file)
{
	const int fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
	struct stat status;
	int result;

	if (fd < 0)
		return errno == ENOENT ? -ENOTDIR : -errno;
	(void)fchmod(fd, MODE); /* whatever the umask, which is 077 in the service */
	result = lock(fd);
	if (result == 0 && fstat(fd, &status))
		result = -errno;
	if (result) {
		(void)close(fd);
		return result;
	}
	file->is_ours = true;
	return adopt(file, fd, PIPE_own, &status);
}

/* Whether a file begins as an IPFIX Message does (RFC 7011 section 3.1), or as a line of ours.
 * Another file is not ours to move. */
static bool has_our_head(int fd)
{
	static const char json[] = "{\"type\":\"";
	uint8_t head[HEAD_SIZE] = { 0 };
	const ssize_t size = pread(fd, head, sizeof(head), 0);

	if (size == 0)
		return true;
	return size == HEAD_SIZE &&
	       (memcmp(head, json, HEAD_SIZE) == 0 || (head[0] == 0 && head[1] == 10));
}

/* A file of an earlier run is at the path: it ends now. */
static int put_away_earlier(const struct transport *file)
{
	const int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	int result;

	if (fd < 0)
		return -errno;
	result = lock(fd);
	if (result == 0 && (fstat(fd, &status) || !has_our_head(fd)))
		result = -EEXIST;
	if (result == 0 && status.st_size == 0)
		result = unlink(file->path) ? -errno : 0;
	else if (result == 0)
		result = put_away(file, (int64_t)status.st_mtim.tv_sec * MILLISECONDS +
						status.st_mtim.tv_nsec / NANOSECONDS_MS);
	(void)close(fd);
	return result;
}

static int open_now(struct transport *file)
{
	struct stat status;
	int result;

	if (is_standard_output(file))
		return open_standard_output(file);
	if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode))
		return S_ISSOCK(status.st_mode) ? -ENOTSUP : open_stream(file);
	result = create(file);
	if (result != -EEXIST)
		return result;
	result = put_away_earlier(file);
	return result ? result : create(file);
}

static bool has_lost_reader(const struct transport *file)
{
	struct pollfd descriptor = { .fd = file->fd };

	return poll(&descriptor, 1, 0) > 0 && (descriptor.revents & (POLLERR | POLLHUP));
}

static int file_poll(struct transport *file, int64_t now_ms)
{
	if (file->fd >= 0 && file->is_stream && has_lost_reader(file)) {
		shut(file);
		file->error = -EPIPE;
		return file->error;
	}
	if (file->fd >= 0 && !file->is_stream && file->is_ours && now_ms >= file->next_check_ms) {
		file->next_check_ms = now_ms + CHECK_MS;
		if (is_gone(file))
			shut(file);
	}
	if (file->fd >= 0)
		return 0;
	if (file->error && now_ms < file->next_try_ms)
		return file->error;
	file->next_try_ms = now_ms + RETRY_MS;
	file->error = open_now(file);
	file->session.failures += file->error != 0;
	return file->error;
}

/* Write messages of one file. After the last one that was taken as a whole nothing stays. */
static struct transport_result write_messages(struct transport *file,
					      const struct datagram *datagrams, size_t count)
{
	struct transport_result result = { 0 };
	struct iovec parts[PARTS_MAX] = { { NULL, 0 } };
	size_t wanted = 0;
	ssize_t written;

	if (count > PARTS_MAX)
		count = PARTS_MAX;
	for (size_t i = 0; i < count; i++) {
		parts[i] =
			(struct iovec){ (void *)(uintptr_t)datagrams[i].bytes, datagrams[i].size };
		wanted += datagrams[i].size;
	}
	written = pwritev(file->fd, parts, (int)count, file->size);
	if (written < 0) {
		result.error = errno == EINTR ? -EAGAIN : -errno;
		return result;
	}
	for (size_t left = (size_t)written;
	     result.sent < count && datagrams[result.sent].size <= left; result.sent++) {
		left -= datagrams[result.sent].size;
		file->size += (off_t)datagrams[result.sent].size;
	}
	if ((size_t)written < wanted) {
		(void)!ftruncate(file->fd, file->size);
		result.error = -ENOSPC;
	}
	return result;
}

static void file_file(struct transport *file, uint64_t number, int64_t time_ms)
{
	file->next_number = number;
	file->next_ms = time_ms;
}

static struct transport_result file_send(struct transport *file, const struct datagram *datagrams,
					 size_t count)
{
	struct transport_result result;

	if (file->fd < 0)
		return (struct transport_result){ .error = file->error ? file->error : -EAGAIN };
	if (file->is_stream) {
		result = transport_pipe_send(&file->pipe, file->fd, file->kind, datagrams, count);
		if (result.error == -EPIPE || result.error == -ECONNRESET) {
			shut(file);
			file->error = -EPIPE;
		}
		return result;
	}
	if (file->has_messages && file->next_number != file->number) {
		file->error = finish(file);
		if (!file->error)
			file->error = open_now(file);
		return (struct transport_result){ .error = file->error ? file->error : -EAGAIN };
	}
	result = write_messages(file, datagrams, count);
	if (result.sent && !file->has_messages) {
		file->has_messages = true;
		file->number = file->next_number;
		file->begun_ms = file->next_ms;
	}
	return result;
}

/* Regular files are never full for a moment. */
static int file_ready(const struct transport *file, short *events)
{
	*events = POLLOUT;
	return file->is_stream ? file->fd : -1;
}

static void file_session(const struct transport *file, struct transport_session *session)
{
	*session = file->session;
	session->unconfirmed = unconfirmed(file);
}

static socklen_t file_address(const struct transport *file, struct sockaddr_storage *address)
{
	(void)file;
	(void)address;
	return 0;
}

const struct transport_type transport_file = {
	.name = "file",
	.open = file_open,
	.poll = file_poll,
	.send = file_send,
	.ready = file_ready,
	.file = file_file,
	.session = file_session,
	.remote = file_address,
	.local = file_address,
	.close = file_close,
};
