/* agentctl_history.h - the last values of a number, and a picture of them. Pure. */
#ifndef AGENTCTL_HISTORY_H
#define AGENTCTL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AGENTCTL_HISTORY_VALUES 120

/* All zeros is an empty history. */
struct agentctl_history {
	uint64_t values[AGENTCTL_HISTORY_VALUES]; /* a ring */
	size_t count;
	size_t next; /* where the next value goes */
};

void agentctl_history_add(struct agentctl_history *history, uint64_t value);

/* Write the last values as 'width' characters, the newest at the right; blanks where there was none
 * yet. The highest bar is the highest value shown. */
void agentctl_history_draw(const struct agentctl_history *history, size_t width, bool is_utf8,
			   FILE *out);

/* Write a bar of 'width' characters, of which part of whole is filled. */
void agentctl_history_bar(uint64_t part, uint64_t whole, size_t width, bool is_utf8, FILE *out);

#endif
