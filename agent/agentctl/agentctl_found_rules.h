/* agentctl_found_rules.h - asks all firewalls for their NFLOG rules.
 *
 * Place: firewalls -> here -> agentctl_log_rules.c -> doctor, rules, setup. */
#ifndef AGENTCTL_FOUND_RULES_H
#define AGENTCTL_FOUND_RULES_H

#include "agentctl.h"
#include "agentctl_log_rules.h"

/* Append the NFLOG rules of nft, iptables-nft and iptables-legacy; firewalls that are not installed
 * have none. Needs root. Returns AGENTCTL_FAILED or AGENTCTL_NOT_PERMITTED with 'error' filled. */
enum agentctl_exit agentctl_found_rules(struct log_rules *rules, struct error_text *error);

/* The program that changes the rules of the firewall and family of a rule of iptables. */
const char *agentctl_found_rules_program(const struct log_rule *rule);

#endif
