/* agentctl_cells.h - lines of cells -> columns of equal width on standard output.
 *
 * A line is its cells one after another, each with its final NUL. Lines are kept until the widths
 * are known; a very long table is written in pieces, whose columns never become narrower. */
#ifndef AGENTCTL_CELLS_H
#define AGENTCTL_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENTCTL_CELLS_MAX 32

struct agentctl_cell_column {
	char heading[48];
	bool is_right_aligned;
	uint8_t importance; /* as of agentctl_column */
};

struct agentctl_cells; /* opaque: defined in agentctl_cells.c */

/* 'room' is the width of the terminal, 0: as wide as it takes. 'is_quiet': what is left out is not
 * named. NULL if memory is short. */
struct agentctl_cells *agentctl_cells_create(const struct agentctl_cell_column *columns,
					     size_t count, bool no_headings, bool is_quiet,
					     size_t room);
/* Keep a line, which is taken in any case. Returns 0 or -ENOMEM. */
int agentctl_cells_add(struct agentctl_cells *cells, char *line);
/* Write what is kept. The first time, columns that there is no room for are left out, and named on
 * standard error. */
void agentctl_cells_write(struct agentctl_cells *cells);
void agentctl_cells_destroy(struct agentctl_cells *cells);

/* How many places a text takes on the terminal. */
size_t agentctl_cell_width(const char *text);
/* Copy a text from outside so that it cannot do anything but be read: what is not printable, and
 * what is not a character of the locale, becomes \xNN. 'to' has room for 4 bytes for each of its
 * bytes and 1. Returns the place of the final NUL. */
char *agentctl_cell_copy(char *to, const char *text);

#endif
