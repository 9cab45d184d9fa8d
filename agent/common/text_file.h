/* text_file.h - a whole small file in memory.
 *
 * Place: called at starts and by tools, never on the packet path. */
#ifndef TEXT_FILE_H
#define TEXT_FILE_H

#include "error_text.h"

#include <stddef.h>

/* Read a file of at most 'limit' bytes. Returns its text, NUL-terminated, owned by the caller, and
 * '*size' without the NUL; or NULL with 'error' filled: which file, and why. */
char *text_file_read(const char *path, size_t limit, size_t *size, struct error_text *error);

#endif
