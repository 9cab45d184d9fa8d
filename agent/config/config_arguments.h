/* config_arguments.h - argv -> (option, value) pairs -> config_apply().
 *
 * Place: config_load.c -> here -> config_apply.c.
 *
 * Two steps, because the command line names the file that must be applied before it. */
#ifndef CONFIG_ARGUMENTS_H
#define CONFIG_ARGUMENTS_H

#include "config_options.h"

struct config_arguments {
	struct config_setting {
		enum config_option_id option;
		const char *value; /* borrowed from argv; "" without argument */
	} * settings;              /* owned, in their order */
	size_t count;
};

/* Split the words. Stops at --help and --version, which are then the last setting. Returns 0,
 * -EINVAL for wrong usage or -ENOMEM, with 'error' filled. Clear in any case. */
int config_arguments_parse(struct config_arguments *arguments, int argc, char *const *argv,
			   struct error_text *error);
void config_arguments_clear(struct config_arguments *arguments);

/* Value of the last setting of an option; NULL if it is not there. */
const char *config_arguments_find(const struct config_arguments *arguments,
				  enum config_option_id option);

/* Apply them over what the file said. Returns 0 or a negative errno with 'error' filled. */
int config_arguments_apply(const struct config_arguments *arguments, struct config *config,
			   struct error_text *error);

#endif
