/* test_config_load.c - what --help and --check-config say and do. */
#include "configured.h"

#include "config_options.h"

#include <unistd.h>

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

TEST(check_config_reads_what_a_start_would_read)
{
	static const char *const wrong[][2] = {
		{ "--check-config -f %s --networks-file %s", "%s:1: " },
		{ "--check-config -f %s --applications-file %s", "%s:1: " },
		{ "--check-config -f %s -n h,transport=tls,certificate=%s",
		  "collector h:4740: cannot read the certificate in %s: " },
		{ "--check-config -f %s -n h,transport=tls,ca=%s",
		  "collector h:4740: cannot read the certificate authorities in %s: " },
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
			       "%s:%d: collector c: cannot use %s /nonexistent/x: No such file or "
			       "directory",
			       tree.file, strcmp(keys[i], "key") == 0 ? 5 : 4, keys[i]);
		check_error(line, CONFIG_invalid, expected);
		tree_remove(&tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_lists_every_option_and_fits_the_screen),
		cmocka_unit_test(check_config_says_yes_on_standard_output),
		cmocka_unit_test(check_config_reads_what_a_start_would_read),
		cmocka_unit_test(check_config_looks_for_the_files_of_collectors),
	};

	return RUN_TESTS(tests);
}
