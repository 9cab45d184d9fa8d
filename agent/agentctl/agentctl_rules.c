/* agentctl_rules.c - `rules print|remove`: the agent's own rules, shown and taken back. */
#include "agentctl_rules.h"

#include "agentctl_rules_firewall.h"
#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"
#include "defaults.h"
#include "fault_text.h"

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

/* What was removed, for the last word on it. */
struct removal {
	char list[512];
};

static void note(struct removal *removal, const char *what, const char *of)
{
	const size_t used = strlen(removal->list);

	(void)snprintf(removal->list + used, sizeof(removal->list) - used, "%s%s%s%s",
		       used ? " and " : "", what, *of ? " of " : "", of);
}

/* Take the rules out of all firewalls. The first thing that failed is reported. */
static enum agentctl_exit remove_rules(struct removal *removal, struct error_text *error)
{
	static const enum agentctl_firewall all[] = { FIREWALL_nft, FIREWALL_iptables_nft,
						      FIREWALL_iptables_legacy };
	enum agentctl_exit result = AGENTCTL_DONE;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct agentctl_firewall_row *row = &agentctl_firewalls[all[i]];
		struct error_text fault = { .text = "" };
		bool was_there;
		const enum agentctl_exit status =
			agentctl_firewall_remove(all[i], &was_there, &fault);

		if (was_there && !status)
			note(removal, row->what, all[i] == FIREWALL_nft ? "" : row->name);
		if (status && !result) {
			result = status;
			*error = fault;
		}
	}
	return result;
}

static enum agentctl_exit remove_file(const char *path, struct removal *removal,
				      struct error_text *error)
{
	if (unlink(path) == 0) {
		note(removal, path, "");
	} else if (errno != ENOENT && errno != ENOTDIR) {
		error_text_set(error, "cannot remove %s: %s", path, fault_text(errno));
		return AGENTCTL_FAILED;
	}
	return AGENTCTL_DONE;
}

/* Files and units: those of the options, or the default ones of each firewall. */
static enum agentctl_exit remove_files(const struct agentctl_options *options,
				       struct removal *removal, struct error_text *error)
{
	static const enum agentctl_firewall kinds[] = { FIREWALL_nft, FIREWALL_iptables };
	enum agentctl_exit result = AGENTCTL_DONE;

	if (options->file)
		return remove_file(options->file, removal, error);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct agentctl_firewall_row *row = &agentctl_firewalls[kinds[i]];
		struct error_text fault = { .text = "" };
		enum agentctl_exit status = AGENTCTL_DONE;

		if (agentctl_has_unit(row->unit) &&
		    !agentctl_systemctl("disable", "--now", row->unit, &fault))
			status = AGENTCTL_FAILED;
		if (remove_file(row->file, removal, &fault))
			status = AGENTCTL_FAILED;
		if (status && !result) {
			result = status;
			*error = fault;
		}
	}
	return result;
}

enum agentctl_exit agentctl_rules_remove(const struct agentctl_command *command,
					 const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct error_text file_error = { .text = "" };
	struct removal removal = { .list = "" };
	enum agentctl_exit result = agentctl_rules_need_root(command, &error);

	if (!result) {
		result = remove_rules(&removal, &error);
		if (remove_files(options, &removal, &file_error) && !result) {
			error = file_error;
			result = AGENTCTL_FAILED;
		}
	}
	if (*removal.list)
		agentctl_say(options, "removed: %s\n", removal.list);
	else if (!result)
		agentctl_say(options,
			     "nothing to remove: there is neither table inet flowagent nor %s, and "
			     "no chain flowagent_* of iptables\n",
			     options->file ? options->file : DEFAULT_RULES_FILE);
	agentctl_print_error(&error);
	return result;
}
