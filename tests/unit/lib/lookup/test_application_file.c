/* test_application_file.c - both forms of a line, and what is wrong with others. */
#include "application_file.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

/* Parse from a block of exactly the size. */
static struct application_table *parse(const char *text, size_t size, struct error_text *error)
{
	char *copy = malloc(size ? size : 1);
	struct application_table *table;

	memcpy(copy, text, size);
	table = application_file_parse("apps", copy, size, error);
	free(copy);
	return table;
}

static const char *name_of(const struct application_table *table, uint8_t protocol, uint16_t port)
{
	const struct application *found = application_table_find(table, protocol, 0, port);

	return found ? found->name : "-";
}

TEST(all_forms)
{
	static const char text[] = "# names\n"
				   "tcp/443 https\n"
				   "  udp/53\tdns  # comment\r\n"
				   "\n"
				   "25 smtp\n"
				   "tcp/6000-6063 x11\n"
				   "sctp/36412 s1ap\n"
				   "dccp/5 five\nudplite/6 six\n"
				   "domain\t\t53/tcp\t\t\tnameserver\t# as in services\n"
				   "rtmp 1/ddp\n"
				   "udp/1 caf\xc3\xa9";
	struct error_text error;
	struct application_table *table = parse(text, sizeof(text) - 1, &error);

	assert_non_null(table);
	CHECK_TEXT(name_of(table, 6, 443), "https");
	CHECK_TEXT(name_of(table, 17, 443), "-");
	CHECK_TEXT(name_of(table, 17, 53), "dns");
	CHECK_TEXT(name_of(table, 6, 53), "domain");
	CHECK_TEXT(name_of(table, 6, 25), "smtp");
	CHECK_TEXT(name_of(table, 132, 25), "smtp");
	CHECK_TEXT(name_of(table, 6, 6063), "x11");
	CHECK_TEXT(name_of(table, 132, 36412), "s1ap");
	CHECK_TEXT(name_of(table, 33, 5), "five");
	CHECK_TEXT(name_of(table, 136, 6), "six");
	CHECK_TEXT(name_of(table, 6, 1), "-");
	CHECK_TEXT(name_of(table, 17, 1), "caf\xc3\xa9");
	application_table_destroy(table);
	table = parse("", 0, &error);
	assert_non_null(table);
	CHECK_EQ(application_table_count(table), 0);
	application_table_destroy(table);
}

TEST(the_first_wrong_line_is_named)
{
	static const char form[] = "expected [PROTOCOL/]PORT[-PORT] NAME, or NAME PORT/PROTOCOL";
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{ "tcp/1 a\ntcp/65536 b\n", "apps:2: \"tcp/65536 b\"" },
		{ "tcp/9-8 b", "apps:1: \"tcp/9-8 b\"" },
		{ "ip/9 b", "apps:1: \"ip/9 b\"" },
		{ "tcp/ b", "apps:1: \"tcp/ b\"" },
		{ "tcp/80", "apps:1: \"tcp/80\"" },
		{ "80-x b", "apps:1: \"80-x b\"" },
		{ "tcp/80 two words", "apps:1: \"tcp/80 two words\"" },
		{ "-1 b", "apps:1: \"-1 b\"" },
		{ "name 80", "apps:1: \"name 80\"" },
		{ "99999999999999999999 b", "apps:1: \"99999999999999999999 b\"" },
	};
	struct error_text error;
	char message[200];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_null(parse(wrong[i].text, strlen(wrong[i].text), &error));
		(void)snprintf(message, sizeof(message), "%s, %s", wrong[i].message, form);
		CHECK_TEXT(error.text, message);
	}
	assert_null(parse("tcp/1 12345678901234567890123456789012", 38, &error));
	CHECK_TEXT(error.text,
		   "apps:1: \"tcp/1 12345678901234567890123456789012\", expected a name of "
		   "at most 31 bytes");
	assert_null(parse("tcp/1 a\0b", 9, &error));
	assert_non_null(strstr(error.text, "expected a line of text"));
}

TEST(the_services_of_this_machine_can_be_read)
{
	static const char text[] =
		"tcpmux\t\t1/tcp\t\t\t\t# TCP port service multiplexer\n"
		"echo\t\t7/udp\nssh\t\t22/tcp\t\t\t\t# SSH Remote Login Protocol\n"
		"https\t\t443/tcp\nhttps\t\t443/udp\t\t\t\t# HTTP/3\n"
		"zip\t\t6/ddp\n";
	struct error_text error;
	struct application_table *table = parse(text, sizeof(text) - 1, &error);

	assert_non_null(table);
	CHECK_EQ(application_table_count(table), 4);
	application_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms),
		cmocka_unit_test(the_first_wrong_line_is_named),
		cmocka_unit_test(the_services_of_this_machine_can_be_read),
	};

	return RUN_TESTS(tests);
}
