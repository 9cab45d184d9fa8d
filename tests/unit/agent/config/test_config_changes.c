/* test_config_changes.c - what is another in a second configuration, and what of the first stays.
 */
#include "configured.h"

#include "config_changes.h"
#include "config_options.h"

/* The change of an option or key; NULL: there is none. */
static const struct config_change *find(const struct config_changes *changes, const char *name)
{
	for (size_t i = 0; i < changes->count; i++)
		if (!strcmp(changes->changes[i].name, name))
			return &changes->changes[i];
	return NULL;
}

static void check_change(const struct config_changes *changes, const char *name, const char *before,
			 const char *after, bool needs_restart)
{
	const struct config_change *change = find(changes, name);

	CHECK(change);
	CHECK_TEXT(change->before ? change->before : "(nothing)", before);
	CHECK_TEXT(change->after ? change->after : "(nothing)", after);
	CHECK_EQ(change->needs_restart, needs_restart);
}

static void compare(const char *before, const char *after, struct config *one, struct config *other,
		    struct config_changes *changes)
{
	struct error_text error;

	CHECK_EQ(parse(one, before, &error), CONFIG_run);
	CHECK_EQ(parse(other, after, &error), CONFIG_run);
	CHECK_EQ(config_changes_find(one, other, changes), 0);
}

TEST(the_same_is_no_change)
{
	const char *line = "--nflog 40-42,label=a --collector 192.0.2.1:2055,version=10 "
			   "--timeout udp=3s --log-level debug --if-map eth:100";
	struct config one, other;
	struct config_changes changes;

	compare(line, line, &one, &other, &changes);
	CHECK_EQ(changes.count, 0);
	config_changes_clear(&changes);
	config_clear(&one);
	config_clear(&other);
}

TEST(options_sources_and_collectors_are_compared)
{
	struct config one, other;
	struct config_changes changes;

	compare("--nflog 40 --nflog 41 --max-flows 1000 -n 192.0.2.1:1 -n 192.0.2.2:2,rate=5",
		"--nflog 40,label=up --active-timeout 7 --max-flows 2000 --summary /x "
		"-n 192.0.2.2:2,rate=6,mtu=1000 -n 192.0.2.3:3",
		&one, &other, &changes);
	check_change(&changes, "active-timeout", "60s", "7s", false);
	check_change(&changes, "max-flows", "1000", "2000", true);
	check_change(&changes, "summary", "(nothing)", "/x", true);
	check_change(&changes, "source nflog:40: label", "(nothing)", "up",
		     find(&changes, "source nflog:40: label")->needs_restart);
	check_change(&changes, "source nflog:41", "there", "(nothing)",
		     config_options[OPTION_nflog].needs_restart);
	check_change(&changes, "collector 192.0.2.1:1", "there", "(nothing)",
		     config_options[OPTION_collector].needs_restart);
	check_change(&changes, "collector 192.0.2.3:3", "(nothing)", "there",
		     config_options[OPTION_collector].needs_restart);
	check_change(&changes, "collector 192.0.2.2:2: rate", "5", "6",
		     find(&changes, "collector 192.0.2.2:2: rate")->needs_restart);
	check_change(&changes, "collector 192.0.2.2:2: mtu", "(nothing)", "1000",
		     find(&changes, "collector 192.0.2.2:2: mtu")->needs_restart);
	CHECK_EQ(changes.count, 9);
	config_changes_clear(&changes);
	config_clear(&one);
	config_clear(&other);
}

/* Twice is as before: so a reload that fails changes nothing. */
TEST(what_needs_a_restart_stays_and_comes_back)
{
	struct config one, other;
	struct config_changes changes;

	compare("--flow-key addresses,protocol --aggregate-ipv4 /24 --max-flows 1000 "
		"--active-timeout 5 --user a",
		"--aggregate-ipv4 /16 --max-flows 2000 --active-timeout 7 --control /c", &one,
		&other, &changes);
	config_changes_keep(&other, &one);
	check_value(&other, "flow-key", "addresses,protocol", "command line");
	check_value(&other, "aggregate-ipv4", "/24", "command line");
	check_value(&other, "max-flows", "1000", "command line");
	check_value(&other, "active-timeout", "7s", "command line");
	check_value(&other, "user", "a", "command line");
	check_value(&other, "control", "(unset)", "default");
	CHECK_EQ(other.expiry.ignored_flags, 0xff);

	config_changes_keep(&one, &other);
	check_value(&one, "flow-key", "addresses,protocol", "command line");
	check_value(&one, "aggregate-ipv4", "/24", "command line");
	check_value(&one, "active-timeout", "5s", "command line");
	CHECK_EQ(one.expiry.ignored_flags, 0xff);
	check_value(&other, "aggregate-ipv4", "/16", "command line");
	config_changes_clear(&changes);
	config_clear(&one);
	config_clear(&other);
}

TEST(sources_keep_what_needs_a_restart)
{
	struct config one, other;
	struct config_changes changes;

	compare("--nflog 40,buffer=1M,label=a,direction=in --nflog 42",
		"--nflog 40,buffer=2M,label=b,direction=out --nflog 41", &one, &other, &changes);
	config_changes_keep(&other, &one);
	check_value(&other, "nflog", "40,buffer=1M,direction=in,label=b 41", "command line");
	config_changes_keep(&one, &other);
	check_value(&one, "nflog", "40,buffer=1M,direction=in,label=a 42", "command line");

	config_changes_hold_sources(&other, &changes);
	check_change(&changes, "source nflog:40: label", "a", "b", true);
	config_changes_keep(&other, &one);
	check_value(&other, "nflog", "40,buffer=1M,direction=in,label=a 42", "command line");
	config_changes_clear(&changes);
	config_clear(&one);
	config_clear(&other);
}

TEST(a_file_is_read_again_and_settings_win)
{
	static char program[] = "flowagent", option[] = "--config", level[] = "--log-level",
		    debug[] = "debug", timeout[] = "active-timeout", seconds[] = "9s";
	struct config_override setting = { timeout, seconds };
	struct error_text error;
	struct config config;
	struct tree tree;

	tree_create(&tree, "[agent]\nactive-timeout = 5s\nlog-level = error\n");
	{
		char *words[] = { program, option, tree.file, level, debug, NULL };
		const struct config_again again = {
			.argc = 5, .argv = words, .settings = &setting, .setting_count = 1
		};

		CHECK_EQ(config_load_again(&config, &again, &error), CONFIG_run);
		check_value(&config, "active-timeout", "9s", "agentctl set");
		check_value(&config, "log-level", "debug", "command line");
		config_clear(&config);
		tree_write(tree.directory, "a.conf", "[agent]\nnetworks-file = /nowhere\n");
		CHECK_EQ(config_load_again(&config, &again, &error), CONFIG_invalid);
		CHECK(strstr(error.text, "a.conf:2: cannot read networks-file /nowhere"));
		config_clear(&config);
	}
	tree_remove(&tree);
}

TEST(only_single_values_can_be_set)
{
	static const char *const refused[] = { "nflog", "collector", "max-flows", "config",
					       "help",  "nothing",   "" };
	struct error_text error;
	bool adds;

	CHECK_EQ(config_override_check("log-level", &adds, &error), 0);
	CHECK(!adds);
	CHECK_EQ(config_override_check("timeout", &adds, &error), 0);
	CHECK(adds);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(config_override_check(refused[i], &adds, &error) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_no_change),
		cmocka_unit_test(options_sources_and_collectors_are_compared),
		cmocka_unit_test(what_needs_a_restart_stays_and_comes_back),
		cmocka_unit_test(sources_keep_what_needs_a_restart),
		cmocka_unit_test(a_file_is_read_again_and_settings_win),
		cmocka_unit_test(only_single_values_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
