/* config_flow_key.h - what makes two packets one flow.
 *
 * Place: called when everything is read -> here -> struct flow_key_choice. */
#ifndef CONFIG_FLOW_KEY_H
#define CONFIG_FLOW_KEY_H

#include "config.h"

/* Its part of config_finish(). */
int config_flow_key_finish(struct config *config, struct error_text *error);

#endif
