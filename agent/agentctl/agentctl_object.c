/* agentctl_object.c - an object of any depth as two columns, NAME and VALUE.
 *
 * Place: a printer of agentctl_show.h, for `show` commands of one object. */
#include "agentctl_show.h"

#include "agentctl_table.h"
#include "json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_SIZE 300

static const struct agentctl_column object_columns[] = {
	{ "name", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "value", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static int print_member(struct agentctl_table *table, const char *name, json_t *value);

static int print_members(struct agentctl_table *table, const char *prefix, json_t *object)
{
	const char *key;
	json_t *value;
	int result = 0;

	json_object_foreach(object, key, value)
	{
		char name[NAME_SIZE];

		(void)snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
		result = print_member(table, name, value);
		if (result)
			break;
	}
	return result;
}

/* Elements are known by their "name", with what it names in "object", or by their number. */
static int print_elements(struct agentctl_table *table, const char *prefix, json_t *array)
{
	size_t index;
	json_t *element;
	int result = 0;

	json_array_foreach(array, index, element)
	{
		const char *own = json_string_value(json_object_get(element, "name"));
		const char *object = json_string_value(json_object_get(element, "object"));
		char name[NAME_SIZE];

		if (own)
			(void)snprintf(name, sizeof(name), "%s[%s%s%s]", prefix, own,
				       object ? " " : "", object ? object : "");
		else
			(void)snprintf(name, sizeof(name), "%s[%zu]", prefix, index);
		result = print_member(table, name, element);
		if (result)
			break;
	}
	return result;
}

static int print_member(struct agentctl_table *table, const char *name, json_t *value)
{
	json_t *row;
	int result;

	if (json_is_object(value))
		return print_members(table, name, value);
	if (json_is_array(value))
		return print_elements(table, name, value);
	row = json_pack("{s:s, s:O}", "name", name, "value", value);
	if (!row)
		return -ENOMEM;
	result = agentctl_table_row(table, row);
	json_decref(row);
	return result;
}

enum agentctl_exit agentctl_print_object(json_t *object, const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct agentctl_table *table = agentctl_table_create(object_columns, options, &error);
	int result = table ? print_members(table, "", object) : -ENOMEM;

	if (!result)
		result = agentctl_table_finish(table);
	if (result == -ENOMEM)
		error_text_set(&error, "out of memory");
	agentctl_print_error(&error);
	agentctl_table_destroy(table);
	return result ? AGENTCTL_FAILED : AGENTCTL_DONE;
}

int agentctl_print_json(const json_t *row)
{
	char *line = row ? json_dumps(row, JSON_TEXT_FLAGS) : NULL;
	const int result = !line ? -ENOMEM : puts(line) == EOF ? -EPIPE : 0;

	free(line);
	return result;
}
