/* utf8.h - whether bytes are characters of UTF-8.
 *
 * Place: under printable.c, json_line.c and the parsers of text files. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at 'text', of which 'size' (at least 1) are there: 1 to 4, or 0 if there
 * is none: a wrong or overlong byte, a surrogate, the end within a character. Control characters
 * are characters. Source: RFC 3629 section 4. */
size_t utf8_character_size(const uint8_t *text, size_t size);

#endif
