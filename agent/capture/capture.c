/* capture.c - what packet sources share on their way from the configuration. */
#include "capture.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int capture_name_set(struct source_config *source, struct error_text *error, const char *format,
		     ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&source->name, format, arguments);
	va_end(arguments);
	if (length >= 0)
		return 1;
	source->name = NULL;
	error_text_set(error, "out of memory");
	return -ENOMEM;
}
