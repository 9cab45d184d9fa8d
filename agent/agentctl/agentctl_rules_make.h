/* agentctl_rules_make.h - options and this host -> the rules that are asked for.
 *
 * Place: options -> here -> agentctl_ruleset.c or agentctl_ruleset_iptables.c -> text of the rules.
 */
#ifndef AGENTCTL_RULES_MAKE_H
#define AGENTCTL_RULES_MAKE_H

#include "agentctl.h"
#include "agentctl_ruleset.h"

/* Content of a small file; "" if it cannot be read. For free(); NULL if memory is short. */
char *agentctl_rules_read_file(const char *path);

/* Add the interfaces that the options name, or those of the default routes. 'error' is filled
 * unless it returns AGENTCTL_DONE. */
enum agentctl_exit agentctl_rules_interfaces(const struct agentctl_options *options,
					     struct ruleset *ruleset, struct error_text *error);

/* Make the rules that the options ask for, and their text, for free(). 'cpus' is what the rules may
 * borrow from. 'error' is filled unless it returns AGENTCTL_DONE; then '*text' is NULL. */
enum agentctl_exit agentctl_rules_make(const struct agentctl_options *options,
				       struct ruleset *ruleset, struct cpu_list *cpus, char **text,
				       struct error_text *error);

/* The last of the groups that rules log to. */
uint16_t agentctl_rules_last_group(const struct ruleset *ruleset);
/* Say how the agent has to be started for rules with several groups. */
void agentctl_rules_print_groups(const struct ruleset *ruleset);

#endif
