/* agentctl_top_screen.c - one line after another, each cut at the width.
 *
 * Place: agentctl_top_view -> here -> terminal, or standard output.
 * Invariant: no line is wider than the screen, and there are no more of them than it is high. */
#include "agentctl_top_screen.h"

#include "agentctl_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define BAR_WIDTH       10
#define NAME_WIDTH      20 /* least, of rows, where there is room */
#define NAME_WIDTH_MIN  12
#define DIRECTION_WIDTH 16
#define NUMBERS_WIDTH   40 /* of a row, with the blanks before them */
#define TEXT_SIZE       512

/* Styles: ECMA-48 SGR. */
#define STYLE_NONE    "0"
#define STYLE_REVERSE "7"
#define STYLE_BOLD    "1"
#define STYLE_RED     "1;31"

/* A line under way. */
struct line {
	const struct agentctl_top_screen *screen;
	FILE *out;
	size_t room; /* characters that are left */
};

static void style(const struct line *line, const char *sequence)
{
	const bool is_colour = strlen(sequence) > 1;

	if (line->screen->is_terminal)
		(void)fprintf(line->out, "\033[%sm",
			      is_colour && !line->screen->has_colours ? STYLE_BOLD : sequence);
}

/* Write as much of a text as there is room for. */
static void put(struct line *line, const char *text)
{
	mbstate_t state = { 0 };

	while (*text) {
		wchar_t character;
		const size_t size = mbrtowc(&character, text, strlen(text), &state);
		const bool is_text = size != (size_t)-1 && size != (size_t)-2;
		const int width = is_text ? wcwidth(character) : 1;

		if (width < 0 || (size_t)width > line->room)
			return;
		line->room -= (size_t)width;
		if (is_text)
			(void)fwrite(text, 1, size, line->out);
		else
			(void)fputc('?', line->out);
		text += is_text ? size : 1;
		if (!is_text)
			memset(&state, 0, sizeof(state));
	}
}

__attribute__((format(printf, 2, 3))) static void put_format(struct line *line, const char *format,
							     ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(line, text);
}

static void put_blanks(struct line *line, size_t count)
{
	for (; count > 0 && line->room > 0; count--, line->room--)
		(void)fputc(' ', line->out);
}

/* Write a text in a column of a width. */
static void put_column(struct line *line, const char *text, size_t width)
{
	const size_t rest = line->room > width ? line->room - width : 0;

	line->room -= rest;
	put(line, text);
	put_blanks(line, line->room);
	line->room = rest;
}

static void put_history(struct line *line, const struct agentctl_history *history, size_t width)
{
	if (width > line->room)
		width = line->room;
	if (history)
		agentctl_history_draw(history, width, line->screen->is_utf8, line->out);
	line->room -= width;
}

static struct line begin(const struct agentctl_top_screen *screen, FILE *out)
{
	return (struct line){ screen, out, screen->width };
}

static void end(const struct line *line)
{
	(void)fputs(line->screen->is_terminal ? "\033[K\r\n" : "\n", line->out);
}

/* ---- the lines ---- */

static void write_status(const struct agentctl_top_screen *screen,
			 const struct agentctl_top_view *view, FILE *out)
{
	struct line line = begin(screen, out);
	char uptime[AGENTCTL_TEXT_SIZE];
	const uint64_t capacity = view->flows_capacity;

	put_format(&line, "flowagent %s  up %s  cache ", view->version,
		   agentctl_text_duration(view->uptime_ms, uptime));
	if (line.room > BAR_WIDTH) {
		agentctl_history_bar(view->flows_cached, capacity, BAR_WIDTH, screen->is_utf8, out);
		line.room -= BAR_WIDTH;
	}
	put_format(&line, " %" PRIu64 "%%  ", capacity ? view->flows_cached * 100 / capacity : 0);
	if (view->packets_lost)
		style(&line, STYLE_RED);
	put_format(&line, "lost %" PRIu64, view->packets_lost);
	style(&line, STYLE_NONE);
	put(&line, "  ");
	if (view->collectors_up < view->collectors)
		style(&line, STYLE_RED);
	put_format(&line, "collectors %zu/%zu", view->collectors_up, view->collectors);
	style(&line, STYLE_NONE);
	end(&line);
}

static void write_direction(const struct agentctl_top_screen *screen,
			    const struct agentctl_top_line *direction, FILE *out)
{
	struct line line = begin(screen, out);
	char rate[AGENTCTL_TEXT_SIZE];
	const size_t numbers = 12 + 14;
	const size_t used = DIRECTION_WIDTH + 1 + numbers;
	const size_t room = screen->width > used ? screen->width - used : 0;

	put_column(&line, direction->name, DIRECTION_WIDTH);
	put_blanks(&line, 1);
	put_history(&line, direction->history,
		    room < AGENTCTL_HISTORY_VALUES ? room : AGENTCTL_HISTORY_VALUES);
	put_format(&line, "%12s %9" PRIu64 " p/s",
		   agentctl_text_bitrate(direction->bits_per_s, rate), direction->packets_per_s);
	end(&line);
}

/* One of the words that a key chooses. */
static void put_choice(struct line *line, char key, const char *name, bool is_chosen)
{
	put(line, " ");
	if (is_chosen)
		style(line, STYLE_REVERSE);
	put_format(line, "%c:%s", key, name);
	if (is_chosen)
		style(line, STYLE_NONE);
}

static void write_choices(const struct agentctl_top_screen *screen,
			  const struct agentctl_top_view *view, FILE *out)
{
	struct line line = begin(screen, out);

	put(&line, "by");
	for (const struct agentctl_top_key *key = agentctl_top_keys; key->key; key++)
		put_choice(&line, key->key, key->by, view->by && strcmp(view->by, key->by) == 0);
	put(&line, "  sort");
	for (const struct agentctl_top_order *order = agentctl_top_orders; order->key; order++)
		put_choice(&line, order->key, order->name, order == view->order);
	end(&line);
}

/* How wide the names of rows are: the rest is for their histories. */
static size_t name_width(const struct agentctl_top_screen *screen,
			 const struct agentctl_top_view *view)
{
	const size_t most = screen->width > NUMBERS_WIDTH + NAME_WIDTH_MIN
				    ? screen->width - NUMBERS_WIDTH
				    : NAME_WIDTH_MIN;

	if (view->name_width < NAME_WIDTH)
		return NAME_WIDTH < most ? NAME_WIDTH : most;
	return view->name_width < most ? view->name_width : most;
}

static void write_heading(const struct agentctl_top_screen *screen,
			  const struct agentctl_top_view *view, FILE *out)
{
	struct line line = begin(screen, out);
	char name[AGENTCTL_TOP_NAME];

	(void)snprintf(name, sizeof(name), "%s", view->by ? view->by : "");
	for (char *letter = name; *letter; letter++)
		if (*letter >= 'a' && *letter <= 'z')
			*letter = (char)(*letter - 'a' + 'A');
	style(&line, STYLE_REVERSE);
	put_column(&line, name, name_width(screen, view));
	put_format(&line, "%11s%10s%11s%8s", "RATE", "BYTES", "PACKETS", "FLOWS");
	if (screen->is_terminal)
		put_blanks(&line, line.room);
	style(&line, STYLE_NONE);
	end(&line);
}

static void write_row(const struct agentctl_top_screen *screen,
		      const struct agentctl_top_view *view, const struct agentctl_top_line *row,
		      FILE *out)
{
	struct line line = begin(screen, out);
	char rate[AGENTCTL_TEXT_SIZE];
	char bytes[AGENTCTL_TEXT_SIZE];

	put_column(&line, row->name, name_width(screen, view));
	put_format(&line, "%11s%10s%11" PRIu64 "%8" PRIu64,
		   agentctl_text_bitrate(row->bits_per_s, rate),
		   agentctl_text_bytes(row->bytes, bytes), row->packets, row->flows);
	if (line.room > 1) {
		put_blanks(&line, 1);
		put_history(&line, row->history,
			    line.room < AGENTCTL_HISTORY_VALUES ? line.room
								: AGENTCTL_HISTORY_VALUES);
	}
	end(&line);
}

/* The last line: what happens, and which keys may be pressed. Nothing comes after it. */
static void write_footer(const struct agentctl_top_screen *screen,
			 const struct agentctl_top_view *view, FILE *out)
{
	struct line line = begin(screen, out);

	if (screen->editing) {
		put_format(&line, "filter: %s_", screen->editing);
	} else if (screen->error || view->problem[0]) {
		style(&line, STYLE_RED);
		put(&line, screen->error ? screen->error : view->problem);
		style(&line, STYLE_NONE);
	} else {
		put_format(&line, "%severy %" PRId64 ".%" PRId64 "s  /:filter space:%s q:quit",
			   screen->is_paused ? "PAUSED  " : "", screen->interval_ms / 1000,
			   screen->interval_ms % 1000 / 100,
			   screen->is_paused ? "continue" : "pause");
		if (screen->filter && *screen->filter)
			put_format(&line, "  filter: %s", screen->filter);
	}
	(void)fputs("\033[K", out);
}

/* Lines beside those of directions and rows. */
static size_t other_lines(const struct agentctl_top_screen *screen)
{
	return screen->is_terminal ? 4 : 2;
}

/* Directions have at most a third of the screen. */
static size_t direction_lines(const struct agentctl_top_screen *screen,
			      const struct agentctl_top_view *view)
{
	const size_t most = screen->height ? screen->height / 3 : SIZE_MAX;

	return view->directions.count < most ? view->directions.count : most;
}

size_t agentctl_top_screen_rows(const struct agentctl_top_screen *screen,
				const struct agentctl_top_view *view)
{
	const size_t used = other_lines(screen) + direction_lines(screen, view);

	if (!screen->height)
		return AGENTCTL_TOP_ROWS;
	if (screen->height <= used)
		return 1;
	return screen->height - used < AGENTCTL_TOP_ROWS ? screen->height - used
							 : AGENTCTL_TOP_ROWS;
}

void agentctl_top_screen_write(const struct agentctl_top_screen *screen,
			       const struct agentctl_top_view *view, FILE *out)
{
	const size_t rows = agentctl_top_screen_rows(screen, view);
	const size_t shown = view->row_count < rows ? view->row_count : rows;

	if (screen->width < AGENTCTL_TOP_WIDTH_MIN ||
	    (screen->height && screen->height < AGENTCTL_TOP_HEIGHT_MIN)) {
		(void)fputs("too small", out);
		return;
	}
	write_status(screen, view, out);
	for (size_t i = 0; i < direction_lines(screen, view); i++)
		write_direction(screen, &view->directions.lines[i], out);
	if (screen->is_terminal)
		write_choices(screen, view, out);
	write_heading(screen, view, out);
	for (size_t i = 0; i < shown; i++)
		write_row(screen, view, &view->rows[i], out);
	for (size_t i = shown; screen->is_terminal && i < rows; i++)
		(void)fputs("\033[K\r\n", out);
	if (screen->is_terminal)
		write_footer(screen, view, out);
}
