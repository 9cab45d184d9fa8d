/* agentctl_rules_system.h - what commands on rules do to this host: nft, systemctl, the rules file.
 *
 * Place: commands on rules -> here -> nft, systemctl, files. */
#ifndef AGENTCTL_RULES_SYSTEM_H
#define AGENTCTL_RULES_SYSTEM_H

#include "agentctl.h"

#define AGENTCTL_RULES_UNIT    "flowagent-rules.service"
#define AGENTCTL_IPTABLES_UNIT "flowagent-iptables.service"

/* AGENTCTL_NOT_PERMITTED with 'error' filled for anybody but root. */
enum agentctl_exit agentctl_rules_need_root(const struct agentctl_command *command,
					    struct error_text *error);

/* Have nft do one transaction. Its own words are in 'error' if it fails. */
enum agentctl_exit agentctl_rules_load(const char *text, struct error_text *error);

/* Write a file under a temporary name beside 'path', which 'temporary' gets: rename(2) puts it in
 * its place. Returns 0 or a negative errno; then there is no file. */
int agentctl_rules_write(const char *path, const char *text, char *temporary, size_t size);

/* Run systemctl for a unit, and return whether it succeeded. 'option' may be NULL. */
bool agentctl_systemctl(const char *verb, const char *option, const char *unit,
			struct error_text *error);
/* Whether systemd runs here and knows a unit. */
bool agentctl_has_unit(const char *unit);

/* Whether table inet flowagent is there. */
bool agentctl_rules_has_table(void);

#endif
