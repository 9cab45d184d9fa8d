/* agentctl_table.c - rows -> standard output.
 *
 * Raw and JSON rows are written as they come. Cells of a table are kept until the width of its
 * columns is known (agentctl_cells.h). */
#include "agentctl_table.h"

#include "agentctl_cells.h"
#include "agentctl_text.h"
#include "flow_names.h"
#include "json_text.h"
#include "printable.h"
#include "word_distance.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_FIRST    160 /* bytes: most rows need no more */
#define NUMBER_FORMAT "%" JSON_INTEGER_FORMAT

struct agentctl_table {
	enum agentctl_format format;
	bool is_utc;
	bool is_selected;                                        /* by -o */
	const struct agentctl_column *columns[AGENTCTL_COLUMNS]; /* borrowed */
	size_t column_count;
	struct agentctl_cells *cells; /* owned; NULL unless AGENTCTL_TABLE */
	char time_names[AGENTCTL_COLUMNS][AGENTCTL_COLUMN_NAME_SIZE]; /* where a time's number is */
	const char *members[2 * AGENTCTL_COLUMNS + 1];                /* borrowed; ends with NULL */
	size_t member_count;
};

const struct agentctl_column *agentctl_column_find(const struct agentctl_column *columns,
						   const char *name, size_t length)
{
	for (const struct agentctl_column *column = columns; column->name; column++) {
		if (strlen(column->name) == length && strncmp(column->name, name, length) == 0)
			return column;
		if (column->alias && strlen(column->alias) == length &&
		    strncmp(column->alias, name, length) == 0)
			return column;
	}
	for (; columns->name; columns++)
		if (flow_names_equal(name, length, columns->name))
			return columns;
	return NULL;
}

/* The column whose name is most like a wrong one; NULL if none is near. */
static const char *nearest_column(const struct agentctl_column *columns, const char *name,
				  size_t length)
{
	struct word_nearest nearest = word_distance_begin(name, length);

	for (; columns->name; columns++)
		word_distance_offer(&nearest, columns->name);
	return nearest.best;
}

void agentctl_column_unknown(const struct agentctl_column *columns, const char *option,
			     const char *name, size_t length, struct error_text *error)
{
	const char *nearest = nearest_column(columns, name, length);
	char quote[ERROR_QUOTE_SIZE];
	char list[sizeof(error->hint)] = "";
	size_t used = 0;

	for (; columns->name && used < sizeof(list); columns++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
					 columns->name);
	error_text_quote(name, length, quote);
	if (nearest)
		error_text_set(error, "%s: there is no column \"%s\" (did you mean \"%s\"?)",
			       option, quote, nearest);
	else
		error_text_set(error, "%s: there is no column \"%s\"", option, quote);
	error_text_hint(error, "columns: %s", list);
}

static bool has_column(const struct agentctl_table *table, const struct agentctl_column *column)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (table->columns[i] == column)
			return true;
	return false;
}

/* Columns as -o names them. */
static bool select_columns(struct agentctl_table *table, const struct agentctl_column *columns,
			   const char *list, struct error_text *error)
{
	table->is_selected = true;
	for (;;) {
		size_t length = strcspn(list, ",");
		const struct agentctl_column *column = agentctl_column_find(columns, list, length);

		if (!column) {
			agentctl_column_unknown(columns, "--output", list, length, error);
			return false;
		}
		if (has_column(table, column)) {
			error_text_set(error, "--output: column \"%s\" is there twice",
				       column->name);
			return false;
		}
		if (table->column_count == AGENTCTL_COLUMNS) {
			error_text_set(error, "--output: more than %d columns", AGENTCTL_COLUMNS);
			return false;
		}
		table->columns[table->column_count++] = column;
		list += length;
		if (!*list)
			return true;
		list++;
	}
}

static void select_defaults(struct agentctl_table *table, const struct agentctl_column *columns)
{
	for (; columns->name; columns++)
		if (columns->importance && table->column_count < AGENTCTL_COLUMNS)
			table->columns[table->column_count++] = columns;
}

static void heading_of(const struct agentctl_column *column, char *heading, size_t size)
{
	/* "duration_ms" is shown in other units: then the alias says it better. */
	const char *name =
		(column->kind == COLUMN_DURATION || column->kind == COLUMN_BITRATE) && column->alias
			? column->alias
			: column->name;
	size_t length = strnlen(name, size - 1);

	for (size_t i = 0; i < length; i++)
		heading[i] = (char)toupper((unsigned char)name[i]);
	heading[length] = '\0';
}

static bool is_right_aligned(enum agentctl_column_kind kind)
{
	return kind == COLUMN_NUMBER || kind == COLUMN_COUNTED || kind == COLUMN_BYTES ||
	       kind == COLUMN_BITRATE || kind == COLUMN_DURATION;
}

static bool open_cells(struct agentctl_table *table, const struct agentctl_options *options)
{
	struct agentctl_cell_column columns[AGENTCTL_COLUMNS];

	for (size_t i = 0; i < table->column_count; i++) {
		const struct agentctl_column *column = table->columns[i];

		heading_of(column, columns[i].heading, sizeof(columns[i].heading));
		columns[i].is_right_aligned = is_right_aligned(column->kind);
		columns[i].importance = column->importance;
	}
	table->cells = agentctl_cells_create(
		columns, table->column_count, options->no_headings, options->is_quiet,
		table->is_selected || options->is_wide ? 0 : options->terminal_width);
	return table->cells != NULL;
}

static void need(struct agentctl_table *table, const char *name)
{
	for (size_t i = 0; i < table->member_count; i++)
		if (strcmp(table->members[i], name) == 0)
			return;
	table->members[table->member_count++] = name;
}

/* Which members the cells are made of. */
static void list_members(struct agentctl_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct agentctl_column *column = table->columns[i];

		if (column->kind == COLUMN_TIME && table->format == AGENTCTL_TABLE) {
			(void)snprintf(table->time_names[i], sizeof(table->time_names[i]),
				       "%s_unix_ms", column->name);
			need(table, table->time_names[i]);
			continue;
		}
		need(table, column->name);
		if (column->kind == COLUMN_COUNTED && table->format == AGENTCTL_TABLE)
			need(table, "sampling");
	}
}

const char *const *agentctl_table_members(const struct agentctl_table *table)
{
	return table->format == AGENTCTL_JSON && !table->is_selected ? NULL : table->members;
}

/* Headings of raw output are the members' names: they are what a script asks for. */
static void raw_headings(const struct agentctl_table *table)
{
	for (size_t i = 0; i < table->column_count; i++)
		(void)printf("%s%s", i ? "\t" : "", table->columns[i]->name);
	(void)putchar('\n');
}

struct agentctl_table *agentctl_table_create(const struct agentctl_column *columns,
					     const struct agentctl_options *options,
					     struct error_text *error)
{
	struct agentctl_table *table = calloc(1, sizeof(*table));

	if (!table) {
		error_text_set(error, "out of memory");
		return NULL;
	}
	table->format = options->format;
	table->is_utc = options->is_utc;
	if (!options->columns) {
		select_defaults(table, columns);
	} else if (!select_columns(table, columns, options->columns, error)) {
		agentctl_table_destroy(table);
		return NULL;
	}
	list_members(table);
	if (table->format == AGENTCTL_TABLE && !open_cells(table, options)) {
		error_text_set(error, "out of memory");
		agentctl_table_destroy(table);
		return NULL;
	}
	if (table->format == AGENTCTL_RAW && !options->no_headings)
		raw_headings(table);
	return table;
}

/* A value as it is; a hyphen for one that is missing. */
static const char *plain_text(const json_t *value, char text[static AGENTCTL_TEXT_SIZE])
{
	switch (json_typeof(value)) {
	case JSON_STRING: return *json_string_value(value) ? json_string_value(value) : "-";
	case JSON_TRUE: return "yes";
	case JSON_FALSE: return "no";
	case JSON_INTEGER:
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, NUMBER_FORMAT, json_integer_value(value));
		return text;
	case JSON_REAL:
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%.3f", json_real_value(value));
		return text;
	default: return "-";
	}
}

/* A number of packets, with what it is of where not all were counted. */
static const char *counted_text(const json_t *value, const json_t *row,
				char text[static AGENTCTL_TEXT_SIZE])
{
	const json_t *sampling = json_object_get(row, "sampling");

	if (json_is_integer(sampling) && json_integer_value(sampling) > 1)
		(void)snprintf(text, AGENTCTL_TEXT_SIZE,
			       "%" JSON_INTEGER_FORMAT " (1/%" JSON_INTEGER_FORMAT ")",
			       json_integer_value(value), json_integer_value(sampling));
	else if (json_is_null(sampling))
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%" JSON_INTEGER_FORMAT " (1/?)",
			       json_integer_value(value));
	else
		(void)plain_text(value, text);
	return text;
}

/* A value as a table shows it. */
static const char *cell_text(const struct agentctl_table *table, size_t index, const json_t *row,
			     char text[static AGENTCTL_TEXT_SIZE])
{
	const struct agentctl_column *column = table->columns[index];
	const json_t *value = json_object_get(
		row, column->kind == COLUMN_TIME ? table->time_names[index] : column->name);
	json_int_t number;

	if (!value)
		return "-";
	if (!json_is_integer(value))
		return plain_text(value, text);
	number = json_integer_value(value);
	switch (column->kind) {
	case COLUMN_BYTES: return agentctl_text_bytes((uint64_t)number, text);
	case COLUMN_BITRATE: return agentctl_text_bitrate((uint64_t)number, text);
	case COLUMN_DURATION: return agentctl_text_duration(number, text);
	case COLUMN_TIME: return agentctl_text_time(number, table->is_utc, text);
	case COLUMN_PROTOCOL: return agentctl_text_protocol(number, text);
	case COLUMN_FLAGS: return agentctl_text_flags(number, text);
	case COLUMN_COUNTED: return counted_text(value, row, text);
	case COLUMN_TEXT:
	case COLUMN_ADDRESS:
	case COLUMN_NUMBER: break;
	}
	return plain_text(value, text);
}

/* Text that grows. */
struct line {
	char *bytes; /* owned; NULL after a shortage of memory */
	size_t size;
	size_t capacity;
};

static struct line line_begin(void)
{
	struct line line = { malloc(LINE_FIRST), 0, LINE_FIRST };

	return line;
}

/* Make room; what follows writes no more than that. */
static bool line_reserve(struct line *line, size_t size)
{
	size_t capacity = line->capacity;
	char *grown;

	if (!line->bytes || line->capacity - line->size >= size)
		return line->bytes != NULL;
	while (capacity - line->size < size)
		capacity *= 2;
	grown = realloc(line->bytes, capacity);
	if (!grown)
		free(line->bytes);
	line->bytes = grown;
	line->capacity = capacity;
	return grown != NULL;
}

/* Append a value so that it stays one field of one line, and the byte that ends it. */
static void line_add(struct line *line, const char *text, char end)
{
	char *to;

	if (!line_reserve(line, 4 * strlen(text) + 2))
		return;
	to = agentctl_cell_copy(line->bytes + line->size, text);
	*to++ = end;
	line->size = (size_t)(to - line->bytes);
}

static char *cells_line(const struct agentctl_table *table, const json_t *row)
{
	struct line line = line_begin();

	for (size_t i = 0; i < table->column_count; i++) {
		char text[AGENTCTL_TEXT_SIZE];

		line_add(&line, cell_text(table, i, row, text), '\0');
	}
	return line.bytes;
}

/* As cells, but in any locale. */
static void raw_add(struct line *line, const char *text, char end)
{
	size_t length = strlen(text);

	if (!line_reserve(line, 4 * length + 2))
		return;
	while (length > 0) {
		size_t size = printable_size(text, length);

		if (size)
			memcpy(line->bytes + line->size, text, size);
		line->size += size ? size
				   : (size_t)sprintf(line->bytes + line->size, "\\x%02x",
						     (unsigned char)*text);
		size += !size;
		text += size;
		length -= size;
	}
	line->bytes[line->size++] = end;
}

static char *raw_line(const struct agentctl_table *table, const json_t *row)
{
	struct line line = line_begin();

	for (size_t i = 0; i < table->column_count; i++) {
		const json_t *value = json_object_get(row, table->columns[i]->name);
		char text[AGENTCTL_TEXT_SIZE];

		raw_add(&line, value ? plain_text(value, text) : "-",
			i + 1 < table->column_count ? '\t' : '\n');
	}
	if (line_reserve(&line, 1))
		line.bytes[line.size] = '\0';
	return line.bytes;
}

/* The members asked for, in their order. */
static json_t *select_members(const struct agentctl_table *table, const json_t *row)
{
	json_t *selected = json_object();
	int result = selected ? 0 : -1;

	for (size_t i = 0; !result && i < table->column_count; i++) {
		const char *name = table->columns[i]->name;
		json_t *value = json_object_get(row, name);

		result = value ? json_object_set(selected, name, value)
			       : json_object_set_new(selected, name, json_null());
	}
	if (!result)
		return selected;
	json_decref(selected);
	return NULL;
}

/* A row with only the columns asked for; or as it is. */
static char *json_row_line(const struct agentctl_table *table, const json_t *row)
{
	json_t *selected = table->is_selected ? select_members(table, row) : NULL;
	struct line line = line_begin();
	char *text = table->is_selected && !selected
			     ? NULL
			     : json_dumps(selected ? selected : row, JSON_TEXT_FLAGS);

	json_decref(selected);
	if (text && line_reserve(&line, strlen(text) + 2)) {
		(void)sprintf(line.bytes, "%s\n", text);
		free(text);
		return line.bytes;
	}
	free(text);
	free(line.bytes);
	return NULL;
}

char *agentctl_table_line(const struct agentctl_table *table, const json_t *row)
{
	switch (table->format) {
	case AGENTCTL_JSON: return json_row_line(table, row);
	case AGENTCTL_RAW: return raw_line(table, row);
	case AGENTCTL_TABLE: break;
	}
	return cells_line(table, row);
}

int agentctl_table_take(struct agentctl_table *table, char *line)
{
	int result = line ? 0 : -ENOMEM;

	if (table->format == AGENTCTL_TABLE) {
		result = agentctl_cells_add(table->cells, line);
	} else if (line) {
		(void)fputs(line, stdout);
		free(line);
	}
	return !result && ferror(stdout) ? -EPIPE : result;
}

int agentctl_table_row(struct agentctl_table *table, const json_t *row)
{
	return agentctl_table_take(table, agentctl_table_line(table, row));
}

int agentctl_table_finish(struct agentctl_table *table)
{
	if (table->format == AGENTCTL_TABLE)
		agentctl_cells_write(table->cells);
	return 0;
}

void agentctl_table_destroy(struct agentctl_table *table)
{
	if (!table)
		return;
	agentctl_cells_destroy(table->cells);
	free(table);
}
