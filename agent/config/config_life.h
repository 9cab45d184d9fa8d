/* config_life.h - a struct config from its defaults to its end. */
#ifndef CONFIG_LIFE_H
#define CONFIG_LIFE_H

#include "config.h"

/* Defaults, except what config_finish() derives. Returns 0 or -ENOMEM. Clear in any case. */
int config_init(struct config *config, struct error_text *error);
/* Once all is applied: fill in what follows from other values, and check what must fit together.
 * Returns 0, or a negative errno with 'error' filled. */
int config_finish(struct config *config, struct error_text *error);
void config_clear(struct config *config);

#endif
