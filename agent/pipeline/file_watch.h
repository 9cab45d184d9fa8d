/* file_watch.h - notices that another file has taken the place of one that is in use.
 *
 * Place: a helper thread that may sleep. The kernel reports what happens in the directory
 * (inotify); where it cannot, and for links that lead elsewhere, the path is looked at once a
 * minute. A file is reported when it is complete: it was renamed into place or closed by its
 * writer, or nothing of it has changed between two looks. */
#ifndef FILE_WATCH_H
#define FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* What distinguishes one content of a path from another. */
struct file_identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct file_watch {
	const char *path;             /* borrowed */
	const char *name;             /* in its directory; points into 'path' */
	int inotify;                  /* owned; -1: the kernel reports nothing */
	int content;                  /* watches the file in use for writes; -1: none */
	struct file_identity seen;    /* what was reported last, or found at the start */
	struct file_identity pending; /* looked at once; not known to be complete */
	bool has_seen, has_pending;
	bool is_missing; /* and that was reported */
};

enum file_change {
	FILE_CHANGE_stop,     /* the descriptor to stop by is readable */
	FILE_CHANGE_replaced, /* another file is there, and complete */
	FILE_CHANGE_written,  /* somebody writes to the file in use: once, and 'replaced' follows */
	FILE_CHANGE_missing,  /* no file is there: once */
};

/* What is at 'path' now. Returns false, and all of it is 0, if there is nothing. */
bool file_watch_identify(const char *path, struct file_identity *identity);
bool file_watch_is_same(const struct file_identity *one, const struct file_identity *other);

/* Remember what is at 'path' now, before it is read. Opens nothing. */
void file_watch_init(struct file_watch *watch, const char *path);
/* Let the kernel report. Returns 0, or a negative errno: then changes are seen by looks alone. */
int file_watch_open(struct file_watch *watch);
void file_watch_close(struct file_watch *watch);

/* Wait for a change. */
enum file_change file_watch_wait(struct file_watch *watch, int stop_descriptor);

#endif
