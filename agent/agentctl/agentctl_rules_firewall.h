/* agentctl_rules_firewall.h - what differs between nft and iptables when rules come and go: the
 * file, the unit, and how to list, load and remove what is ours.
 *
 * Place: commands on rules -> here -> nft or iptables. */
#ifndef AGENTCTL_RULES_FIREWALL_H
#define AGENTCTL_RULES_FIREWALL_H

#include "agentctl.h"

struct agentctl_firewall_row {
	const char *name;   /* as found rules have it */
	const char *suffix; /* of the programs of iptables */
	const char *what;   /* that is ours */
	const char *file, *unit;
};

/* By enum agentctl_firewall. */
extern const struct agentctl_firewall_row agentctl_firewalls[];

/* The rules file that the options mean. */
const char *agentctl_rules_file(const struct agentctl_options *options);

/* Which iptables the host's iptables is; others are what they are. */
enum agentctl_firewall agentctl_firewall_resolve(enum agentctl_firewall firewall);

/* Disable the unit of a firewall and remove its default file; what is not there is fine. */
void agentctl_rules_forget(enum agentctl_firewall firewall);

/* What is ours in a firewall, without counts; "" if there is nothing or the firewall is not
 * installed. For free(); NULL if memory is short. */
char *agentctl_firewall_list(enum agentctl_firewall firewall);

/* AGENTCTL_FAILED with 'error' filled if chains of our name have rules that are not ours. */
enum agentctl_exit agentctl_iptables_check_own(enum agentctl_firewall firewall,
					       struct error_text *error);

/* Whether firewalld runs here: a reload of it flushes all tables of iptables, also ours. */
bool agentctl_has_firewalld(void);
/* AGENTCTL_FAILED with 'error' filled if firewalld would flush the rules. */
enum agentctl_exit agentctl_iptables_check_firewalld(struct error_text *error);

/* Run the script of ruleset_iptables_format(). */
enum agentctl_exit agentctl_iptables_load(const char *script, struct error_text *error);

/* Take out of a firewall what is ours; '*was_there' says whether there was anything. */
enum agentctl_exit agentctl_firewall_remove(enum agentctl_firewall firewall, bool *was_there,
					    struct error_text *error);

#endif
