/* test_flow_filter.c - filter words: what each matches, and what each error says. */
#include "flow_filter.h"

#include "address.h"
#include "check.h"
#include "packet.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW_MS 1700000100000

static uint32_t interface_index(const void *context, const char *name)
{
	CHECK_TEXT(context, "context");
	if (strcmp(name, "eth0") == 0)
		return 2;
	return strcmp(name, "br-lan") == 0 ? 7 : 0;
}

static const struct flow_filter_names NAMES = { .interface_index = interface_index,
						.context = "context" };

/* 192.0.2.10:40000 -> 198.51.100.7:443, TCP, out of eth0, AS 64500 -> AS 65546. */
static struct flow_record ipv4_flow(void)
{
	struct flow_record flow = {
		.key = { .source_port = 40000,
			 .destination_port = 443,
			 .protocol = 6,
			 .tos = 0x2e,
			 .vlan_id = 100,
			 .input_interface = 0,
			 .output_interface = 2,
			 .mark = 0xdeadbeef,
			 .side = SIDE_egress,
			 .ip_version = 4,
			 .addresses = { 192, 0, 2, 10, 198, 51, 100, 7 } },
		.packets = 10,
		.octets = 1000000,
		.first_ms = NOW_MS - 90000,
		.last_ms = NOW_MS - 30000,
		.tcp_flags = 0x1b, /* ACK PSH SYN FIN */
	};

	return flow;
}

/* 2001:db8:1::10 -> 2001:db8:2::7, ICMPv6, side not known. */
static struct flow_record ipv6_flow(void)
{
	struct flow_record flow = {
		.key = { .destination_port = 128 * 256,
			 .protocol = 58,
			 .side = SIDE_unknown,
			 .ip_version = 6,
			 .addresses = { 0x20, 0x01, 0x0d, 0xb8, 0,
					1, [15] = 0x10, [16] = 0x20, [17] = 0x01, [18] = 0x0d,
					[19] = 0xb8, [21] = 2, [31] = 7 } },
		.packets = 1,
		.octets = 104,
		.first_ms = NOW_MS,
		.last_ms = NOW_MS,
	};

	return flow;
}

static bool matches(const struct flow_record *flow, const char *const *words, size_t count)
{
	struct error_text error;
	struct flow_filter *filter = flow_filter_parse(words, count, &NAMES, &error);
	bool result;

	if (!filter)
		fail_msg("%s", error.text);
	result = flow_filter_matches(filter, flow, 64500, 65546, NOW_MS);
	flow_filter_destroy(filter);
	return result;
}

static void check_word(const struct flow_record *flow, const char *word, bool expected)
{
	char negated[128] = "!";

	if (matches(flow, &word, 1) != expected)
		fail_msg("%s: expected %s", word, expected ? "a match" : "no match");
	/* '!' before a word is its opposite, for every word. */
	(void)strncat(negated, word, sizeof(negated) - 2);
	word = negated;
	if (matches(flow, &word, 1) == expected)
		fail_msg("%s: expected %s", word, expected ? "no match" : "a match");
}

/* Words that match the flow, then words that do not; each list ends with NULL. */
static void check_words(const struct flow_record *flow, const char *const *matching,
			const char *const *others)
{
	for (; *matching; matching++)
		check_word(flow, *matching, true);
	for (; *others; others++)
		check_word(flow, *others, false);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

TEST(no_words_match_everything)
{
	struct flow_record flow = ipv4_flow();
	struct error_text error;
	struct flow_filter *filter = flow_filter_parse(NULL, 0, NULL, &error);

	CHECK(filter);
	CHECK(flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow_filter_destroy(filter);
	flow_filter_destroy(NULL);
}

TEST(addresses)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 10 };
	struct flow_record flow = ipv4_flow();

	check_words(&flow,
		    WORDS("src=192.0.2.10", "src=192.0.2.0/24", "src=0.0.0.0/0", "dst=198.51.100.7",
			  "host=192.0.2.10", "host=198.51.100.7", "net=198.51.100.0/24",
			  "src=10.0.0.0/8,192.0.2.0/24", "src==192.0.2.10", "dst!=192.0.2.10",
			  "src=::ffff:192.0.2.10", "net=::ffff:192.0.2.0/120"),
		    WORDS("src=198.51.100.7", "src=192.0.2.11", "dst=192.0.2.10", "host=192.0.2.1",
			  "net=10.0.0.0/8", "src=::/0", "src=c000:20a::", "host!=192.0.2.10",
			  "src=10.0.0.0/8,172.16.0.0/12", "src=::ffff:192.0.2.11",
			  "net=::ffff:10.0.0.0/104"));
	flow = ipv6_flow();
	check_words(&flow,
		    WORDS("src=2001:db8:1::10", "dst=2001:db8:2::/48", "host=2001:db8:2::7",
			  "net=::/0", "host!=10.0.0.0/8"),
		    WORDS("src=2001:db8:2::7", "src=0.0.0.0/0", "host=32.1.13.184",
			  "src=::ffff:0:0/96"));
	/* As tables show it; no packet should have it, and some do. */
	memcpy(flow.key.addresses, mapped, sizeof(mapped));
	check_words(&flow,
		    WORDS("src=::ffff:192.0.2.10", "src=::ffff:192.0.2.0/120", "src=::ffff:0:0/96"),
		    WORDS("src=192.0.2.10", "src=::ffff:192.0.2.11", "dst=::ffff:0:0/96"));
}

TEST(users)
{
	struct flow_record flow = ipv4_flow();

	/* Not known: neither root's nor anybody's. */
	check_words(&flow, WORDS("uid!=0"), WORDS("uid=0", "uid>=0", "uid=0-4294967294"));
	flow.user = 1;
	check_words(&flow, WORDS("uid=0", "user=0", "uid<1", "uid=5,0"),
		    WORDS("uid=1", "uid>0", "uid!=0"));
	flow.user = UINT32_MAX;
	check_words(&flow, WORDS("uid=4294967294", "uid>1000"), WORDS("uid=0"));
}

/* Times are more by 1 in a record. What is not known is neither 0 nor anything else. */
TEST(connections)
{
	struct flow_record flow = ipv4_flow();

	check_words(&flow, WORDS("rtt!=0", "retransmitted!=0"),
		    WORDS("rtt>=0", "client_rtt<1s", "server_rtt=0-1s", "retransmitted>=0",
			  "out_of_order=0"));
	flow.tcp = (struct tcp_quality){ .is_known = true, .retransmitted = 3 };
	check_words(&flow, WORDS("retransmitted=3", "retransmissions>2", "out_of_order=0"),
		    WORDS("rtt>=0", "retransmitted>3", "out_of_order>0"));
	flow.tcp.handshake_us = 20001;
	flow.tcp.client_us = 1;
	flow.tcp.server_us = 20001;
	check_words(&flow,
		    WORDS("rtt=20ms", "rtt_us>=20000", "rtt=19ms-1s", "client_rtt=0",
			  "server_rtt<21ms", "rtt<1s500us"),
		    WORDS("rtt>20ms", "client_rtt>0", "server_rtt=20"));
}

TEST(ports_and_protocols)
{
	struct flow_record flow = ipv4_flow();

	check_words(&flow,
		    WORDS("sport=40000", "dport=443", "port=443", "port=40000", "dport=80,443",
			  "dport=400-500", "dport=443-443", "sport>=40000", "sport>1023",
			  "dport<1024", "dport<=443", "src_port=40000", "dst_port=0x1bb",
			  "proto=tcp", "proto=TCP", "proto=6", "proto=udp,tcp", "proto!=udp",
			  "dport!=80,22"),
		    WORDS("sport=443", "dport=40000", "port=80", "dport=1-442,444-65535",
			  "sport>40000", "sport<40000", "dport<0", "dport>65535", "proto=udp",
			  "proto!=tcp,udp", "proto=17"));
	flow = ipv6_flow();
	check_words(
		&flow,
		WORDS("proto=icmpv6", "proto=ICMP6", "proto=ipv6-icmp", "proto=58", "dport=32768"),
		WORDS("proto=icmp", "proto=0", "sport>0"));
}

TEST(as_numbers_and_interfaces)
{
	struct flow_record flow = ipv4_flow();

	check_words(&flow,
		    WORDS("src_as=64500", "dst_as=1.10", "as=AS65546", "as=64500", "as=64496-64511",
			  "src_as!=0", "out_if=2", "out_if=eth0", "iface=eth0", "iface=0",
			  "in_if=0", "iface!=br-lan", "iface=br-lan,eth0"),
		    WORDS("src_as=65546", "dst_as=64500", "as=0", "in_if=eth0", "out_if=br-lan",
			  "iface=7"));
}

TEST(direction_version_tos_vlan)
{
	struct flow_record flow = ipv4_flow();

	check_words(&flow,
		    WORDS("dir=out", "dir=OUT", "dir!=in", "dir=in,out", "v=4", "v!=6", "v=4,6",
			  "tos=46", "tos=0x2e", "vlan=100", "vlan>0", "mark=0xdeadbeef"),
		    WORDS("dir=in", "dir=unknown", "v=6", "tos=0", "vlan=0", "vlan=101-4095",
			  "mark=0"));
	flow = ipv6_flow();
	check_words(&flow, WORDS("dir=unknown", "v=6", "vlan=0"), WORDS("dir=in,out", "v=4"));
}

TEST(all_given_tcp_flags_are_needed)
{
	struct flow_record flow = ipv4_flow();

	check_words(
		&flow,
		WORDS("flags=S", "flags=SA", "flags=fspa", "flags=R,F", "flags!=R", "tcp_flags=P"),
		WORDS("flags=R", "flags=SR", "flags=FSPAU", "flags=E,C", "flags!=S"));
}

TEST(amounts_have_units_of_1000)
{
	struct flow_record flow = ipv4_flow();

	check_words(&flow,
		    WORDS("bytes=1000000", "bytes=1M", "bytes=1000k", "bytes>=1m", "bytes>999k",
			  "bytes<1G", "bytes<=1000000", "bytes=1k-1T", "packets=10", "packets>9",
			  "packets>=10", "packets!=11", "packets=1,10"),
		    WORDS("bytes>1M", "bytes<1M", "bytes=1048576", "packets>10", "packets<10",
			  "packets=1-9", "packets<0"));
	flow.octets = UINT64_MAX;
	check_words(&flow, WORDS("bytes>9223372036854775807", "bytes>=9223372T"), WORDS("bytes=0"));
}

TEST(times_have_units_and_are_seconds_without)
{
	struct flow_record flow = ipv4_flow(); /* from 90 s to 30 s ago */

	check_words(
		&flow,
		WORDS("duration=60", "duration=60s", "duration=1m", "duration=60000ms",
		      "duration>=1m", "duration=59-61", "age=1m30s", "age=90", "age<2m",
		      "age>1m29s999ms", "idle=30", "idle<=30s", "idle<1h", "idle<1d"),
		WORDS("duration>60", "duration<1m", "age<90s", "age>90s", "idle<30", "idle=1h30m"));
	flow = ipv6_flow();
	check_words(&flow, WORDS("duration=0", "age=0", "idle<1ms"), WORDS("duration>0"));
	flow.last_ms = NOW_MS + 5000; /* a clock ahead of ours: not long ago, and not 584 My */
	check_words(&flow, WORDS("idle=0", "duration=5"), WORDS("idle>0"));
}

TEST(words_are_anded)
{
	struct flow_record flow = ipv4_flow();
	const char *const both[] = { "proto=tcp", "dport=443", "bytes>=1M",
				     "src=192.0.2.0/24,::/0" };
	const char *const first[] = { "proto=tcp", "dport=80" };
	const char *const last[] = { "dport=22,80", "proto=tcp" };

	CHECK(matches(&flow, both, 4));
	CHECK(!matches(&flow, first, 2));
	CHECK(!matches(&flow, last, 2));
}

static void check_fails(const char *word, const char *expected)
{
	const char *const words[] = { "proto=tcp", word };
	struct error_text error = { { 0 }, { 0 } };

	if (flow_filter_parse(words, 2, &NAMES, &error))
		fail_msg("taken: %s", word);
	CHECK_TEXT(error.text, expected);
}

/* What can only match nothing, or what one of the two words matches, was meant otherwise. */
static bool unit_is(const void *context, const struct flow_record *flow, const char *name)
{
	CHECK_TEXT(context, "context");
	return flow->packets == 10 && strcmp(name, "nginx.service") == 0;
}

TEST(units_are_known_to_who_asks_for_them)
{
	const struct flow_filter_names names = { .unit_is = unit_is, .context = "context" };
	struct flow_record flow = ipv4_flow();
	struct flow_filter *filter;
	struct error_text error;

	filter = flow_filter_parse(WORDS("unit=ssh.service,nginx.service"), 1, &names, &error);
	CHECK(filter);
	CHECK_EQ(flow_filter_needs(filter), FLOW_FILTER_needs_unit);
	CHECK(flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow.packets = 1;
	CHECK(!flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow_filter_destroy(filter);
	/* As systemd names what the bus starts. */
	filter = flow_filter_parse(WORDS("unit=dbus-:1.12-org.example@0.service"), 1, &names,
				   &error);
	CHECK(!filter); /* too long */
	filter =
		flow_filter_parse(WORDS("unit=dbus-:1.2-org.example@0.service"), 1, &names, &error);
	CHECK(filter);
	flow_filter_destroy(filter);
	filter = flow_filter_parse(WORDS("unit!=nginx.service"), 1, &names, &error);
	CHECK(flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow_filter_destroy(filter);
	check_fails("rtt=1m", "filter: rtt \"1m\", expected a time such as 500us, 20ms or 1s, or "
			      "a range such as 1ms-20ms");
	check_fails("unit=nginx.service",
		    "filter: unit \"nginx.service\", expected the name of a unit, "
		    "of at most 31 characters; only agentctl knows them");
	check_fails("unit>a", "filter: \"unit>a\", expected = or != after unit");
}

TEST(a_flow_has_each_datum_once)
{
	static const struct {
		const char *words, *key; /* NULL: fine */
	} all[] = {
		{ "dport=80 proto=tcp dport=443", "dport" },
		{ "src=10.0.0.0/8 srcaddr=10.1.0.0/16", "src" },
		{ "bytes=5 bytes=7", "bytes" },
		{ "v=4 !v!=6", "v" },
		{ "host=192.0.2.1 host=192.0.2.2", NULL },
		{ "port=53 port=1024-65535", NULL },
		{ "bytes>1k bytes<1M bytes=5000", NULL },
		{ "src=10.0.0.0/8 src!=10.1.2.3", NULL },
		{ "proto!=tcp proto!=udp", NULL },
		{ "flags=S flags=A", NULL },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct error_text error = { { 0 }, { 0 } };
		struct flow_filter *filter = flow_filter_parse_text(all[i].words, &NAMES, &error);
		char text[sizeof(error.text)] = "";

		if (all[i].key)
			(void)snprintf(text, sizeof(text),
				       "filter: %s= is given twice, and both would have to match; "
				       "for either of them write %s=ONE,OTHER",
				       all[i].key, all[i].key);
		CHECK_EQ(filter == NULL, all[i].key != NULL);
		CHECK_TEXT(error.text, text);
		flow_filter_destroy(filter);
	}
}

TEST(unknown_keys_are_named_with_the_nearest)
{
	check_fails("dprot=80", "filter: unknown key \"dprot\" (did you mean \"dport\"?)");
	check_fails("src_a=1", "filter: unknown key \"src_a\" (did you mean \"src_as\"?)");
	check_fails("byte>5", "filter: unknown key \"byte\" (did you mean \"bytes\"?)");
	check_fails("colour=6",
		    "filter: unknown key \"colour\", expected one of src, dst, host, sport, "
		    "dport, port, src_as, dst_as, as, in_if, out_if, iface, proto, dir, v, tos, "
		    "vlan, mark, uid, unit, flags, bytes, packets, duration, age, idle, rtt, "
		    "client_rtt, server_rtt, retransmitted, out_of_order");
}

/* What agentctl's columns, fields= and tcpdump call it: filters take it as well. */
TEST(every_name_of_a_datum_is_a_key)
{
	struct flow_record flow = ipv4_flow();
	static const char *const words[] = {
		"dst_port=443",    "dstport=443",       "destinationTransportPort=443",
		"DPORT=443",       "protocol=tcp",      "protocolIdentifier=6",
		"octets>=1M",      "octetDeltaCount>1", "ip_version=4",
		"duration_ms>=0s", "tcp_flags=S",       "dport=https",
		"dport=HTTPS,ssh",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!matches(&flow, &words[i], 1))
			fail_msg("%s does not match", words[i]);
}

TEST(words_without_key_or_operator)
{
	check_fails("", "filter: \"\", expected KEY=VALUE such as proto=tcp");
	check_fails("tcp", "filter: \"tcp\", expected KEY=VALUE such as proto=tcp");
	check_fails("=tcp", "filter: \"=tcp\", expected KEY=VALUE such as proto=tcp");
	check_fails("!", "filter: \"!\", expected KEY=VALUE such as proto=tcp");
	check_fails("proto!tcp", "filter: \"proto!tcp\", expected KEY=VALUE such as proto=tcp");
	check_fails("proto>tcp", "filter: \"proto>tcp\", expected = or != after proto");
	check_fails("src<10.0.0.0/8", "filter: \"src<10.0.0.0/8\", expected = or != after src");
	check_fails("p\xf6rt=4", "filter: unknown key \"p?rt\" (did you mean \"port\"?)");
}

TEST(bad_values)
{
	static const struct {
		const char *word, *error;
	} wrong[] = {
		{ "src=", "src \"\", expected an address or a prefix such as 192.0.2.0/24" },
		{ "src=10.0.0.0/33",
		  "src \"10.0.0.0/33\", expected an address or a prefix such as 192.0.2.0/24" },
		{ "host=192.0.2.1,",
		  "host \"\", expected an address or a prefix such as 192.0.2.0/24" },
		{ "port=65536", "port \"65536\", expected 0 to 65535, a range such as 1-9, or the "
				"name of a service such as https" },
		{ "port=-1", "port \"-1\", expected 0 to 65535, a range such as 1-9, or the name "
			     "of a service such as https" },
		{ "port= 1", "port \" 1\", expected 0 to 65535, a range such as 1-9, or the name "
			     "of a service such as https" },
		{ "port=80,443-", "port \"443-\", expected 0 to 65535, a range such as 1-9, or the "
				  "name of a service such as https" },
		{ "port=9-1", "port \"9-1\", expected 0 to 65535, a range such as 1-9, or the name "
			      "of a service such as https" },
		{ "port>1-9", "port \"1-9\", expected 0 to 65535, a range such as 1-9, or the name "
			      "of a service such as https" },
		{ "port=nothing", "port \"nothing\", expected 0 to 65535, a range such as 1-9, or "
				  "the name of a service such as https" },
		{ "port=0x", "port \"0x\", expected 0 to 65535, a range such as 1-9, or the name "
			     "of a service such as https" },
		{ "vlan=4096", "vlan \"4096\", expected 0 to 4095 or a range such as 1-9" },
		{ "tos=256", "tos \"256\", expected 0 to 255 or a range such as 1-9" },
		{ "as=4294967296",
		  "as \"4294967296\", expected 0 to 4294967295 or a range such as 1-9" },
		{ "proto=tpc",
		  "proto \"tpc\", expected 0 to 255 or a name such as tcp, udp, icmp, icmpv6" },
		{ "proto=256",
		  "proto \"256\", expected 0 to 255 or a name such as tcp, udp, icmp, icmpv6" },
		{ "proto=1-6",
		  "proto \"1-6\", expected 0 to 255 or a name such as tcp, udp, icmp, icmpv6" },
		{ "iface=eth9", "iface \"eth9\", expected the index or name of an interface" },
		{ "in_if=4294967296",
		  "in_if \"4294967296\", expected the index or name of an interface" },
		{ "dir=up", "dir \"up\", expected in, out or unknown" },
		{ "v=5", "v \"5\", expected 4 or 6" },
		{ "flags=", "flags \"\", expected letters of FSRPAUEC" },
		{ "flags=SX", "flags \"SX\", expected letters of FSRPAUEC" },
		{ "flags=S ", "flags \"S \", expected letters of FSRPAUEC" },
		{ "bytes>1X", "bytes \"1X\", expected a number such as 1500, 10k or 2M, or a range "
			      "such as 1k-1M" },
		{ "bytes>9223372036854775808",
		  "bytes \"9223372036854775808\", expected a number such as 1500, 10k or 2M, or a "
		  "range such as 1k-1M" },
		{ "bytes>18446744073709551617",
		  "bytes \"18446744073709551617\", expected a number such as 1500, 10k or 2M, or a "
		  "range such as 1k-1M" },
		{ "packets=99999999999999T",
		  "packets \"99999999999999T\", expected a number such as 1500, 10k or 2M, or a "
		  "range such as 1k-1M" },
		{ "age<1y", "age \"1y\", expected a time such as 500ms, 30s or 1h30m, or a range "
			    "such as 1s-1m" },
	};
	char expected[320];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)strcpy(expected, "filter: ");
		check_fails(wrong[i].word, strcat(expected, wrong[i].error));
	}
}

TEST(long_values_are_refused_and_cut_in_the_error)
{
	char word[200] = "src=";

	memset(word + 4, '1', sizeof(word) - 5);
	word[sizeof(word) - 1] = '\0';
	check_fails(word, "filter: src "
			  "\"111111111111111111111111111111111111111111111111111111111111...\", "
			  "expected an address or a prefix such as 192.0.2.0/24");
	memcpy(word, "xxxx", 4); /* a key longer than any */
	word[150] = '=';
	CHECK(!flow_filter_parse(&(const char *){ word }, 1, NULL, &(struct error_text){ "", "" }));
}

static uint32_t index_of_wg0;

static bool interface_is(const void *context, uint32_t number, const char *name)
{
	CHECK_TEXT(context, "context");
	CHECK(number != 0);
	return strcmp(name, "wg0") == 0 && number == index_of_wg0;
}

TEST(interface_names_may_be_asked_for_when_a_flow_is_matched)
{
	static const struct flow_filter_names names = { .interface_is = interface_is,
							.context = "context" };
	const struct flow_record flow = { .key = { .output_interface = 7, .ip_version = 4 } };
	const char *const words[] = { "iface=wg0,9", "in_if!=wg0" };
	struct error_text error;
	struct flow_filter *filter = flow_filter_parse(words, 2, &names, &error);

	CHECK(filter != NULL);
	index_of_wg0 = 0; /* it is not there yet */
	CHECK(!flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	index_of_wg0 = 7;
	CHECK(flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	index_of_wg0 = 8; /* made anew */
	CHECK(!flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow_filter_destroy(filter);
	for (size_t i = 0; i < 3; i++) {
		static const char *const wrong[] = { "iface=a/b", "iface=0123456789abcdef",
						     "iface=" };

		CHECK(!flow_filter_parse(&wrong[i], 1, &names, &error));
	}
}

TEST(interface_names_need_someone_who_knows_them)
{
	const char *const word = "iface=eth0";
	const struct flow_filter_names nobody = { .interface_index = NULL };
	struct error_text error;

	CHECK(!flow_filter_parse(&word, 1, NULL, &error));
	CHECK(!flow_filter_parse(&word, 1, &nobody, &error));
	CHECK_TEXT(error.text,
		   "filter: iface \"eth0\", expected the index or name of an interface");
}

TEST(words_of_one_text)
{
	struct flow_filter *filter;
	struct flow_record flow = ipv4_flow();
	struct error_text error;

	filter = flow_filter_parse_text("  proto=tcp\tdport=80,443 ", &NAMES, &error);
	CHECK(filter != NULL);
	CHECK(flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow.key.destination_port = 444;
	CHECK(!flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow_filter_destroy(filter);
	filter = flow_filter_parse_text(" ", NULL, &error);
	CHECK(filter != NULL);
	CHECK(flow_filter_matches(filter, &flow, 0, 0, NOW_MS));
	flow_filter_destroy(filter);
	CHECK(!flow_filter_parse_text("proto=tcp port", NULL, &error));
	CHECK_TEXT(error.text, "filter: \"port\", expected KEY=VALUE such as proto=tcp");
}

TEST(what_a_filter_needs)
{
	static const struct {
		const char *text;
		unsigned int needs;
	} cases[] = {
		{ "proto=tcp duration>1s", 0 },
		{ "proto=tcp age>1s", FLOW_FILTER_needs_now },
		{ "idle!=1s", FLOW_FILTER_needs_now },
		{ "src_as=1", FLOW_FILTER_needs_as_numbers },
		{ "as=1,2 age=1s", FLOW_FILTER_needs_as_numbers | FLOW_FILTER_needs_now },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error_text error;
		struct flow_filter *filter = flow_filter_parse_text(cases[i].text, NULL, &error);

		CHECK(filter != NULL);
		CHECK_EQ(flow_filter_needs(filter), cases[i].needs);
		flow_filter_destroy(filter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_words_match_everything),
		cmocka_unit_test(addresses),
		cmocka_unit_test(users),
		cmocka_unit_test(units_are_known_to_who_asks_for_them),
		cmocka_unit_test(connections),
		cmocka_unit_test(ports_and_protocols),
		cmocka_unit_test(as_numbers_and_interfaces),
		cmocka_unit_test(direction_version_tos_vlan),
		cmocka_unit_test(all_given_tcp_flags_are_needed),
		cmocka_unit_test(amounts_have_units_of_1000),
		cmocka_unit_test(times_have_units_and_are_seconds_without),
		cmocka_unit_test(words_are_anded),
		cmocka_unit_test(a_flow_has_each_datum_once),
		cmocka_unit_test(unknown_keys_are_named_with_the_nearest),
		cmocka_unit_test(every_name_of_a_datum_is_a_key),
		cmocka_unit_test(words_without_key_or_operator),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(long_values_are_refused_and_cut_in_the_error),
		cmocka_unit_test(interface_names_may_be_asked_for_when_a_flow_is_matched),
		cmocka_unit_test(interface_names_need_someone_who_knows_them),
		cmocka_unit_test(words_of_one_text),
		cmocka_unit_test(what_a_filter_needs),
	};

	return RUN_TESTS(tests);
}
