/* agentctl_log_rules.c - NFLOG rules in the rule sets of all firewalls. */
#include "agentctl_log_rules.h"

#include "json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool texts_equal(const json_t *one, const json_t *other, const char *key)
{
	return strcmp(text_of(one, key), text_of(other, key)) == 0;
}

/* The object of one kind ("chain", "counter") with the same family, table and this name. */
static const json_t *find_object(const json_t *objects, const char *kind, const json_t *rule,
				 const char *name)
{
	for (size_t i = 0; i < json_array_size(objects); i++) {
		const json_t *object = json_object_get(json_array_get(objects, i), kind);

		if (object && texts_equal(object, rule, "family") &&
		    texts_equal(object, rule, "table") &&
		    strcmp(text_of(object, "name"), name) == 0)
			return object;
	}
	return NULL;
}

/* Names of a match on the interface: "eth0" or {"set":["eth0","eth1"]}. */
static void add_interfaces(const json_t *right, const char *operator, char * list, size_t size)
{
	const json_t *set = json_object_get(right, "set");
	const char *sign = strcmp(operator, "!=") == 0 ? "!" : "";
	size_t count = set ? json_array_size(set) : 1;

	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(set ? json_array_get(set, i) : right);
		size_t used = strlen(list);

		if (name)
			(void)snprintf(list + used, size - used, "%s%s%s", used ? "," : "", sign,
				       name);
	}
}

static bool is_interface_match(const json_t *match)
{
	const char *key = text_of(json_object_get(json_object_get(match, "left"), "meta"), "key");

	return strcmp(key, "iifname") == 0 || strcmp(key, "oifname") == 0 ||
	       strcmp(key, "iif") == 0 || strcmp(key, "oif") == 0;
}

/* Numbers of a counter: in the rule itself, or of a named one. */
static const json_t *counter_of(const json_t *objects, const json_t *rule, const json_t *statement)
{
	const json_t *counter = json_object_get(statement, "counter");

	if (json_is_string(counter))
		return find_object(objects, "counter", rule, json_string_value(counter));
	return json_is_object(counter) ? counter : NULL;
}

static json_t *number_or_null(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	return json_is_integer(number) ? json_integer(json_integer_value(number)) : json_null();
}

/* Row of a rule, or json_null() if it does not log to a group; NULL if memory is short. */
static json_t *nft_row(const json_t *objects, const json_t *rule, bool *has_foreign)
{
	const json_t *statements = json_object_get(rule, "expr");
	const json_t *chain = find_object(objects, "chain", rule, text_of(rule, "chain"));
	const json_t *log = NULL;
	const json_t *counter = NULL;
	char interfaces[256] = "";

	for (size_t i = 0; i < json_array_size(statements); i++) {
		const json_t *statement = json_array_get(statements, i);
		const json_t *match = json_object_get(statement, "match");
		const json_t *foreign = json_object_get(statement, "xt");

		if (json_is_integer(json_object_get(json_object_get(statement, "log"), "group")))
			log = json_object_get(statement, "log");
		if (counter_of(objects, rule, statement))
			counter = counter_of(objects, rule, statement);
		if (match && is_interface_match(match))
			add_interfaces(json_object_get(match, "right"), text_of(match, "op"),
				       interfaces, sizeof(interfaces));
		if (strcmp(text_of(foreign, "name"), "NFLOG") == 0)
			*has_foreign = true;
	}
	if (!log)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "firewall", "nft",
			 "family", text_of(rule, "family"), "table", text_of(rule, "table"),
			 "chain", text_of(rule, "chain"), "hook", text_of(chain, "hook"),
			 "interfaces", interfaces, "group", number_or_null(log, "group"), "snaplen",
			 number_or_null(log, "snaplen"), "packets",
			 number_or_null(counter, "packets"), "bytes",
			 number_or_null(counter, "bytes"));
}

/* Append a row unless it is null. */
static int append_row(json_t *rows, json_t *row)
{
	if (json_is_null(row))
		return 0;
	return json_array_append_new(rows, row) ? -ENOMEM : 0;
}

int log_rules_from_nft(const char *json_text, json_t *rows, bool *has_foreign,
		       struct error_text *error)
{
	json_error_t fault;
	json_t *ruleset = json_loads(json_text, 0, &fault);
	const json_t *objects = json_object_get(ruleset, "nftables");
	int result = 0;

	if (!json_is_array(objects)) {
		error_text_set(error, "nft -j has printed something else than a rule set");
		result = -EINVAL;
	}
	for (size_t i = 0; !result && i < json_array_size(objects); i++) {
		const json_t *rule = json_object_get(json_array_get(objects, i), "rule");

		if (rule)
			result = append_row(rows, nft_row(objects, rule, has_foreign));
	}
	if (result == -ENOMEM)
		error_text_set(error, "out of memory");
	json_decref(ruleset);
	return result;
}

/* One line of iptables-save: "[packets:bytes] -A CHAIN ... -j NFLOG --nflog-group N". */
struct iptables_rule {
	char chain[64];
	char interfaces[2 * 16 + 4];
	long long group, snaplen; /* -1: not said */
	unsigned long long packets, bytes;
	bool has_counter;
	bool is_nflog;
};

static void iptables_word(struct iptables_rule *rule, const char *option, const char *value,
			  bool is_negated)
{
	size_t used = strlen(rule->interfaces);

	if (strcmp(option, "-A") == 0)
		(void)snprintf(rule->chain, sizeof(rule->chain), "%s", value);
	else if (strcmp(option, "-i") == 0 || strcmp(option, "-o") == 0)
		(void)snprintf(rule->interfaces + used, sizeof(rule->interfaces) - used, "%s%s%s",
			       used ? "," : "", is_negated ? "!" : "", value);
	else if (strcmp(option, "-j") == 0)
		rule->is_nflog = strcmp(value, "NFLOG") == 0;
	else if (strcmp(option, "--nflog-group") == 0)
		rule->group = atoll(value);
	else if (strcmp(option, "--nflog-size") == 0)
		rule->snaplen = atoll(value);
}

static void iptables_parse(char *line, struct iptables_rule *rule)
{
	char *save = NULL;
	const char *previous = "";
	bool is_negated = false;

	*rule = (struct iptables_rule){ .group = -1, .snaplen = -1 };
	if (sscanf(line, "[%llu:%llu]", &rule->packets, &rule->bytes) == 2)
		rule->has_counter = true;
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		iptables_word(rule, previous, word, is_negated);
		is_negated = strcmp(previous, "!") == 0; /* "! -i eth0" */
		previous = word;
	}
	if (rule->group < 0)
		rule->group = 0; /* the default of xt_NFLOG */
}

/* Hook of a built-in chain: its name in small letters; "" for others. */
static void hook_of(const char *chain, char hook[static 16])
{
	static const char *const chains[][2] = {
		{ "PREROUTING", "prerouting" },   { "INPUT", "input" },
		{ "FORWARD", "forward" },         { "OUTPUT", "output" },
		{ "POSTROUTING", "postrouting" },
	};

	hook[0] = '\0';
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (strcmp(chains[i][0], chain) == 0)
			(void)snprintf(hook, 16, "%s", chains[i][1]);
}

static json_t *iptables_row(const struct iptables_rule *rule, const char *firewall,
			    const char *family, const char *table)
{
	char hook[16];

	hook_of(rule->chain, hook);
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:I, s:o, s:o, s:o}", "firewall", firewall,
			 "family", family, "table", json_text(table), "chain",
			 json_text(rule->chain), "hook", hook, "interfaces",
			 json_text(rule->interfaces), "group", (json_int_t)rule->group, "snaplen",
			 rule->snaplen < 0 ? json_null() : json_integer((json_int_t)rule->snaplen),
			 "packets",
			 rule->has_counter ? json_integer((json_int_t)rule->packets) : json_null(),
			 "bytes",
			 rule->has_counter ? json_integer((json_int_t)rule->bytes) : json_null());
}

int log_rules_from_iptables(const char *text, const char *firewall, const char *family,
			    json_t *rows)
{
	char *copy = strdup(text);
	char *save = NULL;
	char table[32] = "";
	int result = copy ? 0 : -ENOMEM;

	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; !result && line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct iptables_rule rule;

		if (*line == '*')
			(void)snprintf(table, sizeof(table), "%s", line + 1);
		if (!strstr(line, "-A "))
			continue;
		iptables_parse(line, &rule);
		if (rule.is_nflog)
			result = append_row(rows, iptables_row(&rule, firewall, family, table));
	}
	free(copy);
	return result;
}

/* inet sees what ip and ip6 see. */
static bool families_meet(const char *one, const char *other)
{
	return strcmp(one, other) == 0 || strcmp(one, "inet") == 0 || strcmp(other, "inet") == 0;
}

bool log_rules_overlap(const json_t *one, const json_t *other)
{
	return json_integer_value(json_object_get(one, "group")) ==
		       json_integer_value(json_object_get(other, "group")) &&
	       *text_of(one, "hook") && texts_equal(one, other, "hook") &&
	       texts_equal(one, other, "interfaces") &&
	       families_meet(text_of(one, "family"), text_of(other, "family"));
}
