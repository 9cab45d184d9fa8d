/* log_event.h - the events that the log knows by name: their ids in the journal, and what the
 * catalog says of them (log_events.def). */
#ifndef LOG_EVENT_H
#define LOG_EVENT_H

#include <stddef.h>

struct log_event_row {
	const char *name;
	const char *object_field; /* of the journal: "FLOWAGENT_SOURCE" */
	const char *id;           /* MESSAGE_ID=, 32 hexadecimal digits */
	const char *title;
	const char *text; /* paragraphs, with '\n' between them; "": none */
};

/* The row at a place; NULL past the last. */
const struct log_event_row *log_event_row(size_t index);
/* The row of an event, or else of the kind of its problem; either may be NULL. NULL if there is
 * none. */
const struct log_event_row *log_event_find(const char *event, const char *kind);

#endif
