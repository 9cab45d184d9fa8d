/* json_version.h - an export version as a JSON value.
 *
 * Place: for summary.c and control_templates.c. */
#ifndef JSON_VERSION_H
#define JSON_VERSION_H

#include <jansson.h>
#include <stdint.h>

/* New value of an export version: 1, 5, 7, 9, 10, or "json". */
json_t *json_version(uint8_t version);

#endif
