/* watchdog.h - reports to systemd that the agent works: only while all its threads do.
 *
 * Place: a timer of the event loop -> pipeline -> sd_notify. A thread that hangs, in a write that
 * does not return say, is named in the log, and systemd gets no more reports, so that it restarts
 * the service after WatchdogSec=. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "pipeline.h"

#include <systemd/sd-event.h>

struct watchdog; /* opaque: defined in watchdog.c */

/* 'pipeline' is borrowed. Returns 0 with *watchdog NULL where nobody waits for it, or a negative
 * errno. */
int watchdog_create(sd_event *loop, struct pipeline *pipeline, struct watchdog **watchdog);
void watchdog_destroy(struct watchdog *watchdog);

/* What the timer does; call it as often where no event loop runs. Nothing happens with NULL. */
void watchdog_look(struct watchdog *watchdog);

#endif
