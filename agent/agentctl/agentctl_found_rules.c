/* agentctl_found_rules.c - runs nft and iptables-save, whose output agentctl_log_rules.h reads. */
#include "agentctl_found_rules.h"

#include "agentctl_program.h"
#include "fault_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Run a firewall's program that may not be there. '*output' is for free(), NULL if it is not
 * installed or fails. */
static enum agentctl_exit list_rules(const char *const *argv, char **output,
				     struct error_text *error)
{
	struct program_result result;
	int fault = agentctl_program_run(argv, NULL, &result);
	enum agentctl_exit status = AGENTCTL_DONE;

	*output = NULL;
	if (fault == -ENOENT)
		return AGENTCTL_DONE;
	if (fault) {
		error_text_set(error, "%s cannot be run: %s", argv[0], fault_text(-fault));
		return AGENTCTL_FAILED;
	}
	if (result.status == 0) {
		*output = result.output;
		result.output = NULL;
	} else {
		error_text_set(error, "%s has failed (status %d): %s", argv[0], result.status,
			       result.fault);
		status = AGENTCTL_FAILED;
		if (geteuid() != 0) {
			error_text_hint(error, "sudo agentctl rules status");
			status = AGENTCTL_NOT_PERMITTED;
		}
	}
	agentctl_program_clear(&result);
	return status;
}

/* The programs that show rules which nft does not. A legacy one that fails has no tables. */
static const struct {
	const char *program;
	const char *changer; /* the program that changes them */
	const char *firewall;
	const char *family;
	bool is_legacy;
} savers[] = {
	{ "iptables-nft-save", "iptables-nft", "iptables-nft", "ip", false },
	{ "ip6tables-nft-save", "ip6tables-nft", "iptables-nft", "ip6", false },
	{ "iptables-legacy-save", "iptables-legacy", "iptables-legacy", "ip", true },
	{ "ip6tables-legacy-save", "ip6tables-legacy", "iptables-legacy", "ip6", true },
};

enum agentctl_exit agentctl_found_rules(struct log_rules *rules, struct error_text *error)
{
	/* -t: without the elements of sets, which may be millions. */
	static const char *const nft[] = { "nft", "-j", "-t", "list", "ruleset", NULL };
	bool has_foreign = false;
	char *output;
	enum agentctl_exit result = list_rules(nft, &output, error);

	if (!result && output && log_rules_from_nft(output, rules, &has_foreign, error))
		result = AGENTCTL_FAILED;
	if (!result && !output)
		(void)fputs("nft is not installed (apt install nftables): looking at iptables only"
			    "\n",
			    stderr);
	free(output);
	for (size_t i = 0; !result && i < sizeof(savers) / sizeof(savers[0]); i++) {
		const char *const save[] = { savers[i].program, "-c", NULL };
		struct error_text ignored;

		if (!savers[i].is_legacy && !has_foreign)
			continue; /* nft has shown them */
		(void)list_rules(save, &output, &ignored);
		if (output &&
		    log_rules_from_iptables(output, savers[i].firewall, savers[i].family, rules)) {
			error_text_set(error, "out of memory");
			result = AGENTCTL_FAILED;
		}
		free(output);
	}
	return result;
}

const char *agentctl_found_rules_program(const struct log_rule *rule)
{
	const char *firewall = json_string_value(json_object_get(rule->row, "firewall"));
	const char *family = json_string_value(json_object_get(rule->row, "family"));

	for (size_t i = 0; i < sizeof(savers) / sizeof(savers[0]); i++)
		if (strcmp(savers[i].firewall, firewall) == 0 &&
		    strcmp(savers[i].family, family) == 0)
			return savers[i].changer;
	return "nft";
}
