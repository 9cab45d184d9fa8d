/* kept_config.h - the configuration that the agent has accepted last, for one that is started with
 * a wrong one.
 *
 * Place: configuration <-> descriptor store; main of the daemon. An upgrade or a restart must not
 * end the accounting of a host for a mistake in a file: the next agent continues with the texts of
 * the files that were accepted, and reports it. */
#ifndef KEPT_CONFIG_H
#define KEPT_CONFIG_H

#include "config_load.h"
#include "descriptor_store.h"

/* config_load(), or if that finds a mistake, and an earlier agent has left what it had accepted,
 * that. The mistake is reported then. Same returns. */
enum config_result kept_config_load(struct config *config, int argc, char *const *argv,
				    struct descriptor_store *store, struct error_text *error);

/* The agent runs with this configuration: keep it for the next one. */
void kept_config_put(const struct config *config, struct descriptor_store *store);

#endif
