/* error_text.c - formats errors for a person. */
#include "error_text.h"

#include "printable.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void error_text_set(struct error_text *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	printable_make(error->text);
	error->hint[0] = '\0';
}

void error_text_hint(struct error_text *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error->hint, sizeof(error->hint), format, arguments);
	va_end(arguments);
	printable_make(error->hint);
}

const char *error_text_quote(const char *text, size_t length, char quote[static ERROR_QUOTE_SIZE])
{
	bool is_cut = length > ERROR_QUOTE_SIZE - 1;
	size_t shown = is_cut ? ERROR_QUOTE_SIZE - 4 : length;

	for (size_t i = 0; i < shown; i++)
		quote[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	(void)strcpy(quote + shown, is_cut ? "..." : "");
	return quote;
}
