/* test_agentctl_mask.c - secrets out of a text, and nothing else; an archive's bytes. */
#include "agentctl_mask.h"
#include "agentctl_tar.h"
#include "check.h"

#include <stdio.h>

static void expect(const char *text, const char *masked)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	agentctl_mask(copy);
	CHECK_TEXT(copy, masked);
	free(copy);
}

TEST(values_of_secrets_are_stars)
{
	expect("password = hunter2\nmax-flows = 1000\n", "password = *******\nmax-flows = 1000\n");
	expect("Api-Token:abc def", "Api-Token:*** ***");
	expect("x=1,tls-secret=abc", "x=1,tls-secret=***");
	expect("SECRET", "SECRET");
	expect("the passphrase is long\r\n\n= a\n", "the passphrase ** ****\r\n\n= a\n");
	expect("secret:\n\nb = c\n", "secret:\n\nb = c\n");
}

TEST(other_lines_stay)
{
	expect("", "");
	expect("key=/etc/flowagent/client.key\nflow-key = ports\n\n",
	       "key=/etc/flowagent/client.key\nflow-key = ports\n\n");
}

TEST(pem_blocks_are_stars)
{
	expect("a\n-----BEGIN PRIVATE KEY-----\nMIIE\nQw==\n-----END PRIVATE KEY-----\nb = c\n",
	       "a\n-----BEGIN PRIVATE KEY-----\n****\n****\n-----END PRIVATE KEY-----\nb = c\n");
}

TEST(archive_has_header_text_and_padding)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&bytes, &size);

	assert_non_null(memory);
	agentctl_tar_add(memory, "a/b", "hello", 5, 1700000000);
	agentctl_tar_finish(memory);
	CHECK_EQ(fclose(memory), 0);
	CHECK_EQ(size, 4 * 512);
	CHECK_TEXT(bytes, "a/b");
	CHECK_TEXT(bytes + 124, "00000000005");
	CHECK_TEXT(bytes + 257, "ustar");
	CHECK_TEXT(bytes + 512, "hello");
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_secrets_are_stars),
		cmocka_unit_test(other_lines_stay),
		cmocka_unit_test(pem_blocks_are_stars),
		cmocka_unit_test(archive_has_header_text_and_padding),
	};

	return RUN_TESTS(tests);
}
