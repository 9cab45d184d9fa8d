/* pipeline_events.h - what a pipeline reports back.
 *
 * Place: pipeline -> event loop of the control thread. */
#ifndef PIPELINE_EVENTS_H
#define PIPELINE_EVENTS_H

/* What pipeline_create() reports back while running. Called in the control thread from
 * pipeline_dispatch(). */
struct pipeline_events {
	void (*finished)(
		void *context); /* all sources have ended (files) and everything is exported */
	void *context;
};

#endif
