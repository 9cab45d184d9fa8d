/* test_config_file.c - flowagent.conf and its drop-ins: lines, sections, and errors that name them.
 */
#include "configured.h"

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
	check_file_error("[agent] x\n", "f.conf:1: expected nothing after the section");
	check_file_error("[agent \"x\"]\n", "f.conf:1: section [agent] has no name");
	check_file_error("[source]\n", "f.conf:1: expected a name: [source \"NAME\"]");
	check_file_error("[source \"\"]\n", "f.conf:1: expected a name of 1 to 100 bytes");
	check_file_error(
		"[source \"nflog:x\"]\n",
		"f.conf:1: source \"nflog:x\": expected \"nflog:GROUP\" with a group from 0 "
		"to 65535, or \"ulog:MASK\", or the name of an interface, or \"bpf:IFACE\"");
	check_file_error(
		"[source \"nflog:040\"]\nsnaplen = 96\n",
		"f.conf:1: source \"nflog:040\": expected \"nflog:GROUP\" with a group from "
		"0 to 65535, or \"ulog:MASK\", or the name of an interface, or \"bpf:IFACE\"");
	check_file_error(
		"[source \"nflog:65536\"]\n",
		"f.conf:1: source \"nflog:65536\": expected \"nflog:GROUP\" with a group "
		"from 0 to 65535, or \"ulog:MASK\", or the name of an interface, or \"bpf:IFACE\"");
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
			 "f.conf:1: collector x: has no address");
	check_file_error("[collector \"x\"]\naddress =\n", "f.conf:2: address: expected a value");
	check_file_error("[collector \"x\"]\naddress = h:0\n",
			 "f.conf:2: address: value \"h:0\": expected a port from 1 to 65535, or a "
			 "service such as netflow, after "
			 "the colon, not \"0\"");
	check_file_error("[collector \"x\"]\naddress = /srv/flows,rotate=1h\n",
			 "f.conf:2: address: value \"/srv/flows,rotate=1h\": a path cannot have a "
			 "comma; the keys of a section stand on "
			 "lines of their own");
	check_file_error("[agent]\ncontrol = a\n[control]\nsocket = b\n",
			 "f.conf:4: control: set in line 2 already");
	check_file_error("[collector \"x\"]\naddress = h\nuptime = on\nversion = 10\n",
			 "f.conf:3: collector x: uptime=on is for NetFlow v9, not for version=10");
	check_file_error("[agent]\ntimeout = udp=5s\ntimeout = tcp=1m,udp=7s\n",
			 "f.conf:3: timeout: the timeout \"udp\" is set in line 2 already");
	check_file_error("[agent]\nactive-timeout = 60s\ntimeout = maxlife=60s\n",
			 "f.conf:3: timeout: the timeout \"active\" is set in line 2 already");
	check_file_error("[agent]\ntimeout = inactive=9s\ninactive-timeout = 15s\n",
			 "f.conf:3: inactive-timeout: set in line 2 already");
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
	static const char *const texts[] = {
		"[agent]\nactive-timeout = 60s # one minute\n",
		"[agent]\nactive-timeout = 60s\t# one minute\n",
		"[agent]\ncollector = 192.0.2.1:2055\t# ours\n",
		"[collector \"192.0.2.1:2055\"]\nversion = 10 # IPFIX\n",
		"[source \"nflog:40\"]\nsampling = random:10\t# one in ten\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error_text error;
		struct config config;

		CHECK(parse_bytes(&config, texts[i], strlen(texts[i]), &error) < 0);
		CHECK_TEXT(error.hint, "after a value a comment starts with ;");
		config_clear(&config);
	}
}

TEST(a_section_has_the_hints_of_its_values)
{
	static const char text[] = "[collector \"ours\"]\naddress = flows.json\n";
	struct error_text error;
	struct config config;

	CHECK(parse_bytes(&config, text, strlen(text), &error) < 0);
	CHECK_TEXT(error.hint,
		   "for a file write ./flows.json; for a host of this name flows.json:2055");
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

/* It would be waited for, for ever. */
TEST(a_named_pipe_is_no_drop_in)
{
	char line[128], path[128], text[256];
	struct tree tree;

	tree_create(&tree, "");
	(void)snprintf(path, sizeof(path), "%s/9-b.conf", tree.drop_ins);
	CHECK_EQ(mkfifo(path, 0600), 0);
	(void)snprintf(line, sizeof(line), "-f %s", tree.file);
	(void)snprintf(text, sizeof(text),
		       "cannot read the configuration file %s: a named pipe; expected a file",
		       path);
	check_error(line, CONFIG_invalid, text);
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
		{ "\n[collector \"a\"]\nmtu = 1500\n", "f.conf:2: collector a: has no address" },
		{ "[collector \"a\"]\naddress = h\nversion = 9\ntransport = tcp\nmtu = 1500\n",
		  "f.conf:4: collector a: NetFlow v9 has no messages for transport tcp, which "
		  "needs IPFIX or JSON" },
		{ "[collector \"a\"]\naddress = h\nca = /x\ndscp = 5\n",
		  "f.conf:3: collector a: ca, certificate, key, server-name and verify are for "
		  "transport tls, not for udp" },
		{ "[collector \"a\"]\naddress = h\nfields = 1+2\nversion = 5\n",
		  "f.conf:3: collector a: records of NetFlow v5 always have the same fields" },
		{ "[collector \"a\"]\naddress = h\nkeep = 5\nmtu = 1500\n",
		  "f.conf:3: collector a: keep is for files" },
		{ "[collector \"a\"]\naddress = /tmp/x\ndscp = 5\nversion = 10\n",
		  "f.conf:3: collector a: interface, dscp and ttl are for packets, and "
		  "transport file sends none" },
		{ "[collector \"a\"]\naddress = h\nfilter = as=5\nmtu = 1500\n",
		  "f.conf:3: collector a: its filter asks for AS numbers, which only an "
		  "asn-table or a networks-file gives" },
		{ "[collector \"a\"]\naddress = h\nspool = 0\nspool-directory = /tmp\nmtu = 1500\n",
		  "f.conf:4: collector a: a spool-directory is of no use without a spool" },
		{ "[collector \"a\"]\naddress = /tmp/x\n[collector \"b\"]\naddress = /tmp/x\n",
		  "f.conf:4: collector b: has the address of collector a, which would get every "
		  "flow twice" },
		{ "[collector \"a\"]\naddress = [fe80::1]\n",
		  "f.conf:2: collector a: a link-local address needs the interface of its link" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_file_error(cases[i].text, cases[i].error);
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

TEST(an_empty_value_empties_a_list_and_what_follows_begins_a_new_one)
{
	struct tree tree;
	struct error_text error;
	struct config config;
	char origin[96], line[96];

	tree_create(&tree, "[agent]\ncollector = h1\ncollector = h2\nnflog = 41\nbpf = eth1\n"
			   "timeout = udp=5s,active=7s\n[collector \"named\"]\naddress = h3\n");
	tree_write(tree.drop_ins, "10-a.conf",
		   "[agent]\ncollector =\nnflog =\ntimeout = ; comment\ntimeout = icmp=9s\n"
		   "[collector \"named\"]\naddress = h4\nmtu = 1400\n");
	tree_write(tree.drop_ins, "9-b.conf", "[agent]\nbpf =\nnflog = 43\n");
	(void)snprintf(line, sizeof(line), "-f %s", tree.file);
	if (parse(&config, line, &error) != CONFIG_run)
		fail_msg("%s", error.text);
	CHECK_EQ(config.collector_count, 1);
	CHECK_TEXT(config.collectors[0].name, "named");
	CHECK_TEXT(config.collectors[0].host, "h4");
	CHECK_EQ(config.source_count, 1);
	CHECK_TEXT(config.sources[0].name, "nflog:43");
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_udp], 15000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_icmp], 9000);
	CHECK_EQ(config.expiry.idle_ms[EXPIRY_tcp_rst], 2000);
	CHECK_EQ(config.expiry.active_ms, 7000);
	(void)snprintf(origin, sizeof(origin), "%s/9-b.conf:2", tree.drop_ins);
	check_value(&config, "bpf", "(unset)", origin);
	config_clear(&config);

	tree_write(tree.drop_ins, "9-b.conf", "[agent]\ncollector =\nbpf =\n");
	CHECK_EQ(parse(&config, line, &error), CONFIG_run);
	CHECK_EQ(config.collector_count, 0);
	CHECK_TEXT(config.sources[0].name, "nflog:40");
	check_value(&config, "collector", "(unset)", origin);
	config_clear(&config);
	/* All files of a source go with it. */
	tree_write(tree.drop_ins, "9-b.conf",
		   "[agent]\nbpf =\nread = a.pcap\nread = b.pcap\nread =\nnflog = 43\n");
	CHECK_EQ(parse(&config, line, &error), CONFIG_run);
	CHECK_EQ(config.source_count, 1);
	CHECK_TEXT(config.sources[0].name, "nflog:43");
	config_clear(&config);
	check_file_error("[agent]\nmax-flows =\n", "f.conf:2: max-flows: value \"\": expected N");
	check_error("--collector=", CONFIG_invalid,
		    "--collector \"\": expected HOST:PORT[,KEY=VALUE...]");
	tree_remove(&tree);
}

/* The texts of 'before' read again, where the environment is another. */
static void check_kept_variables(const struct config *before)
{
	char name[] = "flowagent";
	char *argv[] = { name, NULL };
	struct config_text text = { .name = name };
	char lines[] = "[agent]\nnflog = 40\ncontrol = /run/${FLOW_TEST}\n";
	struct error_text error;
	struct config config;

	text.bytes = (uint8_t *)lines;
	text.size = strlen(lines);
	CHECK(setenv("FLOW_TEST", "h8", 1) == 0);
	CHECK_EQ(config_load_texts(&config, 1, argv, &text, 1, &before->variables, &error),
		 CONFIG_run);
	CHECK_TEXT(config.control, "/run/h7");
	CHECK_EQ(config.variables.count, 2);
	config_clear(&config);
	CHECK_EQ(config_load_texts(&config, 1, argv, &text, 1, NULL, &error), CONFIG_run);
	CHECK_TEXT(config.control, "/run/h8");
	config_clear(&config);
}

TEST(values_take_variables_of_the_environment)
{
	static const char text[] = "[agent]\ncollector = ${FLOW_TEST}:9995\n"
				   "control = /run/${FLOW_TEST}-$${x}-$y\n"
				   "[source \"nflog:41\"]\nlabel = ${HOSTNAME}\n";
	char host[256] = "";
	char longest[CONFIG_LINE_SIZE_MAX];
	struct error_text error;
	struct config config;

	CHECK(setenv("FLOW_TEST", "h7;x", 1) == 0 && setenv("FLOW_EMPTY", "", 1) == 0);
	check_file_error(text,
			 "f.conf:2: collector: value \"h7;x:9995\": expected HOST:PORT with a host "
			 "name or an address, or a path that begins with / or ./");
	CHECK(setenv("FLOW_TEST", "h7", 1) == 0 && unsetenv("HOSTNAME") == 0);
	if (parse_bytes(&config, text, strlen(text), &error))
		fail_msg("%s", error.text);
	CHECK_TEXT(config.collectors[0].name, "h7:9995");
	CHECK_TEXT(config.control, "/run/h7-${x}-$y");
	CHECK(gethostname(host, sizeof(host) - 1) == 0);
	CHECK_TEXT(config.sources[0].label, host);
	CHECK_EQ(config.variables.count, 2);
	CHECK_TEXT(config.variables.items[0].name, "FLOW_TEST");
	CHECK_TEXT(config.variables.items[0].value, "h7");
	CHECK_TEXT(config.variables.items[1].value, host);
	check_kept_variables(&config);
	config_clear(&config);

	check_file_error("[agent]\n\ncontrol = ${FLOW_NONE}\n",
			 "f.conf:3: control: value \"${FLOW_NONE}\": the environment has no "
			 "variable FLOW_NONE");
	check_file_error("[agent]\ncollector = ${FLOW_EMPTY}\n",
			 "f.conf:2: collector: value \"${FLOW_EMPTY}\": the environment has an "
			 "empty variable FLOW_EMPTY");
	check_file_error("[agent]\ncontrol = ${\n",
			 "f.conf:2: control: value \"${\": expected ${NAME} of letters, digits "
			 "and _, or $${ for ${");
	(void)memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(setenv("FLOW_TEST", longest, 1) == 0);
	check_file_error("[agent]\ncontrol = ${FLOW_TEST}xx\n",
			 "f.conf:2: control: value \"${FLOW_TEST}xx\": is longer than 4000 bytes "
			 "with its variables");
	CHECK(setenv("FLOW_TEST", "a\x01", 1) == 0);
	check_file_error("[agent]\ncontrol = ${FLOW_TEST}\n",
			 "f.conf:2: byte 0x01 in column 2 is not text in UTF-8");
	CHECK(unsetenv("FLOW_TEST") == 0 && unsetenv("FLOW_EMPTY") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_with_everything),
		cmocka_unit_test(file_errors_name_the_line),
		cmocka_unit_test(lines_may_have_comments_and_blanks),
		cmocka_unit_test(a_comment_that_is_none_is_hinted_at),
		cmocka_unit_test(a_section_has_the_hints_of_its_values),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(long_lines_are_whole_or_an_error),
		cmocka_unit_test(drop_ins_win_over_the_file_and_the_command_line_over_both),
		cmocka_unit_test(a_named_pipe_is_no_drop_in),
		cmocka_unit_test(an_error_of_a_section_names_its_own_line),
		cmocka_unit_test(the_default_file_of_the_package_is_valid),
		cmocka_unit_test(an_empty_value_empties_a_list_and_what_follows_begins_a_new_one),
		cmocka_unit_test(values_take_variables_of_the_environment),
	};

	return RUN_TESTS(tests);
}
