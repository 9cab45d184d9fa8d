/* agentctl_terminal.h - a terminal that a program has for itself: a screen of its own, keys as they
 * are pressed, signals as events.
 *
 * Plain ECMA-48 sequences, which every terminal of today knows. */
#ifndef AGENTCTL_TERMINAL_H
#define AGENTCTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agentctl_terminal; /* opaque: defined in agentctl_terminal.c */

enum agentctl_terminal_event {
	TERMINAL_TIME,    /* the time is over */
	TERMINAL_KEYS,    /* keys were pressed */
	TERMINAL_CHANGED, /* draw anew: another size, or the program was stopped for a while */
	TERMINAL_END,     /* it is time to end: a signal, or the terminal is gone */
};

/* Whether standard input and output are a terminal that can do it. */
bool agentctl_terminal_is_there(void);
/* Take the terminal. Returns NULL with errno set. */
struct agentctl_terminal *agentctl_terminal_open(void);
/* Give it back as it was. */
void agentctl_terminal_close(struct agentctl_terminal *terminal);
/* 80 x 24 if it does not say. */
void agentctl_terminal_size(size_t *width, size_t *height);
/* Wait at most this long, -1: for ever. Keys are copied to 'keys', '*size' bytes of them. */
enum agentctl_terminal_event agentctl_terminal_wait(struct agentctl_terminal *terminal,
						    int64_t milliseconds, char keys[static 64],
						    size_t *size);

#endif
