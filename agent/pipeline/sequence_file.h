/* sequence_file.h - sequence numbers of export survive a restart.
 *
 * Kept in $STATE_DIRECTORY (which systemd sets) as lines "SEQUENCE COLLECTOR". Written at an
 * orderly stop, removed when read: after a crash nobody knows the number, and a collector takes a
 * start from 0 for what it is. Without the variable nothing is kept. */
#ifndef SEQUENCE_FILE_H
#define SEQUENCE_FILE_H

#include "exporter.h"

/* Give the exporter's collectors the numbers kept for them, and remove the file. */
void sequence_file_restore(struct exporter *exporter, uint32_t source_id);

/* Keep the numbers. Failure is logged, no more. */
void sequence_file_save(const struct exporter *exporter, uint32_t source_id);

#endif
