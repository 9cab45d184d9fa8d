/* error_text.c - formats errors for a person. */
#include "error_text.h"

#include <stdarg.h>
#include <stdio.h>

void error_text_set(struct error_text *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	error->hint[0] = '\0';
}

void error_text_hint(struct error_text *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error->hint, sizeof(error->hint), format, arguments);
	va_end(arguments);
}
