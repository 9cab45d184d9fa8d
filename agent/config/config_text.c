/* config_text.c - texts of the configuration: owned copies, and switches. */
#include "config_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool config_text_is_same(const char *one, const char *other)
{
	return one && other ? !strcmp(one, other) : one == other;
}

int config_text_replace(char **member, const char *text, struct error_text *error)
{
	char *copy = strdup(text);

	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	free(*member);
	*member = copy;
	return 0;
}

int config_text_switch(bool *is_on, const char *text, struct error_text *error)
{
	*is_on = strcmp(text, "on") == 0;
	if (*is_on || strcmp(text, "off") == 0)
		return 0;
	error_text_set(error, "expected on or off");
	return -EINVAL;
}
