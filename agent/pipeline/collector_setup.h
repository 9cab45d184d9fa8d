/* collector_setup.h - the collectors of the configuration, as the exporter takes them.
 *
 * Called from the control thread while the pipeline is put together. What the exporter reports of
 * its collectors later is logged in the thread that it runs in. */
#ifndef COLLECTOR_SETUP_H
#define COLLECTOR_SETUP_H

#include "error_text.h"
#include "hash.h"

#include "collector_config.h"

struct config;
struct config_collector;
struct exporter;

/* What one collector of 'config' means to the exporter. Strings are borrowed from there. */
struct collector_config collector_setup_one(const struct config *config, size_t number);

/* Create an exporter with all collectors of 'config', which may be freed afterwards. Returns it,
 * owned by the caller, or NULL with 'error' set. */
struct exporter *collector_setup_exporter(const struct config *config,
					  const struct template_choice *choice,
					  struct hash_key secret, struct error_text *error);

/* The columns of the flow cache that the records of any collector are of: FLOW_COLUMN_BIT(). */
unsigned int collector_setup_columns(const struct config *config,
				     const struct template_choice *choice);

/* Likewise for one. */
unsigned int collector_setup_columns_of(const struct config_collector *collector,
					const struct template_choice *choice);

/* Warn of filters with a name that no interface has now: it may be a mistake, or come later; and of
 * certificates that are not checked. */
void collector_setup_warn(const struct config *config);

#endif
