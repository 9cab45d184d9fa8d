/* agentctl_rule_path.h - by which hooks and interfaces packets come to a chain that others jump to.
 * Pure. */
#ifndef AGENTCTL_RULE_PATH_H
#define AGENTCTL_RULE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define RULE_INTERFACES_SIZE 256
#define RULE_HOOKS_SIZE      64

/* A rule that leads to another chain. Texts are borrowed. */
struct rule_step {
	const char *family, *table; /* both chains are in this table */
	const char *chain, *target;
	char interfaces[RULE_INTERFACES_SIZE]; /* as in a row of agentctl_log_rules.h */
	bool has_conditions;                   /* but for interfaces */
};

struct rule_steps {
	struct rule_step *steps; /* owned */
	size_t count, capacity;
};

/* Append; returns 0 or -ENOMEM. */
int rule_steps_add(struct rule_steps *steps, const struct rule_step *step);
void rule_steps_clear(struct rule_steps *steps);

struct rule_path {
	char hooks[RULE_HOOKS_SIZE]; /* "prerouting", "postrouting,output", "" if there is none */
	char interfaces[RULE_INTERFACES_SIZE]; /* all that the steps name */
	bool has_conditions;                   /* no rule at a hook leads here without one */
};

/* Find how packets come to a chain. 'hook_of' gives the hook of a base chain, "" or NULL for
 * others. Chains that are 64 or more steps away are not found. */
void rule_path_find(const struct rule_steps *steps, const char *family, const char *table,
		    const char *chain,
		    const char *(*hook_of)(const void *context, const char *family,
					   const char *table, const char *chain),
		    const void *context, struct rule_path *path);

/* Append a word to a list with commas, as far as there is room; one that is there is left out. */
void rule_list_add(char *list, size_t size, const char *sign, const char *word);

#endif
