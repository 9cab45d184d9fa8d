/* test_connection_hash.c - the number of a connection: literal, of both directions, spread evenly.
 */
#include "connection_hash.h"

#include "check.h"

#include <stdlib.h>

static struct flow_key tcp4(uint8_t last_byte, uint16_t port)
{
	return (struct flow_key){
		.source_port = port,
		.destination_port = 443,
		.protocol = 6,
		.tos = 8,
		.input_interface = 2,
		.side = 1,
		.ip_version = 4,
		.addresses = { 192, 0, 2, last_byte, 198, 51, 100, 7 },
	};
}

/* The other direction, as another hook would see it. */
static struct flow_key reverse(const struct flow_key *key)
{
	const size_t size = flow_address_size(key);
	struct flow_key other = *key;

	memcpy(other.addresses, flow_destination_address(key), size);
	memcpy(other.addresses + size, flow_source_address(key), size);
	other.source_port = key->destination_port;
	other.destination_port = key->source_port;
	other.input_interface = key->output_interface;
	other.output_interface = key->input_interface;
	other.tos = 0;
	other.side = 0;
	return other;
}

static const struct hash_key secret = { .k0 = 1 };

static uint64_t balance(const struct flow_key *key)
{
	return connection_hash(secret, key);
}

static uint32_t sample(const struct flow_key *key)
{
	return connection_hash_sample(secret, key);
}

/* After an update of the agent a flow must still go to the same collector. */
TEST(numbers_are_fixed)
{
	const struct flow_key ipv4 = tcp4(10, 40000);
	const struct flow_key ipv6 = {
		.source_port = 53,
		.destination_port = 53,
		.protocol = 17,
		.ip_version = 6,
		.addresses = { 0x20, 0x01, [15] = 1, [16] = 0x20, [17] = 0x01, [31] = 2 }
	};

	CHECK_EQ(balance(&ipv4), UINT64_C(0xc88dcd0183d76bdd));
	CHECK_EQ(sample(&ipv4), 0xb129c419u);
	CHECK_EQ(balance(&ipv6), UINT64_C(0xa1cfb649624a4bb2));
}

TEST(both_directions_have_one_number)
{
	srand(1);
	for (int i = 0; i < 10000; i++) {
		struct flow_key key = { .source_port = (uint16_t)rand(),
					.destination_port = (uint16_t)rand(),
					.protocol = (uint8_t)rand(),
					.input_interface = (uint32_t)rand() % 3,
					.output_interface = (uint32_t)rand() % 3,
					.ip_version = i % 2 ? 4 : 6 };
		struct flow_key other;

		for (size_t j = 0; j < 2 * flow_address_size(&key); j++)
			key.addresses[j] = i % 3 ? (uint8_t)rand() : 0;
		other = reverse(&key);
		other.tos = key.tos;
		CHECK_EQ(balance(&key), balance(&other));
		CHECK_EQ(sample(&key), sample(&other));
	}
}

TEST(what_belongs_to_one_direction_does_not_count)
{
	const struct flow_key key = tcp4(10, 40000);
	const struct flow_key other = reverse(&key);

	CHECK_EQ(balance(&key), balance(&other));
}

TEST(question_and_answer_of_icmp_are_one)
{
	struct flow_key question = tcp4(10, 0);
	struct flow_key answer;

	question.protocol = 1;
	question.destination_port = 8 << 8;
	answer = reverse(&question);
	answer.source_port = 0;
	answer.destination_port = 0;
	CHECK_EQ(balance(&question), balance(&answer));
	question.protocol = answer.protocol = 17;
	CHECK(balance(&question) != balance(&answer));
}

TEST(flows_are_shared_out_evenly)
{
	for (uint32_t count = 2; count <= 7; count++) {
		int members[7] = { 0 };

		for (int i = 0; i < 42000; i++) {
			const struct flow_key key =
				tcp4((uint8_t)(i / 1000), (uint16_t)(1024 + i % 1000));

			members[connection_hash_share(balance(&key), count)]++;
		}
		for (uint32_t i = 0; i < count; i++) {
			const int expected = 42000 / (int)count;

			CHECK(abs(members[i] - expected) < expected * 4 / 100);
		}
	}
}

/* A sample of one half of the flows, shared out by two: both get half of it. */
TEST(sampling_and_sharing_do_not_depend_on_each_other)
{
	int cells[2][2] = { 0 };

	for (int i = 0; i < 40000; i++) {
		const struct flow_key key = tcp4((uint8_t)(i / 1000), (uint16_t)(i % 1000));

		cells[connection_hash_share(balance(&key), 2)][sample(&key) >> 31]++;
	}
	for (int i = 0; i < 4; i++)
		CHECK(abs(cells[i / 2][i % 2] - 10000) < 400);
}

TEST(flows_without_addresses_differ_by_the_rest)
{
	struct flow_key key = { .ip_version = 4, .vlan_id = 7, .input_interface = 1 };
	const uint64_t first = balance(&key);

	key.vlan_id = 8;
	CHECK(balance(&key) != first);
	key.vlan_id = 7;
	key.mark = 1;
	CHECK(balance(&key) != first);
	key.mark = 0;
	key.output_interface = 1;
	key.input_interface = 0;
	CHECK_EQ(balance(&key), first);
	key.protocol = 6;
	CHECK(balance(&key) != first);
}

/* Who knows how the flows of one secret are shared out and sampled knows nothing of another. */
TEST(what_collides_with_one_secret_does_not_with_another)
{
	const struct hash_key other = { .k0 = 1, .k1 = 1 };
	uint32_t chosen = 0;
	uint32_t members[8] = { 0 };
	uint32_t samples = 0;

	for (uint32_t i = 0; chosen < 8000; i++) {
		struct flow_key key = tcp4((uint8_t)i, (uint16_t)(i >> 8));

		memcpy(key.addresses + 4, &i, sizeof(i));
		/* All to one member of eight, and in no sample of one in two. */
		if (connection_hash_share(balance(&key), 8) != 3 || sample(&key) <= UINT32_MAX / 2)
			continue;
		chosen++;
		members[connection_hash_share(connection_hash(other, &key), 8)]++;
		samples += connection_hash_sample(other, &key) <= UINT32_MAX / 2;
	}
	for (size_t i = 0; i < 8; i++)
		CHECK(members[i] > 850 && members[i] < 1150); /* five standard deviations */
	CHECK(samples > 3776 && samples < 4224);
}

TEST(shares_reach_from_first_to_last)
{
	CHECK_EQ(connection_hash_share(0, 3), 0);
	CHECK_EQ(connection_hash_share(UINT64_MAX, 3), 2);
	CHECK_EQ(connection_hash_share(UINT64_MAX, 1), 0);
	CHECK_EQ(connection_hash_share(UINT64_C(0x5555555500000000), 3), 0);
	CHECK_EQ(connection_hash_share(UINT64_C(0x5555555600000000), 3), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_fixed),
		cmocka_unit_test(both_directions_have_one_number),
		cmocka_unit_test(what_belongs_to_one_direction_does_not_count),
		cmocka_unit_test(question_and_answer_of_icmp_are_one),
		cmocka_unit_test(flows_are_shared_out_evenly),
		cmocka_unit_test(sampling_and_sharing_do_not_depend_on_each_other),
		cmocka_unit_test(flows_without_addresses_differ_by_the_rest),
		cmocka_unit_test(what_collides_with_one_secret_does_not_with_another),
		cmocka_unit_test(shares_reach_from_first_to_last),
	};

	return RUN_TESTS(tests);
}
