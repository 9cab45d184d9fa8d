/* agentctl_top.h - `agentctl top`: what passes now, again and again. */
#ifndef AGENTCTL_TOP_H
#define AGENTCTL_TOP_H

#include "agentctl.h"

enum agentctl_exit agentctl_top(const struct agentctl_command *command,
				const struct agentctl_options *options);

#endif
