/* config_offload.h - what goes with offload= of a source.
 *
 * Place: part of config_finish(). */
#ifndef CONFIG_OFFLOAD_H
#define CONFIG_OFFLOAD_H

#include "config.h"

/* Whether the kernel can count all that the collectors are to get of a flow. Returns 0, or -EINVAL
 * with 'error' filled. Call it after config_fields_finish(). */
int config_offload_finish(const struct config *config, struct error_text *error);

#endif
