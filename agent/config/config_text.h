/* config_text.h - texts of the configuration: owned copies, and switches.
 *
 * Place: types and checks of this room -> here -> members of struct config. */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include "error_text.h"

#include <stdbool.h>

/* Of two texts that may be NULL, which is like itself only. */
bool config_text_is_same(const char *one, const char *other);
/* Replace an owned string by a copy of 'text'. Returns 0 or -ENOMEM with 'error' filled. */
int config_text_replace(char **member, const char *text, struct error_text *error);
/* "on" or "off". Returns 0, or -EINVAL with 'error' filled. */
int config_text_switch(bool *is_on, const char *text, struct error_text *error);

#endif
