/* capture_sources.h - one declaration per packet source; defined in capture_<name>.c.
 *
 * Place: config_options.def includes the rows; config_source.c finds a source's type by them. */
#ifndef CAPTURE_SOURCES_H
#define CAPTURE_SOURCES_H

#include "capture.h"

#define CAPTURE_SOURCE(option, type, ...) extern const struct capture_type capture_##type;
#include "capture_sources.def"

#endif
