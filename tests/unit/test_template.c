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
	CHECK_IDS(&set.ipv4, 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153);
	CHECK_EQ(set.ipv4.record_size, 61);
	CHECK_EQ((1400 - 20 - 4) / set.ipv4.record_size, 22);
	CHECK_EQ(set.ipv4.id, 260);
}

TEST(ipv6_has_its_own_addresses_and_in_v9_the_icmp_field_of_ipv4)
{
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &(struct template_choice){ 0 });
	CHECK_IDS(&set.ipv6, 27, 28, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153);
	CHECK_EQ(set.ipv6.record_size, 85);
	CHECK_EQ(set.ipv6.id, 261);
	template_set_init(&set, EXPORT_IPFIX, &(struct template_choice){ 0 });
	CHECK_IDS(&set.ipv6, 27, 28, 7, 11, 139, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153);
	CHECK_IDS(&set.ipv4, 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153);
}

TEST(masks_go_with_as_numbers)
{
	const struct template_choice choice = { .has_as_numbers = true };
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &choice);
	CHECK_IDS(&set.ipv4, 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153, 16, 17,
		  9, 13);
	CHECK_IDS(&set.ipv6, 27, 28, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153, 16,
		  17, 29, 30);
	CHECK_EQ(set.ipv4.record_size, 71);
}

TEST(peers_and_next_hop_come_when_chosen)
{
	const struct template_choice choice = { .has_peers = true, .has_next_hop = true };
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &choice);
	CHECK_IDS(&set.ipv4, 8, 12, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153, 129,
		  128, 18);
	CHECK_IDS(&set.ipv6, 27, 28, 7, 11, 32, 4, 5, 6, 61, 136, 58, 10, 14, 1, 2, 152, 153, 129,
		  128, 63);
}

TEST(each_choice_has_its_own_template_ids)
{
	bool is_taken[16] = { false };

	for (unsigned int bits = 0; bits < 8; bits++) {
		const struct template_choice choice = { bits & 1, bits & 2, bits & 4 };
		struct template_set set;

		template_set_init(&set, EXPORT_V9, &choice);
		CHECK_EQ(set.ipv6.id, set.ipv4.id + 1);
		CHECK(set.ipv4.id >= 260 && set.ipv6.id <= 275);
		CHECK(!is_taken[set.ipv4.id - 260]);
		is_taken[set.ipv4.id - 260] = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_of_1400_bytes_holds_22_ipv4_records_without_as_numbers),
		cmocka_unit_test(ipv6_has_its_own_addresses_and_in_v9_the_icmp_field_of_ipv4),
		cmocka_unit_test(masks_go_with_as_numbers),
		cmocka_unit_test(peers_and_next_hop_come_when_chosen),
		cmocka_unit_test(each_choice_has_its_own_template_ids),
	};

	return RUN_TESTS(tests);
}
