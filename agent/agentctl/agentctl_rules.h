/* agentctl_rules.h - `rules print|install|remove|status`: the nft rules that feed the agent.
 *
 * Place: rows in agentctl_commands.c; options -> agentctl_rules_make.c -> agentctl_rules_system.c.
 */
#ifndef AGENTCTL_RULES_H
#define AGENTCTL_RULES_H

#include "agentctl.h"

enum agentctl_exit agentctl_rules_print(const struct agentctl_command *command,
					const struct agentctl_options *options);
enum agentctl_exit agentctl_rules_install(const struct agentctl_command *command,
					  const struct agentctl_options *options);
enum agentctl_exit agentctl_rules_remove(const struct agentctl_command *command,
					 const struct agentctl_options *options);
/* What `rules install` does, for root; '*is_changed' tells whether anything is other than before. */
enum agentctl_exit agentctl_rules_put(const struct agentctl_options *options, bool *is_changed,
				      struct error_text *error);
/* AGENTCTL_FAILED if no rule logs to a group that the agent reads. */
enum agentctl_exit agentctl_rules_status(const struct agentctl_command *command,
					 const struct agentctl_options *options);

#endif
