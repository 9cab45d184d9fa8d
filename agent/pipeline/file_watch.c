/* file_watch.c - see file_watch.h.
 *
 * The directory is watched, as the file is replaced by a rename: a watch of the file itself would
 * stay with the old one. Watches are set before each look, so that nothing happens unseen between
 * both; setting one that is there costs a system call. */
#include "file_watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS   60000 /* without any report */
#define SETTLE_MS 1000  /* between two looks at a file that may not be complete */

#define COMPLETE (IN_CLOSE_WRITE | IN_MOVED_TO)

/* ---- what is there ---- */

bool file_watch_identify(const char *path, struct file_identity *identity)
{
	struct stat status;

	*identity = (struct file_identity){ 0 };
	if (stat(path, &status) != 0)
		return false;
	*identity = (struct file_identity){
		.device = status.st_dev,
		.inode = status.st_ino,
		.size = status.st_size,
		.modified = status.st_mtim,
		.changed = status.st_ctim,
	};
	return true;
}

static bool is_same_time(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

bool file_watch_is_same(const struct file_identity *one, const struct file_identity *other)
{
	return one->device == other->device && one->inode == other->inode &&
	       one->size == other->size && is_same_time(&one->modified, &other->modified) &&
	       is_same_time(&one->changed, &other->changed);
}

/* ---- reports of the kernel ---- */

/* The directory of a path: up to its last slash. */
static void watch_directory_of(const struct file_watch *watch, const char *path)
{
	const char *slash = strrchr(path, '/');
	const size_t length = slash ? (size_t)(slash - path) + 1 : 1;
	char directory[PATH_MAX] = ".";

	if (length >= sizeof(directory))
		return;
	if (slash)
		memcpy(directory, path, length);
	(void)inotify_add_watch(watch->inotify, directory, COMPLETE | IN_CREATE | IN_ONLYDIR);
}

static void watch_directories(const struct file_watch *watch)
{
	char goal[PATH_MAX];

	if (watch->inotify < 0)
		return;
	watch_directory_of(watch, watch->path);
	if (realpath(watch->path, goal)) /* what links lead to */
		watch_directory_of(watch, goal);
}

static void unwatch_content(struct file_watch *watch)
{
	if (watch->content >= 0)
		(void)inotify_rm_watch(watch->inotify, watch->content);
	watch->content = -1;
}

/* Read what was reported: whether the file is complete, and whether the one in use is written to.
 */
static void read_events(struct file_watch *watch, bool *is_complete, bool *is_written)
{
	union {
		struct inotify_event event; /* for its alignment */
		char bytes[4096];           /* at least one with the longest name */
	} buffer;
	ssize_t size;

	while ((size = read(watch->inotify, buffer.bytes, sizeof(buffer.bytes))) > 0) {
		for (const char *at = buffer.bytes; at < buffer.bytes + size;) {
			const struct inotify_event *event = (const void *)at;

			at += sizeof(*event) + event->len;
			*is_complete |= event->mask & COMPLETE && event->len &&
					strcmp(event->name, watch->name) == 0;
			*is_written |= event->wd == watch->content && event->mask & IN_MODIFY;
		}
	}
}

/* ---- waiting ---- */

void file_watch_init(struct file_watch *watch, const char *path)
{
	const char *slash = strrchr(path, '/');

	*watch = (struct file_watch){
		.path = path, .name = slash ? slash + 1 : path, .inotify = -1, .content = -1
	};
	watch->has_seen = file_watch_identify(watch->path, &watch->seen);
}

int file_watch_open(struct file_watch *watch)
{
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->inotify < 0)
		return -errno;
	watch->content = inotify_add_watch(watch->inotify, watch->path, IN_MODIFY);
	return 0;
}

void file_watch_close(struct file_watch *watch)
{
	if (watch->inotify >= 0)
		(void)close(watch->inotify);
	watch->inotify = watch->content = -1;
}

/* Whether there is something to report. */
static bool look(struct file_watch *watch, bool is_complete, enum file_change *change)
{
	struct file_identity now;

	*change = FILE_CHANGE_missing;
	if (!file_watch_identify(watch->path, &now)) {
		const bool is_news = !watch->is_missing;

		watch->is_missing = true;
		watch->has_pending = false;
		return is_news;
	}
	watch->is_missing = false;
	if (watch->has_seen && file_watch_is_same(&now, &watch->seen)) {
		watch->has_pending = false;
		return false;
	}
	if (!is_complete && !(watch->has_pending && file_watch_is_same(&now, &watch->pending))) {
		watch->pending = now;
		watch->has_pending = true;
		return false;
	}
	watch->seen = now;
	watch->has_seen = true;
	watch->has_pending = false;
	unwatch_content(watch);
	if (watch->inotify >= 0)
		watch->content = inotify_add_watch(watch->inotify, watch->path, IN_MODIFY);
	*change = FILE_CHANGE_replaced;
	return true;
}

enum file_change file_watch_wait(struct file_watch *watch, int stop_descriptor)
{
	struct pollfd descriptors[] = {
		{ .fd = stop_descriptor, .events = POLLIN },
		{ .fd = watch->inotify, .events = POLLIN }, /* -1 is passed over */
	};
	bool is_complete = false;

	for (;;) {
		bool is_written = false;
		enum file_change change;

		watch_directories(watch);
		if (look(watch, is_complete, &change))
			return change;
		(void)poll(descriptors, 2, watch->has_pending ? SETTLE_MS : LOOK_MS);
		if (descriptors[0].revents)
			return FILE_CHANGE_stop;
		is_complete = false;
		if (descriptors[1].revents)
			read_events(watch, &is_complete, &is_written);
		if (is_written) {
			unwatch_content(watch);
			return FILE_CHANGE_written;
		}
	}
}
