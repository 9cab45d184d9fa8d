/* agentctl_watch.h - `watch`: expired flows as they leave the agent. */
#ifndef AGENTCTL_WATCH_H
#define AGENTCTL_WATCH_H

#include "agentctl.h"

enum agentctl_exit agentctl_watch(const struct agentctl_command *command,
				  const struct agentctl_options *options);

#endif
