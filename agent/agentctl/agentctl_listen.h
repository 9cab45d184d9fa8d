/* agentctl_listen.h - `listen`: a collector that prints what comes and says what is wrong with it.
 *
 * Place: a row in agentctl_commands.c; agentctl_listen_sockets.c -> agent/listen ->
 * agentctl_listen_rows.c. */
#ifndef AGENTCTL_LISTEN_H
#define AGENTCTL_LISTEN_H

#include "agentctl.h"

enum agentctl_exit agentctl_listen(const struct agentctl_command *command,
				   const struct agentctl_options *options);

#endif
