/* agentctl_installation.c - after the rules are loaded: what is said, what loads them at boot, and
 * what goes from other firewalls. */
#include "agentctl_installation.h"

#include "agentctl_program.h"
#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"
#include "count_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_loaded(const struct installation *installation)
{
	const struct ruleset *ruleset = &installation->ruleset;
	const bool is_nft = installation->options->firewall == FIREWALL_nft;
	char text[COUNT_TEXT_SIZE];

	if (installation->options->is_quiet)
		return;
	(void)fprintf(stderr, "loaded: %s%s%s log%s %s of ",
		      is_nft ? "" : installation->firewall->name, is_nft ? "" : " ",
		      installation->firewall->what, is_nft ? "s" : "",
		      count_text(ruleset->snaplen, "byte", text));
	if (ruleset->sample > 1)
		(void)fprintf(stderr, "one packet in %u", ruleset->sample);
	else
		(void)fputs("each packet", stderr);
	(void)fprintf(stderr, " to group %u", ruleset->group);
	if (ruleset->cpus)
		(void)fprintf(stderr, " to %u by CPU", agentctl_rules_last_group(ruleset));
	if (ruleset->max_rate)
		(void)fprintf(stderr, ", at most %u packets per second", ruleset->max_rate);
	(void)fputs(", in and out of", stderr);
	for (size_t i = 0; i < ruleset->interface_count; i++) {
		const char *name = ruleset->interfaces[i];

		(void)fprintf(stderr, "%s %s%s", i ? "," : "", name,
			      if_nametoindex(name) ? "" : " (which is not there now)");
	}
	(void)fputc('\n', stderr);
}

static bool has_interface(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->interface_count; i++)
		if (strcmp(ruleset->interfaces[i], name) == 0)
			return true;
	return false;
}

/* Say which interfaces and groups were logged before and are not any more. */
static void print_changes(const struct installation *installation)
{
	const struct ruleset *ruleset = &installation->ruleset;
	char ended[1024] = "";

	for (size_t i = 0; i < installation->found.count; i++) {
		const struct log_rule *rule = &installation->found.rules[i];
		char list[RULE_INTERFACES_SIZE];
		char *save = NULL;
		char group[32];

		if (!log_rule_is_own(rule))
			continue;
		(void)snprintf(list, sizeof(list), "%s",
			       json_string_value(json_object_get(rule->row, "interfaces")));
		for (char *name = strtok_r(list, ",", &save); name;
		     name = strtok_r(NULL, ",", &save))
			if (!has_interface(ruleset, name))
				rule_list_add(ended, sizeof(ended), "", name);
		(void)snprintf(group, sizeof(group), "group %" JSON_INTEGER_FORMAT,
			       log_rule_group(rule));
		if (log_rule_group(rule) < ruleset->group ||
		    log_rule_group(rule) > agentctl_rules_last_group(ruleset))
			rule_list_add(ended, sizeof(ended), "", group);
	}
	if (*ended)
		agentctl_say(installation->options, "not logged any more: %s\n", ended);
}

/* A bridge whose bridged packets pass the rules, too. */
static void print_bridges(const struct ruleset *ruleset)
{
	char *calls = agentctl_rules_read_file("/proc/sys/net/bridge/bridge-nf-call-iptables");

	for (size_t i = 0; calls && *calls == '1' && i < ruleset->interface_count; i++) {
		char path[64 + IF_NAMESIZE];

		(void)snprintf(path, sizeof(path), "/sys/class/net/%s/bridge",
			       ruleset->interfaces[i]);
		if (access(path, F_OK) == 0)
			(void)fprintf(
				stderr,
				"%s is a bridge, and br_netfilter is on: packets that it only "
				"bridges count as in and as out of it\n",
				ruleset->interfaces[i]);
	}
	free(calls);
}

enum agentctl_exit agentctl_installation_keep(const struct installation *installation,
					      struct error_text *error)
{
	const char *path = agentctl_rules_file(installation->options);
	const char *unit = installation->firewall->unit;
	struct error_text ignored;

	if (strcmp(path, installation->firewall->file) != 0 || !agentctl_has_unit(unit)) {
		(void)fprintf(stderr,
			      "saved in %s, but not loaded at boot: %s does not run here\n"
			      "  hint: have your start-up scripts run: %s %s\n",
			      path, unit,
			      installation->options->firewall == FIREWALL_nft ? "nft -f" : "sh",
			      path);
		return AGENTCTL_DONE;
	}
	if (!agentctl_systemctl("enable", "--quiet", unit, error) ||
	    !agentctl_systemctl("start", NULL, unit, error))
		return AGENTCTL_FAILED;
	/* A unit whose condition fails is skipped, and systemctl calls that a success. */
	if (agentctl_systemctl("is-active", "--quiet", unit, &ignored))
		agentctl_say(installation->options, "saved in %s; %s loads it at boot\n", path,
			     unit);
	else
		(void)fprintf(stderr,
			      "saved in %s, but not loaded at boot: a condition of %s is not met "
			      "here, so systemd skips it\n"
			      "  hint: systemctl status %s names the condition\n",
			      path, unit, unit);
	return AGENTCTL_DONE;
}

enum agentctl_exit agentctl_installation_leave_others(const struct installation *installation,
						      struct error_text *error)
{
	const enum agentctl_firewall asked = installation->options->firewall;
	const enum agentctl_firewall chosen = agentctl_firewall_resolve(asked);
	enum agentctl_exit result = AGENTCTL_DONE;

	for (enum agentctl_firewall other = FIREWALL_nft;
	     !result && other <= FIREWALL_iptables_legacy; other++) {
		bool was_there = false;

		if (other == chosen || other == FIREWALL_iptables)
			continue;
		result = agentctl_firewall_remove(other, &was_there, error);
		if (was_there && !result)
			agentctl_say(installation->options, "removed: %s of %s\n",
				     agentctl_firewalls[other].what,
				     agentctl_firewalls[other].name);
	}
	if (!result && !installation->options->no_save && !installation->options->file)
		agentctl_rules_forget(chosen == FIREWALL_nft ? FIREWALL_iptables : FIREWALL_nft);
	return result;
}

/* A bend of the road that no rule of iptables sees. */
static void print_nat(const struct installation *installation)
{
	static const char *const list[] = { "iptables-save", "-t", "nat", NULL };
	struct program_result result;

	if (installation->options->firewall == FIREWALL_nft ||
	    agentctl_program_run(list, NULL, &result))
		return;
	if (strstr(result.output, "-j MASQUERADE") || strstr(result.output, "-j SNAT"))
		(void)fputs(
			"this host translates sources (NAT): iptables logs what leaves with the "
			"addresses of before\n"
			"  hint: --firewall nft logs those that are on the wire\n",
			stderr);
	agentctl_program_clear(&result);
}

void agentctl_installation_print(const struct installation *installation)
{
	print_loaded(installation);
	print_changes(installation);
	agentctl_rules_print_groups(&installation->ruleset);
	print_bridges(&installation->ruleset);
	print_nat(installation);
}
