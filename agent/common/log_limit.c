/* log_limit.c - a small table, searched in full: it is asked only where something went wrong. */
#include "log_limit.h"

#include <stdio.h>
#include <string.h>

/* Whether 'one' is rather forgotten than 'other'. */
static bool is_older(const struct log_limit_entry *one, const struct log_limit_entry *other)
{
	if ((one->held == 0) != (other->held == 0))
		return one->held == 0;
	return one->heard_ms < other->heard_ms;
}

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
		if (is_older(entry, oldest))
			oldest = entry;
	}
	oldest->is_used = false;
	return oldest;
}

static void name(struct log_limit_entry *entry, const char *event, const char *object)
{
	*entry = (struct log_limit_entry){ .is_used = true };
	(void)snprintf(entry->event, sizeof(entry->event), "%s", event);
	(void)snprintf(entry->object, sizeof(entry->object), "%s", object ? object : "");
}

void log_limit_keep(struct log_limit *limit, const char *event, const char *object, int level,
		    const void *row, const char *text)
{
	struct log_limit_entry wanted;
	struct log_limit_entry *entry;

	name(&wanted, event, object);
	entry = find(limit, &wanted);
	entry->level = level;
	entry->row = row;
	(void)snprintf(entry->text, sizeof(entry->text), "%s", text);
}

const struct log_limit_entry *log_limit_due(struct log_limit *limit, int64_t now_ms, bool all,
					    uint64_t *held)
{
	struct log_limit_entry *first = NULL;

	for (int i = 0; i < LOG_LIMIT_ENTRIES; i++) {
		struct log_limit_entry *entry = &limit->entries[i];

		if (entry->is_used && entry->held &&
		    (all || now_ms - entry->shown_ms >= LOG_LIMIT_MS) &&
		    (!first || entry->heard_ms < first->heard_ms))
			first = entry;
	}
	if (!first)
		return NULL;
	*held = first->held;
	first->held = 0;
	first->shown_ms = now_ms;
	return first;
}

bool log_limit_pass(struct log_limit *limit, const char *event, const char *object, int64_t now_ms,
		    uint64_t *held)
{
	struct log_limit_entry wanted;
	struct log_limit_entry *entry;

	name(&wanted, event, object);
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
