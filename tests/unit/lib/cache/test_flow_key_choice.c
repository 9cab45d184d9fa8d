/* test_flow_key_choice.c - what is left of a key under each choice. */
#include "flow_key_choice.h"

#include "check.h"

static struct packet_info packet_of(uint8_t ip_version)
{
	struct packet_info packet = {
		.key = { .source_port = 40000,
			 .sampler = 7, /* never left out */
			 .destination_port = 443,
			 .protocol = 6,
			 .tos = 0xb8,
			 .vlan_id = 100,
			 .input_interface = 2,
			 .output_interface = 3,
			 .side = SIDE_egress,
			 .ip_version = ip_version },
		.mark = 0xabcdef01,
	};

	for (size_t i = 0; i < 2 * flow_address_size(&packet.key); i++)
		packet.key.addresses[i] = (uint8_t)(0xf1 + i);
	return packet;
}

static struct packet_info under(const struct flow_key_choice *choice, int side,
				struct packet_info packet)
{
	struct flow_key_mask mask;

	flow_key_mask_init(&mask, choice, side);
	flow_key_mask_apply(&mask, &packet, 1);
	return packet;
}

#define CHECK_SAME_KEY(left, right) CHECK_BYTES(&(left), &(right), sizeof(struct flow_key))

TEST(the_default_has_no_effect)
{
	const struct flow_key_choice choice = { 0 };
	struct flow_key_mask mask;

	flow_key_mask_init(&mask, &choice, FLOW_KEY_NO_SIDE);
	CHECK(!mask.has_effect);
	CHECK(flow_key_is_default(&choice));
	CHECK(!flow_key_has(&choice, FLOW_KEY_mark));
	for (unsigned int part = 1; part < FLOW_KEY_mark; part <<= 1)
		CHECK(flow_key_has(&choice, (enum flow_key_part)part));
	for (uint8_t version = 4; version <= 6; version += 2) {
		const struct packet_info before = packet_of(version);
		const struct packet_info after = under(&choice, FLOW_KEY_NO_SIDE, before);

		CHECK_SAME_KEY(after.key, before.key);
	}
}

TEST(all_packets_may_get_the_same_interfaces)
{
	const struct flow_key_choice choices[] = { { 0 }, { .changed = FLOW_KEY_interfaces } };

	for (uint8_t version = 4; version <= 6; version += 2) {
		for (size_t i = 0; i < 2; i++) {
			struct packet_info packet = packet_of(version);
			struct packet_info expected = packet;
			struct flow_key_mask mask;

			flow_key_mask_init(&mask, &choices[i], FLOW_KEY_NO_SIDE);
			flow_key_mask_set_interfaces(&mask, &choices[i], 70000, 0);
			flow_key_mask_apply(&mask, &packet, 1);
			expected.key.input_interface = i == 0 ? 70000 : 0;
			expected.key.output_interface = i == 0 ? 3 : 0;
			CHECK_BYTES(&packet.key, &expected.key, sizeof(packet.key));
			flow_key_mask_set_interfaces(&mask, &choices[i], 0, 8);
			flow_key_mask_apply(&mask, &packet, 1);
			CHECK_EQ(packet.key.output_interface, i == 0 ? 8 : 0);
		}
	}
}

TEST(each_part_takes_its_own_members_and_no_others)
{
	for (unsigned int part = 1; part <= FLOW_KEY_mark; part <<= 1) {
		const struct flow_key_choice choice = { .changed = (uint8_t)part };

		for (uint8_t version = 4; version <= 6; version += 2) {
			const struct packet_info before = packet_of(version);
			struct flow_key expected = before.key;
			const struct packet_info after = under(&choice, FLOW_KEY_NO_SIDE, before);

			switch (part) {
			case FLOW_KEY_addresses:
				memset(expected.addresses, 0, sizeof(expected.addresses));
				break;
			case FLOW_KEY_ports:
				expected.source_port = expected.destination_port = 0;
				break;
			case FLOW_KEY_protocol: expected.protocol = 0; break;
			case FLOW_KEY_tos: expected.tos = 0; break;
			case FLOW_KEY_vlan: expected.vlan_id = 0; break;
			case FLOW_KEY_interfaces:
				expected.input_interface = expected.output_interface = 0;
				break;
			case FLOW_KEY_side: expected.side = SIDE_unknown; break;
			default: expected.mark = 0xabcdef01; break;
			}
			CHECK_SAME_KEY(after.key, expected);
			CHECK(flow_key_part_name((enum flow_key_part)part) != NULL);
		}
	}
}

TEST(prefixes_are_cut_at_any_bit)
{
	for (unsigned int length = 1; length < 128; length++) {
		const struct flow_key_choice choice = {
			.ipv4_prefix_length = (uint8_t)(length < 32 ? length : 0),
			.ipv6_prefix_length = (uint8_t)length,
		};

		for (uint8_t version = 4; version <= 6; version += 2) {
			const struct packet_info before = packet_of(version);
			const struct packet_info after = under(&choice, FLOW_KEY_NO_SIDE, before);
			const size_t bits = 8 * flow_address_size(&before.key);
			const size_t kept = flow_key_prefix_length(&choice, version);

			CHECK_BYTES(&after.key, &before.key, FLOW_KEY_FIXED_SIZE);
			for (size_t i = 0; i < 2 * bits; i++) {
				const unsigned int bit = 0x80u >> i % 8;
				const unsigned int was = before.key.addresses[i / 8] & bit;
				const unsigned int is = after.key.addresses[i / 8] & bit;

				CHECK_EQ(is, kept == 0 || i % bits < kept ? was : 0);
			}
		}
	}
}

TEST(a_source_may_say_the_side)
{
	const struct flow_key_choice choice = { 0 };
	const struct flow_key_choice without = { .changed = FLOW_KEY_side };
	struct packet_info packet = packet_of(4);
	struct flow_key_mask mask;

	flow_key_mask_init(&mask, &choice, SIDE_ingress);
	CHECK(mask.has_effect);
	CHECK_EQ(under(&choice, SIDE_ingress, packet).key.side, SIDE_ingress);
	packet.key.side = SIDE_unknown;
	CHECK_EQ(under(&choice, SIDE_egress, packet).key.side, SIDE_egress);
	CHECK_EQ(under(&choice, SIDE_ingress, packet).key.side, SIDE_ingress);
	CHECK_EQ(under(&without, SIDE_ingress, packet).key.side, SIDE_unknown);
	packet.key.side = SIDE_unknown;
	CHECK_EQ(under(&choice, SIDE_egress, packet).key.mark, 0);
}

TEST(the_mark_may_be_the_tos)
{
	static const struct flow_key_choice choice = { .has_mark_as_tos = true };
	static const struct flow_key_choice without = { .changed = FLOW_KEY_tos,
							.has_mark_as_tos = true };
	struct packet_info packet = packet_of(6);
	struct flow_key_mask mask;

	flow_key_mask_init(&mask, &choice, FLOW_KEY_NO_SIDE);
	CHECK(mask.has_effect);
	CHECK(flow_key_is_connection(&choice));
	packet.mark = 0xdead01b8;
	CHECK_EQ(under(&choice, FLOW_KEY_NO_SIDE, packet).key.tos, 0xb8);
	CHECK_EQ(under(&choice, FLOW_KEY_NO_SIDE, packet).key.mark, 0);
	CHECK_EQ(under(&without, FLOW_KEY_NO_SIDE, packet).key.tos, 0);
}

TEST(only_a_full_key_is_a_connection)
{
	CHECK(flow_key_is_connection(&(struct flow_key_choice){ 0 }));
	CHECK(flow_key_is_connection(&(struct flow_key_choice){ .changed = FLOW_KEY_tos }));
	CHECK(!flow_key_is_connection(&(struct flow_key_choice){ .changed = FLOW_KEY_ports }));
	CHECK(!flow_key_is_connection(&(struct flow_key_choice){ .changed = FLOW_KEY_protocol }));
	CHECK(!flow_key_is_connection(&(struct flow_key_choice){ .changed = FLOW_KEY_addresses }));
	CHECK(!flow_key_is_connection(&(struct flow_key_choice){ .ipv6_prefix_length = 48 }));
	CHECK(!flow_key_is_connection(&(struct flow_key_choice){ .ipv4_prefix_length = 24 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_has_no_effect),
		cmocka_unit_test(all_packets_may_get_the_same_interfaces),
		cmocka_unit_test(each_part_takes_its_own_members_and_no_others),
		cmocka_unit_test(prefixes_are_cut_at_any_bit),
		cmocka_unit_test(a_source_may_say_the_side),
		cmocka_unit_test(the_mark_may_be_the_tos),
		cmocka_unit_test(only_a_full_key_is_a_connection),
	};

	return RUN_TESTS(tests);
}
