/* agentctl_rule_path.c - from a chain back to the hooks: each chain on the way is looked at once.
 */
#include "agentctl_rule_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS_MAX 64

int rule_steps_add(struct rule_steps *steps, const struct rule_step *step)
{
	if (steps->count == steps->capacity) {
		size_t capacity = steps->capacity ? steps->capacity * 2 : 16;
		struct rule_step *grown = realloc(steps->steps, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		steps->steps = grown;
		steps->capacity = capacity;
	}
	steps->steps[steps->count++] = *step;
	return 0;
}

void rule_steps_clear(struct rule_steps *steps)
{
	free(steps->steps);
	*steps = (struct rule_steps){ 0 };
}

static bool list_has(const char *list, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at++)
		if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	return false;
}

void rule_list_add(char *list, size_t size, const char *sign, const char *word)
{
	char signed_word[RULE_INTERFACES_SIZE];
	const size_t used = strlen(list);

	(void)snprintf(signed_word, sizeof(signed_word), "%s%s", sign, word);
	if (!list_has(list, signed_word))
		(void)snprintf(list + used, size - used, "%s%s", used ? "," : "", signed_word);
}

/* Add each word of a list to another one. */
static void add_list(char *list, size_t size, const char *words)
{
	char copy[RULE_INTERFACES_SIZE];
	char *save = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save))
		rule_list_add(list, size, "", word);
}

void rule_interfaces_choose(struct rule_interfaces *chosen, const struct rule_interfaces *own,
			    const struct rule_interfaces *path)
{
	memcpy(chosen->in, *own->in ? own->in : path->in, sizeof(chosen->in));
	memcpy(chosen->out, *own->out ? own->out : path->out, sizeof(chosen->out));
}

void rule_interfaces_list(const struct rule_interfaces *interfaces,
			  char list[static RULE_INTERFACES_SIZE])
{
	*list = '\0';
	add_list(list, RULE_INTERFACES_SIZE, interfaces->in);
	add_list(list, RULE_INTERFACES_SIZE, interfaces->out);
}

/* The chains that lead to where packets are looked for. */
struct way {
	const char *chains[CHAINS_MAX];
	size_t count;
};

static void way_add(struct way *way, const char *chain)
{
	for (size_t i = 0; i < way->count; i++)
		if (strcmp(way->chains[i], chain) == 0)
			return;
	if (way->count < CHAINS_MAX)
		way->chains[way->count++] = chain;
}

void rule_path_find(const struct rule_steps *steps, const char *family, const char *table,
		    const char *chain,
		    const char *(*hook_of)(const void *context, const char *family,
					   const char *table, const char *chain),
		    const void *context, struct rule_path *path)
{
	struct way way = { .chains = { chain }, .count = 1 };
	const char *hook = hook_of(context, family, table, chain);
	bool is_whole = hook && *hook;

	*path = (struct rule_path){ .has_conditions = false };
	if (is_whole)
		rule_list_add(path->hooks, sizeof(path->hooks), "", hook);
	for (size_t i = 0; i < way.count; i++) {
		for (size_t s = 0; s < steps->count; s++) {
			const struct rule_step *step = &steps->steps[s];

			if (strcmp(step->target, way.chains[i]) != 0 ||
			    strcmp(step->table, table) != 0 || strcmp(step->family, family) != 0)
				continue;
			add_list(path->interfaces.in, sizeof(path->interfaces.in),
				 step->interfaces.in);
			add_list(path->interfaces.out, sizeof(path->interfaces.out),
				 step->interfaces.out);
			hook = hook_of(context, family, table, step->chain);
			if (hook && *hook) {
				rule_list_add(path->hooks, sizeof(path->hooks), "", hook);
				is_whole |= !step->has_conditions;
			}
			way_add(&way, step->chain);
		}
	}
	path->has_conditions = !is_whole;
}
