/* agentctl_doctor_rules.c - checks of the rules that feed the agent, of all firewalls.
 *
 * Place: rows in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include "agentctl_rules_make.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAPLEN_MAX 256 /* no header of interest is beyond */

static const char *hooks_of(const struct log_rule *rule)
{
	return doctor_text(rule->row, "hook");
}

/* A rule that packets reach, of a group that the agent reads. */
static bool feeds(const struct doctor *doctor, const struct log_rule *rule)
{
	return doctor_is_read(doctor, rule) && *hooks_of(rule);
}

static size_t count_feeding(const struct doctor *doctor)
{
	size_t count = 0;

	for (size_t i = 0; i < doctor->rules.count; i++)
		count += feeds(doctor, &doctor->rules.rules[i]);
	return count;
}

/* Name the rules that log elsewhere, or are not reached. */
static void say_unfit(struct doctor *doctor, const char *fix)
{
	for (size_t i = 0; i < doctor->rules.count; i++) {
		const struct log_rule *rule = &doctor->rules.rules[i];
		char text[512];

		log_rule_format(rule, text, sizeof(text));
		if (doctor_is_read(doctor, rule))
			doctor_say(doctor, DOCTOR_fail, fix,
				   "no packet reaches a rule, as nothing leads to its chain: %s",
				   text);
		else if (log_rule_group(rule) == 0 && *rule->prefix)
			doctor_say(
				doctor, DOCTOR_fail, fix,
				"the prefix \"%s\" of a rule is no group, so it logs to group 0: "
				"%s",
				rule->prefix, text);
		else
			doctor_say(doctor, DOCTOR_fail, fix,
				   "a rule logs to group %" JSON_INTEGER_FORMAT
				   ", and the agent reads group %u: %s",
				   log_rule_group(rule), doctor_group(doctor), text);
	}
}

void doctor_check_rules(struct doctor *doctor)
{
	const size_t feeding = count_feeding(doctor);
	char fix[256];

	if (doctor->read_count == 0) {
		doctor_say(doctor, DOCTOR_ok, NULL, "the agent reads no group, and needs none");
		return;
	}
	if (!doctor->has_rules) {
		(void)snprintf(fix, sizeof(fix), "%sagentctl doctor", doctor_sudo(doctor));
		doctor_say(doctor, DOCTOR_note, doctor->is_root ? NULL : fix,
			   "the rules of the firewall cannot be seen: %s",
			   doctor->rules_error.text);
		return;
	}
	doctor_fix_rules(doctor, "", fix, sizeof(fix));
	if (feeding == 0 && doctor->rules.count == 0)
		doctor_say(doctor, DOCTOR_fail, fix, "no rule logs to group %u, nor to any other",
			   doctor_group(doctor));
	else if (feeding == 0)
		say_unfit(doctor, fix);
	else
		doctor_say(doctor, DOCTOR_ok, NULL, "%zu rule%s to group %u", feeding,
			   feeding > 1 ? "s log" : " logs", doctor_group(doctor));
}

/* Packets of the rules that feed the agent. */
static json_int_t counted(const struct doctor *doctor, const struct log_rules *rules)
{
	json_int_t sum = 0;

	for (size_t i = 0; i < rules->count; i++)
		if (doctor_is_read(doctor, &rules->rules[i]))
			sum += doctor_number(rules->rules[i].row, "packets");
	return sum;
}

/* A counter of the log groups that the agent reads: no other source has its packets of a rule. */
static json_int_t sum_of_groups(const json_t *status, const char *name)
{
	json_int_t sum = 0;
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(status), index, source)
	{
		if (doctor_source_group(source) >= 0)
			sum += doctor_number(source, name);
	}
	return sum;
}

/* How much that has grown between the two looks. */
static json_int_t grown(const struct doctor *doctor, const char *name)
{
	return sum_of_groups(doctor->status_later, name) - sum_of_groups(doctor->status, name);
}

/* Whether the counter of a rule that feeds the agent counts more than it hands over, as announced.
 */
static bool has_sampling(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->rules.count; i++)
		if (feeds(doctor, &doctor->rules.rules[i]) &&
		    strncmp(doctor->rules.rules[i].prefix, "s=", 2) == 0)
			return true;
	return false;
}

/* Packets between the two looks: what the rules have counted, and what became of these. */
struct moved {
	json_int_t passed, read, lost;
};

static struct moved look_at(const struct doctor *doctor)
{
	return (struct moved){
		.passed = counted(doctor, &doctor->rules_later) - counted(doctor, &doctor->rules),
		.read = grown(doctor, "packets_read"),
		.lost = grown(doctor, "packets_lost_kernel"),
	};
}

/* Whether packets that the rules have counted did not come to the agent. Its looks are around those
 * at the rules, so it has seen all but those that were on their way at the end. */
static bool is_missing(const struct doctor *doctor, const struct moved *moved)
{
	enum { ON_THEIR_WAY = 100 };
	const json_int_t missing = moved->passed - moved->read - moved->lost;

	return moved->read > 0 && missing > ON_THEIR_WAY && missing > moved->passed / 10 &&
	       !has_sampling(doctor);
}

/* Whether all that the rules have counted may be in the kernel still, which hands over a few packets
 * only some time after they came. */
static bool is_all_on_its_way(const struct moved *moved)
{
	return moved->passed > 0 && moved->read == 0;
}

/* An agent that has no CPU time for a moment lags: what it has not read waits in its buffer. Of
 * what never comes, as much is missing again. What was on its way at the end of the first look has
 * come by that of the second. */
static struct moved look_until_it_is_sure(struct doctor *doctor)
{
	const struct moved first = look_at(doctor);
	struct moved moved;

	if (!is_missing(doctor, &first) && !is_all_on_its_way(&first))
		return first;
	doctor_look_again(doctor);
	moved = look_at(doctor);
	if (is_all_on_its_way(&first)) {
		moved.passed += first.passed;
		moved.lost += first.lost;
	}
	return moved;
}

/* Rules of nft that feed the agent under a condition go, and those of `rules install` come. Returns
 * NULL where one is of iptables, or there is none: then who made it knows how. */
static const char *fix_conditions(const struct doctor *doctor, char *fix, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < doctor->rules.count; i++) {
		const struct log_rule *rule = &doctor->rules.rules[i];

		if (!feeds(doctor, rule) || !rule->has_conditions || log_rule_is_own(rule))
			continue;
		if (!rule->handle || log_rule_is_of_iptables(rule))
			return NULL;
		used += (size_t)snprintf(fix + used, size - used,
					 "%snft delete rule %s %s %s handle %" JSON_INTEGER_FORMAT
					 " && ",
					 doctor_sudo(doctor), doctor_text(rule->row, "family"),
					 doctor_text(rule->row, "table"),
					 doctor_text(rule->row, "chain"), rule->handle);
		if (used >= size)
			return NULL;
	}
	if (!used)
		return NULL;
	doctor_fix_rules(doctor, "", fix + used, size - used);
	return fix;
}

void doctor_check_counter(struct doctor *doctor)
{
	struct moved moved;
	char fix[1024];

	if (count_feeding(doctor) == 0 || !doctor->status_later)
		return;
	moved = look_until_it_is_sure(doctor);
	if (is_all_on_its_way(&moved))
		doctor_say(doctor, DOCTOR_fail, "agentctl show sources",
			   "the rules have counted %" JSON_INTEGER_FORMAT
			   " packets just now, and the agent has read none",
			   moved.passed);
	else if (is_missing(doctor, &moved))
		doctor_say(doctor, DOCTOR_warn, fix_conditions(doctor, fix, sizeof(fix)),
			   "the rules have counted %" JSON_INTEGER_FORMAT
			   " packets just now, and the agent has read %" JSON_INTEGER_FORMAT
			   " and the kernel lost %" JSON_INTEGER_FORMAT
			   ": a limit, or sampling without a prefix s=N, keeps the others from it",
			   moved.passed, moved.read, moved.lost);
	else if (moved.read > 0)
		doctor_say(doctor, DOCTOR_ok, NULL,
			   "packets come: the rules have counted %" JSON_INTEGER_FORMAT
			   " just now, the agent has read %" JSON_INTEGER_FORMAT
			   ", and the kernel lost %" JSON_INTEGER_FORMAT,
			   moved.passed, moved.read, moved.lost);
	else
		doctor_say(doctor, DOCTOR_note, NULL,
			   "no packet has passed just now; %" JSON_INTEGER_FORMAT
			   " since the start",
			   sum_of_groups(doctor->status, "packets_read"));
}

/* Say what is wrong with an interface that rules name. */
static void check_name(struct doctor *doctor, const char *name)
{
	char fix[256];

	if (strpbrk(name, "!*+") || strlen(name) >= IF_NAMESIZE)
		return; /* a pattern */
	if (!if_nametoindex(name)) {
		doctor_fix_rules(doctor, "--force", fix, sizeof(fix));
		doctor_say(doctor, DOCTOR_fail, fix,
			   "rules name %s, and there is no such interface", name);
		return;
	}
	(void)snprintf(fix, sizeof(fix), "%sip link set %s up", doctor_sudo(doctor), name);
	if (doctor_interface_flags(name) & IFF_UP)
		doctor_say(doctor, DOCTOR_ok, NULL, "%s is up", name);
	else
		doctor_say(doctor, DOCTOR_fail, fix, "rules name %s, which is down", name);
}

/* The names in all rules, each once. */
static void list_names(const struct doctor *doctor, char list[static RULE_INTERFACES_SIZE])
{
	*list = '\0';
	for (size_t i = 0; i < doctor->rules.count; i++) {
		char names[RULE_INTERFACES_SIZE];
		char *save = NULL;

		if (!feeds(doctor, &doctor->rules.rules[i]))
			continue;
		(void)snprintf(names, sizeof(names), "%s",
			       doctor_text(doctor->rules.rules[i].row, "interfaces"));
		for (char *name = strtok_r(names, ",", &save); name;
		     name = strtok_r(NULL, ",", &save))
			rule_list_add(list, RULE_INTERFACES_SIZE, "", name);
	}
}

void doctor_check_interface(struct doctor *doctor)
{
	char list[RULE_INTERFACES_SIZE];
	char *save = NULL;

	list_names(doctor, list);
	for (char *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save))
		check_name(doctor, name);
}

/* Whether some rule that feeds has one of the hooks. */
static bool any_has_hook(const struct doctor *doctor, const char *const hooks[])
{
	for (size_t i = 0; i < doctor->rules.count; i++)
		for (size_t h = 0; feeds(doctor, &doctor->rules.rules[i]) && hooks[h]; h++)
			if (strstr(hooks_of(&doctor->rules.rules[i]), hooks[h]))
				return true;
	return false;
}

static bool any_has_family(const struct doctor *doctor, const char *family)
{
	static const char *const both[] = { "inet", "netdev", "bridge" };

	for (size_t i = 0; i < doctor->rules.count; i++) {
		const char *its = doctor_text(doctor->rules.rules[i].row, "family");

		if (!feeds(doctor, &doctor->rules.rules[i]))
			continue;
		if (strcmp(its, family) == 0)
			return true;
		for (size_t b = 0; b < sizeof(both) / sizeof(both[0]); b++)
			if (strcmp(its, both[b]) == 0)
				return true;
	}
	return false;
}

void doctor_check_direction(struct doctor *doctor)
{
	static const char *const in[] = { "ingress", "prerouting", "input", "forward", NULL };
	static const char *const out[] = { "postrouting", "egress", "output", "forward", NULL };
	const bool has_in = any_has_hook(doctor, in);
	const bool has_out = any_has_hook(doctor, out);
	char fix[256];

	if (count_feeding(doctor) == 0)
		return;
	doctor_fix_rules(doctor, "--force", fix, sizeof(fix));
	if (has_in && has_out)
		doctor_say(doctor, DOCTOR_ok, NULL, "what comes in and what goes out is logged");
	else
		doctor_say(doctor, DOCTOR_warn, fix, "only %s packets are logged: no rule for %s",
			   has_in ? "incoming" : "outgoing",
			   has_in ? "what goes out (postrouting)" : "what comes in (prerouting)");
}

void doctor_check_family(struct doctor *doctor)
{
	const bool has_ipv4 = any_has_family(doctor, "ip");
	const bool has_ipv6 = any_has_family(doctor, "ip6");
	char fix[256];

	if (count_feeding(doctor) == 0)
		return;
	doctor_fix_rules(doctor, "--force", fix, sizeof(fix));
	if (has_ipv4 && has_ipv6)
		doctor_say(doctor, DOCTOR_ok, NULL, "IPv4 and IPv6 are logged");
	else
		doctor_say(doctor, DOCTOR_warn, fix, "only %s is logged: no rule for %s",
			   has_ipv4 ? "IPv4" : "IPv6", has_ipv4 ? "IPv6" : "IPv4");
}

void doctor_check_doubled(struct doctor *doctor)
{
	const struct log_rules *rules = &doctor->rules;
	char fix[256];

	doctor_fix_rules(doctor, "--force", fix, sizeof(fix));
	for (size_t i = 0; i < rules->count; i++) {
		for (size_t j = 0; j < i && doctor_is_read(doctor, &rules->rules[i]); j++) {
			char one[512], other[512];

			if (log_rules_overlap(&rules->rules[j], &rules->rules[i]) !=
			    LOG_RULES_twice)
				continue;
			log_rule_format(&rules->rules[j], one, sizeof(one));
			log_rule_format(&rules->rules[i], other, sizeof(other));
			doctor_say(
				doctor, DOCTOR_fail, fix,
				"two rules log the same packets, so each counts twice: %s; and %s",
				one, other);
		}
	}
	if (doctor->said == 0 && count_feeding(doctor) > 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "no packet is logged by two rules");
}

static bool is_router(void)
{
	char *ipv4 = agentctl_rules_read_file("/proc/sys/net/ipv4/ip_forward");
	char *ipv6 = agentctl_rules_read_file("/proc/sys/net/ipv6/conf/all/forwarding");
	const bool is_on = (ipv4 && *ipv4 == '1') || (ipv6 && *ipv6 == '1');

	free(ipv4);
	free(ipv6);
	return is_on;
}

void doctor_check_forwarded(struct doctor *doctor)
{
	char list[RULE_INTERFACES_SIZE], fix[256];

	list_names(doctor, list);
	if (!strchr(list, ',') || !is_router())
		return;
	doctor_fix_rules(doctor, "", fix, sizeof(fix));
	doctor_say(
		doctor, DOCTOR_warn, fix,
		"this host forwards packets between interfaces with rules (%s): each counts as in "
		"on one and as out on the other",
		list);
}

void doctor_check_length(struct doctor *doctor)
{
	char fix[256];

	doctor_fix_rules(doctor, "--force", fix, sizeof(fix));
	for (size_t i = 0; i < doctor->rules.count; i++) {
		const struct log_rule *rule = &doctor->rules.rules[i];
		const json_int_t snaplen = doctor_number(rule->row, "snaplen");
		char text[512];

		if (!feeds(doctor, rule))
			continue;
		log_rule_format(rule, text, sizeof(text));
		if (snaplen == 0)
			doctor_say(doctor, DOCTOR_warn, fix,
				   "a rule copies whole packets, at the cost of CPU and buffer: %s",
				   text);
		else if (snaplen > SNAPLEN_MAX)
			doctor_say(doctor, DOCTOR_warn, fix,
				   "a rule copies %" JSON_INTEGER_FORMAT
				   " bytes of each packet, more than any header has: %s",
				   snaplen, text);
	}
	if (doctor->said == 0 && count_feeding(doctor) > 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "rules copy the headers of packets only");
}

void doctor_check_threshold(struct doctor *doctor)
{
	static const char cost[] = "packets come one by one, at several times the cost";
	size_t index;
	const json_t *source;
	char fix[256];

	doctor_fix_rules(doctor, "--force", fix, sizeof(fix));
	for (size_t i = 0; i < doctor->rules.count; i++) {
		char text[512];

		log_rule_format(&doctor->rules.rules[i], text, sizeof(text));
		if (feeds(doctor, &doctor->rules.rules[i]) && doctor->rules.rules[i].threshold == 1)
			doctor_say(doctor, DOCTOR_warn, fix, "a rule has the threshold 1: %s: %s",
				   cost, text);
	}
	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status_later), index, source)
	{
		if (doctor->said == 0 && !doctor_is_own_only(doctor) &&
		    json_is_true(json_object_get(source, "single_packets")))
			doctor_say(doctor, DOCTOR_warn, fix,
				   "%s: %s: the rule has a threshold of its own",
				   doctor_text(source, "name"), cost);
	}
	if (doctor->said == 0 && count_feeding(doctor) > 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "the kernel hands packets over in batches");
}
