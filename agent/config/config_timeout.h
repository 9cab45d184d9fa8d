/* config_timeout.h - timeouts by name. */
#ifndef CONFIG_TIMEOUT_H
#define CONFIG_TIMEOUT_H

#include "config.h"

/* Its part of config_finish(): classes that nobody has set follow the inactive timeout. */
void config_timeouts_finish(struct config *config);

#endif
