/* test_asn_name_file.c - names of AS numbers out of every form of file. */
#include "asn_name_file.h"

#include "check.h"

static struct asn_name_file_result result;
static struct error_text error;

/* The table with the names of a text; NULL if it is refused. */
static struct asn_table *read_names(const char *text)
{
	const struct asn_build_facts facts = { .created_s = 1 };
	struct asn_builder *builder = asn_builder_create();
	struct asn_table *table = NULL;

	CHECK(builder);
	if (asn_name_file_add(builder, "names", text, strlen(text), &result, &error) == 0)
		table = asn_builder_table(builder, "test", &facts, NULL, &error);
	asn_builder_destroy(builder);
	return table;
}

static void check_name(const char *text, uint32_t as_number, const char *expected)
{
	struct asn_table *table = read_names(text);
	char name[ASN_NAME_SIZE];

	CHECK(table);
	CHECK_EQ(asn_table_name(table, as_number, name), expected[0] != '\0');
	CHECK_TEXT(name, expected);
	asn_table_destroy(table);
}

TEST(every_form)
{
	check_name("3333 RIPE-NCC-AS - Reseaux IP Europeens, NL\n", 3333,
		   "RIPE-NCC-AS - Reseaux IP Europeens, NL");
	check_name("AS64500,\"Example, Inc.\",Content,XX\r\n", 64500, "Example, Inc.");
	check_name("asn,name,class,cc\nAS64500,Example,Content,XX", 64500, "Example");
	check_name("64500,\"The \"\"one\"\"\"\n", 64500, "The \"one\"");
	check_name("64500\tExample Inc.\n", 64500, "Example Inc.");
	check_name("# comment\n\n; another\n1.10 Dot\n", 65546, "Dot");
	check_name("64500 One\n64500 Two", 64500, "Two");
	check_name("64500 One\n", 64501, "");
}

TEST(characters)
{
	check_name("64500 Universit\xc3\xa4t", 64500, "Universit\xc3\xa4t");
	check_name("64500 Universit\xe4t", 64500, "Universit\xc3\xa4t");
	check_name("64500 A\x1b[31mB", 64500, "A?[31mB");
}

/* 127 bytes, and no half character at the end. */
TEST(long_names_are_cut_after_a_character)
{
	char text[400] = "64500 ";
	char expected[ASN_NAME_SIZE] = "";

	for (int i = 0; i < 100; i++)
		strcat(text, "\xc3\xa4");
	for (int i = 0; i < 63; i++)
		strcat(expected, "\xc3\xa4");
	check_name(text, 64500, expected);
}

TEST(wrong_lines)
{
	char text[4000] = "nothing here\n";

	CHECK(!read_names(text));
	CHECK_TEXT(error.text, "names:1: \"nothing here\", expected an AS number and a name");
	CHECK(!read_names("64500\n"));
	CHECK(!read_names("64500,\n"));
	CHECK(!read_names("64500,\"\",X\n"));
	CHECK(!read_names("99999999999 Name\n"));
	for (int i = 0; i < 100; i++)
		strcat(text, "64500 Example\n");
	check_name(text, 64500, "Example");
	CHECK_EQ(result.names, 100);
	CHECK_EQ(result.wrong_lines, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form),
		cmocka_unit_test(characters),
		cmocka_unit_test(long_names_are_cut_after_a_character),
		cmocka_unit_test(wrong_lines),
	};

	return RUN_TESTS(tests);
}
