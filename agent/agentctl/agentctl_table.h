/* agentctl_table.h - rows (JSON objects) -> standard output: table for people, tab-separated
 * values, or JSON.
 *
 * Place: rows of any command -> here -> agentctl_cells.c -> standard output.
 *
 * A column is a member of the row; how it is shown in a table is its kind. Raw values and JSON are
 * exactly what the agent says. */
#ifndef AGENTCTL_TABLE_H
#define AGENTCTL_TABLE_H

#include "agentctl.h"

#include <jansson.h>

enum agentctl_column_kind {
	COLUMN_TEXT,     /* texts, true and false */
	COLUMN_ADDRESS,  /* text that sorts as an address */
	COLUMN_NUMBER,   /* digits */
	COLUMN_COUNTED,  /* digits, with the rate where the row's "sampling" is not 1: 25 (1/4) */
	COLUMN_BYTES,    /* 91.2 MB */
	COLUMN_BITRATE,  /* 24.1 Mb/s */
	COLUMN_DURATION, /* milliseconds -> 4m10s */
	COLUMN_TIME,     /* RFC 3339 text, with the same in NAME_unix_ms -> local time */
	COLUMN_PROTOCOL, /* number -> tcp */
	COLUMN_FLAGS,    /* TCP flags -> .AP.SF */
};

/* What a table shows without -o. On a terminal that is too narrow, the columns of the highest
 * number are left out first, of equals the rightmost; COLUMN_SHOWN always stays. */
enum { COLUMN_HIDDEN = 0, COLUMN_SHOWN = 1 };

/* Arrays of columns end with a NULL name. */
struct agentctl_column {
	const char *name;  /* of the member; its heading is in capitals */
	const char *alias; /* shorter name for -o and --sort; NULL: none */
	enum agentctl_column_kind kind;
	uint8_t importance; /* COLUMN_HIDDEN, COLUMN_SHOWN, or less important: 2 to 9 */
};

#define AGENTCTL_COLUMNS          32 /* most that one table shows */
#define AGENTCTL_COLUMN_NAME_SIZE 48

struct agentctl_table; /* opaque: defined in agentctl_table.c */

/* Find by name, by alias, or by another name of flow_names.h; NULL if there is none. */
const struct agentctl_column *agentctl_column_find(const struct agentctl_column *columns,
						   const char *name, size_t length);
/* Say which columns there are, and which one may have been meant. */
void agentctl_column_unknown(const struct agentctl_column *columns, const char *option,
			     const char *name, size_t length, struct error_text *error);

/* 'columns' is borrowed. Returns NULL with 'error' filled: a column that does not exist, or no
 * memory. */
struct agentctl_table *agentctl_table_create(const struct agentctl_column *columns,
					     const struct agentctl_options *options,
					     struct error_text *error);
/* Members of rows that the table needs, NULL-terminated, borrowed; NULL: all. */
const char *const *agentctl_table_members(const struct agentctl_table *table);

/* A row as the table keeps it: for free(), or for agentctl_table_take(). NULL if memory is short.
 */
char *agentctl_table_line(const struct agentctl_table *table, const json_t *row);
/* Show a line, which is taken in any case. Returns 0, or -EPIPE if nobody reads any more, or
 * -ENOMEM. */
int agentctl_table_take(struct agentctl_table *table, char *line);
/* Both in one. */
int agentctl_table_row(struct agentctl_table *table, const json_t *row);
/* Write what is still kept for its column widths. */
int agentctl_table_finish(struct agentctl_table *table);
void agentctl_table_destroy(struct agentctl_table *table);

#endif
