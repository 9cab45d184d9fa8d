/* agentctl_watch.h - `watch`: expired flows as they leave the agent.
 *
 * Place: a row in agentctl_commands.c; agentctl_client.c -> here -> agentctl_table.c. */
#ifndef AGENTCTL_WATCH_H
#define AGENTCTL_WATCH_H

#include "agentctl.h"

enum agentctl_exit agentctl_watch(const struct agentctl_command *command,
				  const struct agentctl_options *options);

#endif
