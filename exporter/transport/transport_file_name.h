/* transport_file_name.h - the names that export files get when they are finished:
 * FILE.YYYYmmdd-HHMMSS, in UTC, and -2, -3 ... after that where one second has several.
 *
 * Place: inside transport_file. */
#ifndef TRANSPORT_FILE_NAME_H
#define TRANSPORT_FILE_NAME_H

#include <stdint.h>

#define TRANSPORT_FILE_NAME_PATH_MAX 3900 /* of FILE: with the suffix it is less than PATH_MAX */

/* Move 'path' to its final name; never over another file. Returns 0 or a negative errno. */
int transport_file_name_finish(const char *path, int64_t begun_ms);

/* Remove the oldest finished files of 'path' but the last 'count'. What cannot be removed stays. */
void transport_file_name_keep(const char *path, uint32_t count);

#endif
