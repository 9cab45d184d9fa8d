/* agentctl_top_screen.h - a view -> lines of text that fit a screen.
 *
 * Place: agentctl_top_view -> here -> terminal, or standard output. Pure. */
#ifndef AGENTCTL_TOP_SCREEN_H
#define AGENTCTL_TOP_SCREEN_H

#include "agentctl_top_view.h"

#define AGENTCTL_TOP_WIDTH_MIN  40
#define AGENTCTL_TOP_HEIGHT_MIN 8

struct agentctl_top_screen {
	size_t width, height; /* characters; a height of 0: as many lines as there are */
	bool is_utf8;
	bool is_terminal; /* with keys that may be pressed, and escape sequences for styles */
	bool has_colours;
	bool is_paused;
	const char *filter;  /* as typed; NULL: none */
	const char *editing; /* the filter being typed; NULL: none is */
	const char *error;   /* what went wrong at the last answer; NULL: nothing */
	int64_t interval_ms; /* between two answers */
};

/* How many rows there is room for; 1 at least. */
size_t agentctl_top_screen_rows(const struct agentctl_top_screen *screen,
				const struct agentctl_top_view *view);

/* Write the lines. Each ends with a newline; on a terminal with the sequence that clears the rest
 * of the line before it, and the last has no newline. */
void agentctl_top_screen_write(const struct agentctl_top_screen *screen,
			       const struct agentctl_top_view *view, FILE *out);

#endif
