/* mapped_file.h - a file in memory, read-only and shared with all who map it, that may be cut while
 * it is mapped.
 *
 * Place: asn_table_file.c maps by it; readers are in lib/lookup.
 *
 * The kernel answers a read beyond the end of a mapped file with SIGBUS, which ends a program. Here
 * the whole mapping becomes zeros instead: its readers must bear that. */
#ifndef MAPPED_FILE_H
#define MAPPED_FILE_H

#include <stddef.h>

/* Map 'size' bytes of a file from its begin on; 'size' is not 0. The descriptor may be closed after
 * it. Returns NULL with errno set; EBUSY: MAPPED_FILES_MAX are mapped. */
void *mapped_file_open(int descriptor, size_t size);
void mapped_file_close(void *bytes, size_t size);

#define MAPPED_FILES_MAX 8

#endif
