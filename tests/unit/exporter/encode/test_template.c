/* test_template.c - order and choice of fields. */
#include "template.h"

#include "check.h"

static void check_ids(const struct template *template, const uint16_t *ids, size_t count)
{
	uint16_t size = 0;

	CHECK_EQ(template->field_count, count);
	for (size_t i = 0; i < count; i++) {
		CHECK_EQ(template->fields[i]->id, ids[i]);
		size = (uint16_t)(size + template->fields[i]->size);
	}
	CHECK_EQ(template->record_size, size);
}

#define CHECK_IDS(template, ...)                                        \
	do {                                                            \
		const uint16_t ids[] = { __VA_ARGS__ };                 \
		check_ids(template, ids, sizeof(ids) / sizeof(ids[0])); \
	} while (0)

TEST(a_datagram_of_1400_bytes_holds_22_ipv4_records_without_as_numbers)
{
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &(struct template_choice){ 0 });
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153);
	CHECK_EQ(set.records[TEMPLATE_wide].record_size, 61);
	CHECK_EQ((1400 - 20 - 4) / set.records[TEMPLATE_wide].record_size, 22);
	CHECK_EQ(set.records[TEMPLATE_wide].id, 260);
}

TEST(ipv6_has_its_own_addresses_and_in_v9_the_icmp_field_of_ipv4)
{
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &(struct template_choice){ 0 });
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 27, 28, 7, 11, 32, 4, 5, 6, 61, 136,
		  58, 10, 14, 1, 2, 152, 153);
	CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].record_size, 85);
	CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].id, 261);
	template_set_init(&set, EXPORT_IPFIX, &(struct template_choice){ 0 });
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 27, 28, 7, 11, 139, 4, 5, 6, 61, 136,
		  58, 10, 14, 1, 2, 152, 153);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153);
}

TEST(times_as_sys_uptime_are_for_v9_only)
{
	const struct template_choice choice = { .has_uptime = true };
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &choice);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  22, 21);
	CHECK_EQ(set.records[TEMPLATE_wide].record_size, 53);
	CHECK_EQ(set.records[TEMPLATE_wide].id, 276);
	CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].id, 277);
	CHECK(set.has_uptime);
	template_set_init(&set, EXPORT_IPFIX, &choice);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153);
	CHECK(!set.has_uptime);
}

TEST(masks_go_with_as_numbers)
{
	const struct template_choice choice = { .has_as_numbers = true };
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &choice);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153, 16, 17, 9, 13);
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 27, 28, 7, 11, 32, 4, 5, 6, 61, 136,
		  58, 10, 14, 1, 2, 152, 153, 16, 17, 29, 30);
	CHECK_EQ(set.records[TEMPLATE_wide].record_size, 71);
}

TEST(peers_and_next_hop_come_when_chosen)
{
	const struct template_choice choice = { .has_peers = true, .has_next_hop = true };
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &choice);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153, 129, 128, 18);
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 27, 28, 7, 11, 32, 4, 5, 6, 61, 136,
		  58, 10, 14, 1, 2, 152, 153, 129, 128, 63);
}

TEST(each_choice_has_its_own_template_ids)
{
	bool is_taken[16] = { false };

	for (unsigned int bits = 0; bits < 8; bits++) {
		const struct template_choice choice = { .has_as_numbers = bits & 1,
							.has_next_hop = bits & 2,
							.has_peers = bits & 4 };
		struct template_set set;

		template_set_init(&set, EXPORT_V9, &choice);
		CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].id,
			 set.records[TEMPLATE_wide].id + 1);
		CHECK(set.records[TEMPLATE_wide].id >= 260 &&
		      set.records[TEMPLATE_wide | TEMPLATE_ipv6].id <= 275);
		CHECK(!is_taken[set.records[TEMPLATE_wide].id - 260]);
		is_taken[set.records[TEMPLATE_wide].id - 260] = true;
	}
}

TEST(a_field_is_there_only_for_what_the_key_has)
{
	static const struct {
		uint8_t without;
		uint16_t ids[16];
		size_t count;
	} cases[] = {
		{ FLOW_KEY_addresses,
		  { 60, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153 },
		  16 },
		{ FLOW_KEY_ports, { 8, 12, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153 }, 14 },
		{ FLOW_KEY_protocol,
		  { 8, 12, 7, 11, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153 },
		  15 },
		{ FLOW_KEY_tos,
		  { 8, 12, 7, 11, 32, 4, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153 },
		  16 },
		{ FLOW_KEY_vlan,
		  { 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 10, 14, 1, 2, 152, 153 },
		  16 },
		{ FLOW_KEY_interfaces,
		  { 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 1, 2, 152, 153 },
		  15 },
		{ FLOW_KEY_side,
		  { 8, 12, 7, 11, 32, 4, 5, 6, 136, 58, 10, 14, 1, 2, 152, 153 },
		  16 },
		{ FLOW_KEY_DEFAULT, { 60, 6, 136, 1, 2, 152, 153 }, 7 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct template_choice choice = { .key = { .changed = cases[i].without } };
		struct template_set set;

		template_set_init(&set, EXPORT_V9, &choice);
		check_ids(&set.records[TEMPLATE_wide], cases[i].ids, cases[i].count);
		CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].field_count, cases[i].count);
	}
}

TEST(a_mark_in_the_key_is_exported)
{
	const struct template_choice choice = { .key = { .changed = FLOW_KEY_mark } };
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &choice);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 137,
		  1, 2, 152, 153);
	CHECK_EQ(export_field_find(137)->size, 4);
}

TEST(prefixes_have_masks_and_no_addresses_have_no_as_numbers)
{
	const struct template_choice prefixes = { .key = { .ipv4_prefix_length = 24 } };
	const struct template_choice none = {
		.has_as_numbers = true,
		.has_next_hop = true,
		.has_peers = true,
		.key = { .changed = FLOW_KEY_addresses },
	};
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &prefixes);
	CHECK_IDS(&set.records[TEMPLATE_wide], 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153, 9, 13);
	CHECK_IDS(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], 27, 28, 7, 11, 32, 4, 5, 6, 61, 136,
		  58, 10, 14, 1, 2, 152, 153);
	template_set_init(&set, EXPORT_V9, &none);
	CHECK_IDS(&set.records[TEMPLATE_wide], 60, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2,
		  152, 153);
}

/* Two choices share an id only if they share the fields. */
TEST(an_id_stands_for_one_list_of_fields)
{
	static struct template by_id[65536];
	static const uint8_t lengths[] = { 0, 24 };

	for (unsigned int bits = 0; bits < 8 * 256 * 2 * 8; bits++) {
		const struct template_choice choice = {
			.has_as_numbers = bits & 1,
			.has_next_hop = bits & 2,
			.has_peers = bits & 4,
			.key = { .changed = (uint8_t)(bits >> 3),
				 .ipv4_prefix_length = lengths[bits >> 11 & 1],
				 .ipv6_prefix_length = lengths[bits >> 11 & 1] },
			.has_uptime = bits >> 12 & 1,
			.has_samplers = bits >> 13 & 1,
			.has_applications = bits >> 14 & 1,
		};
		struct template_set set;

		template_set_init(&set, EXPORT_V9, &choice);
		for (int family = 0; family < 2; family++) {
			const struct template *template =
				family ? &set.records[TEMPLATE_wide | TEMPLATE_ipv6]
				       : &set.records[TEMPLATE_wide];
			struct template *known = &by_id[template->id];

			CHECK(template->id >= 256 && template->id % 2 == (unsigned int)family);
			CHECK(template->id < TEMPLATE_ID_INTERFACE ||
			      template->id >= TEMPLATE_ID_OTHER_KEY);
			CHECK(template->id <= 50175);
			CHECK(template->field_count > 0);
			if (known->field_count) {
				CHECK_EQ(known->field_count, template->field_count);
				CHECK(!memcmp(known->fields, template->fields,
					      known->field_count * sizeof(known->fields[0])));
			}
			*known = *template;
		}
	}
}

static void check_reverse(const struct template *template, const uint16_t *ids, size_t count)
{
	uint16_t size = 0;

	CHECK_EQ(template->reverse_count, count);
	for (size_t i = 0; i < count; i++) {
		CHECK_EQ(template->reverse_fields[i]->id, ids[i]);
		size = (uint16_t)(size + template->reverse_fields[i]->size);
	}
	CHECK_EQ(template->reverse_size, size);
	for (size_t i = 0; i < template->field_count; i++)
		size = (uint16_t)(size + template->fields[i]->size);
	CHECK_EQ(template->record_size, size);
}

TEST(a_biflow_has_all_fields_and_the_reverse_of_those_that_no_swap_gives)
{
	const struct template_choice choice = {
		.has_as_numbers = true, .has_next_hop = true, .has_peers = true, .has_biflows = true
	};
	static const uint16_t ipv4[] = { 32, 6, 61, 136, 10, 14, 1, 2, 152, 153, 18 };
	static const uint16_t ipv6[] = { 139, 6, 61, 136, 10, 14, 1, 2, 152, 153, 63 };
	struct template_set set;

	template_set_init(&set, EXPORT_IPFIX, &choice);
	CHECK(set.has_biflows);
	CHECK_EQ(set.records[TEMPLATE_wide].reverse_count, 0);
	CHECK_EQ(set.records[TEMPLATE_wide].id, 274);
	CHECK_EQ(set.biflows[TEMPLATE_wide].id, 290);
	CHECK_EQ(set.biflows[TEMPLATE_wide | TEMPLATE_ipv6].id, 291);
	CHECK_EQ(set.biflows[TEMPLATE_wide].field_count,
		 set.records[TEMPLATE_wide].field_count + 1);
	CHECK_EQ(set.biflows[TEMPLATE_wide].fields[set.records[TEMPLATE_wide].field_count]->id,
		 239);
	check_reverse(&set.biflows[TEMPLATE_wide], ipv4, sizeof(ipv4) / sizeof(ipv4[0]));
	check_reverse(&set.biflows[TEMPLATE_wide | TEMPLATE_ipv6], ipv6,
		      sizeof(ipv6) / sizeof(ipv6[0]));
}

TEST(a_biflow_leaves_out_what_the_key_leaves_out)
{
	const struct template_choice choice = {
		.has_biflows = true,
		.key = { .changed = FLOW_KEY_ports | FLOW_KEY_interfaces | FLOW_KEY_side },
	};
	static const uint16_t reverse[] = { 6, 136, 1, 2, 152, 153 };
	struct template_set set;

	template_set_init(&set, EXPORT_IPFIX, &choice);
	check_reverse(&set.biflows[TEMPLATE_wide], reverse, 6);
	check_reverse(&set.biflows[TEMPLATE_wide | TEMPLATE_ipv6], reverse, 6);
}

/* Whatever the choice, and also when an operator has put the fields together. */
TEST(the_four_templates_of_a_set_have_four_ids)
{
	static const char *const field_sets[] = { "", "1+2", "1+2+8+12", "all", "-58" };

	for (unsigned int bits = 0; bits < 16 * 256; bits++) {
		struct template_choice choice = {
			.has_as_numbers = bits & 1,
			.has_next_hop = bits & 2,
			.has_peers = bits & 4,
			.has_samplers = bits & 8,
			.has_biflows = true,
			.key = { .changed = (uint8_t)(bits >> 4) },
		};
		const char *fields = field_sets[bits % 5];
		struct error_text error;
		struct template_set set;
		uint16_t ids[4];

		if (*fields)
			CHECK_EQ(template_fields_parse(fields, &choice.fields, &error), 0);
		template_set_init(&set, EXPORT_IPFIX, &choice);
		ids[0] = set.records[TEMPLATE_wide].id;
		ids[1] = set.records[TEMPLATE_wide | TEMPLATE_ipv6].id;
		ids[2] = set.biflows[TEMPLATE_wide].id;
		ids[3] = set.biflows[TEMPLATE_wide | TEMPLATE_ipv6].id;
		for (int i = 0; i < 4; i++) {
			CHECK(ids[i] >= 256 && ids[i] % 2 == i % 2);
			CHECK(ids[i] < TEMPLATE_ID_INTERFACE || ids[i] > TEMPLATE_ID_SAMPLER);
			for (int j = 0; j < i; j++)
				CHECK(ids[i] != ids[j]);
		}
	}
}

TEST(netflow_has_no_biflows)
{
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &(struct template_choice){ .has_biflows = true });
	CHECK(!set.has_biflows);
	template_set_init(&set, EXPORT_IPFIX, &(struct template_choice){ .has_biflows = false });
	CHECK(!set.has_biflows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_of_1400_bytes_holds_22_ipv4_records_without_as_numbers),
		cmocka_unit_test(ipv6_has_its_own_addresses_and_in_v9_the_icmp_field_of_ipv4),
		cmocka_unit_test(times_as_sys_uptime_are_for_v9_only),
		cmocka_unit_test(masks_go_with_as_numbers),
		cmocka_unit_test(peers_and_next_hop_come_when_chosen),
		cmocka_unit_test(each_choice_has_its_own_template_ids),
		cmocka_unit_test(a_field_is_there_only_for_what_the_key_has),
		cmocka_unit_test(a_mark_in_the_key_is_exported),
		cmocka_unit_test(prefixes_have_masks_and_no_addresses_have_no_as_numbers),
		cmocka_unit_test(an_id_stands_for_one_list_of_fields),
		cmocka_unit_test(
			a_biflow_has_all_fields_and_the_reverse_of_those_that_no_swap_gives),
		cmocka_unit_test(a_biflow_leaves_out_what_the_key_leaves_out),
		cmocka_unit_test(the_four_templates_of_a_set_have_four_ids),
		cmocka_unit_test(netflow_has_no_biflows),
	};

	return RUN_TESTS(tests);
}
