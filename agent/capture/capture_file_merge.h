/* capture_file_merge.h - several capture files and folders, read as one in order of time.
 *
 * Place: files -> capture_file_reader.c -> here -> capture_file.c -> worker.
 *
 * Each file keeps its own order; of all files' next packets the earliest comes first, and of equal
 * times (in milliseconds) that of the file that was named first: the order of mergecap. A file is
 * open from the time of its first packet on to its end, so of a long row of files few are open at
 * once. */
#ifndef CAPTURE_FILE_MERGE_H
#define CAPTURE_FILE_MERGE_H

#include "capture.h"

/* Files with packets of the same time. */
#define CAPTURE_FILE_MERGE_OPEN_MAX 256

struct capture_file_merge; /* opaque: defined in capture_file_merge.c */

/* Whether it stands for several files: more names than one, or a folder. */
bool capture_file_merge_is_needed(const struct source_config *config);

/* Look into each file for the time of its first packet, and put them in order. A folder stands for
 * the files in it, in order of their names; not for folders in it, and names that begin with a dot.
 * What is named and cannot be read is an error. Returns 0, or a negative errno with 'error' filled.
 */
int capture_file_merge_open(const struct source_config *config, struct capture_file_merge **opened,
			    struct error_text *error);
/* Accepts NULL. */
void capture_file_merge_close(struct capture_file_merge *merge);

/* As those of struct capture_type. A file that cannot be read to its end, or that is in a folder
 * and no capture file, is logged, and the others are read; the error comes at the end. */
int capture_file_merge_read(struct capture_file_merge *merge, struct packet_view *views,
			    size_t capacity, struct error_text *error);
int capture_file_merge_descriptor(const struct capture_file_merge *merge);
void capture_file_merge_statistics(const struct capture_file_merge *merge,
				   struct capture_statistics *statistics);

#endif
