/* agentctl_rules.c - `rules print|remove`: the agent's own nft table, shown and taken back. */
#include "agentctl_rules.h"

#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum agentctl_exit agentctl_rules_print(const struct agentctl_command *command,
					const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct ruleset ruleset;
	struct cpu_list cpus;
	char *text;
	enum agentctl_exit result = agentctl_rules_make(options, &ruleset, &cpus, &text, &error);

	(void)command;
	if (text) {
		(void)fputs(text, stdout);
		agentctl_rules_print_groups(&ruleset);
	}
	agentctl_print_error(&error);
	free(text);
	return result;
}

enum agentctl_exit agentctl_rules_remove(const struct agentctl_command *command,
					 const struct agentctl_options *options)
{
	/* Naming the table first makes its removal succeed when it is not there. */
	static const char removal[] = "table inet flowagent\ndelete table inet flowagent\n";
	struct error_text error = { .text = "" };
	struct error_text unit_error = { .text = "" };
	enum agentctl_exit result = agentctl_rules_need_root(command, &error);
	bool is_unit_off = true;

	/* All of it is tried, and the first thing that failed is reported. */
	if (!result) {
		if (agentctl_rules_has_unit(options->file))
			is_unit_off = agentctl_rules_systemctl("disable", "--now", &unit_error);
		result = agentctl_rules_load(removal, &error);
		if (unlink(options->file) != 0 && errno != ENOENT && !result) {
			error_text_set(&error, "cannot remove %s: %s", options->file,
				       strerror(errno));
			result = AGENTCTL_FAILED;
		}
		if (!result && !is_unit_off) {
			error = unit_error;
			result = AGENTCTL_FAILED;
		}
	}
	if (!result)
		(void)fprintf(stderr, "removed: table inet flowagent and %s\n", options->file);
	agentctl_print_error(&error);
	return result;
}
