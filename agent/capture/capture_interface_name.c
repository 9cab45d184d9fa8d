/* capture_interface_name.c - what the kernel takes as the name of an interface, and what may be
 * said of one.
 *
 * Place: configuration -> capture_interface. */
#include "capture_interface_name.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

/* net/core/dev.c, dev_valid_name(). */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return false;
	return true;
}

int capture_interface_name_parse(const char *text, size_t index, struct source_config *source,
				 struct error_text *error)
{
	if (index)
		return 0;
	if (!is_interface_name(text)) {
		error_text_set(error, "expected the name of a network interface, such as eth0");
		return -EINVAL;
	}
	return capture_name_set(source, error, "%s", text);
}

int capture_interface_refuse_promiscuous(struct error_text *error)
{
	error_text_set(error, "promiscuous: expected with one interface, such as eth0");
	return -EINVAL;
}

/* "any" has no device to set. */
int capture_interface_name_check(const struct source_config *source, struct error_text *error)
{
	if (source->promiscuous == SOURCE_SWITCH_on && !strcmp(source->name, "any"))
		return capture_interface_refuse_promiscuous(error);
	return 0;
}
