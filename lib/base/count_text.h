/* count_text.h - "1 packet", "2 packets".
 *
 * Place: for messages; no state. */
#ifndef COUNT_TEXT_H
#define COUNT_TEXT_H

#include <stdint.h>

#define COUNT_TEXT_SIZE 48 /* 20 digits, and a noun of up to 25 letters */

/* 'noun' is that of one thing, and takes an s. Returns 'text'. */
const char *count_text(uint64_t count, const char *noun, char text[static COUNT_TEXT_SIZE]);

/* The verb beside it: "was" and "were", "has" and "have". */
static inline const char *count_verb(uint64_t count, const char *one, const char *several)
{
	return count == 1 ? one : several;
}

#endif
