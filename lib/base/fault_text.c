/* fault_text.c - words for errno values. */
#include "fault_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define TEXT_SIZE 160

const char *fault_text(int fault)
{
	static _Thread_local char text[TEXT_SIZE];
	struct rlimit limit;

	if (fault == ENFILE) {
		(void)snprintf(text, sizeof(text), "%s: raise fs.file-max (sysctl)",
			       strerror(fault));
		return text;
	}
	if (fault != EMFILE || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return strerror(fault);
	(void)snprintf(text, sizeof(text),
		       "%s: RLIMIT_NOFILE is %" PRIuMAX
		       ": raise it by ulimit -n, or by LimitNOFILE= of the unit",
		       strerror(fault), (uintmax_t)limit.rlim_cur);
	return text;
}
