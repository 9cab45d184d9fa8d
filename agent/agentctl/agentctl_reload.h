/* agentctl_reload.h - `reload` and `set`: what has changed in the configuration of the agent.
 *
 * Place: rows in agentctl_commands.c; agentctl_client.c -> here -> lines. */
#ifndef AGENTCTL_RELOAD_H
#define AGENTCTL_RELOAD_H

#include "agentctl.h"

enum agentctl_exit agentctl_reload(const struct agentctl_command *command,
				   const struct agentctl_options *options);
enum agentctl_exit agentctl_set(const struct agentctl_command *command,
				const struct agentctl_options *options);

#endif
