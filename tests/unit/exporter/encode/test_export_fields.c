/* test_export_fields.c - the table of exportable fields, and the page generated from it. */
#include "export_fields.h"

#include "check.h"

#include <stdio.h>

TEST(rows_have_the_ids_and_sizes_of_the_iana_registry)
{
	/* NetFlow v9 and IPFIX share these numbers (RFC 3954 section 8, RFC 7012). */
	CHECK_EQ(IE_octetDeltaCount, 1);
	CHECK_EQ(IE_sourceTransportPort, 7);
	CHECK_EQ(IE_ingressInterface, 10);
	CHECK_EQ(IE_bgpSourceAsNumber, 16);
	CHECK_EQ(IE_flowDirection, 61);
	CHECK_EQ(IE_flowStartMilliseconds, 152);
	CHECK_EQ(export_field_find(IE_octetDeltaCount)->size, 8);
	CHECK_EQ(export_field_find(IE_sourceIPv6Address)->size, 16);
	CHECK_EQ(export_field_find(IE_bgpDestinationAsNumber)->size, 4);
	CHECK_TEXT(export_field_find(136)->name, "flowEndReason");
}

TEST(icmpv6_type_code_is_unknown_to_netflow_9)
{
	CHECK_EQ(export_field_find(139)->protocols & ~(EXPORT_REVERSE | EXPORT_OMITTED),
		 EXPORT_IPFIX);
	CHECK_EQ(export_field_find(32)->protocols & ~(EXPORT_REVERSE | EXPORT_OMITTED),
		 EXPORT_V9 | EXPORT_IPFIX);
}

TEST(every_id_stands_once_and_finds_its_row)
{
	CHECK(export_field_count() > 0);
	for (size_t i = 0; i < export_field_count(); i++)
		CHECK(export_field_find(export_field_at(i)->id) == export_field_at(i));
	CHECK(export_field_find(0) == NULL);
	CHECK(export_field_find(65535) == NULL);
}

/* Read at most 'size' bytes of a stream and close it. */
static size_t slurp(FILE *stream, char *text, size_t size, int (*close)(FILE *))
{
	size_t length = stream ? fread(text, 1, size - 1, stream) : 0;

	text[length] = '\0';
	if (stream)
		CHECK_EQ(close(stream), 0);
	return length;
}

TEST(fields_md_is_what_the_script_prints)
{
	static char page[32768], printed[32768];

	CHECK(slurp(fopen(SOURCE_DIRECTORY "/exporter/encode/FIELDS.md", "re"), page, sizeof(page),
		    fclose) > 0);
	CHECK(slurp(popen(SOURCE_DIRECTORY "/exporter/encode/export_fields_markdown", "re"),
		    printed, sizeof(printed), pclose) > 0);
	CHECK_TEXT(page, printed);
}

TEST(fields_md_has_every_row)
{
	static char page[32768];
	char row[128];

	(void)slurp(fopen(SOURCE_DIRECTORY "/exporter/encode/FIELDS.md", "re"), page, sizeof(page),
		    fclose);
	for (size_t i = 0; i < export_field_count(); i++) {
		const struct export_field *field = export_field_at(i);

		(void)snprintf(row, sizeof(row), "| %u | %s | %u |", field->id, field->name,
			       field->size);
		CHECK(strstr(page, row) != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_have_the_ids_and_sizes_of_the_iana_registry),
		cmocka_unit_test(icmpv6_type_code_is_unknown_to_netflow_9),
		cmocka_unit_test(every_id_stands_once_and_finds_its_row),
		cmocka_unit_test(fields_md_is_what_the_script_prints),
		cmocka_unit_test(fields_md_has_every_row),
	};

	return RUN_TESTS(tests);
}
