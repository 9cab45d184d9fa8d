/* test_agentctl_rules.c - the rules that agentctl makes, and those that it finds. */
#include "check.h"

#include "agentctl_local_reader.h"
#include "agentctl_log_rules.h"
#include "agentctl_program.h"
#include "agentctl_ruleset.h"
#include "agentctl_ruleset_iptables.h"
#include "agentctl_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ipv4_header[] =
	"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

TEST(default_route_names_the_interface)
{
	struct ruleset ruleset = { .interface_count = 0 };
	char routes[1000];

	/* Flags 0003: up, gateway. A route with a lower metric comes later; 10.0.0.0/8 and a
	 * rejecting default are none. */
	(void)snprintf(routes, sizeof(routes), "%s%s", ipv4_header,
		       "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
		       "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		       "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
		       "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n");
	ruleset_add_default_routes(
		&ruleset, routes,
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth1\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
	CHECK_EQ(ruleset.interface_count, 2);
	CHECK_TEXT(ruleset.interfaces[0], "eth0");
	CHECK_TEXT(ruleset.interfaces[1], "eth1");
}

TEST(both_families_may_use_one_interface)
{
	struct ruleset ruleset = { .interface_count = 0 };
	char routes[1000];

	(void)snprintf(routes, sizeof(routes), "%s%s", ipv4_header,
		       "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0");
	ruleset_add_default_routes(
		&ruleset, routes,
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n");
	CHECK_EQ(ruleset.interface_count, 1);
}

TEST(no_default_route_names_nothing)
{
	struct ruleset ruleset = { .interface_count = 0 };

	ruleset_add_default_routes(&ruleset, ipv4_header, "");
	ruleset_add_default_routes(&ruleset, "", "no route at all\n\n");
	CHECK_EQ(ruleset.interface_count, 0);
}

TEST(interface_names_are_checked)
{
	static const char *const bad[] = {
		"", "a234567890123456", "eth 0", "eth\"0", "a/b", "eth*", "x\n", "caf\xe9"
	};
	struct ruleset ruleset = { .interface_count = 0 };
	struct error_text error;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!ruleset_add_interface(&ruleset, bad[i], &error));
	CHECK(ruleset_add_interface(&ruleset, "a23456789012345", &error));
	CHECK(ruleset_add_interface(&ruleset, "eth0.100@x", &error));
	CHECK(ruleset_add_interface(&ruleset, "eth0.100@x", &error));
	CHECK_EQ(ruleset.interface_count, 2);
	for (int i = 2; i < RULESET_INTERFACES; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "if%d", i);
		CHECK(ruleset_add_interface(&ruleset, name, &error));
	}
	CHECK(!ruleset_add_interface(&ruleset, "more", &error));
}

TEST(rules_are_as_documented)
{
	struct ruleset ruleset = {
		.interfaces = { "eth0" }, .interface_count = 1, .group = 40, .snaplen = 128
	};
	char *text = ruleset_format(&ruleset);

	/* Emptied and filled in one transaction: the counters continue. */
	assert_non_null(strstr(text, "table inet flowagent\nflush table inet flowagent\n"));
	CHECK(!strstr(text, "delete"));
	assert_non_null(strstr(text,
			       "\tchain in {\n"
			       "\t\ttype filter hook prerouting priority raw; policy accept;\n"
			       "\t\tiifname \"eth0\" goto from_wire\n\t}\n"));
	assert_non_null(strstr(text, "\tchain out {\n"
				     "\t\ttype filter hook postrouting priority srcnat + 10; "
				     "policy accept;\n"
				     "\t\toifname \"eth0\" goto to_wire\n\t}\n"));
	assert_non_null(strstr(text,
			       "\tchain log_in {\n"
			       "\t\tcounter name logged_in log group 40 snaplen 128\n\t}\n"
			       "\tchain log_out {\n"
			       "\t\tcounter name logged_out log group 40 snaplen 128\n\t}\n"));
	free(text);
	ruleset.interface_count = 2;
	strcpy(ruleset.interfaces[1], "eth1");
	text = ruleset_format(&ruleset);
	assert_non_null(strstr(text, "iifname { \"eth0\", \"eth1\" } goto"));
	free(text);
}

TEST(rules_with_a_group_per_cpu_choose_by_the_cpu)
{
	const struct cpu_list cpus = { .numbers = { 0, 2, 3 }, .count = 3 };
	struct ruleset ruleset = { .interfaces = { "eth0" },
				   .interface_count = 1,
				   .group = 7,
				   .snaplen = 96,
				   .cpus = &cpus };
	char *text = ruleset_format(&ruleset);

	assert_non_null(strstr(text, "\tcounter logged_cpu0 {\n\t}\n\tchain cpu0 {\n"
				     "\t\tcounter name logged_cpu0 log group 7 snaplen 96\n\t}\n"
				     "\tcounter logged_cpu2 {\n\t}\n\tchain cpu2 {\n"
				     "\t\tcounter name logged_cpu2 log group 8 snaplen 96\n\t}\n"
				     "\tcounter logged_cpu3 {\n\t}\n\tchain cpu3 {\n"
				     "\t\tcounter name logged_cpu3 log group 9 snaplen 96\n\t}\n"));
	/* A CPU that was offline then goes to the first group. */
	assert_non_null(strstr(text, "\tchain by_cpu {\n"
				     "\t\tmeta cpu vmap { 0 : goto cpu0, 2 : goto cpu2, "
				     "3 : goto cpu3 }\n"
				     "\t\tgoto cpu0\n\t}\n"));
	assert_non_null(strstr(text, "counter name logged_in goto by_cpu\n"));
	assert_non_null(strstr(text, "counter name logged_out goto by_cpu\n"));
	free(text);
}

TEST(rules_that_sample_say_so_in_their_prefix)
{
	const struct cpu_list cpus = { .numbers = { 0, 2 }, .count = 2 };
	struct ruleset ruleset = { .interfaces = { "eth0" },
				   .interface_count = 1,
				   .group = 40,
				   .snaplen = 128,
				   .sample = 10 };
	char *text = ruleset_format(&ruleset);

	assert_non_null(strstr(text, "counter name logged_in numgen random mod 10 0 log prefix "
				     "\"s=10\" group 40 snaplen 128\n\t}\n"));
	free(text);
	ruleset.cpus = &cpus;
	text = ruleset_format(&ruleset);
	assert_non_null(strstr(
		text,
		"\tchain cpu2 {\n\t\tcounter name logged_cpu2 numgen random mod 10 0 log prefix "
		"\"s=10\" group 41 snaplen 128\n\t}\n"));
	free(text);
	ruleset.cpus = NULL;
	ruleset.sample = 1;
	text = ruleset_format(&ruleset);
	CHECK(!strstr(text, "numgen") && !strstr(text, "prefix"));
	free(text);
}

static const char nft_output[] =
	"{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},"
	"{\"table\":{\"family\":\"inet\",\"name\":\"flowagent\",\"handle\":3}},"
	"{\"counter\":{\"family\":\"inet\",\"name\":\"logged_in\",\"table\":\"flowagent\","
	"\"handle\":3,\"packets\":7,\"bytes\":700}},"
	"{\"chain\":{\"family\":\"inet\",\"table\":\"flowagent\",\"name\":\"in\",\"handle\":1,"
	"\"type\":\"filter\",\"hook\":\"prerouting\",\"prio\":-300,\"policy\":\"accept\"}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"flowagent\",\"chain\":\"in\",\"handle\":6,"
	"\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"iifname\"}},"
	"\"right\":{\"set\":[\"eth0\",\"eth1\"]}}},{\"match\":{\"op\":\"!=\","
	"\"left\":{\"meta\":{\"key\":\"mark\"}},\"right\":61706}},{\"counter\":\"logged_in\"},"
	"{\"log\":{\"group\":40,\"snaplen\":128}}]}},"
	"{\"chain\":{\"family\":\"ip\",\"table\":\"raw\",\"name\":\"PREROUTING\",\"handle\":1,"
	"\"type\":\"filter\",\"hook\":\"prerouting\",\"prio\":-300,\"policy\":\"accept\"}},"
	"{\"rule\":{\"family\":\"ip\",\"table\":\"raw\",\"chain\":\"PREROUTING\",\"handle\":2,"
	"\"expr\":[{\"match\":{\"op\":\"!=\",\"left\":{\"meta\":{\"key\":\"iifname\"}},"
	"\"right\":\"eth0\"}},{\"counter\":{\"packets\":1,\"bytes\":84}},{\"log\":{\"group\":5}}]}}"
	","
	"{\"rule\":{\"family\":\"ip\",\"table\":\"raw\",\"chain\":\"PREROUTING\",\"handle\":3,"
	"\"expr\":[{\"log\":{\"prefix\":\"kernel log\"}}]}},"
	"{\"rule\":{\"family\":\"ip\",\"table\":\"raw\",\"chain\":\"PREROUTING\",\"handle\":4,"
	"\"expr\":[{\"log\":null},{\"accept\":null}]}}]}";

/* The rows of all rules; for json_decref(). */
static json_t *rows_of(const struct log_rules *rules)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < rules->count; i++)
		json_array_append(rows, rules->rules[i].row);
	return rows;
}

static void check_rows(const struct log_rules *rules, const char *wanted_text)
{
	json_t *rows = rows_of(rules);
	json_t *wanted = json_loads(wanted_text, 0, NULL);

	assert_non_null(wanted);
	if (!json_equal(rows, wanted))
		json_dumpf(rows, stderr, JSON_INDENT(1));
	CHECK(json_equal(rows, wanted));
	json_decref(rows);
	json_decref(wanted);
}

TEST(nft_rules_are_found_with_their_counters)
{
	struct log_rules rules = { 0 };
	struct error_text error;
	bool has_foreign = false;

	CHECK_EQ(log_rules_from_nft(nft_output, &rules, &has_foreign, &error), 0);
	check_rows(&rules,
		   "[{\"firewall\":\"nft\",\"family\":\"inet\",\"table\":\"flowagent\",\"chain\":"
		   "\"in\","
		   "\"hook\":\"prerouting\",\"interfaces\":\"eth0,eth1\",\"group\":40,"
		   "\"snaplen\":128,\"packets\":7,\"bytes\":700},"
		   "{\"firewall\":\"nft\",\"family\":\"ip\",\"table\":\"raw\",\"chain\":"
		   "\"PREROUTING\","
		   "\"hook\":\"prerouting\",\"interfaces\":\"!eth0\",\"group\":5,\"snaplen\":null,"
		   "\"packets\":1,\"bytes\":84}]");
	CHECK(!has_foreign);
	CHECK_EQ(rules.rules[0].handle, 6);
	CHECK(log_rule_is_own(&rules.rules[0]) && !rules.rules[0].has_conditions);
	CHECK(!log_rule_is_own(&rules.rules[1]));
	log_rules_clear(&rules);
}

/* A chain that logs, and rules that lead there: by a goto, and by the elements of a map. */
static const char nft_chains[] =
	"{\"nftables\":[{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"log\"}},"
	"{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"in\",\"hook\":\"prerouting\"}},"
	"{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"out\",\"hook\":\"output\"}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"log\",\"handle\":1,\"expr\":"
	"[{\"log\":{\"group\":40}}]}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"mid\",\"handle\":2,\"expr\":"
	"[{\"goto\":{\"target\":\"log\"}}]}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"log\",\"handle\":3,\"expr\":"
	"[{\"jump\":{\"target\":\"mid\"}}]}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"in\",\"handle\":4,\"expr\":"
	"[{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"iifname\"}},\"right\":\"eth0\"}},"
	"{\"goto\":{\"target\":\"mid\"}}]}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"out\",\"handle\":5,\"expr\":"
	"[{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"l4proto\"}},\"right\":\"tcp\"}},"
	"{\"vmap\":{\"key\":{\"meta\":{\"key\":\"cpu\"}},\"data\":{\"set\":[[0,{\"goto\":"
	"{\"target\":\"log\"}}]]}}}]}}]}";

TEST(a_chain_has_the_hooks_of_the_rules_that_lead_to_it)
{
	struct log_rules rules = { 0 };
	struct error_text error;
	bool has_foreign = false;

	CHECK_EQ(log_rules_from_nft(nft_chains, &rules, &has_foreign, &error), 0);
	check_rows(&rules, "[{\"firewall\":\"nft\",\"family\":\"inet\",\"table\":\"t\",\"chain\":"
			   "\"log\",\"hook\":\"output,prerouting\",\"interfaces\":\"eth0\","
			   "\"group\":40,\"snaplen\":null,\"packets\":null,\"bytes\":null}]");
	CHECK(!rules.rules[0].has_conditions); /* not those that come by prerouting */
	log_rules_clear(&rules);
}

TEST(what_is_no_rule_set_is_an_error)
{
	static const char *const texts[] = { "", "[]", "{}", "{\"nftables\":{}}" };
	struct log_rules rules = { 0 };
	struct error_text error;
	bool has_foreign = false;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_EQ(log_rules_from_nft(texts[i], &rules, &has_foreign, &error), -EINVAL);
	CHECK_EQ(log_rules_from_nft("{\"nftables\":[1,{\"rule\":{\"expr\":[{\"xt\":{\"type\":"
				    "\"target\",\"name\":\"NFLOG\"}}]}},{\"rule\":7}]}",
				    &rules, &has_foreign, &error),
		 0);
	CHECK(has_foreign);
	CHECK_EQ(rules.count, 0);
	log_rules_clear(&rules);
}

TEST(iptables_rules_are_found)
{
	static const char text[] =
		"# Generated by iptables-save\n*raw\n:PREROUTING ACCEPT [12:3456]\n"
		"[12:3456] -A PREROUTING ! -i eth0 -j NFLOG --nflog-group 40 --nflog-size 96\n"
		"[1:2] -A PREROUTING -i eth0 -j ACCEPT\nCOMMIT\n*mangle\n:FLOWAGENT - [0:0]\n"
		"-A FLOWAGENT -j NFLOG\n-A POSTROUTING -o eth1 -j FLOWAGENT\n"
		"-A INPUT -p tcp -m comment --comment \"a \\\"b\\\" -j NFLOG\" -j ACCEPT\n"
		"-A INPUT -p tcp -j NFLOG --nflog-group 7\nCOMMIT\n";
	struct log_rules rules = { 0 };

	CHECK_EQ(log_rules_from_iptables(text, "iptables-legacy", "ip", &rules), 0);
	check_rows(&rules,
		   "[{\"firewall\":\"iptables-legacy\",\"family\":\"ip\",\"table\":\"raw\","
		   "\"chain\":\"PREROUTING\",\"hook\":\"prerouting\",\"interfaces\":\"!eth0\","
		   "\"group\":40,\"snaplen\":96,\"packets\":12,\"bytes\":3456},"
		   "{\"firewall\":\"iptables-legacy\",\"family\":\"ip\",\"table\":\"mangle\","
		   "\"chain\":\"FLOWAGENT\",\"hook\":\"postrouting\",\"interfaces\":\"eth1\","
		   "\"group\":0,\"snaplen\":null,\"packets\":null,\"bytes\":null},"
		   "{\"firewall\":\"iptables-legacy\",\"family\":\"ip\",\"table\":\"mangle\","
		   "\"chain\":\"INPUT\",\"hook\":\"input\",\"interfaces\":\"\",\"group\":7,"
		   "\"snaplen\":null,\"packets\":null,\"bytes\":null}]");
	CHECK(!rules.rules[0].has_conditions && !rules.rules[1].has_conditions);
	CHECK(rules.rules[2].has_conditions);
	CHECK_TEXT(rules.rules[0].line,
		   "-A PREROUTING ! -i eth0 -j NFLOG --nflog-group 40 --nflog-size 96");
	log_rules_clear(&rules);
}

TEST(what_nft_and_iptables_nft_both_show_is_one_rule)
{
	struct log_rules rules = { 0 };
	struct error_text error;
	bool has_foreign = false;

	CHECK_EQ(log_rules_from_nft(nft_output, &rules, &has_foreign, &error), 0);
	CHECK_EQ(log_rules_from_iptables("*raw\n-A PREROUTING ! -i eth0 -j NFLOG --nflog-group 5\n",
					 "iptables-nft", "ip", &rules),
		 0);
	CHECK_EQ(rules.count, 2);
	CHECK(log_rule_is_own(&rules.rules[0]));
	assert_non_null(rules.rules[1].line);
	log_rules_clear(&rules);
}

TEST(words_of_iptables_lose_their_quotes)
{
	char line[] =
		"-A INPUT  -m comment --comment \"two \\\"words\\\"\" -j NFLOG --nflog-prefix "
		"\"\"";
	char *words[LOG_RULE_WORDS];

	CHECK_EQ(log_rules_split(line, words), 10);
	CHECK_TEXT(words[1], "INPUT");
	CHECK_TEXT(words[5], "two \"words\"");
	CHECK_TEXT(words[9], "");
}

static const char saved[] = "# Generated\n"
			    "*raw\n"
			    ":PREROUTING ACCEPT [5:60]\n"
			    ":flowagent_in - [0:0]\n"
			    ":flowagent_log_in - [0:0]\n"
			    ":other - [0:0]\n"
			    "[1:2] -A PREROUTING -j flowagent_in\n"
			    "[1:2] -A PREROUTING -j other\n"
			    "[1:2] -A flowagent_in -i eth0 -g flowagent_log_in\n"
			    "[1:2] -A flowagent_log_in -m comment --comment \"agentctl rules\" -j "
			    "NFLOG\n"
			    "COMMIT\n"
			    "*mangle\n"
			    ":OUTPUT ACCEPT [0:0]\n"
			    "-A OUTPUT -j other\n"
			    "COMMIT\n";

TEST(rules_of_iptables_are_taken_back_and_no_others)
{
	char *removal = ruleset_iptables_removal(saved);
	char *own = ruleset_iptables_own(saved);

	CHECK_TEXT(removal, "*raw\n"
			    ":flowagent_in - [0:0]\n"
			    ":flowagent_log_in - [0:0]\n"
			    "-D PREROUTING -j flowagent_in\n"
			    "-X flowagent_in\n"
			    "-X flowagent_log_in\n"
			    "COMMIT\n");
	CHECK_TEXT(own, ":flowagent_in\n"
			":flowagent_log_in\n"
			"-A PREROUTING -j flowagent_in\n"
			"-A flowagent_in -i eth0 -g flowagent_log_in\n"
			"-A flowagent_log_in -m comment --comment \"agentctl rules\" -j NFLOG\n");
	free(removal);
	free(own);
	CHECK(!ruleset_iptables_is_foreign(saved));
	CHECK(!ruleset_iptables_is_foreign("*raw\n:flowagent_in - [0:0]\nCOMMIT\n"));
	CHECK(ruleset_iptables_is_foreign("*raw\n-A flowagent_in -j ACCEPT\nCOMMIT\n"));
	removal = ruleset_iptables_removal("*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n");
	CHECK_TEXT(removal, "");
	free(removal);
}

TEST(the_fuse_is_for_all_packets_before_sampling)
{
	struct ruleset ruleset = { .interfaces = { "eth0" },
				   .interface_count = 1,
				   .group = 40,
				   .snaplen = 128,
				   .sample = 10,
				   .max_rate = 2000 };
	struct error_text error;
	char *text = ruleset_format(&ruleset);

	assert_non_null(strstr(text, "\tlimit fuse20000 {\n"
				     "\t\trate over 20000/second burst 2000 packets\n\t}\n"));
	assert_non_null(strstr(text, "limit name fuse20000 counter name over_rate return\n"
				     "\t\tcounter name logged_in numgen"));
	free(text);
	CHECK(ruleset_iptables_check(&ruleset, &error));
	text = ruleset_iptables_format(&ruleset, "-legacy");
	assert_non_null(strstr(text, "ip6tables-legacy-restore -w 10 --noflush"));
	assert_non_null(strstr(text, "--hashlimit-above 20000/sec --hashlimit-burst 2000 "));
	assert_non_null(strstr(text, "--probability 0.10000000000 "));
	free(text);
	ruleset.max_rate = 200000;
	CHECK(!ruleset_iptables_check(&ruleset, &error));
}

TEST(setup_remembers_in_its_file_what_it_has_done)
{
	const struct setup_file made = { .state = { .has_rules = true, .has_started = true },
					 .collector = "192.0.2.10:2055,version=10" };
	struct setup_file found;
	char *text = setup_format(&made);

	assert_non_null(strstr(text, "\n[agent]\ncollector = 192.0.2.10:2055,version=10\n"));
	setup_parse(text, &found);
	CHECK(memcmp(&found, &made, sizeof(made)) == 0);
	free(text);
	text = setup_format(&(struct setup_file){ .state = { .has_enabled = true } });
	CHECK(!strstr(text, "collector =") && !strstr(text, "bpf ="));
	setup_parse(text, &found);
	CHECK(found.state.has_enabled && !found.state.has_rules && !found.state.has_started);
	CHECK(!*found.collector && found.bpf.interface_count == 0);
	free(text);
}

TEST(setup_remembers_interfaces_of_bpf)
{
	const struct setup_file made = { .state = { .has_drop_in = true },
					 .bpf = { .interfaces = { "eth0", "br-lan.5" },
						  .interface_count = 2 } };
	struct setup_file found;
	char *text = setup_format(&made);

	assert_non_null(strstr(text, "\n[agent]\nbpf = eth0\nbpf = br-lan.5\n"));
	setup_parse(text, &found);
	CHECK(memcmp(&found, &made, sizeof(made)) == 0);
	free(text);
	setup_parse("bpf = ", &found);
	CHECK(found.bpf.interface_count == 0);
}

TEST(nfacctd_of_1_7_9_has_renamed_keys)
{
	CHECK(!local_reader_is_renamed(
		"NetFlow Accounting Daemon, nfacctd 1.7.7-git [20211107-0]"));
	CHECK(local_reader_is_renamed("NetFlow Accounting Daemon, nfacctd 1.7.9-git (20240601)"));
	CHECK(local_reader_is_renamed("nfacctd 1.8.1"));
	CHECK(!local_reader_is_renamed("nothing 7"));
}

TEST(programs_run_without_a_shell)
{
	static const char *const cat[] = { "cat", NULL };
	static const char *const echo[] = { "echo", "$HOME", ";", "*", NULL };
	static const char *const fail[] = { "ls", "/nonexistent-file", NULL };
	static const char *const none[] = { "no-such-program-at-all", NULL };
	struct program_result result;

	CHECK_EQ(agentctl_program_run(cat, "in\nput", &result), 0);
	CHECK_EQ(result.status, 0);
	CHECK_TEXT(result.output, "in\nput");
	CHECK_TEXT(result.fault, "");
	agentctl_program_clear(&result);
	CHECK_EQ(agentctl_program_run(echo, NULL, &result), 0);
	CHECK_TEXT(result.output, "$HOME ; *\n");
	agentctl_program_clear(&result);
	CHECK_EQ(agentctl_program_run(fail, NULL, &result), 0);
	CHECK(result.status != 0);
	assert_non_null(strstr(result.fault, "/nonexistent-file"));
	agentctl_program_clear(&result);
	CHECK_EQ(agentctl_program_run(none, NULL, &result), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_route_names_the_interface),
		cmocka_unit_test(both_families_may_use_one_interface),
		cmocka_unit_test(no_default_route_names_nothing),
		cmocka_unit_test(interface_names_are_checked),
		cmocka_unit_test(rules_are_as_documented),
		cmocka_unit_test(rules_with_a_group_per_cpu_choose_by_the_cpu),
		cmocka_unit_test(rules_that_sample_say_so_in_their_prefix),
		cmocka_unit_test(nft_rules_are_found_with_their_counters),
		cmocka_unit_test(a_chain_has_the_hooks_of_the_rules_that_lead_to_it),
		cmocka_unit_test(what_is_no_rule_set_is_an_error),
		cmocka_unit_test(iptables_rules_are_found),
		cmocka_unit_test(what_nft_and_iptables_nft_both_show_is_one_rule),
		cmocka_unit_test(words_of_iptables_lose_their_quotes),
		cmocka_unit_test(rules_of_iptables_are_taken_back_and_no_others),
		cmocka_unit_test(the_fuse_is_for_all_packets_before_sampling),
		cmocka_unit_test(setup_remembers_in_its_file_what_it_has_done),
		cmocka_unit_test(setup_remembers_interfaces_of_bpf),
		cmocka_unit_test(nfacctd_of_1_7_9_has_renamed_keys),
		cmocka_unit_test(programs_run_without_a_shell),
	};

	return RUN_TESTS(tests);
}
