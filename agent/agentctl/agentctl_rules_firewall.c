/* agentctl_rules_firewall.c - runs nft, iptables-save and iptables-restore. */
#include "agentctl_rules_firewall.h"

#include "agentctl_program.h"
#include "agentctl_rules_system.h"
#include "agentctl_ruleset_iptables.h"
#include "defaults.h"
#include "fault_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IPTABLES \
	"chains " RULESET_IPTABLES_CHAINS "*", DEFAULT_IPTABLES_FILE, AGENTCTL_IPTABLES_UNIT

const struct agentctl_firewall_row agentctl_firewalls[] = {
	[FIREWALL_nft] = { "nft", "", "table inet flowagent", DEFAULT_RULES_FILE,
			   AGENTCTL_RULES_UNIT },
	[FIREWALL_iptables] = { "iptables", "", IPTABLES },
	[FIREWALL_iptables_nft] = { "iptables-nft", "-nft", IPTABLES },
	[FIREWALL_iptables_legacy] = { "iptables-legacy", "-legacy", IPTABLES },
};

static const char *const programs[] = { "iptables", "ip6tables" }; /* one per family */

#define PROGRAM_COUNT (sizeof(programs) / sizeof(programs[0]))

const char *agentctl_rules_file(const struct agentctl_options *options)
{
	return options->file ? options->file : agentctl_firewalls[options->firewall].file;
}

/* Standard output of a program; "" if it is not there or fails. For free(). */
static char *output_of(const char *const *argv)
{
	struct program_result result;

	if (agentctl_program_run(argv, NULL, &result))
		return strdup("");
	if (result.status == 0)
		return result.output;
	agentctl_program_clear(&result);
	return strdup("");
}

enum agentctl_firewall agentctl_firewall_resolve(enum agentctl_firewall firewall)
{
	static const char *const version[] = { "iptables", "--version", NULL };
	char *text;
	bool is_nft;

	if (firewall != FIREWALL_iptables)
		return firewall;
	text = output_of(version);
	is_nft = text && strstr(text, "(nf_tables)");
	free(text);
	return is_nft ? FIREWALL_iptables_nft : FIREWALL_iptables_legacy;
}

void agentctl_rules_forget(enum agentctl_firewall firewall)
{
	const struct agentctl_firewall_row *row = &agentctl_firewalls[firewall];
	struct error_text ignored;

	if (access(row->file, F_OK) != 0)
		return;
	if (agentctl_has_unit(row->unit))
		(void)agentctl_systemctl("disable", "--now", row->unit, &ignored);
	(void)unlink(row->file);
}

static char *save_text(enum agentctl_firewall firewall, size_t family)
{
	char program[64];
	const char *const save[] = { program, NULL };

	(void)snprintf(program, sizeof(program), "%s%s-save", programs[family],
		       agentctl_firewalls[firewall].suffix);
	return output_of(save);
}

/* Append a text to another one, and free both; NULL if memory is short. */
static char *joined(char *one, char *other)
{
	char *text = NULL;

	if (!one || !other || asprintf(&text, "%s%s", one, other) < 0)
		text = NULL;
	free(one);
	free(other);
	return text;
}

char *agentctl_firewall_list(enum agentctl_firewall firewall)
{
	static const char *const nft[] = {
		"nft", "-s", "list", "table", "inet", "flowagent", NULL
	};
	char *list;

	if (firewall == FIREWALL_nft)
		return output_of(nft);
	list = strdup("");
	for (size_t i = 0; i < PROGRAM_COUNT; i++) {
		char *save = save_text(firewall, i);

		list = joined(list, save ? ruleset_iptables_own(save) : NULL);
		free(save);
	}
	return list;
}

bool agentctl_has_firewalld(void)
{
	static const char *const state[] = { "firewall-cmd", "--state", NULL };
	struct program_result result;
	bool is_running;

	if (agentctl_program_run(state, NULL, &result))
		return false;
	is_running = result.status == 0;
	agentctl_program_clear(&result);
	return is_running;
}

enum agentctl_exit agentctl_iptables_check_firewalld(struct error_text *error)
{
	if (!agentctl_has_firewalld())
		return AGENTCTL_DONE;
	error_text_set(error, "firewalld runs here, and flushes the tables of iptables at each "
			      "reload: nothing was changed");
	error_text_hint(error, "--firewall nft stands beside it; --force if it is never reloaded");
	return AGENTCTL_FAILED;
}

enum agentctl_exit agentctl_iptables_check_own(enum agentctl_firewall firewall,
					       struct error_text *error)
{
	bool is_foreign = false;

	for (size_t i = 0; i < PROGRAM_COUNT; i++) {
		char *save = save_text(firewall, i);

		is_foreign |= save && ruleset_iptables_is_foreign(save);
		free(save);
	}
	if (!is_foreign)
		return AGENTCTL_DONE;
	error_text_set(error,
		       "chains %s* of %s have rules that agentctl has not made: nothing was "
		       "changed",
		       RULESET_IPTABLES_CHAINS, agentctl_firewalls[firewall].name);
	error_text_hint(error, "take them out or rename the chains; --firewall nft needs none");
	return AGENTCTL_FAILED;
}

/* Run a program that changes iptables; its own words are in 'error' if it fails. */
static enum agentctl_exit run(const char *const *argv, const char *input, const char *name,
			      struct error_text *error)
{
	struct program_result result;
	const int fault = agentctl_program_run(argv, input, &result);
	bool is_missing = fault == -ENOENT;

	if (!fault && result.status == 0) {
		agentctl_program_clear(&result);
		return AGENTCTL_DONE;
	}
	if (fault) {
		error_text_set(error, "%s cannot be run: %s", name, fault_text(-fault));
	} else {
		is_missing = result.status == 127; /* the shell's word for it */
		error_text_set(error, "%s has refused (status %d): %s", name, result.status,
			       result.fault);
		agentctl_program_clear(&result);
	}
	if (is_missing)
		error_text_hint(error, "apt install iptables; or --firewall nft");
	return AGENTCTL_FAILED;
}

enum agentctl_exit agentctl_iptables_load(const char *script, struct error_text *error)
{
	static const char *const shell[] = { "sh", "-s", NULL };

	return run(shell, script, "iptables", error);
}

static enum agentctl_exit remove_family(enum agentctl_firewall firewall, size_t family,
					bool *was_there, struct error_text *error)
{
	char *save = save_text(firewall, family);
	char *removal = save ? ruleset_iptables_removal(save) : NULL;
	enum agentctl_exit result = AGENTCTL_DONE;
	char program[64];
	const char *const restore[] = { program, "-w", "10", "--noflush", NULL };

	(void)snprintf(program, sizeof(program), "%s%s-restore", programs[family],
		       agentctl_firewalls[firewall].suffix);
	if (!removal) {
		error_text_set(error, "out of memory");
		result = AGENTCTL_FAILED;
	} else if (ruleset_iptables_is_foreign(save)) {
		result = agentctl_iptables_check_own(firewall, error);
	} else if (*removal) {
		*was_there = true;
		result = run(restore, removal, program, error);
	}
	free(save);
	free(removal);
	return result;
}

enum agentctl_exit agentctl_firewall_remove(enum agentctl_firewall firewall, bool *was_there,
					    struct error_text *error)
{
	enum agentctl_exit result = AGENTCTL_DONE;

	*was_there = false;
	if (firewall == FIREWALL_nft) {
		*was_there = agentctl_rules_has_table();
		return *was_there ? agentctl_rules_load("delete table inet flowagent\n", error)
				  : AGENTCTL_DONE;
	}
	for (size_t i = 0; !result && i < PROGRAM_COUNT; i++)
		result = remove_family(firewall, i, was_there, error);
	return result;
}
