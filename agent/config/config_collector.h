/* config_collector.h - collectors: "HOST:PORT[,KEY=VALUE...]" and [collector "NAME"].
 *
 * Place: option or section -> here -> struct config_collector -> collector_setup.c of pipeline/. */
#ifndef CONFIG_COLLECTOR_H
#define CONFIG_COLLECTOR_H

#include "config.h"
#include "config_keys.h"

/* A [collector "NAME"] section begins: make it or find it. Then a key of it. */
int config_collector_declare(struct config *config, const char *name,
			     const struct config_origin *origin, struct error_text *error);
int config_collector_set(struct config *config, const char *name, enum config_key_id key,
			 const char *value, const struct config_origin *origin,
			 struct error_text *error);

/* Take one out. */
void config_collector_drop(struct config *config, size_t number);
void config_collectors_clear(struct config *config);
/* Its part of config_finish(). */
int config_collectors_finish(struct config *config, struct error_text *error);

#endif
