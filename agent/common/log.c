/* log.c - lines to standard error or to the journal; beside the signal flag the only file-scope
 * state of agent/.
 *
 * A line is formatted outside the lock and written under it, so that lines never mix. A terminal
 * that is stopped, or a pipe that nobody reads, must not stop the workers: a line waits 10 ms at
 * most, then it is lost and counted, and the next line that gets through says how many were. */
#include "log.h"

#include "count_text.h"
#include "fault_text.h"
#include "log_event.h"
#include "log_journal.h"
#include "log_limit.h"
#include "log_syslog.h"
#include "printable.h"
#include "time_now.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 1100 /* below PIPE_BUF: a pipe that polls writable takes it without blocking */
#define TEXT_SIZE 1001
#define WAIT_MS   10
#define FILE_MODE 0640

static const struct {
	const char *name;
	int priority; /* of syslog(3), for "<N>" */
} levels[] = {
	[LOG_LEVEL_error] = { "error", 3 },   [LOG_LEVEL_warning] = { "warning", 4 },
	[LOG_LEVEL_notice] = { "notice", 5 }, [LOG_LEVEL_info] = { "info", 6 },
	[LOG_LEVEL_debug] = { "debug", 7 },
};

static struct {
	pthread_mutex_t lock;
	const char *program;
	_Atomic int level;
	bool is_journal;
	bool has_syslog;
	int syslog;    /* descriptor of log_syslog.h; valid with has_syslog */
	int journal;   /* socket for messages with fields; -1: none */
	bool is_stuck; /* the last line did not get through: do not wait for the next one */
	uint64_t lines_lost;
	struct log_limit limit;
	struct problems problems;
	char path[PATH_MAX]; /* of standard error, "": no file, or not followed */
} target = { .lock = PTHREAD_MUTEX_INITIALIZER,
	     .program = "flowagent",
	     .level = LOG_LEVEL_info,
	     .journal = -1 };

/* What the journal gets beside the text. All zeros for a message without a name. */
struct fields {
	const struct log_event_row *row; /* NULL: none */
	const char *event;
	const char *object;
	uint64_t suppressed;
};

/* systemd sets $JOURNAL_STREAM to device:inode of the journal's socket. A program that was started
 * from a service but with another standard error inherits the variable, so compare
 * (systemd.exec(5)). */
static bool journal_reads_standard_error(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device;
	uintmax_t inode;
	struct stat status;

	if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2 || fstat(2, &status))
		return false;
	return status.st_dev == device && status.st_ino == inode;
}

void log_open(const char *program, enum log_level level)
{
	target.program = program;
	target.is_journal = journal_reads_standard_error();
	log_set_level(level);
}

int log_copy_to_syslog(void)
{
	const int descriptor = log_syslog_open();

	if (descriptor < 0)
		return descriptor;
	target.syslog = descriptor;
	target.has_syslog = true;
	return 0;
}

void log_use_journal(const char *path)
{
	(void)pthread_mutex_lock(&target.lock);
	if (target.is_journal && target.journal < 0)
		target.journal = log_journal_open(path);
	(void)pthread_mutex_unlock(&target.lock);
}

static void stop_using_journal(void)
{
	(void)pthread_mutex_lock(&target.lock);
	if (target.journal >= 0)
		(void)close(target.journal);
	target.journal = -1;
	(void)pthread_mutex_unlock(&target.lock);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&target.level, (int)level, memory_order_relaxed);
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, text) != 0)
			continue;
		*level = (enum log_level)i;
		return 0;
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

/* Write without waiting for long. The journal's end is a socket, which can be set not to block;
 * anything else is asked first. */
static bool write_line(const char *line, size_t size)
{
	struct pollfd descriptor = { .fd = 2, .events = POLLOUT };
	ssize_t written = send(2, line, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (written < 0 && errno == ENOTSOCK) {
		if (poll(&descriptor, 1, target.is_stuck ? 0 : WAIT_MS) != 1)
			return false;
		written = write(2, line, size);
	}
	return written == (ssize_t)size;
}

/* Make the file of the lines again in its place, if it has been removed. The lock is held. */
static void follow_file(void)
{
	const int64_t now_ms = time_now_ms(CLOCK_REALTIME);
	struct stat status;
	int descriptor;

	if (!target.path[0] || fstat(2, &status) != 0 || status.st_nlink != 0)
		return;
	descriptor = open(target.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
			  FILE_MODE);
	if (descriptor < 0) {
		char text[TEXT_SIZE];

		(void)snprintf(text, sizeof(text),
			       "the log file %.300s was removed, and cannot be made again: %s",
			       target.path, fault_text(errno));
		problems_began(&target.problems, "log-file", "", text, now_ms);
		return;
	}
	problems_ended(&target.problems, "log-file", "", now_ms);
	(void)dup2(descriptor, 2);
	(void)close(descriptor);
}

/* Returns false where the journal is not there, or does not take it. */
static bool put_journal(enum log_level level, const char *text, const struct fields *fields)
{
	const char *const event = fields->row ? fields->event : NULL;
	const struct log_journal_message message = {
		.program = target.program,
		.priority = levels[level].priority,
		.text = text,
		.row = fields->row,
		.object = fields->object,
		.reason = event && strcmp(event, fields->row->name) != 0 ? event : NULL,
		.suppressed = fields->suppressed,
	};

	return target.journal >= 0 && log_journal_send(target.journal, &message);
}

static void put_text(enum log_level level, const char *text, const struct fields *fields)
{
	char line[LINE_SIZE];
	int length;

	if (target.has_syslog)
		(void)log_syslog_put(target.syslog, levels[level].priority, target.program, text);
	if (put_journal(level, text, fields)) {
		target.is_stuck = false;
		return;
	}
	if (target.is_journal)
		length = snprintf(line, sizeof(line), "<%d>%s\n", levels[level].priority, text);
	else
		length = snprintf(line, sizeof(line), "%s: %s\n", target.program, text);
	if (length >= (int)sizeof(line)) {
		length = (int)sizeof(line) - 1;
		line[length - 1] = '\n';
	}
	target.is_stuck = !write_line(line, (size_t)length);
	if (target.is_stuck)
		target.lines_lost++;
}

/* Put one line out, after the news that lines before it were lost. The lock is held. */
static void put_line(enum log_level level, const char *text, const struct fields *fields)
{
	uint64_t lost = target.lines_lost;
	char news[COUNT_TEXT_SIZE + 40];
	char count[COUNT_TEXT_SIZE];

	follow_file();
	if (lost) {
		(void)snprintf(news, sizeof(news), "%s could not be written before this one",
			       count_text(lost, "line", count));
		put_text(LOG_LEVEL_warning, news, &(struct fields){ .row = NULL });
		if (target.is_stuck)
			target.lines_lost = lost; /* the news itself is not a line lost */
		else
			target.lines_lost = 0;
	}
	put_text(level, text, fields);
}

/* Put one line out that stands for 'fields->suppressed' others as well. The lock is held. */
static void put_line_after(enum log_level level, char *text, size_t size,
			   const struct fields *fields)
{
	const size_t length = strlen(text);
	const uint64_t held = fields->suppressed;

	if (held)
		(void)snprintf(text + length, size - length,
			       " (%" PRIu64 " more like this %s held back)", held,
			       count_verb(held, "was", "were"));
	put_line(level, text, fields);
}

void log_held_back(bool all)
{
	const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);
	const struct log_limit_entry *entry;
	uint64_t held;

	(void)pthread_mutex_lock(&target.lock);
	while ((entry = log_limit_due(&target.limit, now_ms, all, &held)) != NULL) {
		char text[TEXT_SIZE];

		(void)snprintf(text, sizeof(text), "%s", entry->text);
		put_line_after(
			(enum log_level)entry->level, text, sizeof(text),
			&(struct fields){ entry->row, entry->event, entry->object, held - 1 });
	}
	(void)pthread_mutex_unlock(&target.lock);
}

void log_follow_file(void)
{
	struct stat status;
	char path[sizeof(target.path)];
	ssize_t size = -1;

	if (fstat(2, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink != 0)
		size = readlink("/proc/self/fd/2", path, sizeof(path));
	(void)pthread_mutex_lock(&target.lock);
	target.path[0] = '\0';
	if (size > 0 && size < (ssize_t)sizeof(path)) {
		memcpy(target.path, path, (size_t)size);
		target.path[size] = '\0';
	}
	(void)pthread_mutex_unlock(&target.lock);
}

void log_look_at_file(void)
{
	(void)pthread_mutex_lock(&target.lock);
	follow_file();
	(void)pthread_mutex_unlock(&target.lock);
}

/* Put an event out, if its level is wanted. 'kind' is that of a problem that lasts, or NULL. */
static void put_event(enum log_level level, const char *kind, const char *event, const char *object,
		      const char *format, va_list arguments)
{
	const bool is_problem = level <= LOG_LEVEL_warning;
	const bool is_wanted =
		(int)level <= atomic_load_explicit(&target.level, memory_order_relaxed);
	const int64_t now_ms = time_now_ms(CLOCK_REALTIME);
	struct fields fields = { log_event_find(event, kind), event, object, 0 };
	char text[TEXT_SIZE];

	if (!is_problem && !is_wanted)
		return;
	(void)vsnprintf(text, sizeof(text), format, arguments);
	printable_make(text);

	(void)pthread_mutex_lock(&target.lock);
	if (kind)
		problems_began(&target.problems, kind, object, text, now_ms);
	else if (is_problem)
		problems_happened(&target.problems, text, now_ms);
	if (is_wanted && event &&
	    !log_limit_pass(&target.limit, event, object, time_now_ms(CLOCK_MONOTONIC),
			    &fields.suppressed))
		log_limit_keep(&target.limit, event, object, (int)level, fields.row, text);
	else if (is_wanted)
		put_line_after(level, text, sizeof(text), &fields);
	(void)pthread_mutex_unlock(&target.lock);
}

void log_event(enum log_level level, const char *event, const char *object, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_event(level, NULL, event, object, format, arguments);
	va_end(arguments);
}

void log_problem(enum log_level level, const char *kind, const char *event, const char *object,
		 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_event(level, kind, event, object, format, arguments);
	va_end(arguments);
}

void log_problem_over(const char *kind, const char *object)
{
	(void)pthread_mutex_lock(&target.lock);
	problems_ended(&target.problems, kind, object, time_now_ms(CLOCK_REALTIME));
	(void)pthread_mutex_unlock(&target.lock);
}

/* 'row' is that of the line before it. */
static void put_hint(const struct log_event_row *row, const struct error_text *error)
{
	char hint[sizeof(error->hint) + 16];

	if (!error->hint[0])
		return;
	/* The hint belongs to the line before it and is no problem of its own. */
	(void)snprintf(hint, sizeof(hint), "hint: %s", error->hint);
	printable_make(hint);
	(void)pthread_mutex_lock(&target.lock);
	put_line(LOG_LEVEL_error, hint, &(struct fields){ .row = row });
	(void)pthread_mutex_unlock(&target.lock);
}

/* The last words go to standard error: of a process that has ended the journal cannot find out any
 * more of which service it was, while it knows that of the stream. */
void log_error_text(const struct error_text *error)
{
	stop_using_journal();
	log_error("%s", error->text);
	put_hint(NULL, error);
}

void log_problem_text(const char *kind, const char *object, const struct error_text *error)
{
	log_problem(LOG_LEVEL_error, kind, NULL, object, "%s", error->text);
	put_hint(log_event_find(kind, NULL), error);
}

void log_problems(struct problems *problems)
{
	(void)pthread_mutex_lock(&target.lock);
	*problems = target.problems;
	(void)pthread_mutex_unlock(&target.lock);
}
