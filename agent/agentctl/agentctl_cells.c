/* agentctl_cells.c - widths, headings, and what is left out on a narrow terminal.
 *
 * Place: agentctl_table -> here. Time is linear in the number of cells. Words are never broken and
 * nothing is cut: half an address is worse than a column less. */
#include "agentctl_cells.h"

#include "agentctl_text.h"
#include "printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define PIECE_LINES 200000 /* about 40 MB */
#define NOTE_SIZE   1024   /* names of all columns */
#define NOTE_INDENT 2

struct agentctl_cells {
	struct agentctl_cell_column columns[AGENTCTL_CELLS_MAX];
	size_t widths[AGENTCTL_CELLS_MAX];
	bool is_left_out[AGENTCTL_CELLS_MAX];
	size_t column_count;
	size_t room;
	bool no_headings;
	bool is_quiet;
	bool has_begun; /* the first piece is out */
	char **lines;   /* owned, as each line is */
	size_t count;
	size_t capacity;
};

/* Take one character of the locale. Returns its bytes and width; 0 bytes for what is none. */
static size_t take_character(const char *text, mbstate_t *state, int *width)
{
	wchar_t character;
	size_t bytes = mbrtowc(&character, text, strlen(text), state);

	if (bytes == (size_t)-1 || bytes == (size_t)-2 || bytes == 0) {
		memset(state, 0, sizeof(*state));
		return 0;
	}
	*width = iswprint((wint_t)character) ? wcwidth(character) : -1;
	return *width < 0 ? 0 : bytes;
}

size_t agentctl_cell_width(const char *text)
{
	mbstate_t state = { 0 };
	size_t total = 0;

	while (*text) {
		int width = 1;
		size_t bytes = 1;

		if ((unsigned char)*text >= 0x80)
			bytes = take_character(text, &state, &width);
		text += bytes ? bytes : 1;
		total += bytes ? (size_t)width : 1;
	}
	return total;
}

char *agentctl_cell_copy(char *to, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	mbstate_t state = { 0 };

	while (*text) {
		const unsigned char c = (unsigned char)*text;
		size_t bytes = c >= 0x20 && c < 0x7f;
		int width;

		if (c >= 0x80 && printable_size(text, strlen(text)))
			bytes = take_character(text, &state, &width);
		if (bytes) {
			memcpy(to, text, bytes);
			to += bytes;
			text += bytes;
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 0x0f];
		text++;
	}
	*to = '\0';
	return to;
}

struct agentctl_cells *agentctl_cells_create(const struct agentctl_cell_column *columns,
					     size_t count, bool no_headings, bool is_quiet,
					     size_t room)
{
	struct agentctl_cells *cells = calloc(1, sizeof(*cells));

	if (!cells)
		return NULL;
	memcpy(cells->columns, columns, count * sizeof(*columns));
	cells->column_count = count;
	cells->room = room;
	cells->no_headings = no_headings;
	cells->is_quiet = is_quiet;
	for (size_t i = 0; !no_headings && i < count; i++)
		cells->widths[i] = strlen(columns[i].heading);
	return cells;
}

static void widen(struct agentctl_cells *cells, const char *line)
{
	for (size_t i = 0; i < cells->column_count; i++) {
		const size_t width = agentctl_cell_width(line);

		if (width > cells->widths[i])
			cells->widths[i] = width;
		line += strlen(line) + 1;
	}
}

int agentctl_cells_add(struct agentctl_cells *cells, char *line)
{
	if (!line)
		return -ENOMEM;
	if (cells->count == cells->capacity) {
		size_t capacity = cells->capacity ? 2 * cells->capacity : 64;
		char **grown = reallocarray(cells->lines, capacity, sizeof(*grown));

		if (!grown) {
			free(line);
			return -ENOMEM;
		}
		cells->lines = grown;
		cells->capacity = capacity;
	}
	cells->lines[cells->count++] = line;
	widen(cells, line);
	if (cells->count == PIECE_LINES)
		agentctl_cells_write(cells);
	return 0;
}

static size_t total_width(const struct agentctl_cells *cells)
{
	size_t total = 0;

	for (size_t i = 0; i < cells->column_count; i++)
		if (!cells->is_left_out[i])
			total += cells->widths[i] + (total > 0);
	return total;
}

/* The column that can be spared most; SIZE_MAX if none can. */
static size_t least_important(const struct agentctl_cells *cells)
{
	size_t least = SIZE_MAX;
	uint8_t importance = 2;

	for (size_t i = 0; i < cells->column_count; i++) {
		if (cells->is_left_out[i] || cells->columns[i].importance < importance)
			continue;
		importance = cells->columns[i].importance;
		least = i;
	}
	return least;
}

static void fit(struct agentctl_cells *cells)
{
	const char *separator = "left out on this terminal:";
	char note[NOTE_SIZE] = "";
	size_t used = 0;
	size_t column;

	while (cells->room && total_width(cells) > cells->room &&
	       (column = least_important(cells)) != SIZE_MAX) {
		cells->is_left_out[column] = true;
	}
	for (size_t i = 0; i < cells->column_count && used < sizeof(note); i++) {
		if (!cells->is_left_out[i])
			continue;
		used += (size_t)snprintf(note + used, sizeof(note) - used, "%s %s", separator,
					 cells->columns[i].heading);
		separator = ",";
	}
	if (used && used < sizeof(note))
		(void)snprintf(note + used, sizeof(note) - used, " (--wide)");
	if (used && !cells->is_quiet)
		agentctl_text_fold(stderr, note, cells->room, NOTE_INDENT);
}

static void write_blanks(size_t count)
{
	while (count-- > 0)
		(void)putchar(' ');
}

/* The text of a cell; the last of a line gets no blanks after it. */
static void write_cell(const struct agentctl_cells *cells, size_t column, const char *text,
		       bool is_last)
{
	const size_t width = agentctl_cell_width(text);
	const size_t blanks = cells->widths[column] > width ? cells->widths[column] - width : 0;

	if (cells->columns[column].is_right_aligned)
		write_blanks(blanks);
	(void)fputs(text, stdout);
	if (!cells->columns[column].is_right_aligned && !is_last)
		write_blanks(blanks);
}

/* 'line' is NULL for the headings. */
static void write_line(const struct agentctl_cells *cells, const char *line)
{
	size_t last = 0;
	bool is_first = true;

	for (size_t i = 0; i < cells->column_count; i++)
		if (!cells->is_left_out[i])
			last = i;
	for (size_t i = 0; i < cells->column_count; i++) {
		const char *text = line ? line : cells->columns[i].heading;

		if (line)
			line += strlen(line) + 1;
		if (cells->is_left_out[i])
			continue;
		if (!is_first)
			(void)putchar(' ');
		is_first = false;
		write_cell(cells, i, text, i == last);
	}
	(void)putchar('\n');
}

void agentctl_cells_write(struct agentctl_cells *cells)
{
	if (!cells->has_begun && cells->count > 0) {
		fit(cells);
		if (!cells->no_headings)
			write_line(cells, NULL);
		cells->has_begun = true;
	}
	for (size_t i = 0; i < cells->count; i++) {
		write_line(cells, cells->lines[i]);
		free(cells->lines[i]);
	}
	cells->count = 0;
}

void agentctl_cells_destroy(struct agentctl_cells *cells)
{
	if (!cells)
		return;
	for (size_t i = 0; i < cells->count; i++)
		free(cells->lines[i]);
	free(cells->lines);
	free(cells);
}
