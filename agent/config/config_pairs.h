/* config_pairs.h - "KEY=VALUE,KEY=VALUE", as it stands after a source or collector.
 *
 * Place: config_source.c and config_collector.c -> here -> config_keys.c. */
#ifndef CONFIG_PAIRS_H
#define CONFIG_PAIRS_H

#include "config_keys.h"

/* Split it ('keys' is cut into pieces; NULL for none) and hand each pair to 'set'. A quoted value
 * may contain commas; a key may be there once. Returns 0, or the first error with 'error' filled.
 */
int config_pairs_set(char *keys, enum config_section section,
		     int (*set)(void *object, enum config_key_id key, const char *value,
				struct error_text *error),
		     void *object, struct error_text *error);

#endif
