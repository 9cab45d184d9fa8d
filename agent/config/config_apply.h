/* config_apply.h - one value from somewhere -> its option; and errors that say where. */
#ifndef CONFIG_APPLY_H
#define CONFIG_APPLY_H

#include "config.h"
#include "config_keys.h"
#include "config_options.h"

/* Apply one value. Returns 0 or a negative errno with a complete 'error'. */
int config_apply(struct config *config, enum config_option_id option, const char *value,
		 const struct config_origin *origin, struct error_text *error);

/* "FILE:LINE: " of an origin, or "" for the command line, and the text after it, into 'error'. */
void config_fail(struct error_text *error, const struct config_origin *origin, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));

/* The hint of an error in 'value': that of 'why', which may be NULL, or what a comment begins with,
 * if the value of a file has one of another kind. */
void config_fail_hint(struct error_text *error, const struct config_origin *origin,
		      const char *value, const struct error_text *why);

/* Values of a file have a line. */
static inline bool config_origin_is_file(const struct config_origin *origin)
{
	return origin->line > 0;
}

/* Where a key of a collector stands: its own line, else where the collector does. */
const struct config_origin *config_key_origin(const struct config_collector *collector,
					      enum config_key_id key);
/* Keep a copy of a file's name for origins. Returns it, owned by the config, or NULL. */
const char *config_file_name(struct config *config, const char *name);

#endif
