/* config_environment.c - one file for all hosts: what differs comes from the environment.
 *
 * Invariant: a value without ${ comes out as it went in. A variable that is not there, or is empty,
 * is an error: half a value would be taken for a whole one, and an empty one empties a list. */
#include "config_environment.h"

#include "defaults.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 63
#define HOST_SIZE       256

/* The value of a variable; 'host' is room for the name of the host. NULL: there is none. */
static const char *find(const char *name, char host[static HOST_SIZE])
{
	const char *value = getenv(name);

	if (value || strcmp(name, "HOSTNAME") != 0)
		return value;
	(void)memset(host, 0, HOST_SIZE);
	return gethostname(host, HOST_SIZE - 1) ? NULL : host;
}

/* The name after "${", which ends at '}'. Returns its length, or 0: it is none. */
static size_t name_take(const char *text, char name[static NAME_LENGTH_MAX + 1])
{
	size_t length = 0;

	while (length < NAME_LENGTH_MAX &&
	       (isalpha((unsigned char)text[length]) || text[length] == '_' ||
		(length && isdigit((unsigned char)text[length]))))
		length++;
	if (text[length] != '}')
		return 0;
	(void)memcpy(name, text, length);
	name[length] = '\0';
	return length;
}

/* What stands for the variable at 'text', after its "${". NULL with 'error' filled. */
static const char *replace(const char *text, size_t *length, char host[static HOST_SIZE],
			   struct error_text *error)
{
	char name[NAME_LENGTH_MAX + 1];
	const char *value;

	*length = name_take(text, name);
	if (!*length) {
		error_text_set(error, "expected ${NAME} of letters, digits and _, or $${ for ${");
		return NULL;
	}
	value = find(name, host);
	if (value && *value)
		return value;
	error_text_set(error, "the environment has %s variable %s", value ? "an empty" : "no",
		       name);
	error_text_hint(error,
			"the service takes it from " DEFAULT_ENVIRONMENT_FILE
			" (an instance from that with -NAME) at its start, a command line from "
			"the shell");
	return NULL;
}

int config_environment_expand(const char *value, char *expanded, size_t size,
			      struct error_text *error)
{
	char host[HOST_SIZE];
	size_t used = 0;

	while (*value) {
		const bool is_literal = strncmp(value, "$${", 3) == 0;
		const bool is_variable = strncmp(value, "${", 2) == 0;
		const char *from = is_literal ? "${" : value;
		size_t length = is_literal ? 2 : 1;
		size_t name_length = 0;

		if (is_variable) {
			from = replace(value + 2, &name_length, host, error);
			if (!from)
				return -EINVAL;
			length = strlen(from);
		}
		if (length >= size - used) {
			error_text_set(error, "is longer than %zu bytes with its variables",
				       size - 1);
			return -EINVAL;
		}
		(void)memcpy(expanded + used, from, length);
		used += length;
		value += is_variable ? name_length + 3 : is_literal ? 3 : 1;
	}
	expanded[used] = '\0';
	return 0;
}
