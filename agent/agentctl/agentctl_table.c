/* agentctl_table.c - rows -> standard output.
 *
 * Raw and JSON rows are written as they come. A table is kept until the width of its columns is
 * known; a very long one is written in pieces, so that memory stays bounded. */
#include "agentctl_table.h"

#include "agentctl_text.h"

#include <ctype.h>
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_ROWS    10000 /* about 10 MB in libsmartcols */
#define NUMBER_FORMAT "%" JSON_INTEGER_FORMAT

struct agentctl_table {
	enum agentctl_format format;
	bool is_utc;
	bool is_selected;                                        /* by -o */
	const struct agentctl_column *columns[AGENTCTL_COLUMNS]; /* borrowed */
	size_t column_count;
	struct libscols_table *lines; /* owned; NULL unless AGENTCTL_TABLE */
	size_t kept;
};

const struct agentctl_column *agentctl_column_find(const struct agentctl_column *columns,
						   const char *name, size_t length)
{
	for (; columns->name; columns++) {
		if (strlen(columns->name) == length && strncmp(columns->name, name, length) == 0)
			return columns;
		if (columns->alias && strlen(columns->alias) == length &&
		    strncmp(columns->alias, name, length) == 0)
			return columns;
	}
	return NULL;
}

void agentctl_column_unknown(const struct agentctl_column *columns, const char *option,
			     const char *name, size_t length, struct error_text *error)
{
	char quote[ERROR_QUOTE_SIZE];
	char list[300] = "";
	size_t used = 0;

	for (; columns->name && used < sizeof(list); columns++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
					 columns->name);
	error_text_set(error, "%s: there is no column \"%s\"", option,
		       error_text_quote(name, length, quote));
	error_text_hint(error, "columns: %s", list);
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
		if (columns->is_default && table->column_count < AGENTCTL_COLUMNS)
			table->columns[table->column_count++] = columns;
}

static void heading_of(const struct agentctl_column *column, char *heading, size_t size)
{
	size_t length = strlen(column->name);

	/* "duration_ms" is shown in other units: then the alias says it better. */
	if (column->kind == COLUMN_DURATION && column->alias)
		length = strlen(column->alias);
	if (length >= size)
		length = size - 1;
	for (size_t i = 0; i < length; i++)
		heading[i] = (char)toupper(
			(unsigned char)(column->kind == COLUMN_DURATION && column->alias
						? column->alias[i]
						: column->name[i]));
	heading[length] = '\0';
}

static bool is_right_aligned(enum agentctl_column_kind kind)
{
	return kind == COLUMN_NUMBER || kind == COLUMN_COUNTED || kind == COLUMN_BYTES ||
	       kind == COLUMN_DURATION;
}

static bool open_lines(struct agentctl_table *table, bool no_headings)
{
	table->lines = scols_new_table();
	if (!table->lines)
		return false;
	(void)scols_table_enable_noheadings(table->lines, no_headings);
	/* Never squeeze columns to the terminal: half an address is worse than a long line. */
	(void)scols_table_set_termforce(table->lines, SCOLS_TERMFORCE_NEVER);
	for (size_t i = 0; i < table->column_count; i++) {
		char heading[AGENTCTL_TEXT_SIZE];

		heading_of(table->columns[i], heading, sizeof(heading));
		if (!scols_table_new_column(
			    table->lines, heading, 0,
			    is_right_aligned(table->columns[i]->kind) ? SCOLS_FL_RIGHT : 0))
			return false;
	}
	return true;
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
	if (table->format == AGENTCTL_TABLE && !open_lines(table, options->no_headings)) {
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

/* Milliseconds that belong to a column with RFC 3339 text. */
static const json_t *time_value(const json_t *row, const struct agentctl_column *column)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "%s_unix_ms", column->name);
	return json_object_get(row, key);
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
static const char *cell_text(const struct agentctl_table *table,
			     const struct agentctl_column *column, const json_t *row,
			     char text[static AGENTCTL_TEXT_SIZE])
{
	const json_t *value = json_object_get(row, column->name);
	json_int_t number;

	if (column->kind == COLUMN_TIME)
		value = time_value(row, column);
	if (!value)
		return "-";
	if (!json_is_integer(value))
		return plain_text(value, text);
	number = json_integer_value(value);
	switch (column->kind) {
	case COLUMN_BYTES: return agentctl_text_bytes((uint64_t)number, text);
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

/* Write a value so that it stays one field of one line. */
static void write_raw(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			(void)printf("\\x%02x", c);
		else
			(void)putchar(c);
	}
}

static void raw_row(const struct agentctl_table *table, const json_t *row)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const json_t *value = json_object_get(row, table->columns[i]->name);
		char text[AGENTCTL_TEXT_SIZE];

		if (i)
			(void)putchar('\t');
		write_raw(value ? plain_text(value, text) : "-");
	}
	(void)putchar('\n');
}

/* A row with only the columns asked for; or as it is. */
static int json_row(const struct agentctl_table *table, const json_t *row)
{
	json_t *selected = NULL;
	int result = 0;

	if (table->is_selected) {
		selected = json_object();
		for (size_t i = 0; selected && !result && i < table->column_count; i++) {
			const char *name = table->columns[i]->name;
			json_t *value = json_object_get(row, name);

			result = value ? json_object_set(selected, name, value)
				       : json_object_set_new(selected, name, json_null());
		}
		if (!selected || result) {
			json_decref(selected);
			return -ENOMEM;
		}
	}
	(void)json_dumpf(selected ? selected : row, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(selected);
	return 0;
}

/* Write the lines kept, and go on without headings. */
static int write_lines(struct agentctl_table *table)
{
	if (scols_print_table(table->lines) != 0)
		return -ENOMEM;
	scols_table_remove_lines(table->lines);
	(void)scols_table_enable_noheadings(table->lines, 1);
	table->kept = 0;
	return 0;
}

static int table_row(struct agentctl_table *table, const json_t *row)
{
	struct libscols_line *line = scols_table_new_line(table->lines, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < table->column_count; i++) {
		char text[AGENTCTL_TEXT_SIZE];

		if (scols_line_set_data(line, i, cell_text(table, table->columns[i], row, text)))
			return -ENOMEM;
	}
	return ++table->kept < PIECE_ROWS ? 0 : write_lines(table);
}

int agentctl_table_row(struct agentctl_table *table, const json_t *row)
{
	int result = 0;

	switch (table->format) {
	case AGENTCTL_JSON: result = json_row(table, row); break;
	case AGENTCTL_RAW: raw_row(table, row); break;
	case AGENTCTL_TABLE: result = table_row(table, row); break;
	}
	return !result && ferror(stdout) ? -EPIPE : result;
}

int agentctl_table_finish(struct agentctl_table *table)
{
	return table->format == AGENTCTL_TABLE ? write_lines(table) : 0;
}

void agentctl_table_destroy(struct agentctl_table *table)
{
	if (!table)
		return;
	scols_unref_table(table->lines);
	free(table);
}
