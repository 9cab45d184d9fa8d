/* config_transport.h - how a collector is reached.
 *
 * Place: called when everything is read -> here -> struct config_collector. */
#ifndef CONFIG_TRANSPORT_H
#define CONFIG_TRANSPORT_H

#include "config.h"

/* Fill in transport, version and port where nothing was said. */
int config_transport_choose(const struct config *config, struct config_collector *collector,
			    struct error_text *error);
/* What follows from the transport of a collector, and what does not go with it. */
int config_transport_finish(struct config_collector *collector, struct error_text *error);
/* For --check-config: the files and the directory that its keys name can be used. */
int config_transport_check_files(const struct config_collector *collector,
				 struct error_text *error);

#endif
