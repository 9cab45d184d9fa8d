/* test_record.c - records as bytes: literal, and every field against its member. */
#include "template.h"

#include "check.h"

#include <stdlib.h>

static const struct template_choice everything = { .has_as_numbers = true,
						   .has_next_hop = true,
						   .has_peers = true };

static struct export_record tcp_record(void)
{
	struct export_record record = {
		.flow = {
			.key = {
				.source_port = 40000,
				.destination_port = 443,
				.protocol = 6,
				.tos = 0xb8,
				.vlan_id = 0x0123,
				.input_interface = 2,
				.output_interface = 70000,
				.side = 1,
				.ip_version = 4,
				.addresses = { 192, 0, 2, 1, 198, 51, 100, 7 },
			},
			.packets = 0x0000000100000002,
			.octets = 0x0102030405060708,
			.first_ms = 1700000000123,
			.last_ms = 1700000001456,
			.tcp_flags = 0x1b,
			.end_reason = FLOW_END_endOfFlowDetected,
		},
		.source = { .as_number = 4200000001, .peer_as_number = 64501, .prefix_length = 24 },
		.destination = {
			.as_number = 64500,
			.peer_as_number = 64502,
			.prefix_length = 22,
			.has_next_hop = true,
			.next_hop = { 10, 0, 0, 1 },
		},
	};

	return record;
}

/* Encode into a block of exactly the record's size. Free it. */
static uint8_t *encode(const struct template *template, const struct export_record *record)
{
	uint8_t *bytes = malloc(template->record_size);

	CHECK(bytes != NULL);
	memset(bytes, 0xee, template->record_size);
	record_encode(&template->plan, record, &(struct record_sender){ .ipv4 = { 0 } }, bytes);
	return bytes;
}

TEST(ipv4_record_with_everything)
{
	static const uint8_t expected[] = {
		192,  0,    2,    1,                            /* sourceIPv4Address */
		198,  51,   100,  7,                            /* destinationIPv4Address */
		0x9c, 0x40,                                     /* sourceTransportPort 40000 */
		0x01, 0xbb,                                     /* destinationTransportPort 443 */
		0x00, 0x00,                                     /* icmpTypeCodeIPv4: not ICMP */
		6,                                              /* protocolIdentifier TCP */
		0xb8,                                           /* ipClassOfService */
		0x1b,                                           /* tcpControlBits ACK PSH SYN FIN */
		1,                                              /* flowDirection egress */
		3,                                              /* flowEndReason end of flow */
		0x01, 0x23,                                     /* vlanId */
		0x00, 0x00, 0x00, 0x02,                         /* ingressInterface */
		0x00, 0x01, 0x11, 0x70,                         /* egressInterface 70000 */
		0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, /* octetDeltaCount */
		0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, /* packetDeltaCount */
		0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b, /* start 1700000000123 */
		0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x6d, 0xb0, /* end 1700000001456 */
		0xfa, 0x56, 0xea, 0x01,                         /* bgpSourceAsNumber 4200000001 */
		0x00, 0x00, 0xfb, 0xf4,                         /* bgpDestinationAsNumber 64500 */
		24,                                             /* sourceIPv4PrefixLength */
		22,                                             /* destinationIPv4PrefixLength */
		0x00, 0x00, 0xfb, 0xf5,                         /* bgpPrevAdjacentAsNumber 64501 */
		0x00, 0x00, 0xfb, 0xf6,                         /* bgpNextAdjacentAsNumber 64502 */
		10,   0,    0,    1,                            /* bgpNextHopIPv4Address */
	};
	struct export_record record = tcp_record();
	struct template_set set;
	uint8_t *bytes;

	template_set_init(&set, EXPORT_V9, &everything);
	CHECK_EQ(set.records[TEMPLATE_wide].record_size, sizeof(expected));
	bytes = encode(&set.records[TEMPLATE_wide], &record);
	CHECK_BYTES(bytes, expected, sizeof(expected));
	free(bytes);
}

TEST(icmpv6_record_has_type_and_code)
{
	static const uint8_t expected[] = {
		0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,
		0,    0,    0,    0,    0,    0,    0,    1, /* sourceIPv6Address */
		0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,
		0,    0,    0,    0,    0,    0,    0,    2, /* destination */
		0x00, 0x00,                                  /* sourceTransportPort */
		0x01, 0x04,                                  /* destinationTransportPort 1*256+4 */
		0x01, 0x04,                                  /* type 1, code 4: port unreachable */
		58,                                          /* protocolIdentifier ICMPv6 */
		0,                                           /* ipClassOfService */
		0,                                           /* tcpControlBits */
		0,                                           /* flowDirection ingress */
		1,                                           /* flowEndReason idle */
		0x00, 0x00,                                  /* vlanId */
		0x00, 0x00, 0x00, 0x03,                      /* ingressInterface */
		0x00, 0x00, 0x00, 0x00,                      /* egressInterface */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x68, /* octetDeltaCount 104 */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, /* packetDeltaCount */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xe8, /* start 1000 */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xe8, /* end 1000 */
	};
	struct export_record record = {
		.flow = {
			.key = {
				.destination_port = 1 * 256 + 4,
				.protocol = 58,
				.input_interface = 3,
				.ip_version = 6,
				.addresses = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1,
					       [16] = 0x20, 0x01, 0x0d, 0xb8, [31] = 2 },
			},
			.packets = 1,
			.octets = 104,
			.first_ms = 1000,
			.last_ms = 1000,
			.end_reason = FLOW_END_idleTimeout,
		},
	};
	struct template_set set;
	uint8_t *bytes;

	template_set_init(&set, EXPORT_V9, &(struct template_choice){ 0 });
	CHECK_EQ(set.records[TEMPLATE_wide | TEMPLATE_ipv6].record_size, sizeof(expected));
	bytes = encode(&set.records[TEMPLATE_wide | TEMPLATE_ipv6], &record);
	CHECK_BYTES(bytes, expected, sizeof(expected));
	free(bytes);
}

TEST(only_icmp_has_a_type_and_code)
{
	struct template_set set;

	template_set_init(&set, EXPORT_V9, &everything);
	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		struct export_record record = tcp_record();
		uint8_t *bytes;

		record.flow.key.protocol = (uint8_t)protocol;
		bytes = encode(&set.records[TEMPLATE_wide], &record);
		CHECK_EQ(bytes[12] * 256 + bytes[13], protocol == 1 || protocol == 58 ? 443 : 0);
		free(bytes);
	}
}

TEST(a_time_before_1970_is_0)
{
	static const uint8_t expected[16] = { [15] = 1 };
	struct export_record record = tcp_record();
	struct template_set set;
	uint8_t *bytes;

	template_set_init(&set, EXPORT_V9, &(struct template_choice){ 0 });
	record.flow.first_ms = -1;
	record.flow.last_ms = 1;
	bytes = encode(&set.records[TEMPLATE_wide], &record);
	CHECK_BYTES(bytes + 45, expected, sizeof(expected));
	free(bytes);
}

/* The bytes of a member, found by its own means: low byte first in memory, or last. A reduced one
 * has the lower half of them. */
static void expect(const struct export_field *field, const struct export_record *record,
		   uint8_t *bytes)
{
	const uint8_t *member = (const uint8_t *)record + field->offset;
	const uint16_t probe = 1;
	const bool is_little = *(const uint8_t *)&probe == 1;

	if (field->kind == EXPORT_REDUCED && !is_little)
		member += field->size;

	for (size_t i = 0; i < field->size; i++)
		bytes[i] = field->kind != EXPORT_ADDRESS && is_little ? member[field->size - 1 - i]
								      : member[i];
	if (field->kind == EXPORT_ICMP_TYPE_CODE && record->flow.key.protocol != 1 &&
	    record->flow.key.protocol != 58)
		memset(bytes, 0, field->size);
	if (field->kind == EXPORT_MILLISECONDS && (bytes[0] & 0x80))
		memset(bytes, 0, field->size);
}

TEST(every_field_of_random_records_is_where_the_template_says)
{
	struct template_choice other = everything;
	struct template_set sets[4];

	template_set_init(&sets[0], EXPORT_V9, &everything);
	template_set_init(&sets[1], EXPORT_IPFIX, &everything);
	template_set_init(&sets[2], EXPORT_V9, &(struct template_choice){ 0 });
	other.key.changed = FLOW_KEY_tos;
	template_set_init(&sets[3], EXPORT_V9, &other);
	/* Compact ones of the first three begin with the common fields, others go by steps alone.
	 */
	for (size_t i = 0; i < 4; i++) {
		CHECK_EQ(sets[i].records[0].plan.common,
			 i < 3 ? RECORD_common_ipv4 : RECORD_common_none);
		CHECK_EQ(sets[i].records[TEMPLATE_ipv6].plan.common,
			 i < 3 ? RECORD_common_ipv6 : RECORD_common_none);
	}
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		const struct template_set *set = &sets[round & 3];
		const struct template *template = &set->records[round / 4 % TEMPLATE_SHAPES];
		struct export_record record;
		uint8_t *bytes;
		size_t at = 0;

		for (size_t i = 0; i < sizeof(record); i++)
			((uint8_t *)&record)[i] = (uint8_t)random();
		record.destination.has_next_hop = true;
		if (round % 3 == 0)
			record.flow.key.protocol = round & 4 ? 1 : 58;
		bytes = encode(template, &record);
		for (size_t i = 0; i < template->field_count; i++) {
			uint8_t expected[16];

			expect(template->fields[i], &record, expected);
			CHECK_BYTES(bytes + at, expected, template->fields[i]->size);
			at += template->fields[i]->size;
		}
		CHECK_EQ(at, template->record_size);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_record_with_everything),
		cmocka_unit_test(icmpv6_record_has_type_and_code),
		cmocka_unit_test(only_icmp_has_a_type_and_code),
		cmocka_unit_test(a_time_before_1970_is_0),
		cmocka_unit_test(every_field_of_random_records_is_where_the_template_says),
	};

	return RUN_TESTS(tests);
}
