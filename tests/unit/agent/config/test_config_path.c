/* test_config_path.c - collectors that are a path. */
#include "configured.h"

#include "config_keys.h"
#include "config_options.h"

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
		{ "-n h,rotate=1h", "collector h:2055: rotate is for files" },
		{ "-n unix:/a,keep=1", "collector /a: keep is for files" },
		{ "-n -,rotate=1h", "collector -: rotate is for files, not for standard output" },
		{ "-n /a,keep=3",
		  "collector /a: keep is for files that are rotated: add rotate=TIME" },
		{ "-n /a,rotate-size=64k,mtu=16384",
		  "collector /a: rotate-size is less than 8 messages (mtu)" },
		{ "-n - --summary -", "collector -: standard output cannot have flows and the "
				      "summary: write one of them to a file" },
		{ "-n /a -n /a", "collector /a is given twice: it would get every flow twice" },
		{ "-n unix:", "--collector \"unix:\": expected the path of a socket after unix:" },
		{ "-n /a,rotate=500ms", "--collector \"/a,rotate=500ms\": rotate: expected a time "
					"from 1s to 31d, such as 90, 90s or 1h30m" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_error(wrong[i].line, CONFIG_invalid, wrong[i].why);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collectors_that_are_a_path),
		cmocka_unit_test(wrong_paths),
		cmocka_unit_test(a_path_of_a_socket_that_no_socket_can_have),
	};

	return RUN_TESTS(tests);
}
