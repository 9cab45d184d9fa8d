/* config_path.h - collectors that are a path: a file, standard output, a socket in the file system.
 *
 * Place: config_collector.c asks it before it looks for HOST:PORT. */
#ifndef CONFIG_PATH_H
#define CONFIG_PATH_H

#include "config.h"

bool config_path_is(const char *address);
int config_path_parse(struct config_collector *collector, const char *value,
		      struct error_text *error);
/* What follows from a path; then, once all is filled in, what does not go with it. */
int config_path_finish(struct config_collector *collector, struct error_text *error);
int config_path_check(const struct config *config, const struct config_collector *collector,
		      struct error_text *error);

#endif
