/* test_agentctl_commands.c - whole command lines of agentctl against a control server. */
#include "agentctl_fixture.h"
#include "config_life.h"
#include "config_load.h"
#include "config_options.h"
#include "config_value.h"

TEST(flows_as_a_table_have_the_most_bytes_first)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.flow_count = 3;
	expect(&agent, "sh fl -o src,bytes,proto,flags", 0,
	       "SRC       BYTES PROTO TCP_FLAGS\n"
	       "10.0.0.2 1002 B tcp   ...AP.SF\n"
	       "10.0.0.1 1001 B tcp   ...AP.SF\n"
	       "10.0.0.0 1000 B tcp   ...AP.SF\n",
	       NULL);
	expect(&agent, "show flows --sort sport:asc --top 1 -n -o start --utc", 0,
	       "2026-11-22 19:17:00.114Z\n", NULL);
	agent_stop(&agent);
}

TEST(raw_rows_are_values_between_tabs)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.flow_count = 2;
	expect(&agent, "-r show flows sport=1 -o src,bytes,in_if_name,start", 0,
	       "src\tbytes\tin_if_name\tstart\n"
	       "10.0.0.1\t1001\t-\t2026-11-22T19:17:00.115Z\n",
	       NULL);
	agent_stop(&agent);
}

TEST(json_rows_are_objects_as_the_agent_sends_them)
{
	struct agent agent;
	char *output;
	char *errors;
	json_t *row;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.flow_count = 1;
	CHECK_EQ(run(&agent, "-J show flows", &output, &errors), 0);
	row = json_loads(output, 0, NULL);
	CHECK_EQ(json_integer_value(json_object_get(row, "start_unix_ms")), 1795375020114);
	CHECK_EQ(json_object_size(row), 25);
	json_decref(row);
	free(output);
	free(errors);
	expect(&agent, "-J show flows -o dport,src", 0, "{\"dst_port\":443,\"src\":\"10.0.0.0\"}\n",
	       NULL);
	agent.pipeline.flow_count = 0;
	expect(&agent, "-J show flows", 0, "", NULL);
	agent_stop(&agent);
}

TEST(interfaces_are_shown_with_the_numbers_that_are_exported)
{
	static struct interface list[] = {
		{ .index = 1, .number = 1, .mtu = 65536, .name = "lo" },
		{ .index = 2, .number = 100, .mtu = 1500, .name = "eth0", .alias = "uplink" },
		{ .index = 9, .number = 9, .mtu = 1500, .name = "\xff" }, /* no UTF-8 */
	};
	struct agent agent;

	list[0].gone_ms = list[1].gone_ms = INTERFACE_IS_PRESENT;
	agent_prepare(&agent);
	agent.pipeline.interfaces = (struct interface_list){ list, 3 };
	agent_start(&agent);
	expect(&agent, "show interfaces", 0,
	       "NUMBER NAME ALIAS    MTU STATE   INDEX\n"
	       "     1 lo   -      65536 present     1\n"
	       "   100 eth0 uplink  1500 present     2\n"
	       "     9 ?    -       1500 gone        9\n",
	       NULL);
	expect(&agent, "-J show interfaces --top 1 --sort number", 0,
	       "{\"number\":100,\"name\":\"eth0\",\"alias\":\"uplink\",\"index\":2,"
	       "\"mtu\":1500,\"state\":\"present\"}\n",
	       NULL);
	agent_stop(&agent);
}

TEST(ignored_packets_are_shown_with_the_last_one)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	expect(&agent, "show drops", 0, "", "no packets were ignored");
	agent.pipeline.drops[DROP_IP_VERSION] = (struct pipeline_drop){
		.packets = 3,
		.source = "nflog:40",
		.example = { .time_ms = 1795375020114,
			     .captured_bytes = 18,
			     .original_bytes = 60,
			     .link = LINK_IPV4,
			     .size = 18,
			     .bytes = "\x55 a packet \x7f\xff no" },
	};
	expect(&agent, "show drops --utc", 0,
	       "ip_version        3 packets: IP version is neither 4 nor 6, or contradicts the "
	       "link header\n"
	       "    last 2026-11-22 19:17:00.114Z  from nflog:40  link ipv4  captured 18 of 60 "
	       "bytes\n"
	       "    0000  55 20 61 20 70 61 63 6b 65 74 20 7f ff 20 6e 6f  U a packet .. no\n"
	       "    0010  00 00                                            ..\n",
	       NULL);
	expect(&agent, "show drops -o reason,packets,example --top 1", 0,
	       "REASON PACKETS EXAMPLE\nnot_ip       0 -\n", NULL);
	expect(&agent, "-J show drops -o reason,packets,link,example --sort packets --top 1", 0,
	       "{\"reason\":\"ip_version\",\"packets\":3,\"link\":\"ipv4\",\"example\":"
	       "\"552061207061636b6574207fff206e6f0000\"}\n",
	       NULL);
	agent_stop(&agent);
}

TEST(flows_are_summed)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.flow_count = 7000;
	expect(&agent, "-J show flows --by dst_as", 0,
	       "{\"dst_as\":64500,\"flows\":7000,\"packets\":28000,\"bytes\":31496500,\"bits_per_"
	       "s\":0,\"packets_per_s\":0,"
	       "\"dst_as_name\":\"EXAMPLE\"}\n",
	       NULL);
	expect(&agent, "show flows --by as -o as,as_name,flows", 0,
	       "   AS AS_NAME FLOWS\n"
	       "    0 -        7000\n"
	       "64500 EXAMPLE  7000\n",
	       NULL);
	expect(&agent, "show flows --by as -v", 0,
	       "   AS FLOWS PACKETS   BYTES  RATE\n"
	       "    0  7000   28000 31.4 MB 0 b/s\n"
	       "64500  7000   28000 31.4 MB 0 b/s\n",
	       "2 rows");
	expect(&agent, "show flows --by sas", 2, "", "no key \"sas\"");
	agent_stop(&agent);
}

TEST(sums_and_orders_have_any_name_of_their_datum)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.flow_count = 3;
	expect(&agent, "-J show flows --by destinationTransportPort --sort octets", 0,
	       "{\"dst_port\":443,\"flows\":3,\"packets\":6,\"bytes\":3003,"
	       "\"bits_per_s\":0,\"packets_per_s\":0}\n",
	       NULL);
	expect(&agent, "show flows srcport=2 -o source,DPORT,octetDeltaCount --sort sport", 0,
	       "SRC      DST_PORT  BYTES\n10.0.0.2      443 1002 B\n", NULL);
	expect(&agent, "show flows dport=ssh", 0, "", "no flows that match");
	expect(&agent, "show flows --top 1 -o src -v", 0, "SRC\n10.0.0.2\n", "1 flow\n");
	agent.pipeline.flow_count = 0;
	expect(&agent, "show flows", 0, "", "no flows");
	agent_stop(&agent);
}

TEST(mistyped_words_are_guessed)
{
	struct agent agent = { .path = "/nonexistent" };

	expect(&agent, "shwo flows", 2, "", "did you mean \"show\"?");
	expect(&agent, "flows", 2, "", "did you mean \"show flows\"?");
	expect(&agent, "show flowss", 2, "", "did you mean \"show flows\"?");
	expect(&agent, "show flows --tpo 5", 2, "", "did you mean --top?");
	expect(&agent, "show flows -o byte", 2, "", "did you mean \"bytes\"?");
	expect(&agent, "help colour", 2, "", "unknown command \"colour\"");
}

/* No line of the help is longer than 80 characters. */
TEST(help_fits_a_terminal)
{
	static const char *const lines[] = { "help", "help show", "help show flows", "-h",
					     "he ru" };
	struct agent agent = { .path = "/nonexistent" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *output;
		char *errors;
		char *rest = NULL;

		CHECK_EQ(run(&agent, lines[i], &output, &errors), 0);
		CHECK(strstr(output, i == 4 ? "rules" : "show flows"));
		for (char *line = strtok_r(output, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			if (strlen(line) > 80)
				fail_msg("%s: %s", lines[i], line);
		free(output);
		free(errors);
	}
}

TEST(long_tables_are_complete)
{
	struct agent agent;
	char *output;
	char *errors;
	size_t lines = 0;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.flow_count = 20001;
	CHECK_EQ(run(&agent, "show flows", &output, &errors), 0);
	for (const char *c = output; *c; c++)
		lines += *c == '\n';
	CHECK_EQ(lines, 20002); /* one heading */
	free(output);
	free(errors);
	agent_stop(&agent);
}

TEST(quiet_leaves_chatter_out_and_faults_in)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	expect(&agent, "-q show drops", 0, "", "");
	expect(&agent, "-q show flows", 0, "", "");
	agent.pipeline.flow_count = 12;
	expect(&agent, "flush --quiet", 0, "", "");
	expect(&agent, "drop -q --no-color", 0, "", "");
	expect(&agent, "-q show flows foo=1", 2, "", "foo");
	expect(&agent, "-q -v show flows", 2, "", "exclude each other");
	agent_stop(&agent);
}

TEST(counters_are_never_set_back)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	expect(&agent, "reset counters", 2, "", "show stats --reset-view");
	expect(&agent, "show status --reset-view", 2, "",
	       "--reset-view is not for \"show status\"");
	expect(&agent, "flush --watch", 2, "", "--watch is not for \"flush\"");
	expect(&agent, "show stats --watch=10ms", 2, "", "from 100ms on");
	expect(&agent, "show stats --watch=soon", 2, "", "expected a time");
	agent_stop(&agent);
}

TEST(changes_are_chatter_or_rows)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.flow_count = 12;
	expect(&agent, "flush", 0, "", "12 flows taken");
	agent.pipeline.flow_count = 1;
	expect(&agent, "flush", 0, "", "1 flow taken");
	agent.pipeline.flow_count = 12;
	expect(&agent, "flush -J", 0, "{\"flushed\":12}\n", NULL);
	expect(&agent, "drop proto=tcp,udp", 0, "", "12 flows forgotten");
	expect(&agent, "drop -J", 0, "{\"dropped\":12}\n", NULL);
	expect(&agent, "send", 0, "", "0 collectors");
	agent_stop(&agent);
}

TEST(waiting_ends_when_it_happens)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	expect(&agent, "wait packets --timeout 1s", 5, "", "no packet yet");
	expect(&agent, "wait flows --timeout 1s", 5, "", "no flow yet");
	expect(&agent, "wait export", 1, "", "no collector is configured");
	agent.pipeline.snapshot.workers.packets_read = 1;
	agent.pipeline.snapshot.workers.cache.flows_created = 1;
	expect(&agent, "wait packets", 0, "", NULL);
	expect(&agent, "wait flows", 0, "", NULL);
	agent_stop(&agent);
}

/* Starts the agent once the command is waiting for it; either order must do. */
static void *start_later(void *context)
{
	agent_start(context);
	return NULL;
}

TEST(waiting_includes_the_start_of_the_agent)
{
	struct agent agent;
	pthread_t starter;

	agent_prepare(&agent);
	agent.pipeline.snapshot.workers.packets_read = 1;
	CHECK_EQ(pthread_create(&starter, NULL, start_later, &agent), 0);
	expect(&agent, "wait packets", 0, "", NULL);
	CHECK_EQ(pthread_join(starter, NULL), 0);
	agent_stop(&agent);
}

TEST(ledger_that_does_not_add_up_is_a_fault)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	expect(&agent, "show stats", 0, NULL, NULL);
	expect(&agent, "show stats -r -n", 0, NULL, NULL);
	agent.pipeline.snapshot.workers.cache.flows_created = 1;
	expect(&agent, "show stats", 1, NULL, "flows_created (all sources): 1 on one side, 0");
	agent_stop(&agent);
}

TEST(status_is_one_screen)
{
	struct agent agent;
	struct source_status source = { .name = "nflog:40", .is_live = true, .last_packet_ms = -1 };
	char *output;
	char *errors;

	agent_prepare(&agent);
	agent.pipeline.snapshot.sources = &source;
	agent.pipeline.snapshot.source_count = 1;
	agent_start(&agent);
	CHECK_EQ(run(&agent, "show status --utc", &output, &errors), 0);
	assert_non_null(strstr(output, "flowagent " FLOWAGENT_VERSION));
	assert_non_null(strstr(output, "since 2026-11-22 19:17:00.114Z"));
	assert_non_null(strstr(output, "sources    nflog:40         running  packets 0"));
	assert_non_null(strstr(output, "cache      0 of 65536 flows (0%)"));
	assert_non_null(strstr(output, "collectors none: flows are only seen here"));
	assert_non_null(strstr(output, "problem "));
	free(output);
	free(errors);
	expect(&agent, "show sources -r -n -o name,state,last_packet_age_ms", 0,
	       "nflog:40\trunning\t-\n", NULL);
	agent_stop(&agent);
}

/* Of a command line that succeeds; for free(). */
static char *output_of(int count, char **words)
{
	int file = memfd_create("out", 0);
	int kept = dup(STDOUT_FILENO);
	char *output;

	(void)fflush(stdout);
	(void)dup2(file, STDOUT_FILENO);
	CHECK_EQ(agentctl_main(count, words), 0);
	(void)fflush(stdout);
	(void)dup2(kept, STDOUT_FILENO);
	output = content(file);
	(void)close(file);
	(void)close(kept);
	return output;
}

TEST(completion_knows_the_tables)
{
	static const struct {
		const char *line;
		const char *first;
	} cases[] = {
		{ "_complete sh",
		  "setup\ndoctor\nshow\ntop\nwatch\nflush\ndrop\nsend-"
		  "template\nreload\nset\ncheck-config\nwait\nrules\nmigrate\nlisten\nselftest\nm"
		  "etrics\nbug-report\nhelp\n" },
		{ "_complete wait p", "packets\nflows\nexport\n" },
		{ "_complete --socket /x wait p", "packets\nflows\nexport\n" },
		{ "_complete show config --sort x",
		  "name\nvalue\ndefault\norigin\nneeds_restart\nsettable\n" },
		{ "_complete reload x", "" },
		{ "_complete migrate f", "fprobe-ulog\nfprobe\nsoftflowd\npmacctd\nuacctd\n"
					 "ipt_NETFLOW\nrules\n" },
		{ "_complete migrate softflowd x", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char copy[200];
		char *words[WORDS] = { (char *)(uintptr_t) "agentctl" };
		int count = 1;
		char *output;

		strcpy(copy, cases[i].line);
		for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
			words[count++] = word;
		output = output_of(count, words);
		CHECK_TEXT(output, cases[i].first);
		free(output);
	}
}

TEST(completion_of_set_has_what_the_agent_takes)
{
	struct agent agent;
	const char *words[] = { "agentctl", "_complete", "--socket", agent.path, "set", "lo" };
	struct error_text no_error;
	char *expected = NULL;
	char *output;
	size_t size = 0;
	FILE *out = open_memstream(&expected, &size);

	for (size_t i = 0; i < config_option_count(); i++) {
		struct error_text error;
		bool adds;

		if (!config_override_check(config_options[i].name, &adds, &error))
			(void)fprintf(out, "%s\n", config_options[i].name);
	}
	(void)fclose(out);
	assert_non_null(strstr(expected, "log-level\n"));
	assert_null(strstr(expected, "nflog\n"));
	agent_prepare(&agent);
	CHECK_EQ(config_init(&agent.config, &no_error), 0);
	agent_start(&agent);
	output = output_of(6, (char **)(uintptr_t)words);
	CHECK_TEXT(output, expected);
	free(output);
	agent_stop(&agent);
	output = output_of(6, (char **)(uintptr_t)words); /* no agent, no options */
	CHECK_TEXT(output, "");
	free(output);
	free(expected);
	config_clear(&agent.config);
}

TEST(the_letter_n_counts_the_screens_of_top_alone)
{
	static const struct {
		const char *line;
		uint64_t count; /* 0: -n leaves the headings out */
	} cases[] = {
		{ "top -b -n 3", 3 },
		{ "t -n3", 3 },
		{ "--soc top to -n 3", 3 },
		{ "-n 3 -b top", 3 },
		{ "-bn 3 -- top", 3 },
		{ "show flows -n top", 0 },
		{ "-n --sort top show flows", 0 },
		{ "-s top show collectors -n", 0 },
		{ "set top -n 3", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct agentctl_options options;
		struct error_text error;
		char copy[200];
		char *words[WORDS] = { (char *)(uintptr_t) "agentctl" };
		int count = 1;

		strcpy(copy, cases[i].line);
		for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
			words[count++] = word;
		if (!agentctl_options_parse(&options, count, words, &error))
			fail_msg("%s: %s", cases[i].line, error.text);
		if (options.count != cases[i].count || options.no_headings == !!cases[i].count)
			fail_msg("%s: %llu screens", cases[i].line,
				 (unsigned long long)options.count);
	}
}

TEST(manual_names_every_command_and_option)
{
	FILE *file = fopen(SOURCE_DIRECTORY "/packaging/man/agentctl.1.scd", "r");
	struct agentctl_option_text option;
	char *manual = NULL;
	size_t size = 0;

	assert_non_null(file);
	CHECK(getdelim(&manual, &size, '\0', file) > 0);
	(void)fclose(file);
	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "*%s%s%s*", row->verb, row->noun ? " " : "",
			       row->noun ? row->noun : "");
		if (!strstr(manual, name))
			fail_msg("agentctl(1) does not name %s", name);
	}
	for (size_t i = 0; agentctl_option_text(i, &option); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "*--%s*", option.name);
		if (!strstr(manual, name))
			fail_msg("agentctl(1) does not name %s", name);
	}
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_as_a_table_have_the_most_bytes_first),
		cmocka_unit_test(raw_rows_are_values_between_tabs),
		cmocka_unit_test(json_rows_are_objects_as_the_agent_sends_them),
		cmocka_unit_test(interfaces_are_shown_with_the_numbers_that_are_exported),
		cmocka_unit_test(ignored_packets_are_shown_with_the_last_one),
		cmocka_unit_test(flows_are_summed),
		cmocka_unit_test(sums_and_orders_have_any_name_of_their_datum),
		cmocka_unit_test(mistyped_words_are_guessed),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(long_tables_are_complete),
		cmocka_unit_test(quiet_leaves_chatter_out_and_faults_in),
		cmocka_unit_test(counters_are_never_set_back),
		cmocka_unit_test(changes_are_chatter_or_rows),
		cmocka_unit_test(waiting_ends_when_it_happens),
		cmocka_unit_test(waiting_includes_the_start_of_the_agent),
		cmocka_unit_test(ledger_that_does_not_add_up_is_a_fault),
		cmocka_unit_test(status_is_one_screen),
		cmocka_unit_test(completion_knows_the_tables),
		cmocka_unit_test(completion_of_set_has_what_the_agent_takes),
		cmocka_unit_test(the_letter_n_counts_the_screens_of_top_alone),
		cmocka_unit_test(manual_names_every_command_and_option),
	};

	return RUN_TESTS(tests);
}
