/* compression.h - compressed files, recognized by their first bytes. */
#ifndef COMPRESSION_H
#define COMPRESSION_H

#include <stddef.h>

struct compression {
	const char *name;    /* "gzip" */
	const char *program; /* that unpacks it to standard output: "zcat" */
};

#define COMPRESSION_MAGIC_SIZE 4 /* bytes that are enough to know */

/* What 'size' bytes at the begin of a file are compressed with; NULL if with nothing that is known.
 * Static storage. */
const struct compression *compression_find(const void *bytes, size_t size);

#endif
