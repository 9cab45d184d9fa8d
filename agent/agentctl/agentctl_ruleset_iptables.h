/* agentctl_ruleset_iptables.h - the same rules for iptables, and what takes them back. Pure: text
 * in, text out.
 *
 * Place: agentctl_rules_make.c -> here -> text for iptables. */
#ifndef AGENTCTL_RULESET_IPTABLES_H
#define AGENTCTL_RULESET_IPTABLES_H

#include "agentctl_ruleset.h"

/* All chains of ours begin with this, and no others are touched. */
#define RULESET_IPTABLES_CHAINS  "flowagent_"
#define RULESET_IPTABLES_COMMENT "agentctl rules" /* by which ours are known */

/* Check what iptables understands differently from nft: names of interfaces, high rates. Returns
 * false with 'error' filled. */
bool ruleset_iptables_check(const struct ruleset *ruleset, struct error_text *error);

/* The rules as a script for sh. 'suffix' is "" for the host's iptables, "-nft" or "-legacy" for
 * iptables-nft and iptables-legacy. For free(); NULL if memory is short. */
char *ruleset_iptables_format(const struct ruleset *ruleset, const char *suffix);

/* From what iptables-save prints: the lines that are ours, without counters. For free(); NULL if
 * memory is short. */
char *ruleset_iptables_own(const char *save_text);

/* Whether there are rules in chains of our name that `rules install` has not made. */
bool ruleset_iptables_is_foreign(const char *save_text);

/* From what iptables-save prints: a text for iptables-restore --noflush that takes our chains and
 * the rules that lead to them away; "" if there are none. For free(); NULL if memory is short. */
char *ruleset_iptables_removal(const char *save_text);

#endif
