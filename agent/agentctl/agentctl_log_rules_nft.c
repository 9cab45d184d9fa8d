/* agentctl_log_rules_nft.c - what `nft -j list ruleset` prints -> NFLOG rules.
 *
 * Place: one of the two parsers of agentctl_log_rules.h. */
#include "agentctl_log_rules.h"

#include "agentctl_rule_path.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The object of one kind ("chain", "counter") of a table with this name. */
static const json_t *find_object(const json_t *objects, const char *kind, const char *family,
				 const char *table, const char *name)
{
	for (size_t i = 0; i < json_array_size(objects); i++) {
		const json_t *object = json_object_get(json_array_get(objects, i), kind);

		if (object && strcmp(text_of(object, "family"), family) == 0 &&
		    strcmp(text_of(object, "table"), table) == 0 &&
		    strcmp(text_of(object, "name"), name) == 0)
			return object;
	}
	return NULL;
}

static const char *hook_of(const void *context, const char *family, const char *table,
			   const char *chain)
{
	return text_of(find_object(context, "chain", family, table, chain), "hook");
}

/* Names of a match on the interface: "eth0" or {"set":["eth0","eth1"]}. */
static void add_interfaces(const json_t *right, const char *operator,
			   char list[static RULE_INTERFACES_SIZE])
{
	const json_t *set = json_object_get(right, "set");
	const char *sign = strcmp(operator, "!=") == 0 ? "!" : "";
	size_t count = set ? json_array_size(set) : 1;

	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(set ? json_array_get(set, i) : right);

		if (name)
			rule_list_add(list, RULE_INTERFACES_SIZE, sign, name);
	}
}

static const char *meta_key(const json_t *match)
{
	return text_of(json_object_get(json_object_get(match, "left"), "meta"), "key");
}

static bool is_interface_match(const json_t *match)
{
	const char *key = meta_key(match);

	return strcmp(key, "iifname") == 0 || strcmp(key, "oifname") == 0 ||
	       strcmp(key, "iif") == 0 || strcmp(key, "oif") == 0;
}

/* Sampling and "mark != 0xf10a" leave a rule one that takes all packets. */
static bool is_condition(const json_t *match)
{
	return !json_object_get(json_object_get(match, "left"), "numgen") &&
	       !(strcmp(meta_key(match), "mark") == 0 && strcmp(text_of(match, "op"), "!=") == 0);
}

/* Numbers of a counter: in the rule itself, or of a named one. */
static const json_t *counter_of(const json_t *objects, const json_t *rule, const json_t *statement)
{
	const json_t *counter = json_object_get(statement, "counter");

	if (json_is_string(counter))
		return find_object(objects, "counter", text_of(rule, "family"),
				   text_of(rule, "table"), json_string_value(counter));
	return json_is_object(counter) ? counter : NULL;
}

static json_t *number_or_null(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	return json_is_integer(number) ? json_integer(json_integer_value(number)) : json_null();
}

/* What is of interest in a rule; borrowed from it. */
struct nft_rule {
	const json_t *log;       /* NULL: it does not log to a group */
	const json_t *statement; /* the last one with a counter */
	bool has_conditions;
	bool is_foreign; /* an NFLOG rule that nft cannot show */
	struct rule_interfaces interfaces;
};

static void look_at_match(const json_t *match, struct nft_rule *found)
{
	if (is_interface_match(match))
		add_interfaces(json_object_get(match, "right"), text_of(match, "op"),
			       *meta_key(match) == 'i' ? found->interfaces.in
						       : found->interfaces.out);
	else if (is_condition(match))
		found->has_conditions = true;
}

static void look_at(const json_t *rule, struct nft_rule *found)
{
	const json_t *statements = json_object_get(rule, "expr");

	*found = (struct nft_rule){ 0 };
	for (size_t i = 0; i < json_array_size(statements); i++) {
		const json_t *statement = json_array_get(statements, i);
		const json_t *match = json_object_get(statement, "match");
		const json_t *foreign = json_object_get(statement, "xt");

		if (json_is_integer(json_object_get(json_object_get(statement, "log"), "group")))
			found->log = json_object_get(statement, "log");
		if (json_object_get(statement, "counter"))
			found->statement = statement;
		if (match)
			look_at_match(match, found);
		if (strcmp(text_of(foreign, "name"), "NFLOG") == 0)
			found->is_foreign = true;
		else if (foreign && strcmp(text_of(foreign, "name"), "comment") != 0)
			found->has_conditions = true;
		if (json_object_get(statement, "limit"))
			found->has_conditions = true;
	}
}

/* Append a step for each jump and goto within a value. */
static int add_steps(const json_t *value, struct rule_step *step, struct rule_steps *steps)
{
	const char *key;
	json_t *element;
	size_t index;
	int result = 0;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, element)
		{
			step->target = text_of(element, "target");
			if (strcmp(key, "jump") != 0 && strcmp(key, "goto") != 0)
				result = result ? result : add_steps(element, step, steps);
			else if (!result)
				result = rule_steps_add(steps, step);
		}
	}
	json_array_foreach(value, index, element)
	{
		if (!result)
			result = add_steps(element, step, steps);
	}
	return result;
}

static int find_steps(const json_t *objects, struct rule_steps *steps)
{
	int result = 0;

	for (size_t i = 0; !result && i < json_array_size(objects); i++) {
		const json_t *rule = json_object_get(json_array_get(objects, i), "rule");
		struct nft_rule found;
		struct rule_step step;

		if (!rule)
			continue;
		look_at(rule, &found);
		step = (struct rule_step){ .family = text_of(rule, "family"),
					   .table = text_of(rule, "table"),
					   .chain = text_of(rule, "chain"),
					   .interfaces = found.interfaces,
					   .has_conditions = found.has_conditions };
		result = add_steps(json_object_get(rule, "expr"), &step, steps);
	}
	return result;
}

/* Append a rule if it logs to a group. */
static int add_rule(const json_t *objects, const json_t *rule, const struct rule_steps *steps,
		    struct log_rules *rules, bool *has_foreign)
{
	const char *family = text_of(rule, "family");
	const char *table = text_of(rule, "table");
	struct nft_rule found;
	struct rule_path path;
	const json_t *counter;
	char interfaces[RULE_INTERFACES_SIZE];
	struct log_rule log = { .handle = json_integer_value(json_object_get(rule, "handle")) };

	look_at(rule, &found);
	*has_foreign |= found.is_foreign;
	if (!found.log)
		return 0;
	rule_path_find(steps, family, table, text_of(rule, "chain"), hook_of, objects, &path);
	counter = counter_of(objects, rule, found.statement);
	log.has_conditions = found.has_conditions || path.has_conditions;
	rule_interfaces_choose(&log.interfaces, &found.interfaces, &path.interfaces);
	rule_interfaces_list(&log.interfaces, interfaces);
	log.threshold = json_integer_value(json_object_get(found.log, "queue-threshold"));
	(void)snprintf(log.prefix, sizeof(log.prefix), "%s", text_of(found.log, "prefix"));
	log.row = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "firewall", "nft", "family",
		family, "table", table, "chain", text_of(rule, "chain"), "hook", path.hooks,
		"interfaces", interfaces, "group", number_or_null(found.log, "group"), "snaplen",
		number_or_null(found.log, "snaplen"), "packets", number_or_null(counter, "packets"),
		"bytes", number_or_null(counter, "bytes"));
	return log_rules_add(rules, &log);
}

int log_rules_from_nft(const char *json_text, struct log_rules *rules, bool *has_foreign,
		       struct error_text *error)
{
	json_error_t fault;
	json_t *ruleset = json_loads(json_text, 0, &fault);
	const json_t *objects = json_object_get(ruleset, "nftables");
	struct rule_steps steps = { 0 };
	int result = 0;

	if (!json_is_array(objects)) {
		error_text_set(error, "nft -j has printed something else than a rule set");
		result = -EINVAL;
	}
	if (!result)
		result = find_steps(objects, &steps);
	for (size_t i = 0; !result && i < json_array_size(objects); i++) {
		const json_t *rule = json_object_get(json_array_get(objects, i), "rule");

		if (rule)
			result = add_rule(objects, rule, &steps, rules, has_foreign);
	}
	if (result == -ENOMEM)
		error_text_set(error, "out of memory");
	rule_steps_clear(&steps);
	json_decref(ruleset);
	return result;
}
