/* agentctl_log_rules.h - finds NFLOG rules in what nft and iptables-save print. Pure: text in,
 * rules out.
 *
 * Place: output of nft and iptables-save -> here -> doctor, rules, setup. */
#ifndef AGENTCTL_LOG_RULES_H
#define AGENTCTL_LOG_RULES_H

#include "agentctl_rule_path.h"
#include "error_text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_RULE_WORDS 128

struct log_rule {
	/* Owned. What is shown: {"firewall","family","table","chain","hook","interfaces","group",
	 * "snaplen","packets","bytes"}; snaplen is null for whole packets, packets and bytes are
	 * null without a counter, hook is "" if no rule leads to the chain, and names several with
	 * commas between them. */
	json_t *row;
	struct rule_interfaces interfaces; /* those of the row, by side */
	bool has_conditions;               /* takes a part of the packets of its interfaces only */
	char prefix[64];                   /* "": none */
	json_int_t threshold;              /* packets handed over together; 0: the kernel's */
	json_int_t handle;                 /* by which nft deletes it; 0: none */
	char *line;                        /* owned; iptables-save's, from -A on; NULL for nft */
};

/* Start with all zero. */
struct log_rules {
	struct log_rule *rules; /* owned */
	size_t count, capacity;
};

void log_rules_clear(struct log_rules *rules);
/* Append a rule, whose parts change hands; they are freed if that fails. Returns 0 or -ENOMEM. */
int log_rules_add(struct log_rules *rules, struct log_rule *rule);

/* Append the rules of `nft -j list ruleset`. '*has_foreign' is set if there are NFLOG rules in a
 * form that only iptables-nft-save can show. Returns 0; -EINVAL with 'error' filled if the text is
 * not what nft prints; -ENOMEM. */
int log_rules_from_nft(const char *json_text, struct log_rules *rules, bool *has_foreign,
		       struct error_text *error);

/* Append the rules of `iptables-save -c`. 'firewall' and 'family' name where they come from. Rules
 * that nft has shown of the same tables are taken out: these are the same. Returns 0 or -ENOMEM. */
int log_rules_from_iptables(const char *text, const char *firewall, const char *family,
			    struct log_rules *rules);

/* Split a line of iptables-save in place, quotes and backslashes taken away. Returns how many words
 * there are, at most LOG_RULE_WORDS. */
size_t log_rules_split(char *line, char *words[static LOG_RULE_WORDS]);

/* The group of a rule. */
json_int_t log_rule_group(const struct log_rule *rule);
/* Whether it is in the table, or a chain of iptables, that `rules install` makes. */
bool log_rule_is_own(const struct log_rule *rule);

/* Whether it is in a table of iptables, which nft shows as its own where iptables-nft made it. */
bool log_rule_is_of_iptables(const struct log_rule *rule);

enum log_rules_overlap {
	LOG_RULES_apart, /* no packet is logged by both to one group */
	LOG_RULES_maybe, /* conditions, or a chain that nothing leads to: nobody can say */
	LOG_RULES_twice, /* packets that both log count twice */
};

/* What two rules do together. */
enum log_rules_overlap log_rules_overlap(const struct log_rule *one, const struct log_rule *other);

/* "nft ip raw PREROUTING, eth0: group 40". 'text' has room for 'size' bytes. */
void log_rule_format(const struct log_rule *rule, char *text, size_t size);

#endif
