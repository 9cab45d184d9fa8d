/* test_config_hash_key.c - the secret of shares and samples: of a file, else of the machine. */
#include "config_hash_key.h"

#include "configured.h"

static int load(const char *line, struct hash_key *key, struct error_text *error)
{
	struct config config;
	int result;

	CHECK_EQ(parse(&config, line, error), CONFIG_run);
	result = config_hash_key_load(&config, key, error);
	config_clear(&config);
	return result;
}

static bool is_same(struct hash_key one, struct hash_key other)
{
	return one.k0 == other.k0 && one.k1 == other.k1;
}

TEST(a_file_gives_the_same_everywhere_and_the_machine_after_a_restart)
{
	struct error_text error;
	struct hash_key live;
	struct hash_key again;
	struct hash_key file;

	CHECK_EQ(load("-r a.pcap", &file, &error), 0);
	CHECK(is_same(file, (struct hash_key){ .k0 = 1 }));
	CHECK_EQ(load("-g 40", &live, &error), 0);
	CHECK(!is_same(live, file));
	CHECK_EQ(load("-g 41", &again, &error), 0);
	if (access("/etc/machine-id", R_OK) == 0)
		CHECK(is_same(live, again));
}

TEST(a_key_file_gives_the_same_to_all_who_have_it)
{
	static const char *const texts[] = { "sixteen letters.", "sixteen letters.\n",
					     "sixteen letters.\r\n",
					     "sixteen letters:", "sixteen letters.." };
	struct hash_key keys[5];
	struct error_text error;
	struct tree tree;
	char line[256];

	tree_create(&tree, "");
	(void)snprintf(line, sizeof(line), "-g 40 --hash-key-file %s/d.txt", tree.drop_ins);
	for (size_t i = 0; i < 5; i++) {
		tree_write(tree.drop_ins, "d.txt", texts[i]);
		CHECK_EQ(load(line, &keys[i], &error), 0);
		CHECK_EQ(is_same(keys[i], keys[0]), i < 3);
	}
	CHECK(!is_same(keys[3], keys[4]));
	/* On every machine, for ever: values of an implementation of its own, in Python. */
	CHECK_EQ(keys[0].k0, UINT64_C(0x46f1932cba80ba8b));
	CHECK_EQ(keys[0].k1, UINT64_C(0x1f9ebd483baf5847));
	tree_remove(&tree);
}

TEST(what_is_no_secret_is_refused)
{
	struct error_text error;
	struct hash_key key;
	struct tree tree;
	char line[256];
	char text[320];
	char long_text[4098] = { 0 };

	tree_create(&tree, "");
	(void)snprintf(line, sizeof(line), "-g 40 --hash-key-file %s/d.txt", tree.drop_ins);
	CHECK(load(line, &key, &error) < 0);
	(void)snprintf(text, sizeof(text), "%s/d.txt: cannot read: No such file or directory",
		       tree.drop_ins);
	CHECK_TEXT(error.text, text);
	memset(long_text, 'x', sizeof(long_text) - 1);
	tree_write(tree.drop_ins, "d.txt", long_text);
	CHECK(load(line, &key, &error) < 0);
	(void)snprintf(text, sizeof(text),
		       "%s/d.txt: larger than 4096 bytes, the most that is read", tree.drop_ins);
	CHECK_TEXT(error.text, text);
	tree_write(tree.drop_ins, "d.txt", "fifteen letters\n");
	CHECK(load(line, &key, &error) < 0);
	(void)snprintf(text, sizeof(text),
		       "%s/d.txt: expected a secret of at least 16 bytes, and it has 15",
		       tree.drop_ins);
	CHECK_TEXT(error.text, text);
	(void)snprintf(line, sizeof(line), "--check-config -f %s --hash-key-file %s/d.txt",
		       tree.file, tree.drop_ins);
	check_error(line, CONFIG_invalid, text);
	tree_remove(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_gives_the_same_everywhere_and_the_machine_after_a_restart),
		cmocka_unit_test(a_key_file_gives_the_same_to_all_who_have_it),
		cmocka_unit_test(what_is_no_secret_is_refused),
	};

	return RUN_TESTS(tests);
}
