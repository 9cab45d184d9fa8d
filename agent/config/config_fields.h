/* config_fields.h - which fields the records of a collector have.
 *
 * Place: called when everything is read -> here -> the template set of a collector. */
#ifndef CONFIG_FIELDS_H
#define CONFIG_FIELDS_H

#include "config.h"

/* Whether each collector can get the fields it is to get; call it after the other parts of
 * config_finish(). */
int config_fields_finish(const struct config *config, struct error_text *error);

#endif
