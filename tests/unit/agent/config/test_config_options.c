/* test_config_options.c - options with a value of their own, and that the table agrees with itself.
 */
#include "configured.h"

#include "capture_sources.h"
#include "config_apply.h"
#include "config_keys.h"
#include "config_options.h"
#include "config_source_id.h"
#include "units.h"

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
	CHECK(config.max_flows >= 16384 && config.max_flows <= 1048576); /* of this machine */
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
	check_value(&config, "active-timeout", "23d3h33m20s", "command line");
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_udp], 1);
	config_clear(&config);

	CHECK_EQ(parse(&config, "--timeout maxlife=off", &error), CONFIG_run);
	CHECK_EQ(config.expiry.active_ms, EXPIRY_ACTIVE_OFF);
	check_value(&config, "active-timeout", "off", "command line");
	config_clear(&config);

	check_error("--active-timeout 0", CONFIG_invalid,
		    "--active-timeout \"0\": expected a time from 1ms to 23d3h33m20s, such as 90, "
		    "90s or 1h30m, or off");
	check_error(
		"--active-timeout 2000001", CONFIG_invalid,
		"--active-timeout \"2000001\": expected a time from 1ms to 23d3h33m20s, such as "
		"90, 90s or 1h30m, or off");
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

TEST(a_name_stands_once_in_a_list)
{
	struct error_text error;
	struct config config;

	check_error("-t tcp=1s,udp=1s,tcp=2s", CONFIG_invalid,
		    "--timeout \"tcp=1s,udp=1s,tcp=2s\": tcp: given twice");
	CHECK_EQ(parse(&config, "-t active=1m,maxlife=2m", &error), CONFIG_invalid);
	CHECK_TEXT(error.text, "--timeout \"active=1m,maxlife=2m\": maxlife: given twice");
	CHECK_TEXT(error.hint, "active and maxlife are the same timeout");
	config_clear(&config);
	check_error("--flow-key ports,tos,ports", CONFIG_invalid,
		    "--flow-key \"ports,tos,ports\": ports: given twice");
	check_error("-t active=1,inactive=1,tcp=1,tcp.rst=1,tcp.fin=1,udp=1,icmp=1,general=1,tcp=1",
		    CONFIG_invalid,
		    "--timeout "
		    "\"active=1,inactive=1,tcp=1,tcp.rst=1,tcp.fin=1,udp=1,icmp=1,general=1,tcp=1\""
		    ": tcp: given twice");
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

TEST(owner)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "", &error), CONFIG_run);
	check_value(&config, "owner", "off", "default");
	config_clear(&config);
	CHECK_EQ(parse(&config, "--owner uid --flow-key addresses,ports,protocol", &error),
		 CONFIG_run);
	CHECK_EQ(config.owner, CONFIG_OWNER_uid);
	check_value(&config, "owner", "uid", "command line");
	config_clear(&config);
	check_error("--owner me", CONFIG_invalid, "--owner \"me\": expected off, uid or unit");
	check_error("--owner uid --flow-key addresses", CONFIG_invalid,
		    "owner: the flow key has parts left out, so a flow may be of "
		    "many sockets");
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
		       "-m 256M --export-rate 0 --source-id 4294967295 --template-refresh 10m,0 "
		       "--start-delay random:90s -c "
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
	check_value(&config, "start-delay", "random:90s", "command line");
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
	check_error("--start-delay 30s", CONFIG_invalid,
		    "--start-delay \"30s\": expected random:TIME, such as random:30s, or off");
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

TEST(agents_differ_also_with_source_id_0)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "-r x.pcap -n 192.0.2.1:2055 --source-id 7", &error), CONFIG_run);
	CHECK_EQ(config_source_id_seed(&config), 7);
	config_clear(&config);
	CHECK_EQ(parse(&config, "-r x.pcap -n 192.0.2.1:2055 --source-id 0", &error), CONFIG_run);
	CHECK_EQ(config.source_id, 0);
	CHECK(config_source_id_seed(&config) != 0);
	config_clear(&config);
}

TEST(ulog_is_a_source)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "--ulog 0x80000001 --ulog 4", &error), CONFIG_run);
	CHECK_EQ(config.source_count, 2);
	CHECK_TEXT(config.sources[0].name, "ulog:2147483649");
	CHECK_EQ(config.sources[0].mask, 0x80000001);
	CHECK_EQ(config.sources[1].mask, 4);
	config_clear(&config);
	check_error("--ulog 0", CONFIG_invalid,
		    "--ulog \"0\": expected a mask of ULOG groups from 1 to 0xffffffff");
	check_error("--ulog 0x100000000", CONFIG_invalid,
		    "--ulog \"0x100000000\": expected a mask of ULOG groups from 1 to 0xffffffff");
	check_error("--ulog=-1", CONFIG_invalid,
		    "--ulog \"-1\": expected a mask of ULOG groups from 1 to 0xffffffff");
}

TEST(source_ids_differ_between_hosts_and_instances)
{
	uint32_t id = config_source_id("0123456789abcdef0123456789abcdef", "", "");

	CHECK_EQ(id, config_source_id("0123456789abcdef0123456789abcdef", "", ""));
	CHECK(id != config_source_id("0123456789abcdef0123456789abcdee", "", ""));
	CHECK(id != config_source_id("0123456789abcdef0123456789abcdef", "/run/b.sock", ""));
	CHECK(id != config_source_id("0123456789abcdef0123456789abcdef", "", "02:00:00:00:00:01"));
	CHECK(config_source_id("ab", "c", "") != config_source_id("a", "bc", ""));
	CHECK(config_source_id("", "", "") != 0);
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
		cmocka_unit_test(the_table_agrees_with_itself),
		cmocka_unit_test(nothing_configured),
		cmocka_unit_test(flow_key),
		cmocka_unit_test(timeouts),
		cmocka_unit_test(a_name_stands_once_in_a_list),
		cmocka_unit_test(biflow),
		cmocka_unit_test(owner),
		cmocka_unit_test(superpackets),
		cmocka_unit_test(other_values),
		cmocka_unit_test(interface_numbers),
		cmocka_unit_test(wrong_words),
		cmocka_unit_test(agents_differ_also_with_source_id_0),
		cmocka_unit_test(ulog_is_a_source),
		cmocka_unit_test(source_ids_differ_between_hosts_and_instances),
		cmocka_unit_test(all_values_can_be_written_and_read_again),
	};

	return RUN_TESTS(tests);
}
