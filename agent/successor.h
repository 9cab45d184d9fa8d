/* successor.h - takes the place of an agent that runs, without a service manager.
 *
 * Place: main of the daemon -> here -> control socket of the other agent. */
#ifndef SUCCESSOR_H
#define SUCCESSOR_H

#include "config.h"
#include "descriptor_store.h"
#include "error_text.h"

/* If the configuration says so: ask the agent at its control socket for all that it has, which
 * rests from then on. The configuration gets its source id, unless it names one. Returns a socket,
 * the caller's; 0 if nobody is to be asked; or a negative errno with 'error' filled: then the other
 * agent continues. */
int successor_begin(struct config *config, struct descriptor_store *store,
		    struct error_text *error);
/* The control socket of that agent, on which this one listens next. Returns a descriptor, the
 * caller's, or a negative errno with 'error' filled. */
int successor_control(struct descriptor_store *store, struct error_text *error);
/* All is taken over: the other agent ends. 'socket' is closed, 0 is ignored. Returns 0, or a
 * negative errno with 'error' filled: then it continues. */
int successor_end(int socket, struct error_text *error);

#endif
