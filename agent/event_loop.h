/* event_loop.h - runs the event loop of the control thread, also when memory is short.
 *
 * Place: flowagent.c -> here -> sd-event. */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include <systemd/sd-event.h>

/* Until sd_event_exit(). Memory that is short for a moment does not end the agent: then the loop is
 * tried again. Returns what sd_event_loop() returns: a negative errno if it has failed. */
int event_loop_run(sd_event *loop);

#endif
