/* json_text.h - strings and times as JSON values, for everything that the daemon says in JSON.
 *
 * Place: anything that answers in JSON -> here -> jansson. */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include "clock.h"

#include <jansson.h>

#define JSON_TIME_SIZE 32
/* How objects are written in one line. ASCII alone: what is not printable (printable.h) must not
 * reach a terminal, not even out of a name. */
#define JSON_TEXT_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII)

/* New string value, owned by the caller. Text from outside need not be UTF-8 (file names are not):
 * then each byte that is part of no character becomes '?'. NULL gives null. Returns NULL if memory
 * is short.
 */
json_t *json_text(const char *text);

/* Append 'text' between quotes, with the same care, as JSON writes it; what is not printable
 * becomes \uXXXX. At most 6 bytes for each of its bytes, and 2. Returns the new end. */
char *json_text_write(char *to, const char *text);

/* Write a time as RFC 3339 in UTC with milliseconds: "2026-11-22T19:17:00.114Z". Returns 'text'.
 */
const char *json_time_format(unix_ms time, char text[static JSON_TIME_SIZE]);

#endif
