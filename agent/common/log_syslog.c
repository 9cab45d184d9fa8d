/* log_syslog.c - datagrams to /dev/log (RFC 3164, as syslog(3) has it).
 *
 * Place: log.c -> here -> syslogd or journald. Not syslog(3) itself: it waits for a log daemon that
 * does not read, and closes what it was asked to keep open. Invariant: the socket never blocks. */
#include "log_syslog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_SIZE       1200
#define FACILITY_daemon 3

static int connect_to(int descriptor)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LOG_SYSLOG_PATH };

	return connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

int log_syslog_open(void)
{
	const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result;

	if (descriptor < 0)
		return -errno;
	tzset(); /* while the time zone's file can be reached */
	result = connect_to(descriptor);
	if (!result)
		return descriptor;
	(void)close(descriptor);
	return result;
}

size_t log_syslog_format(char *line, size_t size, int priority, const struct tm *now,
			 const char *program, long process, const char *text)
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const int length =
		snprintf(line, size, "<%d>%s %2d %02d:%02d:%02d %s[%ld]: %s",
			 FACILITY_daemon << 3 | priority, months[now->tm_mon % 12], now->tm_mday,
			 now->tm_hour, now->tm_min, now->tm_sec, program, process, text);

	if (length < 0)
		return 0;
	return (size_t)length < size ? (size_t)length : size - 1;
}

bool log_syslog_put(int descriptor, int priority, const char *program, const char *text)
{
	const time_t seconds = time(NULL);
	char line[LINE_SIZE];
	struct tm now;
	size_t size;

	if (!localtime_r(&seconds, &now))
		return false;
	size = log_syslog_format(line, sizeof(line), priority, &now, program, (long)getpid(), text);
	for (int tries = 0; tries < 2; tries++) {
		if (send(descriptor, line, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size)
			return true;
		if (errno == EAGAIN || connect_to(descriptor))
			break;
	}
	return false;
}
