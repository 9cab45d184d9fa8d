/* config_source.h - packet sources: the options of capture_sources.def, and [source "NAME"].
 *
 * Place: option or section -> here -> struct source_config -> worker. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "config.h"
#include "config_keys.h"
#include "config_options.h"

#define CONFIG_CPU_AUTO UINT32_MAX /* of source_config.cpu, until the source is added */

/* The option that means sources of a type. */
enum config_option_id config_source_option(const struct capture_type *type);

/* A [source "NAME"] section begins: make it or find it. Then a key of it. */
int config_source_declare(struct config *config, const char *name,
			  const struct config_origin *origin, struct error_text *error);
int config_source_set(struct config *config, const char *name, enum config_key_id key,
		      const char *value, struct error_text *error);

/* The command line says which sources are read: of those so far only what is said of them stays,
 * for those that it names as well. Once. */
void config_sources_set_aside(struct config *config);
void config_sources_clear(struct config *config);
/* Forget the sources that an option, and sections like it, have named so far. */
void config_sources_clear_option(struct config *config, enum config_option_id option);
/* Its part of config_finish(). */
int config_sources_finish(struct config *config, struct error_text *error);

#endif
