/* write_all.h - write() until nothing is left.
 *
 * Place: the only loop of write() for files; sockets that may not block have their own. */
#ifndef WRITE_ALL_H
#define WRITE_ALL_H

#include <stddef.h>

/* Write all of 'size' bytes to a descriptor that blocks, over signals and partial writes. Returns
 * 0, or a negative errno: some of them may be written then. */
int write_all(int descriptor, const void *bytes, size_t size);

#endif
