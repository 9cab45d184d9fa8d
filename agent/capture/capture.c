/* capture.c - what packet sources share on their way from the configuration. */
#include "capture.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

uint64_t capture_rights_later(const struct source_config *source)
{
	const struct capture_type *type = source->type;

	if (type->rights_later)
		return type->rights_later(source);
	return type->has_rules || source->wait != SOURCE_SWITCH_off ? type->rights : 0;
}

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
