/* log_limit.c - a small table, searched in full: it is asked only where something went wrong. */
#include "log_limit.h"

#include <stdio.h>
#include <string.h>

/* The entry of this kind of message, or the one to replace: unused, or not heard of for longest. */
static struct log_limit_entry *find(struct log_limit *limit, const struct log_limit_entry *wanted)
{
	struct log_limit_entry *oldest = &limit->entries[0];

	for (int i = 0; i < LOG_LIMIT_ENTRIES; i++) {
		struct log_limit_entry *entry = &limit->entries[i];

		if (!entry->is_used)
			return entry;
		if (!strcmp(entry->event, wanted->event) && !strcmp(entry->object, wanted->object))
			return entry;
		if (entry->heard_ms < oldest->heard_ms)
			oldest = entry;
	}
	oldest->is_used = false;
	return oldest;
}

bool log_limit_pass(struct log_limit *limit, const char *event, const char *object, int64_t now_ms,
		    uint64_t *held)
{
	struct log_limit_entry wanted = { .is_used = true };
	struct log_limit_entry *entry;

	(void)snprintf(wanted.event, sizeof(wanted.event), "%s", event);
	(void)snprintf(wanted.object, sizeof(wanted.object), "%s", object ? object : "");
	entry = find(limit, &wanted);
	*held = 0;
	if (!entry->is_used) {
		*entry = wanted;
	} else if (now_ms - entry->shown_ms < LOG_LIMIT_MS) {
		entry->heard_ms = now_ms;
		entry->held++;
		return false;
	}
	*held = entry->held;
	entry->held = 0;
	entry->shown_ms = now_ms;
	entry->heard_ms = now_ms;
	return true;
}
