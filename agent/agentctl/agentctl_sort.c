/* agentctl_sort.c - rows in order.
 *
 * A row is kept as the line that will be printed, a tenth of what it takes as an object, with its
 * sort key beside it. With --top, rows beyond it are thrown away whenever twice as many have
 * gathered. */
#include "agentctl_sort.h"

#include "address.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP_SLACK 1024 /* rows gathered beyond --top before they are sorted out */

struct sort_row {
	json_int_t number;
	char *text; /* owned; NULL: sorts by number */
	char *line; /* owned */
	uint64_t order;
};

struct agentctl_sort {
	const struct agentctl_column *column; /* borrowed; NULL: as they come */
	bool is_descending;
	char order[AGENTCTL_COLUMN_NAME_SIZE + 8];
	uint64_t top;
	struct sort_row *rows; /* owned */
	size_t count;
	size_t capacity;
	uint64_t added;
};

static bool is_text(enum agentctl_column_kind kind)
{
	return kind == COLUMN_TEXT || kind == COLUMN_ADDRESS;
}

static bool direction_parse(struct agentctl_sort *sort, const char *direction,
			    struct error_text *error)
{
	sort->is_descending = !is_text(sort->column->kind);
	if (!*direction)
		return true;
	sort->is_descending = strcmp(direction, ":desc") == 0;
	if (sort->is_descending || strcmp(direction, ":asc") == 0)
		return true;
	error_text_set(error, "--sort: \"%s\" is no order: expected :asc or :desc", direction);
	return false;
}

struct agentctl_sort *agentctl_sort_create(const struct agentctl_column *columns, const char *order,
					   uint64_t top, struct error_text *error)
{
	struct agentctl_sort *sort = calloc(1, sizeof(*sort));
	size_t length = order ? strcspn(order, ":") : 0;

	if (!sort) {
		error_text_set(error, "out of memory");
		return NULL;
	}
	sort->top = top;
	if (!order)
		return sort;
	sort->column = agentctl_column_find(columns, order, length);
	if (!sort->column)
		agentctl_column_unknown(columns, "--sort", order, length, error);
	if (!sort->column || !direction_parse(sort, order + length, error)) {
		free(sort);
		return NULL;
	}
	(void)snprintf(sort->order, sizeof(sort->order), "%s:%s", sort->column->name,
		       sort->is_descending ? "desc" : "asc");
	return sort;
}

static int compare_keys(const struct sort_row *one, const struct sort_row *other)
{
	if (one->text && other->text)
		return strcmp(one->text, other->text);
	return (one->number > other->number) - (one->number < other->number);
}

static int compare(const void *one_pointer, const void *other_pointer, void *context)
{
	const struct agentctl_sort *sort = context;
	const struct sort_row *one = one_pointer;
	const struct sort_row *other = other_pointer;
	int result = sort->column ? compare_keys(one, other) : 0;

	if (result)
		return sort->is_descending ? -result : result;
	return (one->order > other->order) - (one->order < other->order);
}

static void sort_rows(struct agentctl_sort *sort)
{
	if (sort->count > 1)
		qsort_r(sort->rows, sort->count, sizeof(*sort->rows), compare, sort);
	while (sort->top && sort->count > sort->top) {
		sort->count--;
		free(sort->rows[sort->count].text);
		free(sort->rows[sort->count].line);
	}
}

/* Text that sorts addresses by family and value: 10.0.0.0 after 9.0.0.0. NULL without memory. */
static char *address_key(const char *address)
{
	uint8_t bytes[16] = { 0 };
	int family = address_parse(address, bytes);
	char *key = malloc(2 + 2 * sizeof(bytes));

	if (!key)
		return NULL;
	key[0] = (char)('0' + (family < 0 ? 9 : family)); /* what is no address: last */
	key[1] = '\0';
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(key + 1 + 2 * i, 3, "%02x", bytes[i]);
	return key;
}

static int set_text(const struct agentctl_sort *sort, struct sort_row *kept, const char *text)
{
	kept->text = sort->column->kind == COLUMN_ADDRESS ? address_key(text) : strdup(text);
	return kept->text ? 0 : -ENOMEM;
}

/* Fill in what a row is compared by. */
static int set_key(const struct agentctl_sort *sort, struct sort_row *kept, const json_t *row)
{
	const json_t *value = sort->column ? json_object_get(row, sort->column->name) : NULL;
	const char *text = json_string_value(value);

	kept->number = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
	if (!sort->column || json_is_integer(value) || json_is_boolean(value))
		return 0;
	return set_text(sort, kept, text ? text : "");
}

/* Where the value of a member begins in a row as the agent writes it: without spaces. Within a text
 * a quote has a backslash before it, so what follows '{' or ',' is no part of one. NULL: none. */
static const char *find_value(const char *line, const char *name)
{
	char member[AGENTCTL_COLUMN_NAME_SIZE + 4];
	const int length = snprintf(member, sizeof(member), "\"%s\":", name);

	for (const char *at = line; (at = strstr(at, member)); at++)
		if (at > line && (at[-1] == '{' || at[-1] == ','))
			return at + length;
	return NULL;
}

/* set_key() of a row that was not parsed, which costs ten times as much. Returns -EINVAL where only
 * that helps: a text with a backslash. */
static int set_key_of_line(const struct agentctl_sort *sort, struct sort_row *kept,
			   const char *line)
{
	const char *value = find_value(line, sort->column->name);
	char text[128];
	size_t length;

	if (!value)
		return set_text(sort, kept, "");
	if (*value == 't' || *value == 'f' || isdigit((unsigned char)*value) || *value == '-') {
		kept->number = *value == 't' ? 1 : strtoll(value, NULL, 10);
		return 0;
	}
	length = *value == '"' ? strcspn(value + 1, "\"\\") : sizeof(text);
	if (length >= sizeof(text) || value[1 + length] != '"')
		return -EINVAL;
	memcpy(text, value + 1, length);
	text[length] = '\0';
	return set_text(sort, kept, text);
}

static int reserve(struct agentctl_sort *sort)
{
	size_t capacity = sort->capacity ? 2 * sort->capacity : 256;
	struct sort_row *grown;

	if (sort->count < sort->capacity)
		return 0;
	grown = reallocarray(sort->rows, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	sort->rows = grown;
	sort->capacity = capacity;
	return 0;
}

static void keep(struct agentctl_sort *sort, const struct sort_row *row)
{
	sort->rows[sort->count++] = *row;
	sort->added++;
	if (sort->top && sort->count >= 2 * sort->top + TOP_SLACK)
		sort_rows(sort);
}

int agentctl_sort_add(struct agentctl_sort *sort, const json_t *row, char *line)
{
	struct sort_row kept = { .order = sort->added, .line = line };

	if (line && sort->top && !sort->column && sort->count == sort->top) {
		free(line); /* the first ones are here */
		return 0;
	}
	if (!line || reserve(sort) || set_key(sort, &kept, row)) {
		free(line);
		return -ENOMEM;
	}
	keep(sort, &kept);
	return 0;
}

int agentctl_sort_add_line(struct agentctl_sort *sort, const char *text, size_t size)
{
	char *line = malloc(size + 2);
	struct sort_row kept = { .order = sort->added, .line = line };
	json_t *row;
	int result;

	if (line) {
		memcpy(line, text, size);
		memcpy(line + size, "\n", 2);
	}
	if (!sort->column || !line)
		return agentctl_sort_add(sort, NULL, line);
	result = reserve(sort) ? -ENOMEM : set_key_of_line(sort, &kept, line);
	if (result == -EINVAL) {
		row = json_loadb(text, size, 0, NULL);
		result = agentctl_sort_add(sort, row, line);
		json_decref(row);
		return result;
	}
	if (result)
		free(line);
	else
		keep(sort, &kept);
	return result;
}

int agentctl_sort_each(struct agentctl_sort *sort, int (*take)(void *context, char *line),
		       void *context)
{
	int result = 0;

	sort_rows(sort);
	for (size_t i = 0; !result && i < sort->count; i++) {
		char *line = sort->rows[i].line;

		sort->rows[i].line = NULL;
		result = take(context, line);
	}
	return result;
}

const char *agentctl_sort_order(const struct agentctl_sort *sort)
{
	return sort->column ? sort->order : NULL;
}

const char *agentctl_sort_column(const struct agentctl_sort *sort)
{
	return sort->column ? sort->column->name : NULL;
}

void agentctl_sort_destroy(struct agentctl_sort *sort)
{
	if (!sort)
		return;
	for (size_t i = 0; i < sort->count; i++) {
		free(sort->rows[i].text);
		free(sort->rows[i].line);
	}
	free(sort->rows);
	free(sort);
}
