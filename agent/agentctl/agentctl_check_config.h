/* agentctl_check_config.h - `check-config`: whether the agent would take a configuration.
 *
 * Place: a row in agentctl_commands.c. */
#ifndef AGENTCTL_CHECK_CONFIG_H
#define AGENTCTL_CHECK_CONFIG_H

#include "agentctl.h"

/* Run `flowagent --check-config` in the place of this program, for the file that follows or the
 * default ones. Returns only if that cannot be: AGENTCTL_USAGE or AGENTCTL_FAILED. */
enum agentctl_exit agentctl_check_config(const struct agentctl_command *command,
					 const struct agentctl_options *options);

#endif
