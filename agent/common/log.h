/* log.h - messages to the operator: the journal, with fields, when systemd reads standard error;
 * else that.
 *
 * Place: all of agent/ -> here -> log_limit.c, problems.c -> standard error.
 *
 * Only agent/ logs. Repeats of one event about one object are limited to one a minute; the last one
 * that was held back comes out when the minute is over (log_held_back()), so its numbers should be
 * sums. Thread-safe. Never blocks for long: standard error that cannot take
 * a line loses it and counts it. */
#ifndef LOG_H
#define LOG_H

#include "error_text.h"
#include "problems.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_error,
	LOG_LEVEL_warning,
	LOG_LEVEL_notice,
	LOG_LEVEL_info,
	LOG_LEVEL_debug
};

/* Call once, before threads start. Lines are "PROGRAM: TEXT"; "<N>TEXT" if the journal reads
 * standard error ($JOURNAL_STREAM names it), which adds the program itself. 'program' is borrowed
 * for ever. The program must ignore SIGPIPE. */
void log_open(const char *program, enum log_level level);
/* Lines go to the system's log as well from now on (log_syslog.h). Call it before threads start.
 * Returns 0 or a negative errno: there is none. */
int log_copy_to_syslog(void);
/* Where the journal reads standard error: send messages to its socket instead, with an id and
 * fields for those of log_events.def. What it does not take goes to standard error. Call it when
 * the program is going to run for a while: the journal finds out by the process of which service a
 * message is, so those of one that ends at once might be of none. */
void log_use_journal(const char *path);
/* Standard error may be a file, which somebody may remove while it is open: from now on it is made
 * again then, where its link count shows that at the next line or look. Call it once privileges are
 * dropped; the file is made with what they are. */
void log_follow_file(void);
void log_look_at_file(void);
void log_set_level(enum log_level level);
/* Parse "error" ... "debug". Returns 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *level);
const char *log_level_name(enum log_level level);

/* 'event' names the kind of message, 'object' (may be NULL) what it is about; both are keys of the
 * repeat limit. Event NULL: never limited. Longer texts are cut at 1000 bytes; what
 * is not printable becomes '?', so that a name from outside cannot forge a line. */
void log_event(enum log_level level, const char *event, const char *object, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same for a warning or an error that lasts: it is a problem until log_problem_over() has the
 * same 'kind' and object, which may not be NULL. */
void log_problem(enum log_level level, const char *kind, const char *event, const char *object,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));
void log_problem_over(const char *kind, const char *object);

/* Put out what the repeat limit has held back and is due: the last of each kind, which says how
 * many more there were. Call it every few seconds, and with 'all' at the end. */
void log_held_back(bool all);

#define log_error(...)   log_event(LOG_LEVEL_error, NULL, NULL, __VA_ARGS__)
#define log_warning(...) log_event(LOG_LEVEL_warning, NULL, NULL, __VA_ARGS__)
#define log_notice(...)  log_event(LOG_LEVEL_notice, NULL, NULL, __VA_ARGS__)
#define log_info(...)    log_event(LOG_LEVEL_info, NULL, NULL, __VA_ARGS__)
#define log_debug(...)   log_event(LOG_LEVEL_debug, NULL, NULL, __VA_ARGS__)

/* Text and hint of an error as one or two lines: the program cannot start or continue.
 * From then on all goes to standard error. */
void log_error_text(const struct error_text *error);
/* The same for what lasts. */
void log_problem_text(const char *kind, const char *object, const struct error_text *error);

/* Copy of all warnings and errors that last, and of the last one that is over, for `agentctl show
 * status`. Repeats that the log has held back count as well. */
void log_problems(struct problems *problems);

#endif
