/* config_source_id.h - the number by which collectors know this agent from others, by default.
 *
 * Place: called when everything is read and no source-id is given. */
#ifndef CONFIG_SOURCE_ID_H
#define CONFIG_SOURCE_ID_H

#include "config.h"

/* Source id of an instance on a machine; never 0. */
uint32_t config_source_id(const char *machine, const char *instance);

/* That of this machine and the instance that 'config' is. */
uint32_t config_source_id_default(const struct config *config);

#endif
