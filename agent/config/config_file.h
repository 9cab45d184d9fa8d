/* config_file.h - flowagent.conf and its drop-ins -> config_apply().
 *
 * Place: config_load.c -> here -> config_apply.c.
 *
 * Sections [agent] for all options, [source "NAME"], [collector "NAME"], [control].
 * Errors are "FILE:LINE: ...". */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config.h"

#define CONFIG_FILE_SIZE_MAX (1u << 20)
#define CONFIG_LINE_SIZE_MAX 4000

/* Read a file and after it all files named "*.conf" in conf.d beside it, in the order of strcmp().
 * Returns 0 or a negative errno with 'error' filled. */
int config_file_read(struct config *config, const char *path, struct error_text *error);

/* The same from texts that config_file_read() has left in another config, in place of the files. */
int config_file_read_texts(struct config *config, const struct config_text *texts, size_t count,
			   struct error_text *error);

/* Parse the text of one file, 'size' bytes that need not be text at all. 'name' is for origins and
 * errors. The same returns. */
int config_file_parse(struct config *config, const char *name, const uint8_t *bytes, size_t size,
		      struct error_text *error);

#endif
