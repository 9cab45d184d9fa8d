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

static void print_removed(const char *file, bool had_table, bool had_file)
{
	if (!had_table && !had_file)
		(void)fprintf(stderr,
			      "nothing to remove: there is neither table inet flowagent nor %s\n",
			      file);
	else
		(void)fprintf(stderr, "removed: %s%s%s\n", had_table ? "table inet flowagent" : "",
			      had_table && had_file ? " and " : "", had_file ? file : "");
}

enum agentctl_exit agentctl_rules_remove(const struct agentctl_command *command,
					 const struct agentctl_options *options)
{
	/* Naming the table first makes its removal succeed when it is not there. */
	static const char removal[] = "table inet flowagent\ndelete table inet flowagent\n";
	struct error_text error = { .text = "" };
	struct error_text unit_error = { .text = "" };
	enum agentctl_exit result = agentctl_rules_need_root(command, &error);
	const bool had_table = !result && agentctl_rules_has_table();
	bool had_file = false;
	bool is_unit_off = true;

	/* All of it is tried, and the first thing that failed is reported. */
	if (!result) {
		if (agentctl_rules_has_unit(options->file))
			is_unit_off = agentctl_rules_systemctl("disable", "--now", &unit_error);
		result = agentctl_rules_load(removal, &error);
		had_file = unlink(options->file) == 0;
		if (!had_file && errno != ENOENT && errno != ENOTDIR && !result) {
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
		print_removed(options->file, had_table, had_file);
	agentctl_print_error(&error);
	return result;
}
