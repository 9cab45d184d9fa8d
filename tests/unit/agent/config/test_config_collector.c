/* test_config_collector.c - collectors: addresses, versions, transports, groups. */
#include "configured.h"

#include "config_keys.h"
#include "config_options.h"
#include "config_version.h"
#include "exporter.h"

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

TEST(ports_have_the_names_that_filters_know)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "-n 127.0.0.1:domain -n nfacctd:NetFlow -n [::1]:ipfix,version=10",
		       &error),
		 CONFIG_run);
	CHECK_EQ(config.collectors[0].port, 53);
	CHECK_TEXT(config.collectors[0].name, "127.0.0.1:53");
	check_value(&config, "collector",
		    "127.0.0.1:53,version=9,transport=udp nfacctd:2055,version=9,transport=udp "
		    "[::1]:4739,version=10,transport=udp",
		    "command line");
	config_clear(&config);
	check_error("-n h:2055 -n h:netflow", CONFIG_invalid,
		    "collector h:2055 is given twice: it would get every flow twice");
	check_error("-n h:netfow", CONFIG_invalid,
		    "--collector \"h:netfow\": unknown service \"netfow\" after the colon (did you "
		    "mean \"netflow\"?)");
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
	check_error(
		"-n h,transport=tcp,version=9", CONFIG_invalid,
		"collector h:2055: NetFlow v9 has no messages for transport tcp, which needs IPFIX "
		"or JSON");
	check_error(
		"-v 5 -n h,transport=tcp", CONFIG_invalid,
		"collector h:2055: NetFlow v5 has no messages for transport tcp, which needs IPFIX "
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
	check_error(
		"-n h,transport=tcp,ca=/a", CONFIG_invalid,
		"collector h:4739: ca, certificate, key, server-name and verify are for transport "
		"tls, not for tcp");
	check_error("-n h,transport=tls,key=/a", CONFIG_invalid,
		    "collector h:4740: a key is of no use without a certificate");
	check_error("-n h,spool-directory=/d", CONFIG_invalid,
		    "collector h:2055: a spool-directory is of no use without a spool");
	check_error("-n h,spool=1000k", CONFIG_invalid,
		    "--collector \"h,spool=1000k\": spool: expected 0 or at least 1M");
	check_error("-n h,transport=tls,verify=no", CONFIG_invalid,
		    "--collector \"h,transport=tls,verify=no\": verify: expected on or off");
	check_error(
		"-n h,transport=tcp,segmentation=on", CONFIG_invalid,
		"collector h:4739: segmentation is for datagrams over udp, not for transport tcp");
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
	check_error(
		"-n h1,filter=src_as=1", CONFIG_invalid,
		"collector h1:2055: its filter asks for AS numbers, which only an asn-table or a "
		"networks-file gives");
}

#define VERSIONS "expected 1, 5, 7 or 9 (NetFlow; also v9, netflow9), 10 or ipfix, or json"

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
		CHECK(key->member < (key->section == SECTION_collector
					     ? sizeof(struct config_collector)
					     : sizeof(struct source_config)));
		for (int j = 0; j < i; j++)
			if (config_keys[j].section == key->section &&
			    config_keys[j].member == key->member)
				fail_msg("%s and %s are of one member", key->name,
					 config_keys[j].name);
	}
}

TEST(a_probe_is_of_udp)
{
	struct config config;
	struct error_text error;

	CHECK_EQ(parse(&config, "-n a,probe=tcp:179 -n b,probe=icmp", &error), CONFIG_run);
	CHECK_EQ(config.collectors[0].probe.kind, PROBE_tcp);
	CHECK_EQ(config.collectors[0].probe.port, 179);
	check_value(&config, "collector",
		    "a:2055,version=9,transport=udp,probe=tcp:179 "
		    "b:2055,version=9,transport=udp,probe=icmp",
		    "command line");
	config_clear(&config);
	check_error("-n h,probe=tcp:0", CONFIG_invalid,
		    "--collector \"h,probe=tcp:0\": probe: expected tcp:PORT, such as tcp:179, or "
		    "icmp");
	check_error("-n h,probe=udp:9", CONFIG_invalid,
		    "--collector \"h,probe=udp:9\": probe: expected tcp:PORT, such as tcp:179, or "
		    "icmp");
	check_error("-n h,transport=tcp,probe=icmp", CONFIG_invalid,
		    "collector h:4739: probe is for transport udp: others know whether the "
		    "collector is there");
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
		{ "o.json", "expected HOST:PORT, or a path that begins with / or ./" },
		{ "flows.IPFIX,version=10",
		  "expected HOST:PORT, or a path that begins with / or ./" },
		{ "h:", "expected a port from 1 to 65535, or a service such as netflow, after the "
			"colon, not \"\"" },
		{ "h:0", "expected a port from 1 to 65535, or a service such as netflow, after the "
			 "colon, not \"0\"" },
		{ "h:65536", "expected a port from 1 to 65535, or a service such as netflow, after "
			     "the colon, not \"65536\"" },
		{ "h:1k", "expected a port from 1 to 65535, or a service such as netflow, after "
			  "the colon, not \"1k\"" },
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
		  "uid, unit, flags, bytes, packets, duration, age, idle, rtt, client_rtt, "
		  "server_rtt, retransmitted, out_of_order" },
		{ "h,filter=v=5", "filter: v \"5\", expected 4 or 6" },
		{ "h,filter=age>1s", "filter: age and idle say nothing of a record, which is of a "
				     "flow that has ended; expected duration" },
		{ "h,filter=\"v=4", "expected a quote at the end of the value \"v=4" },
		{ "h,filter=\"v=4\"5", "expected a quote at the end of the value \"v=4\"5" },
		{ "h,mtu", "expected KEY=VALUE after the comma, not \"mtu\"" },
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
		    "collector [::1]:2055: source address 127.0.0.1 is not of the same IP version");
}

/* As in a section, where a key has one line. */
TEST(a_key_stands_once_after_a_collector)
{
	static const struct {
		const char *value, *why;
	} wrong[] = {
		{ "h,version=9,version=10", "version: given twice" },
		{ "h,version=9,mtu=1500,version=9", "version: given twice" },
		{ "h,source=192.0.2.1,source=192.0.2.2", "source: given twice" },
		{ "h,filter=\"v=4\",filter=\"v=6\"", "filter: given twice" },
		{ "/a,keep=1,keep=2", "keep: given twice" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char line[128];
		char text[320];

		(void)snprintf(line, sizeof(line), "-n %s", wrong[i].value);
		(void)snprintf(text, sizeof(text), "--collector \"%s\": %s", wrong[i].value,
			       wrong[i].why);
		check_error(line, CONFIG_invalid, text);
	}
	check_file_error("[agent]\ncollector = h,ttl=1,ttl=2\n",
			 "f.conf:2: collector: value \"h,ttl=1,ttl=2\": ttl: given twice");
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
		    "collector [fe80::1%eth0]:2055: address fe80::1%eth0 is not of interface eth1");
	check_error("-n [fe80::1%eth0],source=fe80::2%eth1", CONFIG_invalid,
		    "collector [fe80::1%eth0]:2055: address fe80::2%eth1 is not of interface eth0");
	check_error(
		"-n [fe80::1]", CONFIG_invalid,
		"collector [fe80::1]:2055: a link-local address needs the interface of its link");
	check_error("-n [ff05::1],transport=tcp", CONFIG_invalid,
		    "collector [ff05::1]:4739: a multicast group is reached by udp, not by "
		    "transport tcp");
	check_error("-n 239.1.1.1,interface=eth0 -n 239.1.1.1", CONFIG_invalid,
		    "collector 239.1.1.1:2055: has the address of collector 239.1.1.1%eth0:2055, "
		    "which would get every flow twice");
	check_error("-n 192.0.2.1,interface=eth0 -n 192.0.2.1,interface=eth0", CONFIG_invalid,
		    "collector 192.0.2.1:2055 is given twice: it would get every flow twice");
	check_error("-n 192.0.2.1 -n 192.0.2.1,interface=eth1", CONFIG_invalid,
		    "collector 192.0.2.1:2055 is given twice: it would get every flow twice");
}

TEST(one_address_by_several_interfaces_is_several_collectors)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config,
		       "-n 192.0.2.1,interface=eth0 -n 192.0.2.1,interface=blue "
		       "-n [2001:db8::1],interface=eth0 -n [2001:db8::1],interface=blue",
		       &error),
		 CONFIG_run);
	CHECK_TEXT(config.collectors[0].name, "192.0.2.1:2055");
	CHECK_TEXT(config.collectors[1].name, "192.0.2.1%blue:2055");
	CHECK_TEXT(config.collectors[2].name, "[2001:db8::1]:2055");
	CHECK_TEXT(config.collectors[3].name, "[2001:db8::1%blue]:2055");
	config_clear(&config);
}

/* By its name a reload finds what goes on, and a spool its file. */
TEST(a_name_is_that_of_one_collector)
{
	static const char file[] = "[agent]\n"
				   "collector = h:2055\n"
				   "[collector \"h:2055\"]\n"
				   "address = other:2055\n";
	struct error_text error;
	struct config config;

	CHECK(parse_bytes(&config, file, strlen(file), &error) != 0);
	CHECK_TEXT(error.text, "f.conf:3: collector h:2055: another has this name");
	config_clear(&config);
}

TEST(a_service_stands_for_host_and_port)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "-n srv:_netflow._udp.example.net,version=10", &error), CONFIG_run);
	CHECK_TEXT(config.collectors[0].name, "srv:_netflow._udp.example.net");
	check_value(&config, "collector", "srv:_netflow._udp.example.net,version=10,transport=udp",
		    "command line");
	config_clear(&config);
	check_error("-n srv:collector.example.net", CONFIG_invalid,
		    "--collector \"srv:collector.example.net\": expected srv:_SERVICE._udp.DOMAIN "
		    "for a service, whose records name hosts and ports");
	check_error("-n srv:_netflow._udp.example.net:2055", CONFIG_invalid,
		    "--collector \"srv:_netflow._udp.example.net:2055\": expected "
		    "srv:_SERVICE._udp.DOMAIN for a service, whose records name hosts and ports");
	check_error("-n _netflow._udp.example.net", CONFIG_invalid,
		    "--collector \"_netflow._udp.example.net\": expected srv:_SERVICE._udp.DOMAIN "
		    "for a service, whose records name hosts and ports");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_stands_for_host_and_port),
		cmocka_unit_test(export_versions),
		cmocka_unit_test(collectors),
		cmocka_unit_test(ports_have_the_names_that_filters_know),
		cmocka_unit_test(collectors_that_share_the_flows),
		cmocka_unit_test(a_session_is_ipfix),
		cmocka_unit_test(wrong_groups_and_filters),
		cmocka_unit_test(a_row_says_all_of_a_key),
		cmocka_unit_test(all_keys_of_a_collector_are_shown_as_they_are_read),
		cmocka_unit_test(versions_have_the_names_that_people_use),
		cmocka_unit_test(wrong_collectors),
		cmocka_unit_test(a_key_stands_once_after_a_collector),
		cmocka_unit_test(how_packets_leave_to_a_collector),
		cmocka_unit_test(wrong_ways_to_leave),
		cmocka_unit_test(one_address_by_several_interfaces_is_several_collectors),
		cmocka_unit_test(a_name_is_that_of_one_collector),
		cmocka_unit_test(a_probe_is_of_udp),
	};

	return RUN_TESTS(tests);
}
