/* agentctl_tar.h - files of text into one archive that any tar reads (POSIX.1-1988, "ustar").
 *
 * Place: texts of agentctl_bug_report.c -> here -> one file. */
#ifndef AGENTCTL_TAR_H
#define AGENTCTL_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AGENTCTL_TAR_NAME_MAX 99 /* characters of a name */

/* Append a file, mode 0600, of user and group 0. Longer names are cut. 'time' is in seconds since
 * 1970. What cannot be written shows in ferror(). */
void agentctl_tar_add(FILE *out, const char *name, const char *bytes, size_t size, int64_t time);
/* The end of the archive. */
void agentctl_tar_finish(FILE *out);

#endif
