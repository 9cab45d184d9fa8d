/* test_agentctl_log_rules.c - which rules log a packet twice. */
#include "agentctl_log_rules.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>

/* A rule with a hook, interfaces and a group: "i IN", "o OUT", or neither. */
static struct log_rule rule_at(const char *family, const char *table, const char *hook,
			       const char *interfaces, int group)
{
	struct log_rule rule = { .row = json_pack("{s:s,s:s,s:s,s:s,s:i}", "firewall", "nft",
						  "family", family, "table", table, "hook", hook,
						  "group", group) };
	const bool is_out = *interfaces == 'o';

	if (*interfaces)
		(void)snprintf(is_out ? rule.interfaces.out : rule.interfaces.in,
			       RULE_INTERFACES_SIZE, "%s", interfaces + 2);
	return rule;
}

static enum log_rules_overlap overlap(struct log_rule one, struct log_rule other)
{
	const enum log_rules_overlap result = log_rules_overlap(&one, &other);

	CHECK_EQ(log_rules_overlap(&other, &one), result);
	json_decref(one.row);
	json_decref(other.row);
	return result;
}

TEST(rules_that_count_twice_are_seen)
{
	static const struct {
		const char *family, *hook, *interfaces;
		int group;
		enum log_rules_overlap expected;
	} others[] = {
		{ "inet", "prerouting", "i eth0", 40, LOG_RULES_twice },
		{ "ip6", "prerouting", "i eth0", 40, LOG_RULES_twice },
		{ "netdev", "ingress", "", 40, LOG_RULES_twice },
		{ "bridge", "prerouting", "i eth0", 40, LOG_RULES_apart },
		{ "inet", "input", "i eth0,eth1", 40, LOG_RULES_twice }, /* on the same side */
		{ "inet", "forward", "i eth0", 40, LOG_RULES_twice },
		{ "inet", "postrouting", "o eth0", 40, LOG_RULES_apart },
		{ "inet", "prerouting", "i eth0", 41, LOG_RULES_apart },
		{ "inet", "prerouting", "i eth1,eth00", 40, LOG_RULES_apart },
		{ "inet", "prerouting", "i eth*", 40, LOG_RULES_twice },
		{ "inet", "prerouting", "i et+", 40, LOG_RULES_twice },
		{ "inet", "prerouting", "i ppp+", 40, LOG_RULES_apart },
		{ "inet", "prerouting", "i !eth0", 40, LOG_RULES_apart },
		{ "inet", "prerouting", "i !lo", 40, LOG_RULES_twice },
		{ "inet", "", "i eth0", 40, LOG_RULES_maybe },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK_EQ(overlap(rule_at("inet", "mine", "prerouting", "i eth0", 40),
				 rule_at(others[i].family, "other", others[i].hook,
					 others[i].interfaces, others[i].group)),
			 others[i].expected);
	CHECK_EQ(overlap(rule_at("ip", "a", "input", "", 40), rule_at("ip6", "b", "input", "", 40)),
		 LOG_RULES_apart);
	/* What `rules install` makes is made with care. */
	CHECK_EQ(overlap(rule_at("inet", "flowagent", "output,postrouting", "o eth0", 40),
			 rule_at("inet", "flowagent", "postrouting", "o eth0", 40)),
		 LOG_RULES_apart);
}

TEST(a_packet_for_this_host_one_that_passes_and_one_that_leaves_are_three)
{
	static const struct {
		const char *one, *other;
		enum log_rules_overlap expected;
	} pairs[] = {
		{ "input", "forward", LOG_RULES_apart },
		{ "forward", "output", LOG_RULES_apart },
		{ "input", "output", LOG_RULES_apart },
		{ "output", "postrouting", LOG_RULES_twice },
		{ "forward", "postrouting", LOG_RULES_twice },
		{ "forward", "egress", LOG_RULES_twice },
		{ "input", "ingress", LOG_RULES_twice },
		{ "input,output", "forward", LOG_RULES_apart },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		CHECK_EQ(overlap(rule_at("inet", "a", pairs[i].one, "", 40),
				 rule_at("inet", "b", pairs[i].other, "", 40)),
			 pairs[i].expected);
}

/* A router's rule for what comes by eth0, and one for what leaves by eth0, see different packets.
 */
TEST(the_interface_in_is_not_the_interface_out)
{
	static const struct {
		const char *hook, *interfaces, *other_hook, *other_interfaces;
		enum log_rules_overlap expected;
	} pairs[] = {
		{ "forward", "i eth0", "postrouting", "o eth0", LOG_RULES_apart },
		{ "forward", "i eth0", "postrouting", "o eth1", LOG_RULES_apart }, /* in, out */
		{ "forward", "i eth0", "forward", "o eth0", LOG_RULES_apart },
		{ "prerouting", "i eth0", "forward", "o eth0", LOG_RULES_apart },
		{ "forward", "o eth0", "postrouting", "o eth0", LOG_RULES_twice },
		{ "forward", "o eth0", "postrouting", "o eth1", LOG_RULES_apart },
		{ "forward", "", "postrouting", "o eth0", LOG_RULES_twice },
		{ "forward", "i eth0", "forward", "o eth1", LOG_RULES_twice },
		{ "forward", "i eth0", "forward", "i eth0", LOG_RULES_twice },
		{ "forward", "i eth0", "forward", "i eth1", LOG_RULES_apart },
		{ "prerouting", "i eth0", "forward", "o eth1", LOG_RULES_twice },
		{ "prerouting", "i eth*", "forward", "o eth*", LOG_RULES_twice },
		{ "prerouting,postrouting", "i eth0", "forward", "i eth0", LOG_RULES_twice },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (overlap(rule_at("inet", "a", pairs[i].hook, pairs[i].interfaces, 40),
			    rule_at("inet", "b", pairs[i].other_hook, pairs[i].other_interfaces,
				    40)) != pairs[i].expected)
			fail_msg("%s %s, %s %s", pairs[i].hook, pairs[i].interfaces,
				 pairs[i].other_hook, pairs[i].other_interfaces);
}

TEST(nft_and_iptables_say_which_side_an_interface_is)
{
	static const char nft[] =
		"{\"nftables\":[{\"chain\":{\"family\":\"ip\",\"table\":\"t\",\"name\":\"f\","
		"\"hook\":\"forward\"}},{\"rule\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":"
		"\"f\",\"handle\":7,\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{"
		"\"key\":"
		"\"iif\"}},\"right\":\"eth0\"}},{\"match\":{\"op\":\"!=\",\"left\":{\"meta\":{"
		"\"key\":\"oifname\"}},\"right\":\"eth1\"}},{\"log\":{\"group\":40}}]}}]}";
	struct log_rules rules = { 0 };
	struct error_text error;
	bool has_foreign = false;
	char text[256];

	CHECK_EQ(log_rules_from_nft(nft, &rules, &has_foreign, &error), 0);
	CHECK_EQ(log_rules_from_iptables("*filter\n-A FORWARD -i ppp+ ! -o lo -j NFLOG\n",
					 "iptables-legacy", "ip", &rules),
		 0);
	CHECK_EQ(rules.count, 2);
	CHECK_TEXT(rules.rules[0].interfaces.in, "eth0");
	CHECK_TEXT(rules.rules[0].interfaces.out, "!eth1");
	CHECK_TEXT(json_string_value(json_object_get(rules.rules[0].row, "interfaces")),
		   "eth0,!eth1");
	CHECK_TEXT(rules.rules[1].interfaces.in, "ppp+");
	CHECK_TEXT(rules.rules[1].interfaces.out, "!lo");
	log_rule_format(&rules.rules[0], text, sizeof(text));
	CHECK_TEXT(text, "nft, table ip t, chain f: iifname eth0 oifname !eth1 log group 40 "
			 "(handle 7)");
	log_rules_clear(&rules);
}

TEST(conditions_make_it_uncertain)
{
	struct log_rule one = rule_at("inet", "a", "input", "", 40);
	struct log_rule other = rule_at("inet", "b", "input", "", 40);

	one.has_conditions = true;
	CHECK_EQ(log_rules_overlap(&one, &other), LOG_RULES_twice); /* part of the packets */
	other.has_conditions = true;
	CHECK_EQ(overlap(one, other), LOG_RULES_maybe);
}

/* No memory for the row of a rule, where the array would have to grow: the others stay. */
TEST(a_rule_that_cannot_be_added_leaves_the_others_whole)
{
	const size_t before = 16; /* the array is full then */
	struct log_rules rules = { 0 };
	struct log_rule rule;

	for (size_t i = 0; i < before; i++) {
		rule = rule_at("inet", "a", "input", "", (int)i);
		CHECK_EQ(log_rules_add(&rules, &rule), 0);
	}
	rule = (struct log_rule){ 0 };
	CHECK_EQ(log_rules_add(&rules, &rule), -ENOMEM);
	CHECK_EQ(rules.count, before);
	rule = rule_at("inet", "a", "input", "", (int)before);
	CHECK_EQ(log_rules_add(&rules, &rule), 0);
	for (size_t i = 0; i <= before; i++)
		CHECK_EQ(log_rule_group(&rules.rules[i]), i);
	log_rules_clear(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_count_twice_are_seen),
		cmocka_unit_test(
			a_packet_for_this_host_one_that_passes_and_one_that_leaves_are_three),
		cmocka_unit_test(the_interface_in_is_not_the_interface_out),
		cmocka_unit_test(nft_and_iptables_say_which_side_an_interface_is),
		cmocka_unit_test(conditions_make_it_uncertain),
		cmocka_unit_test(a_rule_that_cannot_be_added_leaves_the_others_whole),
	};

	return RUN_TESTS(tests);
}
