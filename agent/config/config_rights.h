/* config_rights.h - which capabilities sources and fields need while the agent runs.
 *
 * Place: struct config -> here -> privileges.c, which keeps them, and reload.c, which cannot bring
 * more. */
#ifndef CONFIG_RIGHTS_H
#define CONFIG_RIGHTS_H

#include "config.h"

/* What its sources take to be opened again, and its fields to be filled, as in rights.h. */
uint64_t config_rights(const struct config *config);

#endif
