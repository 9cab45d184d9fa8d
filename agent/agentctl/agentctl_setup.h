/* agentctl_setup.h - `setup`: configuration, rules and service in one go, and back.
 *
 * Place: a row in agentctl_commands.c; options -> conf.d, agentctl_rules.c, systemctl. */
#ifndef AGENTCTL_SETUP_H
#define AGENTCTL_SETUP_H

#include "agentctl.h"

/* What `setup` has changed; it stands as comments in the file that it writes. */
struct setup_state {
	bool has_rules;   /* the rules are its own */
	bool has_enabled; /* the service was not enabled before */
	bool has_started; /* the service did not run before */
};

/* Text of the file, for free(); NULL if memory is short. 'collector' may be NULL. */
char *setup_format(const struct setup_state *state, const char *collector);
/* The state that such a text tells; all false without. */
struct setup_state setup_parse(const char *text);

/* Do it, wait for packets, and say what `doctor` says. Returns AGENTCTL_BROKEN if doctor does,
 * AGENTCTL_TIMED_OUT if no packet came; warnings of doctor are no failure. */
enum agentctl_exit agentctl_setup(const struct agentctl_command *command,
				  const struct agentctl_options *options);

#endif
