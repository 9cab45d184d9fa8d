/* test_template_fields.c - lists of fields as operators write them, and the templates they make. */
#include "template_fields.h"

#include "template.h"
#include "template_rows.h"

#include "check.h"
#include "flow_columns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct template_fields parsed(const char *text)
{
	struct template_fields fields;
	struct error_text error = { .text = "" };

	if (template_fields_parse(text, &fields, &error))
		fail_msg("\"%s\": %s", text, error.text);
	return fields;
}

static struct template_set set_of(const char *text, enum export_protocol protocol)
{
	const struct template_choice choice = { .fields = parsed(text) };
	struct template_set set;

	template_set_init(&set, protocol, &choice);
	return set;
}

static void check_ids(const struct template *template, const uint16_t *ids, size_t count)
{
	CHECK_EQ(template->field_count, count);
	for (size_t i = 0; i < count; i++)
		CHECK_EQ(template->fields[i]->id, ids[i]);
}

#define CHECK_IDS(template, ...)                                        \
	do {                                                            \
		const uint16_t ids[] = { __VA_ARGS__ };                 \
		check_ids(template, ids, sizeof(ids) / sizeof(ids[0])); \
	} while (0)

TEST(a_list_is_these_fields_and_no_other)
{
	/* In the order of the table, whatever that of the list; IPv6 has its own of each. */
	struct template_set set =
		set_of("packetDeltaCount+octetDeltaCount+destinationIPv4Address+icmpTypeCodeIPv4",
		       EXPORT_IPFIX);

	CHECK_IDS(&set.records[TEMPLATE_wide], 12, 32, 1, 2);
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 28, 139, 1, 2);
	CHECK_EQ(set.records[TEMPLATE_wide].record_size, 4 + 2 + 8 + 8);
	CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].record_size, 16 + 2 + 8 + 8);
	/* The same by numbers, by the names of IPv6, in any case, with other separators. */
	set = set_of("  28, 139 1\t2 ", EXPORT_V9);
	CHECK_IDS(&set.records[TEMPLATE_wide], 12, 32, 1, 2);
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 28, 32, 1, 2);
	set = set_of("DESTINATIONIPV6ADDRESS + icmptypecodeipv6+OctetDeltaCount+2", EXPORT_V9);
	CHECK_IDS(&set.records[TEMPLATE_wide], 12, 32, 1, 2);
}

TEST(a_list_of_signs_changes_the_default)
{
	struct template_set set = set_of("-tcpControlBits-58", EXPORT_V9);

	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 61, 136, 10, 14, 1, 2, 152,
		  153);
	set = set_of("+bgpSourceAsNumber -vlanId", EXPORT_V9);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 10, 14, 1, 2,
		  152, 153, 16);
	set = set_of("default+ipVersion", EXPORT_V9);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 60, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14,
		  1, 2, 152, 153);
	/* What comes later wins. */
	set = set_of("default-vlanId+vlanId+6-6", EXPORT_V9);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 61, 136, 58, 10, 14, 1, 2,
		  152, 153);
}

/* Times on the exporter's clock and samplers are no part of "all": other options bring them in. Nor
 * are translations, which cost the kernel something, and the exporter's address, which collectors
 * would take for the exporter where it is 0, nor the owner, nor how good a connection is. */
static bool is_of_all(const struct export_field *field)
{
	return field->id != IE_flowStartSysUpTime && field->id != IE_flowEndSysUpTime &&
	       field->id != IE_samplerId && field->id != IE_selectorId &&
	       strncmp(field->name, "postNA", strlen("postNA")) != 0 && field->id != IE_userName &&
	       !export_field_enterprise(field) &&
	       strncmp(field->name, "exporter", strlen("exporter")) != 0;
}

/* A template has all rows of the table that the protocol and the key have, in their order. */
static void check_all(const struct template *template, uint8_t ip_version,
		      enum export_protocol protocol, const struct flow_key_choice *key)
{
	size_t count = 0;

	for (size_t row = 0; row < template_row_count(); row++) {
		const struct export_field *field = template_row_field(row, ip_version);

		if (!(field->protocols & protocol))
			field = template_row_field(row, 4);
		if (!template_row_is_in_key(row, key) || !is_of_all(field))
			continue;
		CHECK(count < template->field_count);
		CHECK_TEXT(template->fields[count++]->name, field->name);
	}
	CHECK_EQ(template->field_count, count);
}

TEST(all_is_all_that_tables_and_columns_may_bring)
{
	const struct flow_key_choice key = { .changed = 0 };
	struct template_set set = set_of("all", EXPORT_V9);

	check_all(&set.records[TEMPLATE_wide], 4, EXPORT_V9, &key);
	CHECK(!set.has_uptime);
	set = set_of("all", EXPORT_IPFIX);
	check_all(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 6, EXPORT_IPFIX, &key);
	set = set_of("all-60-152-153", EXPORT_IPFIX);
	CHECK_EQ(set.records[TEMPLATE_wide].field_count,
		 set_of("all", EXPORT_IPFIX).records[TEMPLATE_wide].field_count - 3);
}

TEST(only_fields_of_columns_bring_columns_in)
{
	struct template_set set = set_of("all", EXPORT_V9);

	CHECK_EQ(template_set_columns(&set),
		 ((1u << FLOW_COLUMN_COUNT) - 1) & ~(unsigned int)FLOW_COLUMNS_SHARED);
	set = set_of("all-minimumTTL", EXPORT_IPFIX);
	CHECK_EQ(template_set_columns(&set) & FLOW_COLUMN_BIT(FLOW_COLUMN_minimum_ttl), 0);
	set = set_of("+maximumTTL", EXPORT_JSON);
	CHECK_EQ(template_set_columns(&set), FLOW_COLUMN_BIT(FLOW_COLUMN_maximum_ttl));
	set = set_of("default", EXPORT_IPFIX);
	CHECK_EQ(template_set_columns(&set), 0);
	set = set_of("+postSourceMacAddress", EXPORT_V9);
	CHECK_EQ(template_set_columns(&set), FLOW_COLUMN_BIT(FLOW_COLUMN_source_mac));
	set = set_of("+postNAPTSourceTransportPort", EXPORT_V9);
	CHECK_EQ(template_set_columns(&set), EXPORT_RECORD_NAT);
	set = set_of("+userName", EXPORT_IPFIX);
	CHECK_EQ(template_set_columns(&set),
		 EXPORT_RECORD_USER_NAME | FLOW_COLUMN_BIT(FLOW_COLUMN_user));
	for (size_t row = 0; row < template_row_count(); row++) {
		if (!export_field_enterprise(template_row_field(row, 4)))
			continue;
		set = set_of(template_row_field(row, 4)->name, EXPORT_V9);
		CHECK_EQ(template_set_columns(&set), FLOW_COLUMNS_OF_TCP);
	}
}

TEST(a_translation_is_of_one_direction_of_one_connection)
{
	const struct flow_key_choice keys[] = {
		{ .changed = 0 },
		{ .changed = FLOW_KEY_mark | FLOW_KEY_tos },
		{ .changed = FLOW_KEY_ports },
		{ .changed = FLOW_KEY_addresses },
		{ .ipv4_prefix_length = 24 },
		{ .ipv6_prefix_length = 64 },
	};
	struct template_fields fields;
	struct error_text error;

	CHECK_EQ(template_fields_parse("+postNATSourceIPv4Address", &fields, &error), 0);
	CHECK(template_fields_have_translation(&fields));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		CHECK_EQ(template_fields_check(&fields, EXPORT_V9, &keys[i], &error),
			 i < 2 ? 0 : -EINVAL);
	CHECK_EQ(template_fields_parse("all", &fields, &error), 0);
	CHECK(!template_fields_have_translation(&fields));
}

TEST(the_ip_version_is_a_field_where_no_address_shows_it)
{
	struct template_set set = set_of("1+2+protocolIdentifier", EXPORT_V9);

	CHECK_IDS(&set.records[TEMPLATE_wide], 60, 4, 1, 2);
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 60, 4, 1, 2);
	set = set_of("1+2+8", EXPORT_V9);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 1, 2);
	/* Unless he does not want it. */
	set = set_of("1+2-60", EXPORT_V9);
	CHECK_IDS(&set.records[TEMPLATE_wide], 1, 2);
	set = set_of("-8-12", EXPORT_IPFIX);
	CHECK_IDS(&set.records[TEMPLATE_wide], 60, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153);
}

TEST(times_on_the_exporters_clock_are_known_to_the_header)
{
	struct template_choice choice = { .has_uptime = true };
	struct template_set set = set_of("1+2+8+flowStartSysUpTime+flowEndSysUpTime", EXPORT_V9);

	CHECK(set.has_uptime);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 1, 2, 22, 21);
	set = set_of("+22", EXPORT_V9);
	CHECK(set.has_uptime);
	/* uptime=on brings them into the default, not into a list of its own. */
	choice.fields = parsed("-58");
	template_set_init(&set, EXPORT_V9, &choice);
	CHECK(set.has_uptime);
	choice.fields = parsed("1+2+8");
	template_set_init(&set, EXPORT_V9, &choice);
	CHECK(!set.has_uptime);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 1, 2);
}

TEST(what_the_flow_key_leaves_out_is_not_brought_in_by_all)
{
	const struct template_choice choice = { .fields = parsed("all"),
						.key.changed = FLOW_KEY_ports | FLOW_KEY_mark };
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &choice);
	check_all(&set.records[TEMPLATE_wide], 4, EXPORT_V9, &choice.key);
}

/* Any list of rows at random: the id follows from the fields, the same for the same ones. */
TEST(ids_have_a_range_of_their_own_and_follow_the_fields)
{
	struct template_choice choice = { .fields.base = TEMPLATE_BASE_none };
	struct template_set set, again;
	size_t same = 0;
	uint16_t last = 0;

	srandom(5);
	for (int i = 0; i < 20000; i++) {
		choice.fields.added = ((uint64_t)random() << 20 ^ (uint64_t)random()) &
				      ((UINT64_C(1) << template_row_count()) - 1);
		template_set_init(&set, EXPORT_V9, &choice);
		template_set_init(&again, EXPORT_V9, &choice);
		CHECK(set.records[TEMPLATE_wide].id >= TEMPLATE_ID_FIELDS &&
		      set.records[TEMPLATE_wide | TEMPLATE_ipv6].id <= 65535);
		CHECK_EQ(set.records[TEMPLATE_wide].id % 2, 0);
		CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].id % 2, 1);
		CHECK_EQ(set.records[TEMPLATE_wide].id, again.records[TEMPLATE_wide].id);
		same += set.records[TEMPLATE_wide].id == last;
		last = set.records[TEMPLATE_wide].id;
	}
	CHECK(same < 50);
	/* The default has the id that it always had. */
	set = set_of("default", EXPORT_V9);
	CHECK_EQ(set.records[TEMPLATE_wide].id, 260);
	CHECK(set_of("-58", EXPORT_V9).records[0].id != set_of("-61", EXPORT_V9).records[0].id);
}

TEST(compact_records_have_what_somebody_names)
{
	struct template_set set = set_of("default+vlanId", EXPORT_V9);

	CHECK_IDS(&set.records[0], 8, 12, 7, 11, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153);
	set = set_of("1+2+32+58", EXPORT_IPFIX);
	CHECK_IDS(&set.records[0], 60, 32, 58, 1, 2);
	CHECK_IDS(&set.records[TEMPLATE_ipv6], 60, 139, 58, 1, 2);
	set = set_of("default", EXPORT_V9);
	CHECK_IDS(&set.records[0], 8, 12, 7, 11, 4, 5, 6, 61, 136, 10, 14, 1, 2, 152, 153);
}

TEST(fields_have_the_names_of_agentctl_too)
{
	struct template_fields by_name;
	struct template_fields by_id;
	struct error_text error = { .text = "" };

	CHECK_EQ(template_fields_parse("bytes+pkts+src+dport+oif+vlan", &by_name, &error), 0);
	CHECK_EQ(template_fields_parse("1+2+8+11+14+58", &by_id, &error), 0);
	CHECK_EQ(by_name.added, by_id.added);
	CHECK_EQ(by_name.base, by_id.base);
}

TEST(wrong_lists_are_refused_with_what_is_wrong)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "", "expected names of fields" },
		{ " , ", "expected names of fields" },
		{ "+", "expected a field after \"+\"" },
		{ "1+2-", "expected a field after \"-\"" },
		{ "+-1", "expected a field between \"+\" and \"-\"" },
		{ "1 - + 2", "expected a field between \"-\" and \"+\"" },
		{ "1+default", "unknown field \"default\", expected the IANA name or number of one "
			       "that flowagent.conf(5) lists" },
		{ "+all", "unknown field \"all\", expected the IANA name or number of one "
			  "that flowagent.conf(5) lists" },
		{ "tcpControlBit", "unknown field \"tcpControlBit\" (did you mean "
				   "\"tcpControlBits\"?)" },
		{ "-sTransPort",
		  "unknown field \"sTransPort\" (did you mean \"sourceTransportPort\"?)" },
		{ "DestinationIPAddress", "unknown field \"DestinationIPAddress\" (did you mean "
					  "\"destinationIPv4Address\"?)" },
		{ "3", "unknown field \"3\", expected the IANA name or number of one that "
		       "flowagent.conf(5) lists" },
		{ "1x", "unknown field \"1x\", expected the IANA name or number of one that "
			"flowagent.conf(5) lists" },
		{ "99999999999999999999",
		  "unknown field \"99999999999999999999\", expected the IANA name or number of one "
		  "that flowagent.conf(5) lists" },
		{ "a-name-is-not-this-long+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "unknown field \"a\", expected the IANA name or number of one that "
		  "flowagent.conf(5) lists" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "unknown field \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct template_fields fields = { .added = 12345 };
		struct error_text error = { .text = "" };

		CHECK_EQ(template_fields_parse(wrong[i].text, &fields, &error), -EINVAL);
		CHECK_TEXT(error.text, wrong[i].why);
		CHECK_EQ(fields.added, 12345); /* unchanged */
	}
}

static void check_fault(const char *text, enum export_protocol protocol, uint8_t key_changed,
			const char *why)
{
	const struct flow_key_choice key = { .changed = key_changed };
	const struct template_fields fields = parsed(text);
	struct error_text error = { .text = "" };

	CHECK_EQ(template_fields_check(&fields, protocol, &key, &error), *why ? -EINVAL : 0);
	CHECK_TEXT(error.text, why);
}

TEST(sets_that_no_collector_could_use_are_refused)
{
	check_fault("1+2", EXPORT_V9, 0, "");
	check_fault("all", EXPORT_IPFIX, 0xff, "");
	check_fault("-8-12", EXPORT_V9, 0, "");
	check_fault("1+8", EXPORT_V9, 0,
		    "packetDeltaCount is missing: collectors would not count these flows");
	check_fault("2+8", EXPORT_V9, 0,
		    "octetDeltaCount is missing: collectors would not count these flows");
	check_fault("all-1", EXPORT_V9, 0,
		    "octetDeltaCount is missing: collectors would not count these flows");
	check_fault("1+2+21", EXPORT_V9, 0, "");
	check_fault("1+2+21", EXPORT_IPFIX, 0, "flowEndSysUpTime is no field of IPFIX");
	check_fault("1+2+139", EXPORT_V9, 0, "");
	check_fault("+137", EXPORT_V9, 0,
		    "commonPropertiesId is of a part that the flow key leaves out");
	check_fault("+137", EXPORT_V9, FLOW_KEY_mark, "");
	check_fault("1+2+7", EXPORT_V9, FLOW_KEY_ports,
		    "sourceTransportPort is of a part that the flow key leaves out");
	check_fault("-7", EXPORT_V9, FLOW_KEY_ports, "");
}

/* Every row is found by both of its names and numbers. biflowDirection is none: it is in biflows,
 * and nowhere else. */
TEST(every_field_of_the_table_can_be_chosen)
{
	for (size_t i = 0; i < export_field_count(); i++) {
		const struct export_field *field = export_field_at(i);
		struct template_fields by_name, by_number;
		struct error_text error;
		char number[8];

		if (field->id == IE_biflowDirection) {
			CHECK_EQ(template_fields_parse(field->name, &by_name, &error), -EINVAL);
			continue;
		}
		(void)snprintf(number, sizeof(number), "%u", field->id);
		CHECK_EQ(template_fields_parse(field->name, &by_name, &error), 0);
		CHECK_EQ(template_fields_parse(number, &by_number, &error), 0);
		CHECK_EQ(by_name.added, by_number.added);
		CHECK(by_name.added && !(by_name.added & (by_name.added - 1)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_these_fields_and_no_other),
		cmocka_unit_test(a_list_of_signs_changes_the_default),
		cmocka_unit_test(all_is_all_that_tables_and_columns_may_bring),
		cmocka_unit_test(only_fields_of_columns_bring_columns_in),
		cmocka_unit_test(a_translation_is_of_one_direction_of_one_connection),
		cmocka_unit_test(the_ip_version_is_a_field_where_no_address_shows_it),
		cmocka_unit_test(times_on_the_exporters_clock_are_known_to_the_header),
		cmocka_unit_test(what_the_flow_key_leaves_out_is_not_brought_in_by_all),
		cmocka_unit_test(ids_have_a_range_of_their_own_and_follow_the_fields),
		cmocka_unit_test(compact_records_have_what_somebody_names),
		cmocka_unit_test(fields_have_the_names_of_agentctl_too),
		cmocka_unit_test(wrong_lists_are_refused_with_what_is_wrong),
		cmocka_unit_test(sets_that_no_collector_could_use_are_refused),
		cmocka_unit_test(every_field_of_the_table_can_be_chosen),
	};

	return RUN_TESTS(tests);
}
