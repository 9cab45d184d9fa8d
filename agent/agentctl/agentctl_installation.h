/* agentctl_installation.h - one run of `rules install`: what is asked for, what is there, and what
 * is done once the rules are loaded.
 *
 * Place: agentctl_rules_install.c fills it in, loads the rules, and calls it to finish. */
#ifndef AGENTCTL_INSTALLATION_H
#define AGENTCTL_INSTALLATION_H

#include "agentctl_log_rules.h"
#include "agentctl_rules_firewall.h"
#include "agentctl_ruleset.h"

/* What is asked for, and what is there. */
struct installation {
	const struct agentctl_options *options;
	struct ruleset ruleset;
	struct cpu_list cpus;
	char *text;             /* owned; the rules */
	struct log_rules found; /* of all firewalls */
	size_t others;          /* of them, those that log the same packets as ours */
	char *before;           /* owned; what is ours in this firewall, "": nothing */
	const struct agentctl_firewall_row *firewall;
};

/* Say what is loaded, and what to know about it. */
void agentctl_installation_print(const struct installation *installation);

/* Have the unit load the file at boot. */
enum agentctl_exit agentctl_installation_keep(const struct installation *installation,
					      struct error_text *error);

/* What an earlier install has put into other firewalls goes, and its files. */
enum agentctl_exit agentctl_installation_leave_others(const struct installation *installation,
						      struct error_text *error);

#endif
