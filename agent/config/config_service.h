/* config_service.h - a check of the configuration as the user that the service runs as.
 *
 * Place: --check-config by root, who may read what the service may not. */
#ifndef CONFIG_SERVICE_H
#define CONFIG_SERVICE_H

#include "error_text.h"

#include <stdbool.h>

/* A check: returns 0 or a negative errno and the reason. */
typedef int config_service_check(void *context, struct error_text *error);

/* Whether that file is the service's, and another user than ours is to read it: we are root, and
 * the user exists. */
bool config_service_applies(const char *path);

/* Run the check in a process of its own that has become the service's user, with its groups.
 * Returns what the check has returned, its reason with the name of the user in front, or a negative
 * errno if there can be no such process. */
int config_service_run(config_service_check *check, void *context, struct error_text *error);

#endif
