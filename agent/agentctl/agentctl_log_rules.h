/* agentctl_log_rules.h - finds NFLOG rules in what nft and iptables-save print. Pure: text in, rows
 * out.
 *
 * A row is {"firewall","family","table","chain","hook","interfaces","group","snaplen","packets",
 * "bytes"}; snaplen is null for whole packets, packets and bytes are null without a counter, hook
 * is "" where the rule is in a chain that others jump to. */
#ifndef AGENTCTL_LOG_RULES_H
#define AGENTCTL_LOG_RULES_H

#include "error_text.h"

#include <jansson.h>
#include <stdbool.h>

/* Append the rules of `nft -j list ruleset`. '*has_foreign' is set if there are NFLOG rules in a
 * form that only iptables-nft-save can show. Returns 0; -EINVAL with 'error' filled if the text is
 * not what nft prints; -ENOMEM. */
int log_rules_from_nft(const char *json_text, json_t *rows, bool *has_foreign,
		       struct error_text *error);

/* Append the rules of `iptables-save -c`. 'firewall' and 'family' name where they come from.
 * Returns 0 or -ENOMEM. */
int log_rules_from_iptables(const char *text, const char *firewall, const char *family,
			    json_t *rows);

/* Whether two rules log the same packets to the same group, so that they count twice. */
bool log_rules_overlap(const json_t *one, const json_t *other);

#endif
