/* config_timeout.h - timeouts by name.
 *
 * Place: option -> here -> expiry_policy of the flow cache. */
#ifndef CONFIG_TIMEOUT_H
#define CONFIG_TIMEOUT_H

#include "config.h"
#include "config_options.h"

/* Bits of config.timeouts_named: those of the classes, and these. */
#define CONFIG_TIMEOUT_ACTIVE   CONFIG_TIMEOUT_COUNT
#define CONFIG_TIMEOUT_INACTIVE (CONFIG_TIMEOUT_COUNT + 1)

/* The name that a bit stands for, static storage. */
const char *config_timeout_name(unsigned int bit);
/* Forget what values of timeout have said of the classes; active and inactive, which have options
 * of their own, stay. */
void config_timeouts_clear(struct config *config);
/* Its part of config_finish(): classes that nobody has set follow the inactive timeout. */
void config_timeouts_finish(struct config *config);

#endif
