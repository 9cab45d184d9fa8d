/* asn_input.h - a file or a pipe, unpacked while it is read.
 *
 * gzip, bzip2, xz and zstd are recognized by their first bytes; several members in one file are
 * read as one. The end of the file inside a member is an error, as is what follows on the last one.
 */
#ifndef ASN_INPUT_H
#define ASN_INPUT_H

#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct asn_input; /* opaque: defined in asn_input.c */

/* Whether a regular file is at 'path'; "-" is none. Who wants to look into an input before it is
 * read asks first: a pipe that is opened and closed again ends its writer. */
bool asn_input_is_file(const char *path);

enum asn_input_side { ASN_INPUT_BEGIN, ASN_INPUT_END };

/* The first or the last bytes of a regular file as they lie there, 'size' of them or all. Returns
 * how many; 0 if there is no such file, or it cannot be read. */
size_t asn_input_peek(const char *path, enum asn_input_side side, void *bytes, size_t size);

/* Open a file; "-" is standard input. Returns NULL with 'error' filled. */
struct asn_input *asn_input_open(const char *path, struct error_text *error);
void asn_input_close(struct asn_input *input);

/* Fill 'buffer' with unpacked bytes: fewer than 'size' only at the end. Returns how many, 0 at the
 * end, or a negative errno with 'error' filled: it says up to which byte the file could be read. */
ssize_t asn_input_read(struct asn_input *input, void *buffer, size_t size,
		       struct error_text *error);

/* For errors: the path, or "standard input". */
const char *asn_input_name(const struct asn_input *input);
/* "gzip"; NULL if it is not packed. */
const char *asn_input_compression(const struct asn_input *input);
/* Bytes of the file that were read, and of it in all: 0 if that is not known. */
uint64_t asn_input_position(const struct asn_input *input);
uint64_t asn_input_size(const struct asn_input *input);
/* Unix time at which the file was written; 0 if that is not known. */
int64_t asn_input_time_s(const struct asn_input *input);

#endif
