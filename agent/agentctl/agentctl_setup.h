/* agentctl_setup.h - `setup`: configuration, rules and service in one go, and back.
 *
 * Place: a row in agentctl_commands.c; options -> agentctl_setup_file.c -> conf.d,
 * agentctl_rules.c, agentctl_bpf.c, systemctl. */
#ifndef AGENTCTL_SETUP_H
#define AGENTCTL_SETUP_H

#include "agentctl.h"
#include "agentctl_ruleset.h"
#include "defaults.h"

#define SETUP_FILE DEFAULT_CONFIG_DIRECTORY "/setup.conf"

/* What `setup` has changed; it stands as comments in the file that it writes. */
struct setup_state {
	bool has_rules;   /* the rules are its own */
	bool has_drop_in; /* so is the drop-in for --bpf */
	bool has_enabled; /* the service was not enabled before */
	bool has_started; /* the service did not run before */
};

/* What stands in the file. */
struct setup_file {
	struct setup_state state;
	char collector[1024]; /* "": none */
	struct ruleset bpf;   /* interfaces that BPF programs read; none: rules feed the agent */
};

/* Text of the file, for free(); NULL if memory is short. */
char *setup_format(const struct setup_file *file);
/* What such a text says; all 0 without. */
void setup_parse(const char *text, struct setup_file *file);

/* Write the file. The daemon looks at all files as the service will, and one that it refuses is put
 * back. 'is_changed': it is other than before. */
enum agentctl_exit setup_file_write(const struct setup_file *file, bool *is_changed,
				    struct error_text *error);
enum agentctl_exit setup_file_remove(struct error_text *error);

/* Do it, wait for packets, and say what `doctor` says. Returns AGENTCTL_BROKEN if doctor does,
 * AGENTCTL_TIMED_OUT if no packet came; warnings of doctor are no failure. */
enum agentctl_exit agentctl_setup(const struct agentctl_command *command,
				  const struct agentctl_options *options);

#endif
