/* error_text.h - what went wrong, for a person: one line that names the object, the value and what
 * was expected.
 *
 * Place: filled in where something fails, printed by who asked for it. */
#ifndef ERROR_TEXT_H
#define ERROR_TEXT_H

#include <stddef.h>

struct error_text {
	char text[320]; /* without program name and final full stop; "" if there is no error */
	char hint[320]; /* what to do about it, "" if the text says it all */
};

/* Set text (and clear the hint), or the hint, as printf does; longer texts are cut, and what is not
 * printable becomes '?' (printable.h). */
void error_text_set(struct error_text *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void error_text_hint(struct error_text *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define ERROR_QUOTE_SIZE 64

/* Make text from outside fit to be shown: what is not printable ASCII becomes '?', and what is too
 * long is cut and ends in "...". Returns 'quote'. */
const char *error_text_quote(const char *text, size_t length, char quote[static ERROR_QUOTE_SIZE]);

#endif
