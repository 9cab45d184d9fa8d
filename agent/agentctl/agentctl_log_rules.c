/* agentctl_log_rules.c - the list of NFLOG rules of all firewalls, and which of them see the same
 * packets. */
#include "agentctl_log_rules.h"

#include "agentctl_ruleset_iptables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A packet comes in for this host, is forwarded, or leaves this host; one that is forwarded counts
 * as in and as out. */
enum { IN_local = 1, IN_forwarded = 2, OUT_forwarded = 4, OUT_local = 8 };

static void rule_clear(struct log_rule *rule)
{
	json_decref(rule->row);
	free(rule->line);
}

void log_rules_clear(struct log_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		rule_clear(&rules->rules[i]);
	free(rules->rules);
	*rules = (struct log_rules){ 0 };
}

static bool has_room(struct log_rules *rules)
{
	const size_t capacity = rules->capacity ? rules->capacity * 2 : 16;
	struct log_rule *grown;

	if (rules->count < rules->capacity)
		return true;
	grown = realloc(rules->rules, capacity * sizeof(*grown));
	if (!grown)
		return false;
	rules->rules = grown;
	rules->capacity = capacity;
	return true;
}

int log_rules_add(struct log_rules *rules, struct log_rule *rule)
{
	if (!rule->row || !has_room(rules)) {
		rule_clear(rule);
		return -ENOMEM;
	}
	rules->rules[rules->count++] = *rule;
	return 0;
}

static const char *text_of(const struct log_rule *rule, const char *key)
{
	const char *text = json_string_value(json_object_get(rule->row, key));

	return text ? text : "";
}

json_int_t log_rule_group(const struct log_rule *rule)
{
	return json_integer_value(json_object_get(rule->row, "group"));
}

static bool is_own_table(const struct log_rule *rule)
{
	return strcmp(text_of(rule, "firewall"), "nft") == 0 &&
	       strcmp(text_of(rule, "family"), "inet") == 0 &&
	       strcmp(text_of(rule, "table"), "flowagent") == 0;
}

bool log_rule_is_of_iptables(const struct log_rule *rule)
{
	static const char *const tables[] = { "raw", "mangle", "nat", "filter", "security" };
	const char *family = text_of(rule, "family");
	bool is_known = false;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		is_known |= strcmp(text_of(rule, "table"), tables[i]) == 0;
	return is_known && (strcmp(family, "ip") == 0 || strcmp(family, "ip6") == 0);
}

static bool is_own_chain(const struct log_rule *rule)
{
	return log_rule_is_of_iptables(rule) &&
	       strncmp(text_of(rule, "chain"), RULESET_IPTABLES_CHAINS,
		       sizeof(RULESET_IPTABLES_CHAINS) - 1) == 0;
}

bool log_rule_is_own(const struct log_rule *rule)
{
	return is_own_table(rule) || is_own_chain(rule);
}

/* Made together, so that no packet passes both. */
static bool are_together(const struct log_rule *one, const struct log_rule *other)
{
	return (is_own_table(one) && is_own_table(other)) ||
	       (is_own_chain(one) && is_own_chain(other) && !one->line == !other->line &&
		strcmp(text_of(one, "firewall"), text_of(other, "firewall")) == 0);
}

/* inet sees what ip and ip6 see, netdev all; a bridge has packets of its own. */
static bool families_meet(const char *one, const char *other)
{
	const bool is_bridge = strcmp(one, "bridge") == 0;

	if (is_bridge || strcmp(other, "bridge") == 0)
		return is_bridge && strcmp(other, "bridge") == 0;
	return strcmp(one, other) == 0 || strcmp(one, "inet") == 0 || strcmp(other, "inet") == 0 ||
	       strcmp(one, "netdev") == 0 || strcmp(other, "netdev") == 0;
}

/* The packets that pass a hook, and of which sides it knows the interface. */
static const struct hook {
	const char *name;
	unsigned int packets;
	bool has_in, has_out;
} hooks[] = {
	{ "ingress", IN_local | IN_forwarded, true, false },
	{ "prerouting", IN_local | IN_forwarded, true, false },
	{ "input", IN_local, true, false },
	{ "forward", IN_forwarded | OUT_forwarded, true, true },
	{ "postrouting", OUT_forwarded | OUT_local, false, true },
	{ "egress", OUT_forwarded | OUT_local, false, true },
	{ "output", OUT_local, false, true },
};

#define HOOK_COUNT (sizeof(hooks) / sizeof(hooks[0]))

static bool has_hook(const struct log_rule *rule)
{
	return *text_of(rule, "hook") != '\0';
}

/* One name of a list: "eth0", "!eth0", "eth*", "eth+". */
struct name {
	char text[64];
	size_t length; /* that counts */
	bool is_negated, is_prefix;
};

static const char *next_name(const char *list, struct name *name)
{
	size_t length = strcspn(list, ",");

	*name = (struct name){ .is_negated = *list == '!' };
	(void)snprintf(name->text, sizeof(name->text), "%.*s",
		       (int)length - (name->is_negated ? 1 : 0), list + (name->is_negated ? 1 : 0));
	name->length = strlen(name->text);
	name->is_prefix = name->length && strchr("*+", name->text[name->length - 1]);
	if (name->is_prefix)
		name->length--;
	return list[length] ? list + length + 1 : NULL;
}

/* Whether an interface may have both names. */
static bool names_meet(const struct name *one, const struct name *other)
{
	const size_t shorter = one->length < other->length ? one->length : other->length;
	const bool is_start_same = strncmp(one->text, other->text, shorter) == 0;

	return is_start_same && (one->length == other->length ||
				 (one->length < other->length ? one : other)->is_prefix);
}

static bool name_pair_meets(const struct name *one, const struct name *other)
{
	if (one->is_negated && other->is_negated)
		return true;
	if (one->is_negated || other->is_negated)
		return !names_meet(one, other) || (one->is_negated ? other : one)->is_prefix;
	return names_meet(one, other);
}

/* Lists of interfaces; an empty one is all. */
static bool interfaces_meet(const char *one, const char *other)
{
	if (!*one || !*other)
		return true;
	for (const char *left = one; left;) {
		struct name name;

		left = next_name(left, &name);
		for (const char *right = other; right;) {
			struct name other_name;

			right = next_name(right, &other_name);
			if (name_pair_meets(&name, &other_name))
				return true;
		}
	}
	return false;
}

/* What a rule takes at one of its hooks. */
struct observation {
	unsigned int packets;
	const char *in, *out; /* lists of interfaces, "" for any */
};

static struct observation observation_at(const struct log_rule *rule, const struct hook *hook)
{
	struct observation seen = { .packets = hook->packets,
				    .in = hook->has_in ? rule->interfaces.in : "",
				    .out = hook->has_out ? rule->interfaces.out : "" };

	/* A rule that names only where packets come from counts them there, as prerouting does. */
	if (hook->has_in && hook->has_out && *seen.in && !*seen.out)
		seen.packets &= IN_local | IN_forwarded;
	return seen;
}

/* One asks only for the interface that packets come by, the other only for the same one, as that
 * which they leave by: but for packets that turn round there, these are different ones. */
static bool is_turn(const struct observation *one, const struct observation *other)
{
	return *one->in && !*one->out && *other->out && !*other->in && !strpbrk(one->in, ",!*+") &&
	       strcmp(one->in, other->out) == 0;
}

static bool observations_meet(const struct observation *one, const struct observation *other)
{
	return (one->packets & other->packets) && interfaces_meet(one->in, other->in) &&
	       interfaces_meet(one->out, other->out) && !is_turn(one, other) &&
	       !is_turn(other, one);
}

/* Whether a packet may be taken by both, at any hooks of theirs. Where the hooks of one are not
 * known, all that is known of it are its interfaces. */
static bool packets_meet(const struct log_rule *one, const struct log_rule *other)
{
	if (!has_hook(one) || !has_hook(other))
		return interfaces_meet(one->interfaces.in, other->interfaces.in) &&
		       interfaces_meet(one->interfaces.out, other->interfaces.out);
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		const struct observation here = observation_at(one, &hooks[i]);

		if (!strstr(text_of(one, "hook"), hooks[i].name))
			continue;
		for (size_t j = 0; j < HOOK_COUNT; j++) {
			const struct observation there = observation_at(other, &hooks[j]);

			if (strstr(text_of(other, "hook"), hooks[j].name) &&
			    observations_meet(&here, &there))
				return true;
		}
	}
	return false;
}

enum log_rules_overlap log_rules_overlap(const struct log_rule *one, const struct log_rule *other)
{
	if (log_rule_group(one) != log_rule_group(other) || are_together(one, other) ||
	    !families_meet(text_of(one, "family"), text_of(other, "family")) ||
	    !packets_meet(one, other))
		return LOG_RULES_apart;
	if (!has_hook(one) || !has_hook(other) || (one->has_conditions && other->has_conditions))
		return LOG_RULES_maybe;
	return LOG_RULES_twice;
}

void log_rule_format(const struct log_rule *rule, char *text, size_t size)
{
	const struct rule_interfaces *interfaces = &rule->interfaces;

	if (rule->line)
		(void)snprintf(text, size, "%s, %s, table %s: %s", text_of(rule, "firewall"),
			       text_of(rule, "family"), text_of(rule, "table"), rule->line);
	else
		(void)snprintf(text, size,
			       "nft, table %s %s, chain %s: %s%s%s%s%s%slog group "
			       "%" JSON_INTEGER_FORMAT " (handle %" JSON_INTEGER_FORMAT ")",
			       text_of(rule, "family"), text_of(rule, "table"),
			       text_of(rule, "chain"), *interfaces->in ? "iifname " : "",
			       interfaces->in, *interfaces->in ? " " : "",
			       *interfaces->out ? "oifname " : "", interfaces->out,
			       *interfaces->out ? " " : "", log_rule_group(rule), rule->handle);
}
