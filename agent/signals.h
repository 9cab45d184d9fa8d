/* signals.h - what each signal means to the daemon, in one table.
 *
 * Place: kernel -> event loop -> flowagent.c. TERM, INT, QUIT, ALRM and XCPU end in order, USR1
 * asks for the counters, USR2 ends and hands over to the next agent, HUP has the configuration read
 * again, and no other signal that can be caught ends the agent. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>
#include <systemd/sd-event.h>

struct signals_events {
	void (*stop)(void *context, const char *name); /* each time */
	void (*hand_over)(void *context, const char *name);
	void (*counters)(void *context);
	void (*reload)(void *context);
	void *context;
};

/* Block what the event loop takes, ignore the rest. Threads that are started later inherit both. */
void signals_block(void);

/* Have the event loop take them; 'events' is borrowed as long as the loop lives. Returns 0 or a
 * negative errno. */
int signals_add(sd_event *loop, const struct signals_events *events);

/* Without an event loop: whether one that stops has come since it was last asked. */
bool signals_take_stop(void);

#endif
