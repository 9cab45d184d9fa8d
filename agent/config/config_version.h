/* config_version.h - versions of the export protocol, by the names that people use.
 *
 * Place: values of options and keys -> here -> export version. */
#ifndef CONFIG_VERSION_H
#define CONFIG_VERSION_H

#include "error_text.h"

#include <stdint.h>

/* "9" -> 9, "json" -> ENCODER_VERSION_JSON, if this build can send it. Returns 0 or -EINVAL with
 * 'error' naming what is there. */
int config_version_parse(const char *text, uint8_t *version, struct error_text *error);

#endif
