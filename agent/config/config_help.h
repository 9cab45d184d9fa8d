/* config_help.h - what --help, --version and --check-config print.
 *
 * Place: config_load.c calls it instead of a start. */
#ifndef CONFIG_HELP_H
#define CONFIG_HELP_H

#include "config.h"

/* Each writes to 'out'; the caller checks whether that worked. */
void config_print_help(FILE *out);
void config_print_version(FILE *out);
/* One line for each file read, and what the configuration needs. */
void config_print_check(const struct config *config, FILE *out);

#endif
