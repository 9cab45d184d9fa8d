/* sequence_file.h - sequence numbers of export survive a restart, also one after SIGKILL.
 *
 * Kept in $STATE_DIRECTORY (which systemd sets), one file for each source id, which is mapped into
 * memory: to keep a number is a store without system call, and the kernel has it whatever becomes
 * of the process. A number stands there before its datagram goes, so after a kill collectors see a
 * gap of at most what was lost, and no number twice.
 *
 * Format: "fa-seq1\n", then entries of SEQUENCE_FILE_ENTRY bytes: the name of a collector, ended
 * and filled up with NUL, and the number of its next datagram, big-endian. */
#ifndef SEQUENCE_FILE_H
#define SEQUENCE_FILE_H

#include "exporter.h"

#define SEQUENCE_FILE_NAME_SIZE 280
#define SEQUENCE_FILE_ENTRY     (SEQUENCE_FILE_NAME_SIZE + 8) /* 4 unused: aligned */

struct sequence_file; /* opaque: defined in sequence_file.c */

/* Find the number of a collector in the bytes of a file. Returns false if there is none. */
bool sequence_file_find(const uint8_t *bytes, size_t size, const char *collector,
			uint32_t *sequence);

/* Take the numbers of an earlier run over and keep those of this one from now on. Call before the
 * first message; or with 'is_running' for other collectors, after the file before was closed: the
 * numbers are those of the exporter then. Returns NULL without $STATE_DIRECTORY, and if the file
 * cannot be used, which is logged: then numbers begin anew with each run. */
struct sequence_file *sequence_file_open(struct exporter *exporter, uint32_t source_id,
					 bool is_running);

/* After the last message, while the exporter is still there. NULL is ignored. */
void sequence_file_close(struct sequence_file *file);

#endif
