/* config_environment.h - ${NAME} in a value of the file -> what the environment has for it.
 *
 * Place: config_file.c -> here -> the value that an option or a key gets. */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "error_text.h"

#include <stddef.h>

/* Copy 'value' with each ${NAME} replaced; $${ stands for ${. HOSTNAME is the host's name where the
 * environment has none.
 *
 * expanded  out; 'size' bytes, with the null byte.
 * Returns 0, or -EINVAL with what is wrong in 'error'. */
int config_environment_expand(const char *value, char *expanded, size_t size,
			      struct error_text *error);

#endif
