/* export_remote.h - where the agent itself sends to, and where from: for keeping it out of the
 * flows.
 *
 * Place: exporter -> here -> own_exports.c of the pipeline, which workers ask. */
#ifndef EXPORT_REMOTE_H
#define EXPORT_REMOTE_H

#include "transport.h"

struct export_remote {
	struct sockaddr_storage address; /* all of it is set */
	struct sockaddr_storage local;   /* our end; AF_UNSPEC while there is no socket */
	uint8_t ip_protocol;
};

#endif
