/* config_environment.h - ${NAME} in a value of the file -> what the environment has for it.
 *
 * Place: config_file.c -> here -> the value that an option or a key gets. What was found is kept
 * with the configuration: its texts may be read again where the environment is another. */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "error_text.h"

#include <stddef.h>

struct config_variable {
	char *name;  /* owned */
	char *value; /* owned */
};

/* Zero-initialized there are none. */
struct config_variables {
	struct config_variable *items; /* owned */
	size_t count;
};

/* Add copies. Returns 0 or -ENOMEM with 'error' filled. */
int config_variables_add(struct config_variables *variables, const char *name, const char *value,
			 struct error_text *error);
int config_variables_copy(struct config_variables *variables, const struct config_variables *from,
			  struct error_text *error);
void config_variables_clear(struct config_variables *variables);

/* Copy 'value' with each ${NAME} replaced; $${ stands for ${. HOSTNAME is the host's name where the
 * environment has none.
 *
 * variables  come before those of the environment, which are added as they are found.
 * expanded   out; 'size' bytes, with the null byte.
 * Returns 0, or -EINVAL or -ENOMEM with what is wrong in 'error'. */
int config_environment_expand(struct config_variables *variables, const char *value, char *expanded,
			      size_t size, struct error_text *error);

#endif
