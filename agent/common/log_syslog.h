/* log_syslog.h - lines to the system's log daemon, for a daemon that has no standard error.
 *
 * As syslog(3) writes them, by a socket of the caller's that never waits: a line that the log
 * daemon does not take at once is lost. */
#ifndef LOG_SYSLOG_H
#define LOG_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define LOG_SYSLOG_PATH "/dev/log"

/* Open a socket to the log daemon. Returns a descriptor, or a negative errno: there is none. */
int log_syslog_open(void);
/* Whether the line was taken. One that comes back to a log daemon which was started anew is sent on
 * a new connection: '*descriptor' stays the same number. 'priority' is that of syslog(3) without a
 * facility; that is daemon. */
bool log_syslog_put(int descriptor, int priority, const char *program, const char *text);

/* A line as it travels: "<30>Nov 29 12:00:00 PROGRAM[PID]: TEXT". Returns its length, at most
 * 'size' - 1. */
size_t log_syslog_format(char *line, size_t size, int priority, const struct tm *now,
			 const char *program, long process, const char *text);

#endif
