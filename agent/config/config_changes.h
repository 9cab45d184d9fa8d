/* config_changes.h - what is another in a configuration that was read again, and what of it a
 * running agent can take over.
 *
 * Place: two struct config -> here -> agent/control/reload.c. Which option needs a restart is a
 * column of config_options.def. */
#ifndef CONFIG_CHANGES_H
#define CONFIG_CHANGES_H

#include "config.h"

#define CONFIG_CHANGE_NAME_SIZE 320

/* One option, or one key of a source or collector. */
struct config_change {
	char name[CONFIG_CHANGE_NAME_SIZE]; /* "max-flows", "collector a: filter" */
	char *before, *after;               /* owned; as they would be written; NULL: nothing */
	bool needs_restart;
};

/* Zero-initialized there are none. */
struct config_changes {
	struct config_change *changes; /* owned */
	size_t count;
};

/* Compare two complete configurations. Sources and collectors are known by their names. Returns 0
 * or -ENOMEM; clear in any case. */
int config_changes_find(const struct config *before, const struct config *after,
			struct config_changes *changes);
void config_changes_clear(struct config_changes *changes);

/* Let 'config' have what 'running' has of all that needs a restart: after it, 'config' says what
 * holds. 'running' gets the other values: it is good to be cleared, or to be given all back by
 * another call the other way round. */
void config_changes_keep(struct config *config, struct config *running);

/* The agent has given up a right that the sources of 'config' need, or reads a file: what is
 * another of sources needs a restart, and config_changes_keep() keeps those of the running one.
 * Forget it, in 'holds_sources', once the configuration holds. */
void config_changes_hold_sources(struct config *config, struct config_changes *changes);

/* Flows have no place for what the fields of a collector are of. Let it have the fields that it has
 * in 'running', or leave it out where it is new; among the changes it needs a restart. Returns 0,
 * or a negative errno with 'error' filled. */
int config_changes_hold_back(struct config *config, size_t collector, const struct config *running,
			     struct config_changes *changes, struct error_text *error);

#endif
