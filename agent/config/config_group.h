/* config_group.h - how collectors share the records.
 *
 * Place: keys of a collector -> here -> exporter/collector, by collector_setup.c. */
#ifndef CONFIG_GROUP_H
#define CONFIG_GROUP_H

#include "config.h"

/* Whether groups and filters fit together, once everything is known. Returns 0, or -EINVAL with
 * 'error' filled. */
int config_groups_finish(struct config *config, struct error_text *error);

#endif
