/* log_event.c - a table, searched in full: it is asked only where something happened.
 *
 * Place: log.c, config_manual -> here.
 * Invariant: an id is in one row. */
#include "log_event.h"

#include <string.h>

#define FIELD_SOURCE    "FLOWAGENT_SOURCE"
#define FIELD_COLLECTOR "FLOWAGENT_COLLECTOR"
#define FIELD_TABLE     "FLOWAGENT_TABLE"
#define FIELD_OBJECT    "FLOWAGENT_OBJECT"

static const struct log_event_row rows[] = {
#define LOG_EVENT(name, object, id, title, text) { name, FIELD_##object, id, title, text },
#include "log_events.def"
#undef LOG_EVENT
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

const struct log_event_row *log_event_row(size_t index)
{
	return index < ROW_COUNT ? &rows[index] : NULL;
}

static const struct log_event_row *find(const char *name)
{
	for (size_t i = 0; name && i < ROW_COUNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct log_event_row *log_event_find(const char *event, const char *kind)
{
	const struct log_event_row *row = find(event);

	return row ? row : find(kind);
}
