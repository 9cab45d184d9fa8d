/* test_config.c - command line, file, drop-ins, messages; and that the table agrees with itself. */
#include "config.h"
#include "capture_sources.h"
#include "config_file.h"
#include "config_life.h"
#include "config_load.h"
#include "config_source_id.h"
#include "config_value.h"
#include "config_version.h"
#include "config_apply.h"
#include "config_keys.h"
#include "units.h"
#include "config_options.h"
#include "cpu_list.h"
#include "exporter.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX 40

/* Parse a command line whose words are separated by single spaces. */
static enum config_result parse(struct config *config, const char *line, struct error_text *error)
{
	static char copy[4096];
	static char program[] = "flowagent";
	char *words[WORDS_MAX + 1] = { program };
	int count = 1;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
		words[count++] = word;
	return config_load(config, count, words, error);
}

static void check_error(const char *line, enum config_result result, const char *text)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, line, &error), result);
	CHECK_TEXT(error.text, text);
	config_clear(&config);
}

static const char *value_of(const struct config *config, const char *name,
			    struct config_value *value)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		CHECK_EQ(config_value(config, i, value), 0);
		if (!strcmp(value->name, name))
			return value->value;
		config_value_clear(value);
	}
	fail_msg("no option %s", name);
	return NULL;
}

static void check_value(const struct config *config, const char *name, const char *text,
			const char *origin)
{
	struct config_value value;

	CHECK_TEXT(value_of(config, name, &value) ? value.value : "(unset)", text);
	CHECK_TEXT(value.origin, origin);
	CHECK_EQ(value.is_default, !strcmp(origin, "default"));
	config_value_clear(&value);
}

/* Parse text of a file from a block of exactly its size. */
static int parse_bytes(struct config *config, const char *text, size_t size,
		       struct error_text *error)
{
	uint8_t *bytes = malloc(size ? size : 1);
	int result;

	CHECK(bytes);
	(void)memcpy(bytes, text, size);
	CHECK_EQ(config_init(config, error), 0);
	result = config_file_parse(config, "f.conf", bytes, size, error);
	if (!result)
		result = config_finish(config, error);
	free(bytes);
	return result;
}

static void check_file_error(const char *text, const char *message)
{
	struct error_text error;
	struct config config;

	CHECK(parse_bytes(&config, text, strlen(text), &error) < 0);
	CHECK_TEXT(error.text, message);
	config_clear(&config);
}

TEST(durations)
{
	static const struct {
		const char *text;
		uint32_t milliseconds;
	} right[] = {
		{ "0", 0 },
		{ "90", 90000 },
		{ "90s", 90000 },
		{ "500ms", 500 },
		{ "1h30m", 5400000 },
		{ "1d2h3m4s5ms", 93784005 },
		{ "4294967", 4294967000 },
		{ "4294967295ms", 4294967295 },
		{ "0s", 0 },
	};
	static const char *const wrong[] = { "",
					     " 1",
					     "1 ",
					     "-1",
					     "+1",
					     "1.5s",
					     "s",
					     "1x",
					     "1h30",
					     "1s1h",
					     "1s1s",
					     "1hh",
					     "1H",
					     "4294967296ms",
					     "99999999999999999999",
					     "213503982334601d",
					     "1,2" };
	uint32_t milliseconds;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		CHECK_EQ(units_duration_parse(right[i].text, &milliseconds), 0);
		CHECK_EQ(milliseconds, right[i].milliseconds);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_EQ(units_duration_parse(wrong[i], &milliseconds), -EINVAL);
}

TEST(sizes)
{
	uint64_t size;

	CHECK_EQ(units_size_parse("65536", &size), 0);
	CHECK_EQ(size, 65536);
	CHECK_EQ(units_size_parse("64k", &size), 0);
	CHECK_EQ(size, 65536);
	CHECK_EQ(units_size_parse("16M", &size), 0);
	CHECK_EQ(size, 16777216);
	CHECK_EQ(units_size_parse("1G", &size), 0);
	CHECK_EQ(size, 1073741824);
	CHECK_EQ(units_size_parse("18446744073709551615", &size), 0);
	CHECK_EQ(units_size_parse("18446744073709551616", &size), -ERANGE);
	CHECK_EQ(units_size_parse("17179869184G", &size), -ERANGE);
	CHECK_EQ(units_size_parse("", &size), -EINVAL);
	CHECK_EQ(units_size_parse("k", &size), -EINVAL);
	CHECK_EQ(units_size_parse("1kB", &size), -EINVAL);
	CHECK_EQ(units_size_parse("1T", &size), -EINVAL);
	CHECK_EQ(units_size_parse("-1", &size), -EINVAL);
}

TEST(what_is_written_is_read_back_the_same)
{
	static const struct units_range ranges[] = { { UNIT_NUMBER, 0, UINT64_MAX },
						     { UNIT_SIZE, 0, UINT64_MAX },
						     { UNIT_TIME, 0, UINT64_MAX } };
	char text[UNITS_TEXT_SIZE];
	struct error_text error;
	uint64_t value;
	uint64_t seed = 42;

	for (int i = 0; i < 30000; i++) {
		const struct units_range *range = &ranges[i % 3];
		uint64_t number;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		number = seed >> (i / 3 % 64);
		(void)units_format(range->unit, number, text);
		CHECK_EQ(units_range_parse(range, text, &value, &error), 0);
		CHECK(value == number);
	}
	CHECK_TEXT(units_format(UNIT_TIME, 0, text), "0s");
	CHECK_TEXT(units_format(UNIT_TIME, 60000, text), "60s");
	CHECK_TEXT(units_format(UNIT_TIME, 1500, text), "1s500ms");
	CHECK_TEXT(units_format(UNIT_TIME, 1800000, text), "30m");
	CHECK_TEXT(units_format(UNIT_SIZE, 33554432, text), "32M");
	CHECK_TEXT(units_format(UNIT_NUMBER, 65536, text), "65536");
}

TEST(the_table_agrees_with_itself)
{
	bool has_actions = false;

	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *option = &config_options[i];
		bool is_action = (option->flags & OPTION_ACTION) != 0;
		size_t length = strlen(option->help);

		CHECK(option->name && option->type && option->type->parse);
		CHECK(length > 10 && option->help[length - 1] == '.');
		CHECK(is_action || (option->argument && option->type->format));
		CHECK(is_action || !has_actions); /* actions are last: config_option_count() */
		has_actions |= is_action;
		CHECK(option->range.unit == UNIT_NONE || option->range.maximum > 0);
		for (size_t j = 0; j < i; j++) {
			CHECK(strcmp(option->name, config_options[j].name) != 0);
			CHECK(!option->letter || option->letter != config_options[j].letter);
		}
	}
	for (size_t i = 0; i < CONFIG_TIMEOUT_COUNT; i++)
		CHECK(config_timeouts[i].name && config_timeouts[i].class == i);
}

TEST(nothing_configured)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "", &error), CONFIG_run);
	CHECK_EQ(config.source_count, 1);
	CHECK(config.sources[0].type == &capture_nflog);
	CHECK_EQ(config.sources[0].group, 40);
	CHECK_TEXT(config.sources[0].name, "nflog:40");
	CHECK_EQ(config.collector_count, 0);
	CHECK_EQ(config.export_version, 9);
	CHECK_EQ(config.expiry.active_ms, 60000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_tcp], 15000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_tcp_rst], 2000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_tcp_fin], 2000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_udp], 15000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_icmp], 15000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_general], 15000);
	CHECK_EQ(config.max_flows, 65536);
	CHECK_EQ(config.export_rate, -1);
	CHECK_EQ(config.template_refresh_ms, 60000);
	CHECK_EQ(config.template_refresh_datagrams, 20);
	CHECK_EQ(config.log_level, LOG_LEVEL_info);
	CHECK(config.source_id != 0);
	CHECK(!config.control && !config.summary && !config.user && !config.networks_file);
	for (size_t i = 0; i < config_option_count(); i++) {
		struct config_value value;

		CHECK_EQ(config_value(&config, i, &value), 0);
		CHECK(value.is_default);
		config_value_clear(&value);
	}
	config_clear(&config);
}

TEST(direction_and_label_of_a_source)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-g 40,direction=in,label=uplink -g 41-42,label=b\xc3\xa9,direction=out -g "
		       "43",
		       &error),
		 CONFIG_run);
	CHECK(config.sources[0].has_side);
	CHECK_EQ(config.sources[0].side, SIDE_ingress);
	CHECK_TEXT(config.sources[0].label, "uplink");
	CHECK_EQ(config.sources[2].side, SIDE_egress);
	CHECK_TEXT(config.sources[2].label, "b\xc3\xa9");
	CHECK(!config.sources[3].has_side);
	CHECK_TEXT(config.sources[3].label, "");
	check_value(&config, "nflog",
		    "40,direction=in,label=uplink 41,direction=out,label=b\xc3\xa9 "
		    "42,direction=out,label=b\xc3\xa9 43",
		    "command line");
	config_clear(&config);

	check_error("-g 40,direction=both", CONFIG_invalid,
		    "--nflog \"40,direction=both\": direction: expected in or out");
	check_error(
		"-i eth0,label=12345678901234567890123456789012", CONFIG_invalid,
		"--interface \"eth0,label=12345678901234567890123456789012\": label: expected a "
		"word of at most 31 bytes, without blanks and commas");
	check_file_error("[source \"nflog:40\"]\nlabel = two words\n",
			 "f.conf:2: label: value \"two words\": expected a word of at most 31 "
			 "bytes, without blanks and commas");
}

TEST(switches_of_a_source)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-i ppp0 -i eth0,wait=off,promiscuous=on -g 40,wait=on,promiscuous=off",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.sources[0].wait, SOURCE_SWITCH_default);
	CHECK_EQ(config.sources[0].promiscuous, SOURCE_SWITCH_default);
	CHECK_EQ(config.sources[1].wait, SOURCE_SWITCH_off);
	CHECK_EQ(config.sources[1].promiscuous, SOURCE_SWITCH_on);
	CHECK_EQ(config.sources[2].wait, SOURCE_SWITCH_on);
	check_value(&config, "interface", "ppp0 eth0,wait=off,promiscuous=on", "command line");
	check_value(&config, "nflog", "40,wait=on,promiscuous=off", "command line");
	config_clear(&config);

	check_error("-i ppp0,wait=maybe", CONFIG_invalid,
		    "--interface \"ppp0,wait=maybe\": wait: expected on or off");
	check_error("-i any,promiscuous=on", CONFIG_invalid,
		    "--interface \"any,promiscuous=on\": promiscuous: expected with one interface, "
		    "such as eth0");
	check_error("-g 40,promiscuous=on", CONFIG_invalid,
		    "--nflog \"40,promiscuous=on\": promiscuous: expected with one interface, such "
		    "as eth0");
	check_error("--read a.pcap,wait=off", CONFIG_invalid,
		    "--read \"a.pcap,wait=off\": wait: a file has no wait");
	check_file_error("[source \"nflog:40\"]\npromiscuous = on\n",
			 "f.conf:2: promiscuous: value \"on\": promiscuous: expected with one "
			 "interface, such as eth0");
}

TEST(sampling_of_a_source)
{
	static const char expected[] =
		"sampling: expected random:N, deterministic:N, hash:N, flows:N or rule:N, or one "
		"of the first four and +rule:N, with N from 1 to 1000000";
	static const char *const wrong[] = { "10",
					     "random",
					     "random:",
					     "random:0",
					     "random:1000001",
					     "random:x",
					     "every:10",
					     "random:2+hash:2",
					     "rule:2+rule:2",
					     "random:2+",
					     "rule:",
					     "random 10",
					     ":10",
					     "none:10",
					     "random:2,5",
					     "+rule:2",
					     "random:2+x",
					     "RANDOM:10",
					     "random:2+rule:0" };
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-g 40,sampling=random:10 -g 41,sampling=deterministic:100,label=a -g "
		       "42,sampling=hash:1000+rule:20 -g 43 -i eth0,sampling=flows:1000000 -i "
		       "eth1,sampling=rule:5+random:1",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.sources[0].sampling.method, SAMPLING_random);
	CHECK_EQ(config.sources[0].sampling.interval, 10);
	CHECK_EQ(config.sources[0].sampling.rule_interval, 0);
	CHECK_EQ(config.sources[2].sampling.method, SAMPLING_hash);
	CHECK_EQ(config.sources[2].sampling.interval, 1000);
	CHECK_EQ(config.sources[2].sampling.rule_interval, 20);
	CHECK_EQ(config.sources[3].sampling.method, SAMPLING_none);
	check_value(&config, "nflog",
		    "40,sampling=random:10 41,label=a,sampling=deterministic:100 "
		    "42,sampling=hash:1000+rule:20 43",
		    "command line");
	check_value(&config, "interface",
		    "eth0,sampling=flows:1000000 eth1,sampling=random:1+rule:5", "command line");
	config_clear(&config);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[300];
		char message[400];

		if (strpbrk(wrong[i], ", "))
			continue; /* taken apart before */
		(void)snprintf(text, sizeof(text), "-g 40,sampling=%s", wrong[i]);
		(void)snprintf(message, sizeof(message), "--nflog \"40,sampling=%s\": %s", wrong[i],
			       expected);
		check_error(text, CONFIG_invalid, message);
	}
	check_file_error("[source \"nflog:40\"]\nsampling = 10\n",
			 "f.conf:2: sampling: value \"10\": expected random:N, "
			 "deterministic:N, hash:N, flows:N or rule:N, or one of the first four and "
			 "+rule:N, with N from 1 to 1000000");
}

TEST(keys_behind_a_file)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "-r /tmp/a,b.pcap,sampling=hash:7,label=x,direction=out", &error),
		 CONFIG_run);
	CHECK_TEXT(config.sources[0].name, "/tmp/a,b.pcap");
	CHECK_EQ(config.sources[0].sampling.method, SAMPLING_hash);
	CHECK_TEXT(config.sources[0].label, "x");
	check_value(&config, "read", "/tmp/a,b.pcap,direction=out,label=x,sampling=hash:7",
		    "command line");
	config_clear(&config);

	/* A name with a comma and '=' that is no key is a name. */
	CHECK_EQ(parse(&config, "-r a,x=1.pcap", &error), CONFIG_run);
	CHECK_TEXT(config.sources[0].name, "a,x=1.pcap");
	config_clear(&config);

	check_error("-r a.pcap,snaplen=96", CONFIG_invalid,
		    "--read \"a.pcap,snaplen=96\": snaplen: a file has no snaplen");
	check_error("-r a.pcap,sampling=random:2,x=1", CONFIG_invalid,
		    "--read \"a.pcap,sampling=random:2,x=1\": unknown key \"x\"");
}

TEST(flow_key)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "", &error), CONFIG_run);
	CHECK(flow_key_is_default(&config.flow_key));
	CHECK_EQ(config.expiry.ignored_flags, 0);
	check_value(&config, "flow-key", "addresses,ports,protocol,tos,vlan,interfaces,side",
		    "default");
	check_value(&config, "aggregate-ipv4", "/32", "default");
	check_value(&config, "aggregate-ipv6", "/128", "default");
	config_clear(&config);

	CHECK_EQ(
		parse(&config,
		      "--flow-key mark,protocol,addresses --aggregate-ipv4 /24 --aggregate-ipv6 48",
		      &error),
		CONFIG_run);
	CHECK_EQ(config.flow_key.changed ^ FLOW_KEY_DEFAULT,
		 FLOW_KEY_addresses | FLOW_KEY_protocol | FLOW_KEY_mark);
	CHECK_EQ(config.flow_key.ipv4_prefix_length, 24);
	CHECK_EQ(config.flow_key.ipv6_prefix_length, 48);
	CHECK_EQ(config.expiry.ignored_flags, 0xff);
	check_value(&config, "flow-key", "addresses,protocol,mark", "command line");
	check_value(&config, "aggregate-ipv4", "/24", "command line");
	check_value(&config, "aggregate-ipv6", "/48", "command line");
	config_clear(&config);

	CHECK_EQ(parse(&config, "--flow-key ports --aggregate-ipv4 /32", &error), CONFIG_run);
	CHECK_EQ(config.flow_key.ipv4_prefix_length, 0);
	config_clear(&config);

	check_error("--flow-key adresses", CONFIG_invalid,
		    "--flow-key \"adresses\": unknown part \"adresses\" (did you mean "
		    "\"addresses\"?)");
	for (size_t i = 0; i < 4; i++) {
		static const char *const wrong[] = { "x", "ports,", ",ports", "ports,,tos" };
		char line[64];
		char text[256];

		(void)snprintf(line, sizeof(line), "--flow-key %s", wrong[i]);
		(void)snprintf(
			text, sizeof(text),
			"--flow-key \"%s\": expected some of addresses, ports, protocol, tos, "
			"vlan, interfaces, side and mark, with commas between",
			wrong[i]);
		check_error(line, CONFIG_invalid, text);
	}
	for (size_t i = 0; i < 5; i++) {
		static const char *const wrong[] = { "/0", "/33", "/", "//24", "/24x" };
		char line[64];
		char text[128];

		(void)snprintf(line, sizeof(line), "--aggregate-ipv4 %s", wrong[i]);
		(void)snprintf(text, sizeof(text),
			       "--aggregate-ipv4 \"%s\": expected a prefix length from /1 to /32",
			       wrong[i]);
		check_error(line, CONFIG_invalid, text);
	}
	check_error("--aggregate-ipv6 /129", CONFIG_invalid,
		    "--aggregate-ipv6 \"/129\": expected a prefix length from /1 to /128");
	check_error("--flow-key ports --aggregate-ipv6 /48", CONFIG_invalid,
		    "aggregate-ipv6: there are no addresses in flow-key");
	check_file_error("[agent]\nflow-key = ports\naggregate-ipv4 = /24\n",
			 "f.conf:3: aggregate-ipv4: there are no addresses in flow-key");
}

/* "auto" counts through the CPUs that are online, which differ from machine to machine. */
TEST(sources_are_bound_to_cpus)
{
	struct error_text error;
	struct config config;
	struct cpu_list cpus;

	cpu_list_online(&cpus);
	CHECK_EQ(parse(&config, "-g 1 -g 2,cpu=0 -g 3-4,cpu=17 -g 5-7,cpu=auto -i eth0,cpu=auto",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.source_count, 8);
	CHECK_EQ(config.sources[0].cpu, 0); /* any */
	CHECK_EQ(config.sources[1].cpu, 1);
	CHECK_EQ(config.sources[2].cpu, 18);
	CHECK_EQ(config.sources[3].cpu, 18);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(config.sources[4 + i].cpu, cpus.numbers[i % cpus.count] + 1);
	CHECK_EQ(config.sources[7].cpu, cpus.numbers[0] + 1);
	config_clear(&config);

	CHECK_EQ(parse(&config, "-g 1-2,cpu=3 -g 2,snaplen=99", &error), CONFIG_run);
	check_value(&config, "nflog", "1,cpu=3 2,snaplen=99,cpu=3", "command line");
	config_clear(&config);
	check_error("-g 1,cpu=1024", CONFIG_invalid,
		    "--nflog \"1,cpu=1024\": cpu: expected a number from 0 to 1023, or auto");
	check_error("-g 1,cpu=Auto", CONFIG_invalid,
		    "--nflog \"1,cpu=Auto\": cpu: expected a number from 0 to 1023, or auto");
}

TEST(sources)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-g 0 --nflog=65534-65535,snaplen=96,buffer=8M -i eth0 -i any,snaplen=64 -g "
		       "65535,buffer=64k",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.source_count, 5);
	CHECK_TEXT(config.sources[0].name, "nflog:0");
	CHECK_EQ(config.sources[0].group, 0);
	CHECK_EQ(config.sources[0].snaplen, 0);
	CHECK_EQ(config.sources[1].group, 65534);
	CHECK_EQ(config.sources[1].snaplen, 96);
	CHECK_EQ(config.sources[1].receive_buffer, 8 << 20);
	CHECK_EQ(config.sources[2].group, 65535); /* named twice: one source, the later size */
	CHECK_EQ(config.sources[2].snaplen, 96);
	CHECK_EQ(config.sources[2].receive_buffer, 65536);
	CHECK(config.sources[3].type == &capture_interface);
	CHECK_TEXT(config.sources[3].name, "eth0");
	CHECK_TEXT(config.sources[4].name, "any");
	check_value(&config, "nflog", "0 65534,snaplen=96,buffer=8M 65535,snaplen=96,buffer=64k",
		    "command line");
	check_value(&config, "interface", "eth0 any,snaplen=64", "command line");
	check_value(&config, "read", "(unset)", "default");
	config_clear(&config);

	CHECK_EQ(parse(&config, "--read -", &error), CONFIG_run);
	CHECK_EQ(config.source_count, 1);
	CHECK(config.sources[0].type == &capture_file);
	CHECK_TEXT(config.sources[0].name, "-");
	config_clear(&config);
}

TEST(export_versions)
{
	struct config config;
	struct error_text error;

	CHECK_EQ(parse(&config,
		       "-v 10 -n a -n b,version=5 -n c:1,version=9 -n d:2 -n e,version=json",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.export_version, 10);
	check_value(&config, "export-version", "10", "command line");
	check_value(&config, "collector",
		    "a:4739,version=10,transport=udp b:2055,version=5,transport=udp "
		    "c:1,version=9,transport=udp d:2,version=10,transport=udp "
		    "e:2055,version=json,transport=udp",
		    "command line");
	config_clear(&config);
}

TEST(wrong_sources)
{
	static const char group[] = "expected a netfilter log group from 0 to 65535, or a range "
				    "such as 40-43";
	char text[320];
	static const char *const groups[] = {
		"65536", "-1", "40-39", "x", "40-", "40-65536", "4 0"
	};

	for (size_t i = 0; i + 1 < sizeof(groups) / sizeof(groups[0]); i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "--nflog=%s", groups[i]);
		(void)snprintf(text, sizeof(text), "--nflog \"%s\": %s", groups[i], group);
		check_error(line, CONFIG_invalid, text);
	}
	check_error("-g 0-256", CONFIG_invalid,
		    "--nflog \"0-256\": expected at most 256 groups, each has a thread");
	check_error("-g 0-255 -g 256", CONFIG_invalid,
		    "--nflog \"256\": expected at most 256 sources in all");
	check_error("-i sixteen-letters-", CONFIG_invalid,
		    "--interface \"sixteen-letters-\": expected the name of a network interface, "
		    "such as eth0");
	check_error("-i a/b", CONFIG_invalid,
		    "--interface \"a/b\": expected the name of a network interface, such as eth0");
	check_error("-g 40,snaplen=63", CONFIG_invalid,
		    "--nflog \"40,snaplen=63\": snaplen: expected a number from 64 to 65535");
	check_error("-g 40,buffer=1", CONFIG_invalid,
		    "--nflog \"40,buffer=1\": buffer: expected a size from 64k to 1G, such as "
		    "65536, 64k or 16M");
	check_error("-g 40,snaplne=96", CONFIG_invalid,
		    "--nflog \"40,snaplne=96\": unknown key \"snaplne\" (did you mean "
		    "\"snaplen\"?)");
	check_error("-g 40,", CONFIG_invalid,
		    "--nflog \"40,\": expected KEY=VALUE behind the comma, not \"\"");
	check_error("-r a -r b", CONFIG_invalid,
		    "--read \"b\": expected one file, and there is a already");
	check_error("-r a -i eth0", CONFIG_invalid,
		    "read: a file cannot be read together with other sources");
	check_error("-i eth0 -r eth0", CONFIG_invalid, /* not the same source */
		    "read: a file cannot be read together with other sources");
}

TEST(collectors)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-n 192.0.2.10:9995,source=192.0.2.1,rate=0,mtu=1500,version=9 -n "
		       "[2001:db8::1],mtu=1280 --collector=flows.example.net:1 -n "
		       "[fe80::1%eth0]:65535",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.collector_count, 4);
	CHECK_TEXT(config.collectors[0].name, "192.0.2.10:9995");
	CHECK_TEXT(config.collectors[0].host, "192.0.2.10");
	CHECK_EQ(config.collectors[0].port, 9995);
	CHECK_EQ(config.collectors[0].version, 9);
	CHECK_TEXT(config.collectors[0].transport, "udp");
	CHECK_TEXT(config.collectors[0].source_address, "192.0.2.1");
	CHECK_EQ(config.collectors[0].export_rate, 0);
	CHECK_EQ(config.collectors[0].datagram_size, 1472); /* 1500 - 20 - 8 */
	CHECK_TEXT(config.collectors[1].name, "[2001:db8::1]:2055");
	CHECK_TEXT(config.collectors[1].host, "2001:db8::1");
	CHECK_EQ(config.collectors[1].port, 2055);
	CHECK_EQ(config.collectors[1].datagram_size, 1232); /* 1280 - 40 - 8 */
	CHECK_EQ(config.collectors[1].export_rate, -1);
	CHECK(!config.collectors[1].source_address);
	CHECK_EQ(config.collectors[2].datagram_size, EXPORTER_DATAGRAM_SIZE);
	CHECK_TEXT(config.collectors[3].host, "fe80::1%eth0");
	CHECK_EQ(config.collectors[3].port, 65535);
	check_value(&config, "collector",
		    "192.0.2.10:9995,version=9,transport=udp,source=192.0.2.1,rate=0,mtu=1500 "
		    "[2001:db8::1]:2055,version=9,transport=udp,mtu=1280 "
		    "flows.example.net:1,version=9,transport=udp "
		    "[fe80::1%eth0]:65535,version=9,transport=udp",
		    "command line");
	config_clear(&config);
}

TEST(collectors_that_share_the_flows)
{
	static const char file[] =
		"[agent]\n"
		"collector = h1,mode=failover,priority=2,filter=\"port=80,443 v=4\"\n"
		"collector = h2,mode=failover,filter=proto=tcp,sampling=100,mtu=1500\n"
		"[collector \"c\"]\n"
		"address = h3\n"
		"mode = round-robin\n"
		"group = a.b-c_d\n"
		"filter = proto=udp dport=53,123  ; names and time\n";
	struct error_text error;
	struct config config;

	CHECK_EQ(parse_bytes(&config, file, strlen(file), &error), 0);
	CHECK_EQ(config.collectors[0].mode, COLLECTOR_failover);
	CHECK_EQ(config.collectors[0].priority, 2);
	CHECK_TEXT(config.collectors[0].filter, "port=80,443 v=4");
	CHECK_TEXT(config.collectors[1].filter, "proto=tcp");
	CHECK_EQ(config.collectors[1].mtu, 1500);
	CHECK_EQ(config.collectors[1].sampling, 100);
	CHECK_EQ(config.collectors[2].mode, COLLECTOR_round_robin);
	CHECK_TEXT(config.collectors[2].group, "a.b-c_d");
	CHECK_TEXT(config.collectors[2].filter, "proto=udp dport=53,123");
	check_value(&config, "collector",
		    "h1:2055,version=9,transport=udp,mode=failover,priority=2,"
		    "filter=\"port=80,443 v=4\" "
		    "h2:2055,version=9,transport=udp,mtu=1500,mode=failover,filter=\"proto=tcp\","
		    "sampling=100 "
		    "h3:2055,version=9,transport=udp,mode=round-robin,group=a.b-c_d,"
		    "filter=\"proto=udp dport=53,123\"",
		    "f.conf:4");
	config_clear(&config);
}

TEST(a_session_is_ipfix)
{
	struct config config;
	struct error_text error;

	CHECK_EQ(parse(&config,
		       "-n h,transport=tcp -n g:1,transport=tcp,mtu=1000,version=10 "
		       "-n j,transport=tcp,version=json",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.collectors[0].datagram_size, 8192);
	CHECK_EQ(config.collectors[1].datagram_size, 1000);
	check_value(&config, "collector",
		    "h:4739,version=10,transport=tcp g:1,version=10,transport=tcp,mtu=1000 "
		    "j:2055,version=json,transport=tcp",
		    "command line");
	config_clear(&config);
	check_error("-n h,transport=tcp,version=9", CONFIG_invalid,
		    "collector h: NetFlow v9 has no messages for transport tcp, which needs IPFIX "
		    "or JSON");
	check_error("-v 5 -n h,transport=tcp", CONFIG_invalid,
		    "collector h: NetFlow v5 has no messages for transport tcp, which needs IPFIX "
		    "or JSON");
	CHECK_EQ(parse(&config,
		       "-n h,transport=tls,ca=/a,certificate=/b,key=/c,server-name=x.y,verify=off "
		       "-n g,transport=tls,spool=2M,spool-directory=/d -n u,spool=0",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.collectors[0].spool_size, 16 << 20);
	CHECK_EQ(config.collectors[2].spool_size, 0);
	check_value(&config, "collector",
		    "h:4740,version=10,transport=tls,ca=/a,certificate=/b,key=/c,server-name=x.y,"
		    "verify=off "
		    "g:4740,version=10,transport=tls,spool=2M,spool-directory=/d "
		    "u:2055,version=9,transport=udp,spool=0",
		    "command line");
	config_clear(&config);
	check_error("-n h,transport=tcp,ca=/a", CONFIG_invalid,
		    "collector h: ca, certificate, key, server-name and verify are for transport "
		    "tls, not for tcp");
	check_error("-n h,transport=tls,key=/a", CONFIG_invalid,
		    "collector h: a key is of no use without a certificate");
	check_error("-n h,spool-directory=/d", CONFIG_invalid,
		    "collector h: a spool-directory is of no use without a spool");
	check_error("-n h,spool=1000k", CONFIG_invalid,
		    "--collector \"h,spool=1000k\": spool: expected 0 or at least 1M");
	check_error("-n h,transport=tls,verify=no", CONFIG_invalid,
		    "--collector \"h,transport=tls,verify=no\": verify: expected on or off");
	check_error("-n h,transport=tcp,segmentation=on", CONFIG_invalid,
		    "collector h: segmentation is for datagrams over udp, not for transport tcp");
}

TEST(wrong_groups_and_filters)
{
	check_error("-n h1,mode=balance,group=g -n h2,mode=failover,group=g", CONFIG_invalid,
		    "collector h2:2055: group g has one mode, and collector h1:2055 has balance "
		    "there");
	check_error("-n h1,mode=balance -n h2,mode=failover,group=balance", CONFIG_invalid,
		    "collector h2:2055: group balance has one mode, and collector h1:2055 has "
		    "balance there");
	check_error("-n h1,group=g", CONFIG_invalid,
		    "collector h1:2055: group g needs a mode: it gets every flow without one");
	check_error("-n h1,mode=balance,priority=1", CONFIG_invalid,
		    "collector h1:2055: a priority means nothing but with mode=failover");
	check_error("-n h1,filter=src_as=1", CONFIG_invalid,
		    "collector h1:2055: its filter asks for AS numbers, which only a networks-file "
		    "gives");
}

TEST(collectors_that_are_a_path)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-v 9 -n /a/b.ipfix,version=10,rotate=1h,rotate-size=1M,keep=24 "
		       "-n ./c,version=json,mtu=4096 -n ../d,version=10,rate=10 -n -,version=json "
		       "-n unix:/run/x.sock,version=json -n /run/y.sock,transport=unix,version=10",
		       &error),
		 CONFIG_run);
	check_value(&config, "collector",
		    "/a/b.ipfix,version=10,transport=file,rate=0,rotate=1h,rotate-size=1M,keep=24 "
		    "./c,version=json,transport=file,rate=0,mtu=4096 "
		    "../d,version=10,transport=file,rate=10 -,version=json,transport=file,rate=0 "
		    "/run/x.sock,version=json,transport=unix,rate=0 "
		    "/run/y.sock,version=10,transport=unix,rate=0",
		    "command line");
	CHECK_TEXT(config.collectors[0].name, "/a/b.ipfix");
	CHECK_EQ(config.collectors[0].port, 0);
	CHECK_EQ(config.collectors[0].datagram_size, 8192);
	CHECK_EQ(config.collectors[0].rotate_ms, 3600000);
	CHECK_EQ(config.collectors[0].rotate_size, 1 << 20);
	CHECK_EQ(config.collectors[1].datagram_size, 4096);
	CHECK_TEXT(config.collectors[3].name, "-");
	CHECK_TEXT(config.collectors[4].name, "/run/x.sock");
	config_clear(&config);
	CHECK_EQ(parse(&config, "-n /a/b -n -", &error), CONFIG_run);
	CHECK_EQ(config.collectors[0].version, 10); /* nobody has said anything else */
	config_clear(&config);
}

TEST(wrong_paths)
{
	static const struct {
		const char *line, *why;
	} wrong[] = {
		{ "-v 9 -n /a", "collector /a: NetFlow v9 has no messages for transport file, "
				"which needs IPFIX or JSON" },
		{ "-n /a,version=5", "collector /a: NetFlow v5 has no messages for transport file, "
				     "which needs IPFIX or JSON" },
		{ "-n /a,transport=udp", "collector /a: udp needs HOST:PORT, not a path" },
		{ "-n /a,transport=tcp", "collector /a: tcp needs HOST:PORT, not a path" },
		{ "-n h,transport=file",
		  "collector h: file needs a path that begins with / or ./" },
		{ "-n h,transport=unix",
		  "collector h: unix needs a path that begins with / or ./" },
		{ "-n unix:x", "collector x: unix needs a path that begins with / or ./" },
		{ "-n /a,source=::1",
		  "collector /a: source-address is for collectors in the network" },
		{ "-n /a,dscp=10", "collector /a: interface, dscp and ttl are for packets, and "
				   "transport file sends none" },
		{ "-n unix:/a,segmentation=on",
		  "collector /a: segmentation is for datagrams over udp, not for transport unix" },
		{ "-n h,rotate=1h", "collector h: rotate is for files" },
		{ "-n unix:/a,keep=1", "collector /a: keep is for files" },
		{ "-n -,rotate=1h", "collector -: rotate is for files, not for standard output" },
		{ "-n /a,keep=3",
		  "collector /a: keep is for files that are rotated: add rotate=TIME" },
		{ "-n /a,rotate-size=64k,mtu=16384",
		  "collector /a: rotate-size is less than 8 messages (mtu)" },
		{ "-n - --summary -", "collector -: standard output cannot have flows and the "
				      "summary: write one of them to a file" },
		{ "-n /a -n /a", "collector /a is given twice: it would get every flow twice" },
		{ "-n unix:", "--collector \"unix:\": expected the path of a socket behind unix:" },
		{ "-n /a,rotate=500ms", "--collector \"/a,rotate=500ms\": rotate: expected a time "
					"from 1s to 31d, such as 90, 90s or 1h30m" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_error(wrong[i].line, CONFIG_invalid, wrong[i].why);
}

#define VERSIONS "expected 5 or 9 (NetFlow; also v9, netflow9), 10 or ipfix, or json"

/* Parse, format, clear, manual and completion walk the rows: each must say all of its key. */
TEST(a_row_says_all_of_a_key)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		CHECK(key->name && key->argument && key->help && key->section != SECTION_none);
		if (key->section != SECTION_collector && key->section != SECTION_source)
			continue;
		assert_non_null(key->type);
		CHECK(key->type->parse && key->type->format);
		CHECK(key->member < sizeof(struct config_collector));
		for (int j = 0; j < i; j++)
			if (config_keys[j].section == key->section &&
			    config_keys[j].member == key->member)
				fail_msg("%s and %s are of one member", key->name,
					 config_keys[j].name);
	}
}

/* What every row shows is what it reads. */
TEST(all_keys_of_a_collector_are_shown_as_they_are_read)
{
	static const char line[] =
		"192.0.2.1:4739,version=10,transport=tls,source=192.0.2.2,rate=5,mtu=1400,"
		"interface=eth0,dscp=ef,ttl=9,fields=default-vlanId,spool=2M,"
		"spool-directory=/tmp,ca=/a,certificate=/b,key=/c,server-name=d,verify=off,"
		"mode=failover,group=g,priority=3,filter=\"proto=tcp dport=80,443\",sampling=8";
	struct config_value value;
	struct error_text error;
	struct config config;
	char *argv[] = { (char *)(uintptr_t) "flowagent", (char *)(uintptr_t) "-n",
			 (char *)(uintptr_t)line, NULL };

	CHECK_EQ(config_load(&config, 3, argv, &error), CONFIG_run);
	CHECK_EQ(config_value(&config, OPTION_collector, &value), 0);
	CHECK_TEXT(value.value, line);
	config_value_clear(&value);
	config_clear(&config);
}

TEST(all_keys_of_a_source_are_shown_as_they_are_read)
{
	static const char line[] =
		"eth0,snaplen=200,buffer=1M,direction=in,label=up,cpu=0,wait=off,promiscuous=on,"
		"sampling=deterministic:1000000+rule:1000000";
	struct config_value value;
	struct error_text error;
	struct config config;

	/* Named again, a source keeps what is not said of it anew. */
	CHECK_EQ(parse(&config,
		       "-i eth0,label=down,cpu=0,wait=off,promiscuous=on,buffer=1M "
		       "-i eth0,snaplen=200,direction=in,label=up,"
		       "sampling=deterministic:1000000+rule:1000000",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config_value(&config, OPTION_interface, &value), 0);
	CHECK_TEXT(value.value, line);
	config_value_clear(&value);
	config_clear(&config);
}

TEST(versions_have_the_names_that_people_use)
{
	static const struct {
		const char *text;
		uint8_t version;
	} names[] = {
		{ "5", 5 },        { "v5", 5 },         { "NetFlow5", 5 }, { "v9", 9 },
		{ "netflow9", 9 }, { "netflow-v9", 9 }, { "nfv9", 9 },     { "ipfix", 10 },
		{ "IPFIX", 10 },   { "v10", 10 },       { "10", 10 },
	};
	struct error_text error;
	uint8_t version;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CHECK_EQ(config_version_parse(names[i].text, &version, &error), 0);
		CHECK_EQ(version, names[i].version);
	}
}

TEST(wrong_collectors)
{
	static const struct {
		const char *value, *why;
	} wrong[] = {
		{ ":1", "expected HOST:PORT with a host name or an address, or a path that begins "
			"with / or ./" },
		{ "192.0.2:1", "expected HOST:PORT with a host name or an address, or a path that "
			       "begins with / or ./" },
		{ "192.0.2.256", "expected HOST:PORT with a host name or an address, or a path "
				 "that begins with / or ./" },
		{ "a_b/c", "expected HOST:PORT with a host name or an address, or a path that "
			   "begins with / or ./" },
		{ "h:", "expected a port from 1 to 65535 behind the colon, not \"\"" },
		{ "h:0", "expected a port from 1 to 65535 behind the colon, not \"0\"" },
		{ "h:65536", "expected a port from 1 to 65535 behind the colon, not \"65536\"" },
		{ "h:1k", "expected a port from 1 to 65535 behind the colon, not \"1k\"" },
		{ "2001:db8::1", "expected HOST:PORT; an IPv6 address needs brackets: "
				 "[2001:db8::1]:2055" },
		{ "[::1", "expected [IPV6-ADDRESS]:PORT" },
		{ "[::1]2055", "expected [IPV6-ADDRESS]:PORT" },
		{ "[192.0.2.1]:1", "expected an IPv6 address between the brackets" },
		{ "h,mtu=575", "mtu: expected a number from 576 to 65535" },
		{ "h,rate=x", "rate: expected a number from 0 to 10000000" },
		{ "h,version=8", "version: " VERSIONS },
		{ "h,version=0", "version: " VERSIONS },
		{ "h,version=255", "version: " VERSIONS },
		{ "h,version=265", "version: " VERSIONS },
		{ "h,version=vjson", "version: " VERSIONS },
		{ "h,version=ipfix9", "version: " VERSIONS },
		{ "h,transport=dccp", "transport: expected udp, tcp, tls, file or unix" },
		{ "h,source=eth0",
		  "source-address: expected an IPv4 or IPv6 address of this host" },
		{ "h,address=x", "unknown key \"address\"" },
		{ "h,mode=all", "mode: expected mirror, balance, round-robin or failover" },
		{ "h,group=a/b", "group: expected a name of at most 63 letters, digits and -._" },
		{ "h,priority=0", "priority: expected a number from 1 to 65535" },
		{ "h,sampling=0", "sampling: expected a number from 1 to 1000000" },
		{ "h,filter=x=1",
		  "filter: unknown key \"x\", expected one of src, dst, host, sport, dport, port, "
		  "src_as, dst_as, as, in_if, out_if, iface, proto, dir, v, tos, vlan, mark, "
		  "flags, bytes, packets, duration, age, idle" },
		{ "h,filter=v=5", "filter: v \"5\", expected 4 or 6" },
		{ "h,filter=age>1s", "filter: age and idle say nothing of a record, which is of a "
				     "flow that has ended; expected duration" },
		{ "h,filter=\"v=4", "expected a quote at the end of the value \"v=4" },
		{ "h,filter=\"v=4\"5", "expected a quote at the end of the value \"v=4\"5" },
		{ "h,mtu", "expected KEY=VALUE behind the comma, not \"mtu\"" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char line[64];
		char text[400];

		(void)snprintf(line, sizeof(line), "-n %s", wrong[i].value);
		(void)snprintf(text, sizeof(text), "--collector \"%s\": %s", wrong[i].value,
			       wrong[i].why);
		check_error(line, CONFIG_invalid, text);
	}
	check_error("-n h -n h:2055", CONFIG_invalid,
		    "collector h:2055 is given twice: it would get every flow twice");
	check_error("-n [::1] --source-address 127.0.0.1", CONFIG_invalid,
		    "collector ::1: source address 127.0.0.1 is not of the same IP version");
}

TEST(how_packets_leave_to_a_collector)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-n h,interface=eth0,dscp=ef,ttl=3 -n 239.1.1.1,interface=eth0 -n "
		       "239.1.1.1,interface=eth1,dscp=7 -n [ff02::1%eth2]:1,dscp=0,ttl=255",
		       &error),
		 CONFIG_run);
	CHECK_TEXT(config.collectors[0].interface, "eth0");
	CHECK_EQ(config.collectors[0].dscp, 46);
	CHECK_EQ(config.collectors[0].ttl, 3);
	CHECK_TEXT(config.collectors[0].name, "h:2055");
	CHECK_TEXT(config.collectors[1].name, "239.1.1.1%eth0:2055");
	CHECK_TEXT(config.collectors[2].name, "239.1.1.1%eth1:2055");
	CHECK_TEXT(config.collectors[3].name, "[ff02::1%eth2]:1");
	check_value(&config, "collector",
		    "h:2055,version=9,transport=udp,interface=eth0,dscp=ef,ttl=3 "
		    "239.1.1.1:2055,version=9,transport=udp,interface=eth0 "
		    "239.1.1.1:2055,version=9,transport=udp,interface=eth1,dscp=7 "
		    "[ff02::1%eth2]:1,version=9,transport=udp,ttl=255",
		    "command line");
	config_clear(&config);
}

TEST(wrong_ways_to_leave)
{
	static const struct {
		const char *value, *why;
	} wrong[] = {
		{ "h,interface=an-interface-too-long",
		  "interface: expected the name of an interface, at most 15 characters" },
		{ "h,interface=a/b",
		  "interface: expected the name of an interface, at most 15 characters" },
		{ "h,dscp=64",
		  "dscp: expected a number from 0 to 63, or a name such as cs1, af11 or ef" },
		{ "h,dscp=EF",
		  "dscp: expected a number from 0 to 63, or a name such as cs1, af11 or ef" },
		{ "h,ttl=0", "ttl: expected a number from 1 to 255" },
		{ "h,ttl=256", "ttl: expected a number from 1 to 255" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char line[64];
		char text[320];

		(void)snprintf(line, sizeof(line), "-n %s", wrong[i].value);
		(void)snprintf(text, sizeof(text), "--collector \"%s\": %s", wrong[i].value,
			       wrong[i].why);
		check_error(line, CONFIG_invalid, text);
	}
	check_error("-n [fe80::1%eth0],interface=eth1", CONFIG_invalid,
		    "collector fe80::1%eth0: address fe80::1%eth0 is not of interface eth1");
	check_error("-n [fe80::1%eth0],source=fe80::2%eth1", CONFIG_invalid,
		    "collector fe80::1%eth0: address fe80::2%eth1 is not of interface eth0");
	check_error("-n [fe80::1]", CONFIG_invalid,
		    "collector fe80::1: a link-local address needs the interface of its link");
	check_error("-n [ff05::1],transport=tcp", CONFIG_invalid,
		    "collector ff05::1: a multicast group is reached by udp, not by transport tcp");
	check_error("-n 239.1.1.1,interface=eth0 -n 239.1.1.1", CONFIG_invalid,
		    "collector 239.1.1.1:2055 is given twice: it would get every flow twice");
	check_error("-n 192.0.2.1,interface=eth0 -n 192.0.2.1,interface=eth1", CONFIG_invalid,
		    "collector 192.0.2.1:2055 is given twice: it would get every flow twice");
}

/* Blanks and commas become +, so that it may stand behind a comma again. */
TEST(fields_in_a_section)
{
	static const char file[] =
		"[agent]\n"
		"collector = h1,fields=\"1,2, 8\"\n"
		"[collector \"a\"]\n"
		"address = h2\n"
		"fields =  default  -tcpControlBits+ipVersion - 58,7 , 11 ; why\n"
		"[collector \"b\"]\n"
		"address = h3\n"
		"fields = - vlanId\n";
	struct error_text error;
	struct config config;

	CHECK_EQ(parse_bytes(&config, file, strlen(file), &error), 0);
	CHECK_TEXT(config.collectors[0].fields, "1+2+8");
	CHECK_TEXT(config.collectors[1].fields, "default-tcpControlBits+ipVersion-58+7+11");
	CHECK_TEXT(config.collectors[2].fields, "-vlanId");
	for (size_t i = 0; i < 3; i++) {
		const struct config_collector *collector = &config.collectors[i];
		struct template_fields again;

		CHECK_EQ(template_fields_parse(collector->fields, &again, &error), 0);
		CHECK_EQ(again.base, collector->field_set.base);
		CHECK_EQ(again.added, collector->field_set.added);
		CHECK_EQ(again.removed, collector->field_set.removed);
	}
	config_clear(&config);
	check_file_error("[collector \"x\"]\naddress = h\nfields = 1 2 vlanI\n",
			 "f.conf:3: fields: value \"1 2 vlanI\": unknown field \"vlanI\" (did you "
			 "mean \"vlanId\"?)");
}

TEST(fields_of_a_collector)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "-n h -n i,fields=-vlanId+60 -n j,fields=1+2+8,version=10", &error),
		 CONFIG_run);
	CHECK(!config.collectors[0].fields);
	CHECK(template_fields_is_default(&config.collectors[0].field_set));
	CHECK_TEXT(config.collectors[1].fields, "-vlanId+60");
	CHECK_EQ(config.collectors[1].field_set.base, TEMPLATE_BASE_default);
	CHECK_EQ(config.collectors[2].field_set.base, TEMPLATE_BASE_none);
	check_value(&config, "collector",
		    "h:2055,version=9,transport=udp "
		    "i:2055,version=9,transport=udp,fields=-vlanId+60 "
		    "j:4739,version=10,transport=udp,fields=1+2+8",
		    "command line");
	config_clear(&config);
	check_error("-n h,fields=vlanI", CONFIG_invalid,
		    "--collector \"h,fields=vlanI\": fields: unknown field \"vlanI\" (did you mean "
		    "\"vlanId\"?)");
	check_error("-n h,uptime=on,version=10", CONFIG_invalid,
		    "collector h:4739: uptime=on is for NetFlow v9, not for version=10");
	check_error("-n h,fields=-vlanId,version=5", CONFIG_invalid,
		    "collector h:2055: records of NetFlow v5 always have the same fields");
	check_error("-n h,fields=1", CONFIG_invalid,
		    "collector h:2055: fields: packetDeltaCount is missing: collectors would not "
		    "count these flows");
	/* The flow key may come later. */
	check_error("-n h,fields=1+2+7 --flow-key addresses", CONFIG_invalid,
		    "collector h:2055: fields: sourceTransportPort is of a part that the flow key "
		    "leaves out");
}

TEST(timeouts)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(
		parse(&config,
		      "--inactive-timeout 20 -t tcp=1m,udp=500ms -t tcp.rst=1 --timeout maxlife=2m",
		      &error),
		CONFIG_run);
	CHECK_EQ(config.expiry.active_ms, 120000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_tcp], 60000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_tcp_rst], 1000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_tcp_fin], 2000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_udp], 500);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_icmp], 20000);
	check_value(&config, "timeout",
		    "tcp=60s,tcp.rst=1s,tcp.fin=2s,udp=500ms,icmp=20s,general=20s", "command line");
	check_value(&config, "active-timeout", "120s", "command line");
	check_value(&config, "inactive-timeout", "20s", "command line");
	config_clear(&config);

	CHECK_EQ(parse(&config, "--active-timeout 2000000 --inactive-timeout 1ms", &error),
		 CONFIG_run);
	CHECK_EQ(config.expiry.active_ms, EXPIRY_TIMEOUT_MAX_MS);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_udp], 1);
	config_clear(&config);

	check_error("--active-timeout 0", CONFIG_invalid,
		    "--active-timeout \"0\": expected a time from 1ms to 23d3h33m20s, such as 90, "
		    "90s or 1h30m");
	check_error(
		"--active-timeout 2000001", CONFIG_invalid,
		"--active-timeout \"2000001\": expected a time from 1ms to 23d3h33m20s, such as "
		"90, 90s or 1h30m");
	check_error("-t udp=0", CONFIG_invalid,
		    "--timeout \"udp=0\": udp: expected a time from 1ms to 23d3h33m20s, such as "
		    "90, 90s or 1h30m");
	check_error(
		"-t 60", CONFIG_invalid,
		"--timeout \"60\": expected NAME=TIME, such as tcp=60s; for all flows there are "
		"--active-timeout and --inactive-timeout");
	check_error("-t tpc=60", CONFIG_invalid,
		    "--timeout \"tpc=60\": unknown timeout \"tpc\" (did you mean \"tcp\"?)");
	check_error("-t expint=60", CONFIG_invalid,
		    "--timeout \"expint=60\": expint is not needed: flows are exported when they "
		    "are due, not at intervals; leave it out");
}

TEST(biflow)
{
	struct config config;
	struct error_text error;

	CHECK_EQ(parse(&config, "", &error), CONFIG_run);
	CHECK(!config.has_biflows);
	check_value(&config, "biflow", "off", "default");
	config_clear(&config);
	CHECK_EQ(parse(&config, "--biflow on", &error), CONFIG_run);
	CHECK(config.has_biflows);
	check_value(&config, "biflow", "on", "command line");
	config_clear(&config);
	CHECK_EQ(parse(&config, "--biflow on --biflow off", &error), CONFIG_run);
	CHECK(!config.has_biflows);
	config_clear(&config);
	check_error("--biflow yes", CONFIG_invalid, "--biflow \"yes\": expected on or off");
}

TEST(superpackets)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "", &error), CONFIG_run);
	CHECK(!config.splits_superpackets);
	CHECK_EQ(config.interface_mtu, 1500);
	check_value(&config, "superpackets", "as-seen", "default");
	config_clear(&config);
	CHECK_EQ(parse(&config, "--superpackets split --interface-mtu 9000", &error), CONFIG_run);
	CHECK(config.splits_superpackets);
	CHECK_EQ(config.interface_mtu, 9000);
	check_value(&config, "superpackets", "split", "command line");
	config_clear(&config);
	CHECK_EQ(parse(&config, "--superpackets split --superpackets as-seen", &error), CONFIG_run);
	CHECK(!config.splits_superpackets);
	config_clear(&config);
	check_error("--superpackets cut", CONFIG_invalid,
		    "--superpackets \"cut\": expected as-seen or split");
	check_error("--interface-mtu 67", CONFIG_invalid,
		    "--interface-mtu \"67\": expected a number from 68 to 65535");
	check_error("--interface-mtu 65536", CONFIG_invalid,
		    "--interface-mtu \"65536\": expected a number from 68 to 65535");
}

TEST(other_values)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-m 256M --export-rate 0 --source-id 4294967295 --template-refresh 10m,0 -c "
		       "none "
		       "--summary - -u nobody --log-level debug --networks-file /x -v 9 "
		       "--source-address ::1 -m 1",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.max_flows, 1); /* the last one wins */
	CHECK_EQ(config.export_rate, 0);
	CHECK_EQ(config.source_id, 4294967295);
	CHECK_EQ(config.template_refresh_ms, 600000);
	CHECK_EQ(config.template_refresh_datagrams, 0);
	CHECK_TEXT(config.control, "none");
	CHECK_TEXT(config.summary, "-");
	CHECK_TEXT(config.user, "nobody");
	CHECK_EQ(config.log_level, LOG_LEVEL_debug);
	CHECK_TEXT(config.networks_file, "/x");
	CHECK_TEXT(config.source_address, "::1");
	check_value(&config, "export-rate", "0", "command line");
	check_value(&config, "template-refresh", "10m,0", "command line");
	check_value(&config, "log-level", "debug", "command line");
	config_clear(&config);

	check_error("-m 0", CONFIG_invalid,
		    "--max-flows \"0\": expected a number from 1 to 268435456");
	check_error("-m 268435457", CONFIG_invalid,
		    "--max-flows \"268435457\": expected a number from 1 to 268435456");
	check_error("--source-id 4294967296", CONFIG_invalid,
		    "--source-id \"4294967296\": expected a number from 0 to 4294967295");
	check_error("--template-refresh 0,0", CONFIG_invalid,
		    "--template-refresh \"0,0\": expected a time or a number of datagrams other "
		    "than 0: a collector that restarts needs the templates again");
	check_error("--template-refresh 25h", CONFIG_invalid,
		    "--template-refresh \"25h\": expected a time from 0s to 1d, such as 90, 90s or "
		    "1h30m");
	check_error("--log-level loud", CONFIG_invalid,
		    "--log-level \"loud\": expected error, warning, notice, info or debug");
	check_error("--control=", CONFIG_invalid, "--control \"\": expected PATH");
	check_error("--source-address eth0", CONFIG_invalid,
		    "--source-address \"eth0\": expected an IPv4 or IPv6 address of this host");
}

TEST(interface_numbers)
{
	struct config config;
	struct error_text error;

	CHECK_EQ(parse(&config, "", &error), CONFIG_run);
	CHECK_EQ(config.if_map.count, 0);
	check_value(&config, "if-map", "(unset)", "default");
	config_clear(&config);

	CHECK_EQ(parse(&config, "-x eth:100,wg0=7 -x ppp:200,lo=1", &error), CONFIG_run);
	CHECK_EQ(config.if_map.count, 2);
	check_value(&config, "if-map", "ppp:200,lo=1", "command line");
	config_clear(&config);

	check_error("-x eth", CONFIG_invalid,
		    "--if-map \"eth\": \"eth\": expected BASE:N or NAME=N, such as eth:100 or "
		    "wg0=7");
	check_file_error(
		"[agent]\nif-map = eth0=0\n",
		"f.conf:2: if-map: value \"eth0=0\": \"0\": expected a number from 1 up: 0 stands "
		"for no interface");
}

TEST(wrong_words)
{
	check_error("--colector x", CONFIG_invalid,
		    "--colector: unknown option (did you mean \"collector\"?)");
	check_error("--colector=x", CONFIG_invalid,
		    "--colector: unknown option (did you mean \"collector\"?)");
	check_error("--xyzzy", CONFIG_invalid, "--xyzzy: unknown option");
	check_error("--co x", CONFIG_invalid,
		    "--co: may stand for --collector, --config, --control");
	check_error("-Z", CONFIG_invalid, "-Z: unknown option");
	check_error("-m", CONFIG_invalid, "--max-flows: expected a value: N");
	check_error("--max-flows", CONFIG_invalid, "--max-flows: expected a value: N");
	check_error("--help=yes", CONFIG_invalid, "--help: expected no value");
	check_error("-m 5 udp", CONFIG_invalid,
		    "unexpected word \"udp\": flowagent takes options only");
	check_error("-f /nonexistent/f.conf", CONFIG_invalid,
		    "cannot read the configuration file /nonexistent/f.conf: No such file or "
		    "directory");
	check_error("-f /", CONFIG_invalid, "cannot read the configuration file /: Is a directory");
}

TEST(ulog_names_the_rule_to_use)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "--ulog 1", &error), CONFIG_failed);
	CHECK_TEXT(error.text,
		   "--ulog \"1\": Linux has no ULOG since 3.17; use NFLOG instead, also "
		   "for IPv6 (group 1)");
	CHECK_TEXT(error.hint,
		   "in each rule write \"-j NFLOG --nflog-group 1 --nflog-size 128\" for "
		   "\"-j ULOG --ulog-nlgroup 1 ...\", and start flowagent -g 1");
	config_clear(&config);
	CHECK_EQ(parse(&config, "--ulog 0x80000001", &error), CONFIG_failed);
	CHECK(strstr(error.text, "(group 1,32)"));
	CHECK(strstr(error.hint, "start flowagent -g 1 -g 32"));
	config_clear(&config);
	check_error("--ulog 0", CONFIG_invalid,
		    "--ulog \"0\": expected a mask of ULOG groups from 1 to 0xffffffff");
	check_error("--ulog 0x100000000", CONFIG_invalid,
		    "--ulog \"0x100000000\": expected a mask of ULOG groups from 1 to 0xffffffff");
	check_error("--ulog=-1", CONFIG_invalid,
		    "--ulog \"-1\": expected a mask of ULOG groups from 1 to 0xffffffff");
}

TEST(file_with_everything)
{
	static const char text[] = "\xef\xbb\xbf# comment\r\n"
				   "; comment\n"
				   "[agent] ; comment\n"
				   "  collector = h1:9995  ; comment\r\n"
				   "collector: h2\n"
				   "timeout = udp=5s\n"
				   "timeout = icmp=6s\n"
				   "control = /tmp/a#b\n"
				   "\n"
				   "[source \"nflog:41\"]\n"
				   "snaplen = 96\n"
				   "[ source \"eth0\" ]\n"
				   "[collector \"a ]b\"]\n"
				   "mtu = 1500\n"
				   "address = [2001:db8::9]:4\n"
				   "source-address = ::1\n"
				   "[agent]\n";
	static const char last[] = "max-flows = 64k";
	char whole[sizeof(text) + sizeof(last)];
	struct error_text error;
	struct config config;

	(void)snprintf(whole, sizeof(whole), "%.*s%s", (int)(strlen(text) - strlen("[agent]\n")),
		       text, last);
	/* No line break at the end, and the key belongs to the section above. */
	CHECK(parse_bytes(&config, whole, strlen(whole), &error) < 0);
	CHECK_TEXT(error.text, "f.conf:17: unknown key \"max-flows\" in this section");
	config_clear(&config);

	if (parse_bytes(&config, text, strlen(text) - strlen("[agent]\n"), &error))
		fail_msg("%s", error.text);
	CHECK_EQ(config.source_count, 2);
	CHECK_TEXT(config.sources[0].name, "nflog:41");
	CHECK_EQ(config.sources[0].snaplen, 96);
	CHECK_TEXT(config.sources[1].name, "eth0");
	CHECK_EQ(config.collector_count, 3);
	CHECK_TEXT(config.collectors[1].name, "h2:2055");
	CHECK_EQ(config.collectors[1].origin.line, 5);
	CHECK_TEXT(config.collectors[2].name, "a ]b");
	CHECK_TEXT(config.collectors[2].host, "2001:db8::9");
	CHECK_EQ(config.collectors[2].datagram_size, 1452);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_udp], 5000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_icmp], 6000);
	CHECK_TEXT(config.control, "/tmp/a#b");
	check_value(&config, "control", "/tmp/a#b", "f.conf:8");
	check_value(&config, "nflog", "41,snaplen=96", "f.conf:10");
	check_value(&config, "interface", "eth0", "f.conf:12");
	config_clear(&config);
}

TEST(file_errors_name_the_line)
{
	check_file_error("[agent]\n\ncolector = x\n", "f.conf:3: unknown option \"colector\" in "
						      "[agent] (did you mean \"collector\"?)");
	check_file_error("[agent]\nhelp = 1\n", "f.conf:2: unknown option \"help\" in [agent]");
	check_file_error("[agent]\nactive = 1\n", "f.conf:2: unknown option \"active\" in [agent] "
						  "(did you mean \"active-timeout\"?)");
	check_file_error("[agent]\nmax-flows = many\n",
			 "f.conf:2: max-flows: value \"many\": expected a number from 1 to "
			 "268435456");
	check_file_error("[agent]\nmax-flows = 1\nmax-flows = 1\n",
			 "f.conf:3: max-flows: set in line 2 already");
	check_file_error("[agent]\nmax-flows =\n", "f.conf:2: max-flows: value \"\": expected N");
	check_file_error("[agent]\nuser = \"x\"\n",
			 "f.conf:2: user: expected the value without quotes");
	check_file_error("[agent]\nmax-flows\n",
			 "f.conf:2: expected KEY = VALUE, a [section], or a comment");
	check_file_error("max-flows = 1\n", "f.conf:1: \"max-flows\" stands before the first "
					    "section; expected [agent] above it");
	check_file_error("[agent\n", "f.conf:1: expected [SECTION] or [SECTION \"NAME\"]");
	check_file_error("[agent] x\n", "f.conf:1: expected nothing behind the section");
	check_file_error("[agent \"x\"]\n", "f.conf:1: section [agent] has no name");
	check_file_error("[source]\n", "f.conf:1: expected a name: [source \"NAME\"]");
	check_file_error("[source \"\"]\n", "f.conf:1: expected a name of 1 to 100 bytes");
	check_file_error(
		"[source \"nflog:x\"]\n",
		"f.conf:1: source \"nflog:x\": expected \"nflog:GROUP\" with a group from 0 "
		"to 65535, or the name of an interface");
	check_file_error(
		"[source \"nflog:040\"]\nsnaplen = 96\n",
		"f.conf:1: source \"nflog:040\": expected \"nflog:GROUP\" with a group from "
		"0 to 65535, or the name of an interface");
	check_file_error("[source \"nflog:65536\"]\n",
			 "f.conf:1: source \"nflog:65536\": expected \"nflog:GROUP\" with a group "
			 "from 0 to 65535, or the name of an interface");
	check_file_error("[colector \"x\"]\n",
			 "f.conf:1: unknown section [colector] (did you mean [collector]?)");
	check_file_error("[xyzzy]\n", "f.conf:1: unknown section [xyzzy]; expected agent, source, "
				      "collector or control");
	check_file_error("[agent]\n[control]\n[agent]\n",
			 "f.conf:3: this section is in line 1 already");
	check_file_error("[source \"eth0\"]\nsnaplne = 1\n", "f.conf:2: unknown key \"snaplne\" in "
							     "this section (did you mean "
							     "\"snaplen\"?)");
	check_file_error("[source \"eth0\"]\nsnaplen = 1\n",
			 "f.conf:2: snaplen: value \"1\": expected a number from 64 to "
			 "65535");
	check_file_error("[source \"eth0\"]\nsnaplen = 96\nsnaplen = 96\n",
			 "f.conf:3: snaplen: set in line 2 already");
	check_file_error("[collector \"x\"]\nmtu = 1500\n",
			 "f.conf:1: collector \"x\" has no address");
	check_file_error("[collector \"x\"]\naddress =\n", "f.conf:2: address: expected a value");
	check_file_error("[collector \"x\"]\naddress = h:0\n",
			 "f.conf:2: address: value \"h:0\": expected a port from 1 to 65535 behind "
			 "the colon, not \"0\"");
	check_file_error("[collector \"x\"]\naddress = /srv/flows,rotate=1h\n",
			 "f.conf:2: address: value \"/srv/flows,rotate=1h\": a path cannot have a "
			 "comma; the keys of a section stand on "
			 "lines of their own");
	check_file_error("[agent]\ncontrol = a\n[control]\nsocket = b\n",
			 "f.conf:4: control: set in line 2 already");
	check_file_error("[agent]\nread = a\nnflog = 40\n",
			 "f.conf:2: read: a file cannot be read together with other sources");
	check_file_error(
		"[agent]\ncollector = h\ncollector = h\n",
		"f.conf:3: collector h:2055 is given twice: it would get every flow twice");
}

TEST(lines_may_have_comments_and_blanks)
{
	static const char *const right[] = {
		"user=x",
		"user:x",
		"  user\t =  x \t",
		"user = x ; why",
		"user=x\t;why",
		"user =x\r",
		"user = x ;",
		"user: x ; = y",
		"; user = y\nuser = x",
		"#user\nuser=x",
		"\t;\nuser = x",
		"\n \t\nuser = x",
		"user = x\n# [none",
	};
	char text[80];
	struct error_text error;
	struct config config;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		(void)snprintf(text, sizeof(text), "[agent]\n%s", right[i]);
		CHECK_EQ(parse_bytes(&config, text, strlen(text), &error), 0);
		CHECK_TEXT(config.user, "x");
		config_clear(&config);
	}
	/* What is no comment belongs to the value, and only the first sign parts it from the key.
	 */
	CHECK_EQ(parse_bytes(&config, "[agent]\nuser = a;b #c = d:e", 27, &error), 0);
	CHECK_TEXT(config.user, "a;b #c = d:e");
	config_clear(&config);
	CHECK_EQ(parse_bytes(&config, "[agent]\nuser =;x", 16, &error), 0);
	CHECK_TEXT(config.user, ";x");
	config_clear(&config);
	check_file_error("[agent]\nuser ; = x\n",
			 "f.conf:2: expected KEY = VALUE, a [section], or a comment");
	check_file_error("[agent]\nuser = ; x\n", "f.conf:2: user: value \"\": expected USER");
	check_file_error("[agent]\n\n = x\n", "f.conf:3: unknown option \"\" in [agent]");
}

TEST(a_comment_that_is_none_is_hinted_at)
{
	static const char text[] = "[agent]\nactive-timeout = 60s # one minute\n";
	struct error_text error;
	struct config config;

	CHECK(parse_bytes(&config, text, strlen(text), &error) < 0);
	CHECK_TEXT(error.hint, "behind a value a comment starts with ;");
	config_clear(&config);
}

TEST(bytes_that_are_no_text)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *message;
	} files[] = {
		{ "[agent]\nuser = a\0b\n", 19,
		  "f.conf:2: byte 0x00 in column 9 is not text in UTF-8" },
		{ "\x7f"
		  "ELF\2\1\1\0\0",
		  9, "f.conf:1: byte 0x02 in column 5 is not text in UTF-8" },
		{ "a\rb\n", 4, "f.conf:1: byte 0x0d in column 2 is not text in UTF-8" },
		{ "# \xe9t\xe9\n", 6, "f.conf:1: byte 0xe9 in column 3 is not text in UTF-8" },
		{ "# \xc3", 3, "f.conf:1: byte 0xc3 in column 3 is not text in UTF-8" },
		{ "# \xc0\x80\n", 5, "f.conf:1: byte 0xc0 in column 3 is not text in UTF-8" },
		{ "# \xe0\x80\x80\n", 6, "f.conf:1: byte 0xe0 in column 3 is not text in UTF-8" },
		{ "# \xed\xa0\x80\n", 6, "f.conf:1: byte 0xed in column 3 is not text in UTF-8" },
		{ "# \xf4\x90\x80\x80\n", 7,
		  "f.conf:1: byte 0xf4 in column 3 is not text in UTF-8" },
		{ "# \xff\n", 4, "f.conf:1: byte 0xff in column 3 is not text in UTF-8" },
	};
	struct error_text error;
	struct config config;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CHECK(parse_bytes(&config, files[i].bytes, files[i].size, &error) < 0);
		CHECK_TEXT(error.text, files[i].message);
		config_clear(&config);
	}
	CHECK_EQ(parse_bytes(&config, "# \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n", 12, &error), 0);
	config_clear(&config);
	CHECK_EQ(parse_bytes(&config, "", 0, &error), 0);
	CHECK_EQ(config.source_count, 1);
	config_clear(&config);
}

TEST(long_lines_are_whole_or_an_error)
{
	static char text[CONFIG_LINE_SIZE_MAX + 64];
	static const char head[] = "[agent]\nsummary = ";
	struct error_text error;
	struct config config;
	size_t longest = strlen(head) + CONFIG_LINE_SIZE_MAX - strlen("summary = ");

	(void)memset(text, 'x', sizeof(text));
	(void)memcpy(text, head, strlen(head));
	CHECK_EQ(parse_bytes(&config, text, longest, &error), 0);
	CHECK_EQ(strlen(config.summary), CONFIG_LINE_SIZE_MAX - strlen("summary = "));
	config_clear(&config);
	CHECK(parse_bytes(&config, text, longest + 1, &error) < 0);
	CHECK_TEXT(error.text, "f.conf:2: the line is longer than 4000 bytes");
	config_clear(&config);
}

/* A directory with a file and drop-ins, removed at the end of the test. */
struct tree {
	char directory[32], file[64], drop_ins[64];
};

static void tree_write(const char *directory, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	CHECK(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

static void tree_create(struct tree *tree, const char *text)
{
	(void)snprintf(tree->directory, sizeof(tree->directory), "/tmp/test_config.XXXXXX");
	CHECK(mkdtemp(tree->directory));
	(void)snprintf(tree->file, sizeof(tree->file), "%s/a.conf", tree->directory);
	(void)snprintf(tree->drop_ins, sizeof(tree->drop_ins), "%s/conf.d", tree->directory);
	CHECK(mkdir(tree->drop_ins, 0700) == 0);
	tree_write(tree->directory, "a.conf", text);
}

static void tree_remove(struct tree *tree)
{
	static const char *const names[] = { "10-a.conf", "9-b.conf", ".c.conf", "d.txt" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", tree->drop_ins, names[i]);
		(void)unlink(path);
	}
	(void)unlink(tree->file);
	(void)rmdir(tree->drop_ins);
	CHECK(rmdir(tree->directory) == 0);
}

TEST(drop_ins_win_over_the_file_and_the_command_line_over_both)
{
	struct error_text error;
	struct config config;
	struct tree tree;
	char line[128];
	char origin[256];

	tree_create(&tree, "[agent]\nmax-flows = 1\nlog-level = debug\nnflog = 41\nuser = a\n"
			   "collector = h1\n[collector \"b\"]\naddress = h2\n");
	tree_write(tree.drop_ins, "10-a.conf",
		   "[agent]\nmax-flows = 2\nuser = b\ncollector = h3\n");
	tree_write(tree.drop_ins, "9-b.conf",
		   "[agent]\nmax-flows = 3\n[collector \"b\"]\nmtu = 1500\n");
	tree_write(tree.drop_ins, ".c.conf", "[agent]\nmax-flows = 4\n");
	tree_write(tree.drop_ins, "d.txt", "[agent]\nmax-flows = 5\n");

	(void)snprintf(line, sizeof(line), "--config %s --log-level notice", tree.file);
	if (parse(&config, line, &error) != CONFIG_run)
		fail_msg("%s", error.text);
	CHECK_EQ(config.file_name_count, 3);
	CHECK_EQ(config.max_flows, 3); /* "10-" comes before "9-" */
	(void)snprintf(origin, sizeof(origin), "%s/9-b.conf:2", tree.drop_ins);
	check_value(&config, "max-flows", "3", origin);
	CHECK_TEXT(config.user, "b");
	check_value(&config, "log-level", "notice", "command line");
	CHECK_EQ(config.source_count, 1);
	CHECK_EQ(config.sources[0].group, 41);
	CHECK_EQ(config.collector_count, 3); /* lists add up */
	CHECK_TEXT(config.collectors[1].name, "b");
	CHECK_TEXT(config.collectors[1].host, "h2");
	CHECK_EQ(config.collectors[1].mtu, 1500);
	CHECK_TEXT(config.collectors[2].host, "h3");
	config_clear(&config);

	(void)snprintf(line, sizeof(line), "-i eth0 -f %s -n h4", tree.file);
	CHECK_EQ(parse(&config, line, &error), CONFIG_run);
	CHECK_EQ(config.source_count, 1); /* replaced */
	CHECK_TEXT(config.sources[0].name, "eth0");
	check_value(&config, "nflog", "(unset)", "default");
	CHECK_EQ(config.collector_count, 1);
	CHECK_TEXT(config.collectors[0].name, "h4:2055");
	config_clear(&config);

	tree_write(tree.drop_ins, "9-b.conf", "[agent]\nmax-flws = 3\n");
	(void)snprintf(line, sizeof(line), "-f %s", tree.file);
	(void)snprintf(origin, sizeof(origin),
		       "%s/9-b.conf:2: unknown option \"max-flws\" in [agent] (did you mean "
		       "\"max-flows\"?)",
		       tree.drop_ins);
	check_error(line, CONFIG_invalid, origin);
	tree_remove(&tree);
}

/* Run config_load() with standard output in a file and give its text. */
static enum config_result printed(const char *line, char *text, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(1);
	struct error_text error;
	struct config config;
	enum config_result result;
	size_t length;

	CHECK(file && saved >= 0);
	(void)fflush(stdout);
	CHECK(dup2(fileno(file), 1) == 1);
	result = parse(&config, line, &error);
	(void)fflush(stdout);
	CHECK(dup2(saved, 1) == 1);
	(void)close(saved);
	config_clear(&config);
	rewind(file);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	(void)fclose(file);
	return result;
}

TEST(help_lists_every_option_and_fits_the_screen)
{
	static char text[16384];

	CHECK_EQ(printed("--help --nonsense", text, sizeof(text)), CONFIG_done);
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "--%s", config_options[i].name);
		CHECK(strstr(text, name));
	}
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		CHECK(strlen(line) <= 90);
	CHECK_EQ(printed("-V", text, sizeof(text)), CONFIG_done);
	CHECK(strstr(text, "flowagent " FLOWAGENT_VERSION "\n") == text);
	CHECK(strstr(text, "GPL-2.0-or-later"));
}

TEST(check_config_says_yes_on_standard_output)
{
	static char text[4096];
	struct tree tree;
	char expected[256];
	char line[128];

	tree_create(&tree, "[agent]\nmax-flows = 1000000\n");
	(void)snprintf(line, sizeof(line), "--check-config -f %s", tree.file);
	CHECK_EQ(printed(line, text, sizeof(text)), CONFIG_done);
	(void)snprintf(expected, sizeof(expected),
		       "%s: configuration is valid\nmemory: up to 102.0 "
		       "MiB for 1000000 IPv4 flows",
		       tree.file);
	CHECK(!strncmp(text, expected, strlen(expected)));
	(void)snprintf(line, sizeof(line), "--check-config -f %s --networks-file /nonexistent",
		       tree.file);
	check_error(line, CONFIG_invalid,
		    "cannot read networks-file /nonexistent: No such file or directory");
	tree_remove(&tree);
}

/* Whatever stands below it: an error names the line of the key that is wrong. */
TEST(an_error_of_a_section_names_its_own_line)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "[collector \"a\"]\naddress = h\npriority = 4\nmtu = 1500\n",
		  "f.conf:3: collector a: a priority means nothing but with mode=failover" },
		{ "\n[collector \"a\"]\nmtu = 1500\n", "f.conf:2: collector \"a\" has no address" },
		{ "[collector \"a\"]\naddress = h\nversion = 9\ntransport = tcp\nmtu = 1500\n",
		  "f.conf:4: collector h: NetFlow v9 has no messages for transport tcp, which "
		  "needs IPFIX or JSON" },
		{ "[collector \"a\"]\naddress = h\nca = /x\ndscp = 5\n",
		  "f.conf:3: collector h: ca, certificate, key, server-name and verify are for "
		  "transport tls, not for udp" },
		{ "[collector \"a\"]\naddress = h\nfields = 1+2\nversion = 5\n",
		  "f.conf:3: collector a: records of NetFlow v5 always have the same fields" },
		{ "[collector \"a\"]\naddress = h\nkeep = 5\nmtu = 1500\n",
		  "f.conf:3: collector h: keep is for files" },
		{ "[collector \"a\"]\naddress = /tmp/x\ndscp = 5\nversion = 10\n",
		  "f.conf:3: collector /tmp/x: interface, dscp and ttl are for packets, and "
		  "transport file sends none" },
		{ "[collector \"a\"]\naddress = h\nfilter = as=5\nmtu = 1500\n",
		  "f.conf:3: collector a: its filter asks for AS numbers, which only a "
		  "networks-file gives" },
		{ "[collector \"a\"]\naddress = h\nspool = 0\nspool-directory = /tmp\nmtu = 1500\n",
		  "f.conf:4: collector h: a spool-directory is of no use without a spool" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_file_error(cases[i].text, cases[i].error);
}

TEST(check_config_reads_what_a_start_would_read)
{
	static const char *const wrong[][2] = {
		{ "--check-config -f %s --networks-file %s", "%s:1: " },
		{ "--check-config -f %s --applications-file %s", "%s:1: " },
		{ "--check-config -f %s -n h,transport=tls,certificate=%s",
		  "collector h: cannot read the certificate in %s: " },
		{ "--check-config -f %s -n h,transport=tls,ca=%s",
		  "collector h: cannot read the certificate authorities in %s: " },
		{ "--check-config -f %s -r %s.pcap", "cannot read %s.pcap: " },
	};
	struct tree tree;
	char table[128];

	tree_create(&tree, "[agent]\nmax-flows = 1000\n");
	(void)snprintf(table, sizeof(table), "%s/d.txt", tree.drop_ins);
	tree_write(tree.drop_ins, "d.txt", "what is no table and no certificate\n");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct error_text error;
		struct config config;
		char line[512];
		char expected[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(line, sizeof(line), wrong[i][0], tree.file, table);
		(void)snprintf(expected, sizeof(expected), wrong[i][1], table);
#pragma GCC diagnostic pop
		CHECK_EQ(parse(&config, line, &error), CONFIG_invalid);
		if (strncmp(error.text, expected, strlen(expected)) != 0)
			fail_msg("%s: %s", line, error.text);
		config_clear(&config);
	}
	tree_remove(&tree);
}

TEST(a_path_of_a_socket_that_no_socket_can_have)
{
	char line[160] = "-n unix:/";
	struct error_text error;
	struct config config;
	char text[256];

	(void)memset(line + strlen(line), 'a', 106);
	CHECK_EQ(parse(&config, line, &error), CONFIG_run);
	config_clear(&config);
	(void)strcat(line, "a");
	(void)snprintf(text, sizeof(text),
		       "collector %s: expected the path of a socket to have at most 107 bytes",
		       strchr(line, '/'));
	check_error(line, CONFIG_invalid, text);
}

TEST(check_config_looks_for_the_files_of_collectors)
{
	static const char *const keys[] = { "ca", "certificate", "key", "spool-directory" };
	struct tree tree;
	char expected[256];
	char line[128];
	char text[256];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "[collector \"c\"]\naddress = h\ntransport = tls\n%s%s = "
			       "/nonexistent/x\n",
			       strcmp(keys[i], "key") == 0 ? "certificate = /dev/null\n" : "",
			       keys[i]);
		tree_create(&tree, text);
		(void)snprintf(line, sizeof(line), "--check-config -f %s", tree.file);
		(void)snprintf(expected, sizeof(expected),
			       "%s:%d: collector h: cannot use %s /nonexistent/x: No such file or "
			       "directory",
			       tree.file, strcmp(keys[i], "key") == 0 ? 5 : 4, keys[i]);
		check_error(line, CONFIG_invalid, expected);
		tree_remove(&tree);
	}
}

TEST(the_default_file_of_the_package_is_valid)
{
	struct error_text error;
	struct config config;
	struct config plain;

	if (parse(&config, "-f " SOURCE_DIRECTORY "/packaging/config/flowagent.conf", &error) !=
	    CONFIG_run)
		fail_msg("%s", error.text);
	CHECK_EQ(parse(&plain, "", &error), CONFIG_run);
	CHECK_EQ(config.source_count, plain.source_count);
	CHECK_EQ(config.collector_count, 0);
	CHECK_EQ(config.max_flows, plain.max_flows);
	CHECK_EQ(config.source_id, plain.source_id);
	config_clear(&config);
	config_clear(&plain);
}

TEST(source_ids_differ_between_hosts_and_instances)
{
	uint32_t id = config_source_id("0123456789abcdef0123456789abcdef", "");

	CHECK_EQ(id, config_source_id("0123456789abcdef0123456789abcdef", ""));
	CHECK(id != config_source_id("0123456789abcdef0123456789abcdee", ""));
	CHECK(id != config_source_id("0123456789abcdef0123456789abcdef", "/run/b.sock"));
	CHECK(config_source_id("ab", "c") != config_source_id("a", "bc"));
	CHECK(config_source_id("", "") != 0);
}

TEST(all_values_can_be_written_and_read_again)
{
	struct error_text error;
	struct config config;
	struct config again;

	CHECK_EQ(
		parse(&config,
		      "-g 1-3,buffer=1M -i eth0,snaplen=99 -n h:1,rate=5 -t tcp=9s,active=3h -m 7k",
		      &error),
		CONFIG_run);
	CHECK_EQ(config_init(&again, &error), 0);
	for (size_t i = 0; i < config_option_count(); i++) {
		static const struct config_origin origin = { .file = "command line" };
		struct config_value value;
		char *rest;
		char *item;

		CHECK_EQ(config_value(&config, i, &value), 0);
		rest = value.value;
		while (rest && (item = strsep(&rest, " ")))
			CHECK_EQ(config_apply(&again, (enum config_option_id)i, item, &origin,
					      &error),
				 0);
		config_value_clear(&value);
	}
	CHECK_EQ(config_finish(&again, &error), 0);
	for (size_t i = 0; i < config_option_count(); i++) {
		struct config_value one;
		struct config_value two;

		CHECK_EQ(config_value(&config, i, &one), 0);
		CHECK_EQ(config_value(&again, i, &two), 0);
		CHECK_TEXT(one.value ? one.value : "", two.value ? two.value : "");
		config_value_clear(&one);
		config_value_clear(&two);
	}
	config_clear(&config);
	config_clear(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_says_all_of_a_key),
		cmocka_unit_test(all_keys_of_a_collector_are_shown_as_they_are_read),
		cmocka_unit_test(all_keys_of_a_source_are_shown_as_they_are_read),
		cmocka_unit_test(versions_have_the_names_that_people_use),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(what_is_written_is_read_back_the_same),
		cmocka_unit_test(the_table_agrees_with_itself),
		cmocka_unit_test(nothing_configured),
		cmocka_unit_test(direction_and_label_of_a_source),
		cmocka_unit_test(switches_of_a_source),
		cmocka_unit_test(sampling_of_a_source),
		cmocka_unit_test(keys_behind_a_file),
		cmocka_unit_test(flow_key),
		cmocka_unit_test(sources),
		cmocka_unit_test(sources_are_bound_to_cpus),
		cmocka_unit_test(export_versions),
		cmocka_unit_test(wrong_sources),
		cmocka_unit_test(collectors),
		cmocka_unit_test(collectors_that_share_the_flows),
		cmocka_unit_test(a_session_is_ipfix),
		cmocka_unit_test(wrong_groups_and_filters),
		cmocka_unit_test(collectors_that_are_a_path),
		cmocka_unit_test(wrong_paths),
		cmocka_unit_test(wrong_collectors),
		cmocka_unit_test(how_packets_leave_to_a_collector),
		cmocka_unit_test(wrong_ways_to_leave),
		cmocka_unit_test(fields_of_a_collector),
		cmocka_unit_test(fields_in_a_section),
		cmocka_unit_test(timeouts),
		cmocka_unit_test(biflow),
		cmocka_unit_test(superpackets),
		cmocka_unit_test(other_values),
		cmocka_unit_test(interface_numbers),
		cmocka_unit_test(wrong_words),
		cmocka_unit_test(ulog_names_the_rule_to_use),
		cmocka_unit_test(file_with_everything),
		cmocka_unit_test(file_errors_name_the_line),
		cmocka_unit_test(lines_may_have_comments_and_blanks),
		cmocka_unit_test(a_comment_that_is_none_is_hinted_at),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(long_lines_are_whole_or_an_error),
		cmocka_unit_test(drop_ins_win_over_the_file_and_the_command_line_over_both),
		cmocka_unit_test(help_lists_every_option_and_fits_the_screen),
		cmocka_unit_test(check_config_says_yes_on_standard_output),
		cmocka_unit_test(an_error_of_a_section_names_its_own_line),
		cmocka_unit_test(check_config_reads_what_a_start_would_read),
		cmocka_unit_test(a_path_of_a_socket_that_no_socket_can_have),
		cmocka_unit_test(check_config_looks_for_the_files_of_collectors),
		cmocka_unit_test(the_default_file_of_the_package_is_valid),
		cmocka_unit_test(source_ids_differ_between_hosts_and_instances),
		cmocka_unit_test(all_values_can_be_written_and_read_again),
	};

	(void)unsetenv("INSTANCE");
	return RUN_TESTS(tests);
}
