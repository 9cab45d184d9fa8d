/* agentctl_rules_install.c - `rules install`: looks at what is there, loads the rules, and saves
 * them for the next boot.
 *
 * Place: a row in agentctl_commands.c; asks agentctl_found_rules.c before it changes anything.
 *
 * What is loaded is what is saved, and nothing is saved that the firewall has not taken. With nft
 * all of it is one transaction: the table is emptied and filled, what an earlier version had
 * besides goes, and so do rules of others in nft that would count the same packets again (--force).
 * Counters continue. With iptables it is one transaction per table. What an earlier install has put
 * into another firewall goes once the new rules are there. */
#include "agentctl_rules.h"

#include "agentctl_found_rules.h"
#include "agentctl_installation.h"
#include "agentctl_program.h"
#include "agentctl_rule_path.h"
#include "agentctl_rules_firewall.h"
#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"
#include "fault_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WHOLE_TABLE "table inet flowagent\ndelete table inet flowagent\n"

static void installation_clear(struct installation *installation)
{
	free(installation->text);
	free(installation->before);
	log_rules_clear(&installation->found);
}

/* Refuse interfaces that are not there: a slip of the pen would replace a good table. */
static enum agentctl_exit check_interfaces(const struct installation *installation,
					   struct error_text *error)
{
	const struct ruleset *ruleset = &installation->ruleset;

	for (size_t i = 0; i < ruleset->interface_count; i++)
		if (!if_nametoindex(ruleset->interfaces[i]) && !installation->options->is_forced) {
			error_text_set(error, "there is no interface %s: nothing was changed",
				       ruleset->interfaces[i]);
			error_text_hint(error, "ip link shows which there are; --force if it is to "
					       "come later");
			return AGENTCTL_FAILED;
		}
	return AGENTCTL_DONE;
}

/* A rule that stands for all of ours that log an interface to one group; NULL row if memory is
 * short. */
static struct log_rule our_rule(const char *interface, unsigned int group)
{
	struct log_rule rule = { .row = json_pack("{s:s, s:s, s:s, s:s, s:i}", "firewall", "nft",
						  "family", "inet", "table", "flowagent", "hook",
						  "prerouting,output,postrouting", "group",
						  (int)group) };

	rule_list_add(rule.interfaces.in, sizeof(rule.interfaces.in), "", interface);
	rule_list_add(rule.interfaces.out, sizeof(rule.interfaces.out), "", interface);
	return rule;
}

static bool counts_twice(const struct log_rule *rule, const char *interface, unsigned int group)
{
	struct log_rule ours = our_rule(interface, group);
	const bool is_twice = ours.row && !log_rule_is_own(rule) &&
			      log_rules_overlap(rule, &ours) == LOG_RULES_twice;

	json_decref(ours.row);
	return is_twice;
}

/* Whether a rule of somebody else logs what ours do. */
static bool stands_in_the_way(const struct ruleset *ruleset, const struct log_rule *rule)
{
	for (unsigned int group = ruleset->group; group <= agentctl_rules_last_group(ruleset);
	     group++)
		for (size_t i = 0; i < ruleset->interface_count; i++)
			if (counts_twice(rule, ruleset->interfaces[i], group))
				return true;
	return false;
}

/* Refuse to make packets count twice. */
static enum agentctl_exit check_others(struct installation *installation, struct error_text *error)
{
	const struct log_rules *found = &installation->found;

	for (size_t i = 0; i < found->count; i++) {
		char text[512];

		if (!stands_in_the_way(&installation->ruleset, &found->rules[i]))
			continue;
		log_rule_format(&found->rules[i], text, sizeof(text));
		(void)fprintf(stderr, "%s: %s\n",
			      installation->options->is_forced ? "taken out"
							       : "logs the same packets",
			      text);
		installation->others++;
	}
	if (installation->others > 0 && installation->options->is_forced) {
		(void)fputs("  hint: what loads this at boot has to go, too\n", stderr);
	} else if (installation->others > 0) {
		error_text_set(error,
			       "each packet would count twice, as %zu rule%s to group %u already: "
			       "nothing was changed",
			       installation->others, installation->others > 1 ? "s log" : " logs",
			       installation->ruleset.group);
		error_text_hint(error,
				"--force takes over: it takes the rule out; or another group: "
				"--group N");
		return AGENTCTL_FAILED;
	}
	return AGENTCTL_DONE;
}

/* Write commands that delete the objects of one kind which our table has and is not to have. Their
 * names stand at the beginning of a line in both texts. */
static void write_stale(FILE *file, const struct installation *installation, const char *kind)
{
	char word[16];
	const char *at = installation->before;

	(void)snprintf(word, sizeof(word), "\n\t%s ", kind);
	while (at && (at = strstr(at, word))) {
		char name[160];
		size_t length;

		at += strlen(word);
		length = strcspn(at, " \n");
		(void)snprintf(name, sizeof(name), "\n\t%s %.*s {", kind, (int)length, at);
		if (length < 100 && !strstr(installation->text, name))
			(void)fprintf(file, "delete %s inet flowagent %.*s\n", kind, (int)length,
				      at);
	}
}

/* Write commands that take rules of others out of nft. */
static void write_taken(FILE *file, const struct installation *installation)
{
	for (size_t i = 0; i < installation->found.count; i++) {
		const struct log_rule *rule = &installation->found.rules[i];

		if (!rule->line && stands_in_the_way(&installation->ruleset, rule))
			(void)fprintf(file,
				      "delete rule %s %s %s handle %" JSON_INTEGER_FORMAT "\n",
				      json_string_value(json_object_get(rule->row, "family")),
				      json_string_value(json_object_get(rule->row, "table")),
				      json_string_value(json_object_get(rule->row, "chain")),
				      rule->handle);
	}
}

/* The transaction. With 'is_anew' the table is made anew, and its counters begin at 0. For free(),
 * NULL if memory is short. */
static char *format_transaction(const struct installation *installation, bool is_anew)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	if (is_anew)
		(void)fputs(WHOLE_TABLE, file);
	(void)fputs(installation->text, file);
	if (!is_anew) {
		write_stale(file, installation, "chain");
		write_stale(file, installation, "counter");
		write_stale(file, installation, "limit");
	}
	write_taken(file, installation);
	if (fclose(file) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Load the rules of nft. A table that is too different to be filled anew is replaced as a whole. */
static enum agentctl_exit load_nft(const struct installation *installation,
				   struct error_text *error)
{
	const int ways = *installation->before ? 2 : 1;
	enum agentctl_exit result = AGENTCTL_FAILED;

	for (int is_anew = 0; result && is_anew < ways; is_anew++) {
		char *text = format_transaction(installation, is_anew);

		if (text)
			result = agentctl_rules_load(text, error);
		else
			error_text_set(error, "out of memory");
		free(text);
	}
	return result;
}

/* Take the rules of others out of nft, once ours are in iptables. */
static enum agentctl_exit take_out_of_nft(const struct installation *installation,
					  struct error_text *error)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	enum agentctl_exit result = AGENTCTL_DONE;

	if (file)
		write_taken(file, installation);
	if (!file || fclose(file) != 0) {
		error_text_set(error, "out of memory");
		result = AGENTCTL_FAILED;
	} else if (*text) {
		result = agentctl_rules_load(text, error);
	}
	free(text);
	return result;
}

static enum agentctl_exit load(const struct installation *installation, struct error_text *error)
{
	enum agentctl_exit result;

	if (installation->options->firewall == FIREWALL_nft)
		return load_nft(installation, error);
	result = agentctl_iptables_load(installation->text, error);
	return result ? result : take_out_of_nft(installation, error);
}

/* Load the rules and save them: the file takes its name only when the firewall has taken them. */
static enum agentctl_exit load_and_save(const struct installation *installation,
					struct error_text *error)
{
	const char *path = agentctl_rules_file(installation->options);
	char temporary[4096];
	int fault = agentctl_rules_write(path, installation->text, temporary, sizeof(temporary));
	enum agentctl_exit result = fault ? AGENTCTL_FAILED : load(installation, error);

	if (!fault && result)
		(void)unlink(temporary);
	if (!result && rename(temporary, path) != 0) {
		fault = -errno;
		(void)unlink(temporary);
	}
	if (!fault)
		return result;
	error_text_set(error, "cannot write %s: %s", path, fault_text(-fault));
	error_text_hint(error, "another file: --file PATH; only until the next boot: --no-save");
	return AGENTCTL_FAILED;
}

/* Take a rule of somebody else out of iptables, as its own line says. */
static enum agentctl_exit take_out(const struct log_rule *rule, struct error_text *error)
{
	const char *argv[LOG_RULE_WORDS + 8] = {
		agentctl_found_rules_program(rule), "-w", "-t",
		json_string_value(json_object_get(rule->row, "table")), "-D"
	};
	char *words[LOG_RULE_WORDS];
	char *line = strdup(rule->line);
	size_t count = line ? log_rules_split(line, words) : 0;
	struct program_result result = { .status = 1 };
	int fault = line ? 0 : -ENOMEM;

	for (size_t i = 1; i < count; i++) /* after -A */
		argv[4 + i] = words[i];
	if (!fault)
		fault = agentctl_program_run(argv, NULL, &result);
	if (fault || result.status != 0)
		error_text_set(error, "%s cannot take the rule out: %s", argv[0],
			       fault ? fault_text(-fault) : result.fault);
	else
		argv[0] = NULL; /* done */
	if (!fault)
		agentctl_program_clear(&result);
	free(line);
	return argv[0] ? AGENTCTL_FAILED : AGENTCTL_DONE;
}

/* After ours are there: for a moment packets count twice, but none is lost. */
static enum agentctl_exit take_others_out(const struct installation *installation,
					  struct error_text *error)
{
	enum agentctl_exit result = AGENTCTL_DONE;

	for (size_t i = 0; i < installation->found.count; i++) {
		const struct log_rule *rule = &installation->found.rules[i];

		if (!result && rule->line && stands_in_the_way(&installation->ruleset, rule))
			result = take_out(rule, error);
	}
	return result;
}

/* Look at what is asked for and at what is there, before anything is changed. */
static enum agentctl_exit prepare(struct installation *installation, struct error_text *error)
{
	enum agentctl_exit result =
		agentctl_rules_make(installation->options, &installation->ruleset,
				    &installation->cpus, &installation->text, error);

	if (!result)
		result = check_interfaces(installation, error);
	if (!result)
		result = agentctl_found_rules(&installation->found, error);
	if (!result)
		result = check_others(installation, error);
	if (!result && installation->options->firewall != FIREWALL_nft &&
	    !installation->options->is_forced)
		result = agentctl_iptables_check_firewalld(error);
	if (!result && installation->options->firewall != FIREWALL_nft)
		result = agentctl_iptables_check_own(installation->options->firewall, error);
	if (!result) {
		installation->before = agentctl_firewall_list(installation->options->firewall);
		if (!installation->before) {
			error_text_set(error, "out of memory");
			result = AGENTCTL_FAILED;
		}
	}
	return result;
}

/* Whether the file has other rules than those that are wanted. */
static bool is_file_other(const struct installation *installation)
{
	char *saved = agentctl_rules_read_file(agentctl_rules_file(installation->options));
	bool is_other = !saved || strcmp(saved, installation->text) != 0;

	free(saved);
	return is_other;
}

static enum agentctl_exit install(struct installation *installation, bool *is_changed,
				  struct error_text *error)
{
	const struct agentctl_options *options = installation->options;
	const bool is_file_changed = !options->no_save && is_file_other(installation);
	enum agentctl_exit result =
		options->no_save ? load(installation, error) : load_and_save(installation, error);
	char *after;

	if (!result)
		result = take_others_out(installation, error);
	if (!result)
		result = agentctl_installation_leave_others(installation, error);
	if (result)
		return result;
	agentctl_installation_print(installation);
	if (options->no_save)
		agentctl_say(options, "not saved: gone after the next boot\n");
	else
		result = agentctl_installation_keep(installation, error);
	after = agentctl_firewall_list(options->firewall);
	*is_changed = installation->others > 0 || is_file_changed || !after ||
		      strcmp(after, installation->before) != 0;
	free(after);
	return result;
}

enum agentctl_exit agentctl_rules_put(const struct agentctl_options *options, bool *is_changed,
				      struct error_text *error)
{
	struct installation installation = { .options = options,
					     .firewall = &agentctl_firewalls[options->firewall] };
	enum agentctl_exit result = prepare(&installation, error);

	*is_changed = false;
	if (!result)
		result = install(&installation, is_changed, error);
	installation_clear(&installation);
	return result;
}

enum agentctl_exit agentctl_rules_install(const struct agentctl_command *command,
					  const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	bool is_changed = false;
	enum agentctl_exit result = agentctl_rules_need_root(command, &error);

	if (!result)
		result = agentctl_rules_put(options, &is_changed, &error);
	if (!result)
		(void)puts(is_changed ? "changed" : "unchanged");
	agentctl_print_error(&error);
	return result;
}
