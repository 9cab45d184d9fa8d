/* text_file.h - a whole small file in memory.
 *
 * A named pipe is refused: it would be waited for, for ever, and at a reload the whole agent would
 * wait.
 *
 * Place: called at starts and by tools, never on the packet path. */
#ifndef TEXT_FILE_H
#define TEXT_FILE_H

#include "error_text.h"

#include <errno.h>
#include <stddef.h>

#define TEXT_FILE_NAMED_PIPE (-ESPIPE) /* no other open(2) fails with it */

/* Open a file to be read whole, without waiting. Returns its descriptor, or a negative errno for
 * text_file_fault(). A pipe without a name may be read: that of a shell's <(...). */
int text_file_open(const char *path);
/* What such an error is, in words. */
const char *text_file_fault(int result);

/* Read a file of at most 'limit' bytes. Returns its text, NUL-terminated, owned by the caller, and
 * '*size' without the NUL; or NULL with 'error' filled: which file, and why. */
char *text_file_read(const char *path, size_t limit, size_t *size, struct error_text *error);

#endif
