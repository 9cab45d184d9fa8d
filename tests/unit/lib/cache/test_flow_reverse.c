/* test_flow_reverse.c - keys of the other direction, literally. */
#include "flow_reverse.h"

#include "check.h"
#include "packet.h"

#include <stdlib.h>

static struct flow_key keys[FLOW_REVERSE_KEYS_MAX];

static const struct flow_key request = {
	.source_port = 40000,
	.destination_port = 443,
	.protocol = 6,
	.tos = 0xb8,
	.vlan_id = 12,
	.mark = 7,
	.side = SIDE_unknown,
	.ip_version = 4,
	.addresses = { 192, 0, 2, 1, 198, 51, 100, 2 },
};

static const struct flow_key reply = {
	.source_port = 443,
	.destination_port = 40000,
	.protocol = 6,
	.tos = 0xb8,
	.vlan_id = 12,
	.mark = 7,
	.side = SIDE_unknown,
	.ip_version = 4,
	.addresses = { 198, 51, 100, 2, 192, 0, 2, 1 },
};

/* The key lies in a block of exactly the bytes that an IPv4 flow of the cache has. */
static size_t reverse(const struct flow_key *key)
{
	const size_t size = flow_key_size(key);
	struct flow_key *copy = malloc(size);
	size_t count;

	memcpy(copy, key, size);
	count = flow_reverse_keys(copy, true, keys);
	free(copy);
	return count;
}

TEST(addresses_and_ports_are_swapped_and_the_rest_stays)
{
	CHECK_EQ(reverse(&request), 1);
	CHECK_BYTES(&keys[0], &reply, sizeof(reply));
	CHECK_EQ(reverse(&reply), 1);
	CHECK_BYTES(&keys[0], &request, sizeof(request));
}

TEST(ipv6_addresses_are_swapped)
{
	struct flow_key key = { .protocol = 17, .side = SIDE_unknown, .ip_version = 6 };

	for (uint8_t i = 0; i < 32; i++)
		key.addresses[i] = i;
	CHECK_EQ(reverse(&key), 1);
	for (uint8_t i = 0; i < 32; i++)
		CHECK_EQ(keys[0].addresses[i], (i + 16) % 32);
	CHECK_EQ(keys[0].ip_version, 6);
}

TEST(hooks_of_a_host_see_the_other_side_of_one_interface)
{
	struct flow_key key = request;

	key.side = SIDE_ingress;
	key.input_interface = 2;
	CHECK_EQ(reverse(&key), 2);
	CHECK_EQ(keys[0].side, SIDE_egress);
	CHECK_EQ(keys[0].input_interface, 0);
	CHECK_EQ(keys[0].output_interface, 2);
	/* On a mirror port both directions come in. */
	CHECK_EQ(keys[1].side, SIDE_ingress);
	CHECK_EQ(keys[1].input_interface, 2);
	CHECK_EQ(keys[1].output_interface, 0);

	key.side = SIDE_egress;
	key.input_interface = 0;
	key.output_interface = 2;
	CHECK_EQ(reverse(&key), 2);
	CHECK_EQ(keys[0].side, SIDE_ingress);
	CHECK_EQ(keys[0].input_interface, 2);
	CHECK_EQ(keys[0].output_interface, 0);
}

TEST(hook_forward_sees_the_same_side_between_swapped_interfaces)
{
	struct flow_key key = request;

	key.side = SIDE_ingress;
	key.input_interface = 2;
	key.output_interface = 3;
	CHECK_EQ(reverse(&key), 1);
	CHECK_EQ(keys[0].side, SIDE_ingress);
	CHECK_EQ(keys[0].input_interface, 3);
	CHECK_EQ(keys[0].output_interface, 2);
}

TEST(without_interfaces_either_side_will_do)
{
	struct flow_key key = request;

	key.side = SIDE_egress;
	CHECK_EQ(reverse(&key), 2);
	CHECK_EQ(keys[0].side, SIDE_ingress);
	CHECK_EQ(keys[1].side, SIDE_egress);
}

TEST(icmp_messages_are_paired_by_type_under_their_code)
{
	static const uint8_t pairs[][3] = {
		{ 1, 8, 0 }, { 1, 13, 14 }, { 1, 15, 16 }, { 1, 17, 18 }, { 58, 128, 129 },
	};
	struct flow_key key = request;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		key.protocol = pairs[i][0];
		key.source_port = 0;
		key.destination_port = (uint16_t)(pairs[i][1] << 8 | 5);
		CHECK_EQ(reverse(&key), 1);
		CHECK_EQ(keys[0].source_port, 0);
		CHECK_EQ(keys[0].destination_port, pairs[i][2] << 8 | 5);
		CHECK_BYTES(keys[0].addresses, reply.addresses, 8);
		CHECK(flow_reverse_is_request(&key));
		key.destination_port = (uint16_t)(pairs[i][2] << 8 | 5);
		CHECK_EQ(reverse(&key), 1);
		CHECK_EQ(keys[0].destination_port, pairs[i][1] << 8 | 5);
		CHECK(!flow_reverse_is_request(&key));
	}
}

TEST(icmp_errors_have_no_reverse)
{
	struct flow_key key = request;

	key.protocol = 1;
	key.source_port = 0;
	for (unsigned int type = 0; type < 256; type++) {
		const bool is_paired = type == 0 || type == 8 || (type >= 13 && type <= 18);

		key.destination_port = (uint16_t)(type << 8);
		CHECK_EQ(reverse(&key), is_paired);
	}
	key.protocol = 58;
	key.destination_port = 8 << 8;
	CHECK_EQ(reverse(&key), 0);
}

TEST(icmp_without_ports_in_the_key_is_swapped_like_all)
{
	struct flow_key key = request;

	key.protocol = 1;
	key.source_port = key.destination_port = 0;
	CHECK_EQ(flow_reverse_keys(&key, false, keys), 1);
	CHECK_BYTES(keys[0].addresses, reply.addresses, 8);
	CHECK_EQ(keys[0].destination_port, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_ports_are_swapped_and_the_rest_stays),
		cmocka_unit_test(ipv6_addresses_are_swapped),
		cmocka_unit_test(hooks_of_a_host_see_the_other_side_of_one_interface),
		cmocka_unit_test(hook_forward_sees_the_same_side_between_swapped_interfaces),
		cmocka_unit_test(without_interfaces_either_side_will_do),
		cmocka_unit_test(icmp_messages_are_paired_by_type_under_their_code),
		cmocka_unit_test(icmp_errors_have_no_reverse),
		cmocka_unit_test(icmp_without_ports_in_the_key_is_swapped_like_all),
	};

	return RUN_TESTS(tests);
}
