/* config_memory.h - whether the memory that is configured may be more than there is.
 *
 * Place: struct config -> here -> log; flowagent.c calls it at a start and after a reload. */
#ifndef CONFIG_MEMORY_H
#define CONFIG_MEMORY_H

#include "config.h"

/* Log what the cache and the spools in memory may take, if that is more than the kernel lets us
 * have. */
void config_memory_warn(const struct config *config);

#endif
