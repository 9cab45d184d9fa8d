/* agentctl_log_rules_iptables.c - what iptables-save prints -> NFLOG rules.
 *
 * Place: one of the two parsers of agentctl_log_rules.h. */
#include "agentctl_log_rules.h"

#include "agentctl_rule_path.h"
#include "json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t log_rules_split(char *line, char *words[static LOG_RULE_WORDS])
{
	size_t count = 0;
	char *from = line;

	while (*from && count < LOG_RULE_WORDS) {
		char *to;
		bool is_quoted = false;

		from += strspn(from, " \t");
		if (!*from)
			break;
		words[count++] = to = from;
		for (; *from && (is_quoted || (*from != ' ' && *from != '\t')); from++) {
			if (*from == '"') {
				is_quoted = !is_quoted;
				continue;
			}
			if (*from == '\\' && from[1])
				from++;
			*to++ = *from;
		}
		if (*from)
			from++;
		*to = '\0';
	}
	return count;
}

/* One line of iptables-save: "[packets:bytes] -A CHAIN ... -j NFLOG --nflog-group N". */
struct iptables_rule {
	char chain[64], target[64], prefix[64];
	struct rule_interfaces interfaces;
	long long group, snaplen; /* -1: not said */
	long long threshold;      /* 0: not said */
	unsigned long long packets, bytes;
	bool has_counter, has_conditions;
	const char *line; /* from -A on, borrowed */
};

/* Modules that do not choose packets: sampling takes its share of all of them. */
static bool is_harmless(const char *module, bool is_own_mark)
{
	return strcmp(module, "comment") == 0 || strcmp(module, "statistic") == 0 ||
	       (strcmp(module, "mark") == 0 && is_own_mark);
}

static void take_word(struct iptables_rule *rule, const char *option, const char *value,
		      bool is_negated)
{
	if (strcmp(option, "-A") == 0)
		(void)snprintf(rule->chain, sizeof(rule->chain), "%s", value);
	else if (strcmp(option, "-i") == 0)
		rule_list_add(rule->interfaces.in, sizeof(rule->interfaces.in),
			      is_negated ? "!" : "", value);
	else if (strcmp(option, "-o") == 0)
		rule_list_add(rule->interfaces.out, sizeof(rule->interfaces.out),
			      is_negated ? "!" : "", value);
	else if (strcmp(option, "-j") == 0 || strcmp(option, "-g") == 0)
		(void)snprintf(rule->target, sizeof(rule->target), "%s", value);
	else if (strcmp(option, "--nflog-group") == 0)
		rule->group = atoll(value);
	else if (strcmp(option, "--nflog-threshold") == 0)
		rule->threshold = atoll(value);
	else if (strcmp(option, "--nflog-prefix") == 0)
		(void)snprintf(rule->prefix, sizeof(rule->prefix), "%s", value);
	else if (strcmp(option, "--nflog-size") == 0)
		rule->snaplen = atoll(value);
	else if (strcmp(option, "-s") == 0 || strcmp(option, "-d") == 0 ||
		 strcmp(option, "-p") == 0)
		rule->has_conditions = true;
}

/* Returns false if the line is no rule, or memory is short. */
static bool parse(const char *line, struct iptables_rule *rule)
{
	const char *from = strstr(line, "-A ");
	char *copy = from ? strdup(from) : NULL;
	char *words[LOG_RULE_WORDS];
	size_t count = copy ? log_rules_split(copy, words) : 0;
	const bool is_own_mark = from && strstr(from, "! --mark");

	*rule = (struct iptables_rule){ .group = -1, .snaplen = -1, .line = from };
	if (sscanf(line, "[%llu:%llu]", &rule->packets, &rule->bytes) == 2)
		rule->has_counter = true;
	for (size_t i = 0; i + 1 < count; i++) {
		take_word(rule, words[i], words[i + 1], i && strcmp(words[i - 1], "!") == 0);
		if (strcmp(words[i], "-m") == 0 && !is_harmless(words[i + 1], is_own_mark))
			rule->has_conditions = true;
	}
	if (rule->group < 0)
		rule->group = 0; /* the default of xt_NFLOG */
	free(copy);
	return count > 1;
}

/* Hook of a built-in chain: its name in small letters; "" for others. */
static const char *hook_of(const void *context, const char *family, const char *table,
			   const char *chain)
{
	static const char *const chains[][2] = {
		{ "PREROUTING", "prerouting" },   { "INPUT", "input" },
		{ "FORWARD", "forward" },         { "OUTPUT", "output" },
		{ "POSTROUTING", "postrouting" },
	};

	(void)context, (void)family, (void)table;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (strcmp(chains[i][0], chain) == 0)
			return chains[i][1];
	return "";
}

/* All rules of one run of iptables-save. The tables' names are in 'text', cut into lines. */
struct save {
	struct iptables_rule *rules; /* owned */
	const char **tables;         /* owned; of each rule */
	size_t count;
	char *text; /* owned */
};

static void save_clear(struct save *save)
{
	free(save->rules);
	free(save->tables);
	free(save->text);
}

static int save_parse(const char *text, struct save *save)
{
	const char *table = "";
	char *rest;
	size_t lines = 1;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	*save = (struct save){ .rules = calloc(lines, sizeof(*save->rules)),
			       .tables = calloc(lines, sizeof(*save->tables)),
			       .text = strdup(text) };
	if (!save->rules || !save->tables || !save->text)
		return -ENOMEM;
	rest = save->text;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		if (*line == '*')
			table = line + 1;
		if (*line == '[' || *line == '-') {
			save->tables[save->count] = table;
			save->count += parse(line, &save->rules[save->count]);
		}
	}
	return 0;
}

static int find_steps(const struct save *save, struct rule_steps *steps)
{
	int result = 0;

	for (size_t i = 0; !result && i < save->count; i++) {
		const struct iptables_rule *rule = &save->rules[i];
		struct rule_step step = { .family = "",
					  .table = save->tables[i],
					  .chain = rule->chain,
					  .target = rule->target,
					  .interfaces = rule->interfaces,
					  .has_conditions = rule->has_conditions };

		result = rule_steps_add(steps, &step);
	}
	return result;
}

static json_t *row_of(const struct iptables_rule *rule, const struct rule_path *path,
		      const char *interfaces, const char *firewall, const char *family,
		      const char *table)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:I, s:o, s:o, s:o}", "firewall", firewall,
			 "family", family, "table", json_text(table), "chain",
			 json_text(rule->chain), "hook", path->hooks, "interfaces",
			 json_text(interfaces), "group", (json_int_t)rule->group, "snaplen",
			 rule->snaplen < 0 ? json_null() : json_integer((json_int_t)rule->snaplen),
			 "packets",
			 rule->has_counter ? json_integer((json_int_t)rule->packets) : json_null(),
			 "bytes",
			 rule->has_counter ? json_integer((json_int_t)rule->bytes) : json_null());
}

/* Take out what nft has shown of a table. */
static void remove_shown(struct log_rules *rules, const char *family, const char *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < rules->count; i++) {
		struct log_rule *rule = &rules->rules[i];
		const char *its_family = json_string_value(json_object_get(rule->row, "family"));
		const char *its_table = json_string_value(json_object_get(rule->row, "table"));

		if (rule->line || strcmp(its_family, family) != 0 || strcmp(its_table, table) != 0)
			rules->rules[kept++] = *rule;
		else
			json_decref(rule->row);
	}
	rules->count = kept;
}

int log_rules_from_iptables(const char *text, const char *firewall, const char *family,
			    struct log_rules *rules)
{
	struct rule_steps steps = { 0 };
	struct save save;
	int result = save_parse(text, &save);

	if (!result)
		result = find_steps(&save, &steps);
	for (size_t i = 0; !result && i < save.count; i++)
		if (strcmp(firewall, "iptables-nft") == 0)
			remove_shown(rules, family, save.tables[i]);
	for (size_t i = 0; !result && i < save.count; i++) {
		const struct iptables_rule *rule = &save.rules[i];
		struct rule_path path;
		struct log_rule log = { .row = NULL };
		char interfaces[RULE_INTERFACES_SIZE];

		if (strcmp(rule->target, "NFLOG") != 0)
			continue;
		rule_path_find(&steps, "", save.tables[i], rule->chain, hook_of, NULL, &path);
		log.has_conditions = rule->has_conditions || path.has_conditions;
		rule_interfaces_choose(&log.interfaces, &rule->interfaces, &path.interfaces);
		rule_interfaces_list(&log.interfaces, interfaces);
		log.line = strdup(rule->line);
		log.threshold = rule->threshold;
		memcpy(log.prefix, rule->prefix, sizeof(log.prefix));
		if (log.line)
			log.row = row_of(rule, &path, interfaces, firewall, family, save.tables[i]);
		result = log_rules_add(rules, &log);
	}
	rule_steps_clear(&steps);
	save_clear(&save);
	return result;
}
