/* capture_interface_name.h - what the configuration says of an interface; with and without libpcap.
 */
#ifndef CAPTURE_INTERFACE_NAME_H
#define CAPTURE_INTERFACE_NAME_H

#include "capture.h"

/* Those of struct capture_type. */
int capture_interface_name_parse(const char *text, size_t index, struct source_config *source,
				 struct error_text *error);
int capture_interface_name_check(const struct source_config *source, struct error_text *error);

/* What is wrong with 'promiscuous' on other sources. Returns -EINVAL. */
int capture_interface_refuse_promiscuous(struct error_text *error);

#endif
