/* test_asn_builder.c - what asn_builder_each() shows is what gets into the table. */
#include "asn_builder.h"

#include "address.h"
#include "check.h"

#include <stdio.h>

static void add(struct asn_builder *builder, const char *text, uint32_t as_number)
{
	struct asn_entry entry = { .as_number = as_number, .peers = 3 };
	struct prefix prefix;

	CHECK_EQ(prefix_parse(text, &prefix), 0);
	entry.prefix_length = prefix.length;
	if (as_number == 64503) {
		entry.peer_as_number = 64510;
		entry.has_next_hop = true;
		entry.next_hop[0] = 0xfe;
	}
	CHECK_EQ(asn_builder_add(builder, prefix.ip_version, prefix.address, &entry), 0);
}

static int note(void *context, const struct prefix *prefix, const struct asn_entry *entry)
{
	char *text = context;
	char address[ADDRESS_TEXT_SIZE];

	CHECK_EQ(entry->prefix_length, prefix->length);
	CHECK_EQ(entry->peers, 3);
	CHECK_EQ(entry->has_next_hop, entry->as_number == 64503);
	CHECK_EQ(entry->next_hop[0], entry->has_next_hop ? 0xfe : 0);
	CHECK_EQ(entry->peer_as_number, entry->has_next_hop ? 64510 : 0);
	(void)sprintf(text + strlen(text), "%s/%u %u;",
		      address_format(prefix->ip_version, prefix->address, address),
		      (unsigned int)prefix->length, entry->as_number);
	return entry->as_number == 64509 ? 7 : 0;
}

TEST(each_prefix_once_in_order)
{
	const struct asn_build_facts facts = { .created_s = 1 };
	struct asn_builder *builder = asn_builder_create();
	struct asn_build_report report;
	struct asn_table *table;
	struct error_text error;
	char text[512] = "";

	CHECK(builder);
	add(builder, "2001:db8::/32", 64503);
	add(builder, "192.0.2.0/25", 64500);
	add(builder, "192.0.2.0/24", 64501);
	add(builder, "192.0.2.0/24", 64502);
	add(builder, "10.0.0.0/8", 64502);
	CHECK_EQ(asn_builder_each(builder, note, text), 0);
	CHECK_TEXT(text, "10.0.0.0/8 64502;192.0.2.0/24 64502;192.0.2.0/25 64500;"
			 "2001:db8::/32 64503;");
	/* a second time, and in the table */
	text[0] = '\0';
	CHECK_EQ(asn_builder_each(builder, note, text), 0);
	table = asn_builder_table(builder, "test", &facts, &report, &error);
	CHECK(table);
	CHECK_EQ(report.duplicates, 1);
	CHECK_EQ(report.conflicts, 1);
	CHECK_EQ(asn_table_count(table, 4), 3);
	CHECK_EQ(asn_table_count(table, 6), 1);
	asn_table_destroy(table);
	asn_builder_destroy(builder);
}

TEST(the_visitor_may_end_it)
{
	struct asn_builder *builder = asn_builder_create();
	char text[512] = "";

	CHECK(builder);
	CHECK_EQ(asn_builder_each(builder, note, text), 0);
	add(builder, "192.0.2.0/24", 64509);
	add(builder, "192.0.3.0/24", 64501);
	add(builder, "2001:db8::/32", 64501);
	CHECK_EQ(asn_builder_each(builder, note, text), 7);
	CHECK_TEXT(text, "192.0.2.0/24 64509;");
	asn_builder_destroy(builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_prefix_once_in_order),
		cmocka_unit_test(the_visitor_may_end_it),
	};

	return RUN_TESTS(tests);
}
