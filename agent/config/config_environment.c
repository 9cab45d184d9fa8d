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

int config_variables_add(struct config_variables *variables, const char *name, const char *value,
			 struct error_text *error)
{
	struct config_variable *items =
		realloc(variables->items, (variables->count + 1) * sizeof(*items));
	struct config_variable item = { strdup(name), strdup(value) };

	if (items)
		variables->items = items;
	if (!items || !item.name || !item.value) {
		free(item.name);
		free(item.value);
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	items[variables->count++] = item;
	return 0;
}

int config_variables_copy(struct config_variables *variables, const struct config_variables *from,
			  struct error_text *error)
{
	int result = 0;

	for (size_t i = 0; !result && i < from->count; i++)
		result = config_variables_add(variables, from->items[i].name, from->items[i].value,
					      error);
	return result;
}

void config_variables_clear(struct config_variables *variables)
{
	for (size_t i = 0; i < variables->count; i++) {
		free(variables->items[i].name);
		free(variables->items[i].value);
	}
	free(variables->items);
	*variables = (struct config_variables){ .count = 0 };
}

static const char *find_known(const struct config_variables *variables, const char *name)
{
	for (size_t i = 0; i < variables->count; i++)
		if (strcmp(variables->items[i].name, name) == 0)
			return variables->items[i].value;
	return NULL;
}

/* The value of a variable; 'host' is room for the name of the host. NULL: there is none. */
static const char *find_in_environment(const char *name, char host[static HOST_SIZE])
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

/* What stands for the variable at 'text', after its "${", into '*found': borrowed until the next
 * one is found. Returns 0, -EINVAL or -ENOMEM with 'error' filled. */
static int replace(struct config_variables *variables, const char *text, size_t *length,
		   const char **found, struct error_text *error)
{
	char name[NAME_LENGTH_MAX + 1];
	char host[HOST_SIZE];
	const char *value;

	*length = name_take(text, name);
	if (!*length) {
		error_text_set(error, "expected ${NAME} of letters, digits and _, or $${ for ${");
		return -EINVAL;
	}
	*found = find_known(variables, name);
	if (*found)
		return 0;
	value = find_in_environment(name, host);
	if (value && *value) {
		const int result = config_variables_add(variables, name, value, error);

		*found = find_known(variables, name);
		return result;
	}
	error_text_set(error, "the environment has %s variable %s", value ? "an empty" : "no",
		       name);
	error_text_hint(error,
			"the service takes it from " DEFAULT_ENVIRONMENT_FILE
			" (an instance from that with -NAME) at its start, a command line from "
			"the shell");
	return -EINVAL;
}

int config_environment_expand(struct config_variables *variables, const char *value, char *expanded,
			      size_t size, struct error_text *error)
{
	size_t used = 0;

	while (*value) {
		const bool is_literal = strncmp(value, "$${", 3) == 0;
		const bool is_variable = strncmp(value, "${", 2) == 0;
		const char *from = is_literal ? "${" : value;
		size_t length = is_literal ? 2 : 1;
		size_t name_length = 0;

		if (is_variable) {
			const int result =
				replace(variables, value + 2, &name_length, &from, error);

			if (result)
				return result;
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
