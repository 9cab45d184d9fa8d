/* test_config_source.c - packet sources, and what may be said of them. */
#include "configured.h"

#include "capture_sources.h"
#include "config_options.h"
#include "config_overlap.h"
#include "cpu_list.h"

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

TEST(keys_after_a_file)
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

TEST(several_files_are_one_source)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "-r a.pcap,label=x --read b.pcap c.pcap -m 1000 d -", &error),
		 CONFIG_run);
	CHECK_EQ(config.source_count, 1);
	CHECK_TEXT(config.sources[0].name, "a.pcap");
	CHECK_EQ(config.sources[0].also_count, 4);
	CHECK_TEXT(config.sources[0].also[1], "c.pcap");
	CHECK_TEXT(config.sources[0].also[3], "-");
	CHECK_EQ(config.max_flows, 1000);
	check_value(&config, "read", "a.pcap,label=x b.pcap c.pcap d -", "command line");
	config_clear(&config);

	/* After "--" any word is a file, also one that looks like an option. */
	CHECK_EQ(parse(&config, "-r a.pcap -- -b -m --help", &error), CONFIG_run);
	CHECK_EQ(config.sources[0].also_count, 3);
	CHECK_TEXT(config.sources[0].also[0], "-b");
	CHECK_TEXT(config.sources[0].also[1], "-m");
	CHECK_TEXT(config.sources[0].also[2], "--help");
	config_clear(&config);
	check_error("-r a b,label=x", CONFIG_invalid,
		    "--read \"b,label=x\": keys are given once, with the first file: they hold "
		    "for all");
	check_error("a -r b", CONFIG_invalid,
		    "unexpected word \"a\": flowagent takes options only");
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

TEST(a_source_of_the_command_line_keeps_what_the_file_says_of_it)
{
	struct error_text error;
	struct config config;
	struct tree tree;
	char line[128];

	tree_create(&tree, "[agent]\nnflog = 41,label=two\nnflog = 43\n"
			   "[source \"nflog:40\"]\nsnaplen = 200\nlabel = one\nwait = off\n"
			   "[source \"eth0\"]\npromiscuous = on\n");
	(void)snprintf(line, sizeof(line), "-f %s -g 40,label=mine -g 41-42 -g 40,wait=on",
		       tree.file);
	CHECK_EQ(parse(&config, line, &error), CONFIG_run);
	check_value(&config, "nflog", "40,snaplen=200,label=mine,wait=on 41,label=two 42",
		    "command line");
	CHECK_EQ(config.sources[0].group, 40);
	CHECK_EQ(config.source_count, 3);
	config_clear(&config);

	/* Only what it names is read. */
	(void)snprintf(line, sizeof(line), "-f %s -i eth0 -i eth1", tree.file);
	CHECK_EQ(parse(&config, line, &error), CONFIG_run);
	check_value(&config, "interface", "eth0,promiscuous=on eth1", "command line");
	CHECK_EQ(config.source_count, 2);
	config_clear(&config);
	tree_remove(&tree);
}

TEST(a_key_stands_once_after_a_source)
{
	check_error("-g 40,snaplen=100,snaplen=200", CONFIG_invalid,
		    "--nflog \"40,snaplen=100,snaplen=200\": snaplen: given twice");
	check_error("-i eth0,wait=on,buffer=1M,wait=off", CONFIG_invalid,
		    "--interface \"eth0,wait=on,buffer=1M,wait=off\": wait: given twice");
	check_error("-r a,b.pcap,label=x,label=y", CONFIG_invalid,
		    "--read \"a,b.pcap,label=x,label=y\": label: given twice");
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
		    "--nflog \"40,\": expected KEY=VALUE after the comma, not \"\"");
	check_error("-r a -i eth0", CONFIG_invalid,
		    "read: a file cannot be read together with other sources");
	check_error("-i eth0 -r eth0", CONFIG_invalid, /* not the same source */
		    "read: a file cannot be read together with other sources");
}

/* "" where all sources see packets of their own. */
static void check_overlap(const char *line, const char *one, const char *other)
{
	struct error_text error = { .text = "" };
	const char *found = NULL;
	const char *of = "";
	struct config config;

	CHECK_EQ(parse(&config, line, &error), CONFIG_run);
	for (size_t i = 0; i < config.source_count && !found; i++) {
		found = config_overlap_find(&config, i);
		of = found ? config.sources[i].name : "";
	}
	CHECK_TEXT(found ? found : "", one);
	CHECK_TEXT(of, other);
	config_clear(&config);
}

TEST(sources_that_see_the_same_packets)
{
	check_overlap("-i eth0 -i eth1 -i any", "eth0", "any");
	check_overlap("-i any -i eth0", "any", "eth0");
	check_overlap("-i eth1 -i eth0 --bpf eth0", "eth0", "bpf:eth0");
	check_overlap("--bpf eth0 -i any", "bpf:eth0", "any");
	check_overlap("-i eth0 -i eth1 --bpf eth2 -g 40 -g 41", "", "");
	check_overlap("-i eth0 -i eth0", "", ""); /* one source */
	check_overlap("-g 40 -i any", "", "");    /* what rules log is not known here */
	check_overlap("-i any,filter=udp -i eth0,filter=tcp", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources),
		cmocka_unit_test(direction_and_label_of_a_source),
		cmocka_unit_test(switches_of_a_source),
		cmocka_unit_test(sampling_of_a_source),
		cmocka_unit_test(keys_after_a_file),
		cmocka_unit_test(several_files_are_one_source),
		cmocka_unit_test(sources_are_bound_to_cpus),
		cmocka_unit_test(all_keys_of_a_source_are_shown_as_they_are_read),
		cmocka_unit_test(a_source_of_the_command_line_keeps_what_the_file_says_of_it),
		cmocka_unit_test(a_key_stands_once_after_a_source),
		cmocka_unit_test(wrong_sources),
		cmocka_unit_test(sources_that_see_the_same_packets),
	};

	return RUN_TESTS(tests);
}
