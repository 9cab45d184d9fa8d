/* agentctl_rule_path.h - by which hooks and interfaces packets come to a chain that others jump to.
 * Pure.
 *
 * Place: called by both parsers of rules, once all chains are known. */
#ifndef AGENTCTL_RULE_PATH_H
#define AGENTCTL_RULE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define RULE_INTERFACES_SIZE 256
#define RULE_HOOKS_SIZE      64

/* What a rule says of interfaces, with commas between names: "eth0", "!eth0", "eth*", "eth+"; "" is
 * any. */
struct rule_interfaces {
	char in[RULE_INTERFACES_SIZE];  /* by which packets come */
	char out[RULE_INTERFACES_SIZE]; /* by which they leave */
};

/* A rule that leads to another chain. Texts are borrowed. */
struct rule_step {
	const char *family, *table; /* both chains are in this table */
	const char *chain, *target;
	struct rule_interfaces interfaces;
	bool has_conditions; /* but for interfaces */
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
	struct rule_interfaces interfaces; /* all that the steps name */
	bool has_conditions;               /* no rule at a hook leads here without one */
};

/* Find how packets come to a chain. 'hook_of' gives the hook of a base chain, "" or NULL for
 * others. Chains that are 64 or more steps away are not found. */
void rule_path_find(const struct rule_steps *steps, const char *family, const char *table,
		    const char *chain,
		    const char *(*hook_of)(const void *context, const char *family,
					   const char *table, const char *chain),
		    const void *context, struct rule_path *path);

/* What a rule says itself, and where it says nothing, what those on the way to it say. */
void rule_interfaces_choose(struct rule_interfaces *chosen, const struct rule_interfaces *own,
			    const struct rule_interfaces *path);

/* All names of both sides, each once. */
void rule_interfaces_list(const struct rule_interfaces *interfaces,
			  char list[static RULE_INTERFACES_SIZE]);

/* Append a word to a list with commas, as far as there is room; one that is there is left out. */
void rule_list_add(char *list, size_t size, const char *sign, const char *word);

#endif
