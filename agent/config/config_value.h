/* config_value.h - values of the configuration as text, for `agentctl show config`.
 *
 * Place: struct config -> here -> control_rows.c. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config.h"

/* One row of the table as text, for `show config`: name, current value, default. */
struct config_value {
	const char *name; /* long name: key of the file and of the command line */
	char *value;      /* owned by the caller; NULL if unset */
	bool is_default;
	bool needs_restart; /* to take another value */
	char origin[300];   /* "default", "command line", "FILE:LINE" */
};

/* Rows of the table that have a value. */
size_t config_option_count(void);
/* Value number 'index' of the table; config_value_clear() frees it. Returns 0 or -ENOMEM. */
int config_value(const struct config *config, size_t index, struct config_value *value);
void config_value_clear(struct config_value *value);

#endif
