/* test_encoder_ipfix.c - whole messages as literal bytes, and where they end. */
#include "encoder.h"

#include "template_rows.h"

#include "check.h"
#include "statistics_example.h"

#include <errno.h>
#include <stdlib.h>

#define DOMAIN 0x0a0b0c0d

static const struct export_time time_ = { .unix_ms = 1700000000999, .uptime_ms = 60000 };

/* A message over a block of exactly 'size' bytes, so that a write too far is found. */
struct draft {
	struct message message;
	struct template_set templates;
	uint8_t *bytes;
};

static void draft_begin(struct draft *draft, size_t size, const struct template_choice *choice)
{
	draft->bytes = malloc(size);
	CHECK(draft->bytes != NULL);
	memset(draft->bytes, 0xee, size);
	draft->message.writer = writer_of(draft->bytes, size);
	template_set_init(&draft->templates, EXPORT_IPFIX, choice);
	encoder_ipfix.begin(&draft->message, &time_);
}

static int add_templates(struct draft *draft)
{
	size_t next = 0;

	return encoder_ipfix.add_templates(&draft->message, &draft->templates, &next);
}

static size_t draft_finish(struct draft *draft)
{
	return encoder_ipfix.finish(&draft->message, &time_, DOMAIN);
}

static int add_flow(struct draft *draft, uint8_t ip_version)
{
	const struct export_record record = {
		.flow = {
			.key = {
				.destination_port = 0x8700,
				.protocol = ip_version == 4 ? 6 : 58,
				.tos = 0xb8,
				.vlan_id = 100,
				.input_interface = 2,
				.output_interface = 70000,
				.side = 1,
				.ip_version = ip_version,
				.addresses = { 192, 0, 2, 53, 198, 51, 100, 9 },
			},
			.packets = 3,
			.octets = 0x0102030405060708,
			.first_ms = 1700000000000,
			.last_ms = 1700000000500,
			.tcp_flags = 0x12,
			.end_reason = FLOW_END_activeTimeout,
		},
	};

	return encoder_ipfix.add_record(&draft->message, &draft->templates, &record);
}

TEST(message_with_an_ipv4_and_an_icmpv6_record)
{
	static const uint8_t expected[] = {
		0,    10,               /* version */
		0,    176,              /* length: 16 + 68 + 92 */
		0x65, 0x53, 0xf1, 0x00, /* export time 1700000000 */
		0,    0,    0,    0,    /* sequence: stored when it is sent */
		0x0a, 0x0b, 0x0c, 0x0d, /* observation domain */
		0x01, 0x04,             /* set 260 */
		0x00, 0x44,             /* length 68: 4 + 61 + 3 of padding */
		192,  0,    2,    53,   /* sourceIPv4Address */
		198,  51,   100,  9,    /* destinationIPv4Address */
		0,    0,                /* sourceTransportPort */
		0x87, 0x00,             /* destinationTransportPort */
		0,    0,                /* icmpTypeCodeIPv4: it is TCP */
		6,                      /* protocolIdentifier */
		0xb8,                   /* ipClassOfService */
		0x12,                   /* tcpControlBits, in the reduced size of RFC 7125 */
		1,                      /* flowDirection */
		2,                      /* flowEndReason */
		0,    100,              /* vlanId */
		0,    0,    0,    2,    /* ingressInterface */
		0,    0x01, 0x11, 0x70, /* egressInterface 70000 */
		1,    2,    3,    4,    5,    6,    7,    8,    /* octetDeltaCount */
		0,    0,    0,    0,    0,    0,    0,    3,    /* packetDeltaCount */
		0,    0,    0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, /* flowStartMilliseconds */
		0,    0,    0x01, 0x8b, 0xcf, 0xe5, 0x69, 0xf4, /* flowEndMilliseconds */
		0,    0,    0,                                  /* padding */
		0x01, 0x05,                                     /* set 261 */
		0x00, 0x5c, /* length 92: 4 + 85 + 3 of padding */
	};
	struct draft draft;

	draft_begin(&draft, 176, &(struct template_choice){ 0 });
	CHECK_EQ(add_flow(&draft, 4), 0);
	CHECK_EQ(add_flow(&draft, 6), 0);
	CHECK_EQ(add_flow(&draft, 4), -EMSGSIZE);
	CHECK_EQ(draft.message.records, 2);
	CHECK_EQ(draft_finish(&draft), 16 + 68 + 92);
	CHECK_EQ(encoder_ipfix.sequence_step(&draft.message), 2);
	CHECK_BYTES(draft.bytes, expected, sizeof(expected));
	CHECK_EQ(load_be16(draft.bytes + 88 + 34), 0x8700); /* destinationTransportPort */
	CHECK_EQ(load_be16(draft.bytes + 88 + 36), 0x8700); /* icmpTypeCodeIPv6 */
	CHECK_EQ(draft.bytes[88 + 38], 58);
	free(draft.bytes);
}

/* Two records of the first test, the second one as the reverse of the first. */
TEST(a_biflow_is_one_record)
{
	/* clang-format off */
	static const uint8_t expected[] = {
		0x01, 0x14, 0, 112, /* set 276: 4 + 107 + 1 of padding */
		0, 0,                                     /* reverse icmpTypeCodeIPv4 */
		0x13, 0, 1,                               /* reverse flags, flowDirection, end reason */
		0, 0, 0, 3, 0, 0, 0, 2,                   /* reverse interfaces */
		0, 0, 0, 1, 0, 0, 0, 0,                   /* reverseOctetDeltaCount */
		0, 0, 0, 0, 0, 0, 0, 20,                  /* reversePacketDeltaCount */
		0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x01, /* reverseFlowStartMilliseconds */
		0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x69, 0xf3, /* reverseFlowEndMilliseconds */
		192, 0, 2, 53, 198, 51, 100, 9, 0x9c, 0x40, 0x01, 0xbb, /* addresses, ports */
		0, 0,                           /* icmpTypeCodeIPv4: it is TCP */
		6, 0xb8, 0x1b, 1, 3,            /* protocol, ToS, flags, flowDirection, end reason */
		0, 100, 0, 0, 0, 2, 0, 0, 0, 3, /* VLAN, interfaces */
		0, 0, 0, 0, 0, 0, 0x27, 0x10,   /* octetDeltaCount */
		0, 0, 0, 0, 0, 0, 0, 10,        /* packetDeltaCount */
		0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, /* flowStartMilliseconds */
		0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x69, 0xf4, /* flowEndMilliseconds */
		1,                                        /* biflowDirection: initiator */
		0,                                        /* padding */
	};
	/* clang-format on */
	const struct export_record forward = {
		.flow = {
			.key = { .source_port = 40000, .destination_port = 443, .protocol = 6,
				 .tos = 0xb8, .vlan_id = 100, .input_interface = 2,
				 .output_interface = 3, .side = 1, .ip_version = 4,
				 .addresses = { 192, 0, 2, 53, 198, 51, 100, 9 } },
			.packets = 10, .octets = 10000, .first_ms = 1700000000000,
			.last_ms = 1700000000500, .tcp_flags = 0x1b,
			.end_reason = FLOW_END_endOfFlowDetected,
			.pairing = FLOW_forward, .biflow_direction = BIFLOW_initiator,
		},
	};
	const struct export_record reverse = {
		.flow = {
			.key = { .source_port = 443, .destination_port = 40000, .protocol = 6,
				 .tos = 0xb8, .vlan_id = 100, .input_interface = 3,
				 .output_interface = 2, .side = 0, .ip_version = 4,
				 .addresses = { 198, 51, 100, 9, 192, 0, 2, 53 } },
			.packets = 20, .octets = UINT64_C(1) << 32, .first_ms = 1700000000001,
			.last_ms = 1700000000499, .tcp_flags = 0x13,
			.end_reason = FLOW_END_idleTimeout, .pairing = FLOW_reverse,
		},
	};
	struct draft draft;

	draft_begin(&draft, 16 + sizeof(expected),
		    &(struct template_choice){ .has_biflows = true });
	CHECK_EQ(encoder_ipfix.add_biflow(&draft.message, &draft.templates, &forward, &reverse), 0);
	CHECK_EQ(encoder_ipfix.add_biflow(&draft.message, &draft.templates, &forward, &reverse),
		 -EMSGSIZE);
	CHECK_EQ(draft_finish(&draft), 16 + sizeof(expected));
	CHECK_BYTES(draft.bytes + 16, expected, sizeof(expected));
	CHECK_EQ(encoder_ipfix.sequence_step(&draft.message), 1);
	free(draft.bytes);
}

TEST(templates_of_biflows_have_enterprise_fields)
{
	/* clang-format off */
	static const uint8_t expected[] = {
		0x01, 0x14, 0, 28, /* template 276, 28 fields */
		/* Enterprise 29305: RFC 5103 section 6.1. */
		0x80, 32, 0, 2, 0, 0, 0x72, 0x79,  /* reverseIcmpTypeCodeIPv4 */
		0x80, 6, 0, 1, 0, 0, 0x72, 0x79,   /* reverseTcpControlBits */
		0x80, 61, 0, 1, 0, 0, 0x72, 0x79,  /* reverseFlowDirection */
		0x80, 136, 0, 1, 0, 0, 0x72, 0x79, /* reverseFlowEndReason */
		0x80, 10, 0, 4, 0, 0, 0x72, 0x79,  /* reverseIngressInterface */
		0x80, 14, 0, 4, 0, 0, 0x72, 0x79,  /* reverseEgressInterface */
		0x80, 1, 0, 8, 0, 0, 0x72, 0x79,   /* reverseOctetDeltaCount */
		0x80, 2, 0, 8, 0, 0, 0x72, 0x79,   /* reversePacketDeltaCount */
		0x80, 152, 0, 8, 0, 0, 0x72, 0x79, /* reverseFlowStartMilliseconds */
		0x80, 153, 0, 8, 0, 0, 0x72, 0x79, /* reverseFlowEndMilliseconds */
		0, 8, 0, 4, 0, 12, 0, 4, 0, 7, 0, 2, 0, 11, 0, 2, 0, 32, 0, 2, 0, 4, 0, 1,
		0, 5, 0, 1, 0, 6, 0, 1, 0, 61, 0, 1, 0, 136, 0, 1,
		0, 58, 0, 2, 0, 10, 0, 4, 0, 14, 0, 4, 0, 1, 0, 8, 0, 2, 0, 8,
		0, 152, 0, 8, 0, 153, 0, 8,
		0, 239, 0, 1, /* biflowDirection */
		0x01, 0x15, 0, 28, 0x80, 139, 0, 2, /* template 277 */
	};
	/* clang-format on */
	/* Of each shape for IPv4 and IPv6: compact, wide, and both without flowDirection. */
	const size_t uniflows = 8 * 4 + 2 * (15 + 17 + 14 + 16) * 4;
	const size_t compact = 4 + 16 * 4 + 9 * 8;
	const size_t of_wide = 4 + 18 * 4 + 10 * 8;
	const size_t wide = 16 + 4 + uniflows + 2 * compact;
	const size_t sideless = 4 + 15 * 4 + 8 * 8 + 4 + 17 * 4 + 9 * 8; /* compact and wide */
	const size_t set = 4 + uniflows + 2 * (compact + of_wide + sideless);
	const struct template_choice choice = { .has_biflows = true };
	struct draft draft;

	draft_begin(&draft, 16 + set + 24 + 64 + 24, &choice);
	CHECK_EQ(add_templates(&draft), 0);
	CHECK_EQ(draft.message.records, 16 + 3);
	CHECK_EQ(draft_finish(&draft), 16 + set + 24 + 64 + 24);
	CHECK_EQ(load_be16(draft.bytes + 18), set);
	CHECK_BYTES(draft.bytes + wide, expected, sizeof(expected));
	free(draft.bytes);
	draft_begin(&draft, 16 + set + 24 + 64 + 20, &choice);
	CHECK_EQ(add_templates(&draft), -EMSGSIZE);
	free(draft.bytes);
}

/* Ids of the templates and options templates of a message, in order. Returns how many. */
static size_t templates_in(const uint8_t *bytes, size_t size, uint16_t *ids)
{
	size_t count = 0;

	for (size_t at = 16; at < size; at += load_be16(bytes + at + 2)) {
		const bool is_options = load_be16(bytes + at) == 3;
		const size_t end = at + load_be16(bytes + at + 2);
		size_t next = at + 4;

		while (next + 4 <= end) { /* less is padding */
			size_t fields = load_be16(bytes + next + 2);

			ids[count++] = load_be16(bytes + next);
			next += is_options ? 6 : 4;
			for (; fields; fields--)
				next += bytes[next] & 0x80 ? 8 : 4;
		}
		CHECK(next <= end);
	}
	return count;
}

/* What does not fit into one message goes into the next, in order, each template once. */
TEST(templates_go_into_as_many_messages_as_they_need)
{
	const struct template_choice choice = { .has_as_numbers = true,
						.has_next_hop = true,
						.has_peers = true,
						.has_samplers = true,
						.has_applications = true,
						.has_biflows = true };
	uint16_t ids[32];
	size_t count = 0, messages = 0, next = 0;
	int result;

	do {
		struct draft draft;

		draft_begin(&draft, 512, &choice);
		result = encoder_ipfix.add_templates(&draft.message, &draft.templates, &next);
		CHECK(result == 0 || result == -EMSGSIZE);
		CHECK(draft.message.records > 0);
		count += templates_in(draft.bytes, draft_finish(&draft), ids + count);
		messages++;
		free(draft.bytes);
	} while (result);
	CHECK_EQ(messages, 7);
	CHECK_EQ(count, 16 + 8);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			CHECK(ids[i] != ids[j]);
	CHECK_EQ(ids[count - 1], TEMPLATE_ID_APPLICATION);
}

TEST(templates_of_biflows_are_withdrawn_with_the_others)
{
	static const uint8_t expected[] = {
		0,    2,    0, 68, /* template set: 4 + 16 * 4 */
		0x02, 0x00, 0, 0,  /* 512 */
		0x02, 0x01, 0, 0,  /* 513 */
		0x01, 0x04, 0, 0,  /* 260 */
		0x01, 0x05, 0, 0,  /* 261 */
	};
	struct draft draft;
	uint16_t ids[16];

	draft_begin(&draft, 100, &(struct template_choice){ .has_biflows = true });
	CHECK_EQ(encoder_ipfix.withdraw_templates(&draft.message, &draft.templates), 0);
	CHECK_EQ(draft.message.records, 16);
	CHECK_EQ(draft_finish(&draft), 16 + 68);
	CHECK_BYTES(draft.bytes + 16, expected, sizeof(expected));
	CHECK_EQ(templates_in(draft.bytes, 16 + 68, ids), 16);
	CHECK_EQ(ids[10], 276); /* of biflows, as of those above */
	CHECK_EQ(ids[11], 277);
	free(draft.bytes);
}

TEST(templates_and_options_templates)
{
	static const uint8_t header[] = {
		0,    10,   0x02, 0x94, /* version, length 660: 16 + 532 + 112 */
		0x65, 0x53, 0xf1, 0x00, /* export time */
		0,    0,    0,    0,    /* sequence */
		0x0a, 0x0b, 0x0c, 0x0d, /* observation domain */
	};
	static const uint8_t wide[] = {
		0x01, 0x04, 0, 17,                            /* template 260, 17 fields */
		0,    8,    0, 4,                             /* sourceIPv4Address */
		0,    12,   0, 4,                             /* destinationIPv4Address */
		0,    7,    0, 2,                             /* sourceTransportPort */
		0,    11,   0, 2,                             /* destinationTransportPort */
		0,    32,   0, 2,                             /* icmpTypeCodeIPv4 */
		0,    4,    0, 1,                             /* protocolIdentifier */
		0,    5,    0, 1,                             /* ipClassOfService */
		0,    6,    0, 1,                             /* tcpControlBits */
		0,    61,   0, 1,                             /* flowDirection */
		0,    136,  0, 1,                             /* flowEndReason */
		0,    58,   0, 2,                             /* vlanId */
		0,    10,   0, 4,                             /* ingressInterface */
		0,    14,   0, 4,                             /* egressInterface */
		0,    1,    0, 8,                             /* octetDeltaCount */
		0,    2,    0, 8,                             /* packetDeltaCount */
		0,    152,  0, 8,                             /* flowStartMilliseconds */
		0,    153,  0, 8,                             /* flowEndMilliseconds */
		0x01, 0x05, 0, 17,                            /* template 261, 17 fields */
		0,    27,   0, 16,                            /* sourceIPv6Address */
		0,    28,   0, 16,                            /* destinationIPv6Address */
		0,    7,    0, 2,  0, 11, 0, 2, 0, 139, 0, 2, /* icmpTypeCodeIPv6 */
		0,    4,    0, 1,  0, 5,  0, 1, 0, 6,   0, 1, 0, 61,  0, 1,
		0,    136,  0, 1,  0, 58, 0, 2, 0, 10,  0, 4, 0, 14,  0, 4,
		0,    1,    0, 8,  0, 2,  0, 8, 0, 152, 0, 8, 0, 153, 0, 8,
	};
	static const uint8_t options[] = {
		0,    3,    0, 24,       /* options template set: 4 + 18 + 2 of padding */
		0x01, 0x90, 0, 3,  0, 1, /* template 400, 3 fields, the first is scope */
		0,    10,   0, 4,        /* ingressInterface */
		0,    82,   0, 16,       /* interfaceName */
		0,    83,   0, 32,       /* interfaceDescription */
		0,    0,                 /* padding */

		0,    3,    0, 64,       /* options template set: 4 + 58 + 2 of padding */
		0x01, 0x91, 0, 13, 0, 1, /* template 401, 13 fields, the first is scope */
		0,    149,  0, 4,        /* observationDomainId */
		0,    41,   0, 8,        /* exportedMessageTotalCount */
		0,    42,   0, 8,        /* exportedFlowRecordTotalCount */
		0,    40,   0, 8,        /* exportedOctetTotalCount */
		0,    164,  0, 8,        /* ignoredPacketTotalCount */
		0,    165,  0, 8,        /* ignoredOctetTotalCount */
		0,    166,  0, 8,        /* notSentFlowTotalCount */
		0,    167,  0, 8,        /* notSentPacketTotalCount */
		0,    168,  0, 8,        /* notSentOctetTotalCount */
		0,    163,  0, 8,        /* observedFlowTotalCount */
		0,    135,  0, 8,        /* droppedPacketTotalCount */
		0,    86,   0, 8,        /* packetTotalCount */
		0,    160,  0, 8,        /* systemInitTimeMilliseconds */
		0,    0,                 /* padding */

		0,    3,    0, 24,       /* options template set: 4 + 18 + 2 of padding */
		0x01, 0x92, 0, 3,  0, 1, /* template 402, 3 fields, the first is scope */
		0,    149,  0, 4,        /* observationDomainId */
		0,    34,   0, 4,        /* samplingInterval */
		0,    35,   0, 1,        /* samplingAlgorithm */
		0,    0,                 /* padding */
	};
	const size_t set = 4 + 8 * 4 + 2 * (15 + 17 + 14 + 16) * 4;
	struct draft draft;

	draft_begin(&draft, 16 + set + sizeof(options), &(struct template_choice){ 0 });
	CHECK_EQ(add_templates(&draft), 0);
	CHECK_EQ(draft_finish(&draft), 16 + set + sizeof(options));
	CHECK_BYTES(draft.bytes, header, sizeof(header));
	CHECK_BYTES(draft.bytes + 16 + 4 + 2 * (4 + 15 * 4), wide, sizeof(wide));
	CHECK_BYTES(draft.bytes + 16 + set, options, sizeof(options));
	CHECK_EQ(encoder_ipfix.sequence_step(&draft.message), 0); /* no data record */
	free(draft.bytes);
}

TEST(options_data_count_in_the_sequence)
{
	/* clang-format off */
	static const uint8_t expected[] = {
		0x01, 0x91, 0, 104,     /* set 401: 4 + 4 + 12 * 8 */
		0x0a, 0x0b, 0x0c, 0x0d, /* scope: the observation domain */
		0, 0, 0, 0, 0, 0, 0, 7,
		0, 0, 0, 0, 0, 0, 0, 100,
		0, 0, 0, 0, 0, 0, 0x27, 0x10,
		0, 0, 0, 0, 0, 0, 0, 11,
		0, 0, 0, 0, 0, 0, 4, 0x4c,
		0, 0, 0, 0, 0, 0, 0, 3,
		0, 0, 0, 0, 0, 0, 0, 30,
		0, 0, 0, 0, 0, 0, 0x0b, 0xb8,
		0, 0, 0, 0, 0, 0, 0, 105,
		0, 0, 0, 0, 0, 0, 0, 5,
		0, 0, 0, 1, 0, 0, 0, 0,
		0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00,
		0x01, 0x90, 0, 56, /* set 400: 4 + 4 + 16 + 32 */
		0, 0, 0, 2,        /* scope: ingressInterface */
		'e', 't', 'h', '0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		'u', 'p', 'l', 'i', 'n', 'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	const struct interface_name name = { 2, "eth0", "uplink" };
	struct draft draft;

	draft_begin(&draft, 16 + sizeof(expected), &(struct template_choice){ 0 });
	CHECK_EQ(encoder_ipfix.add_statistics(&draft.message, &statistics_example, DOMAIN), 0);
	CHECK_EQ(encoder_ipfix.add_interface(&draft.message, &name), 0);
	CHECK_EQ(encoder_ipfix.add_interface(&draft.message, &name), -EMSGSIZE);
	CHECK_EQ(draft_finish(&draft), 16 + sizeof(expected));
	CHECK_BYTES(draft.bytes + 16, expected, sizeof(expected));
	CHECK_EQ(encoder_ipfix.sequence_step(&draft.message), 2);
	free(draft.bytes);
}

TEST(what_does_not_fit_leaves_the_message_as_it_was)
{
	const struct export_statistics statistics = { .system_init_ms = 0 };
	const struct interface_name name = { 1, "lo", "lo" };
	struct draft draft;
	uint8_t before[87];

	/* One record and its padding fill 84 of 87 bytes: 3 are for no one. */
	draft_begin(&draft, sizeof(before), &(struct template_choice){ 0 });
	CHECK_EQ(add_flow(&draft, 4), 0);
	memcpy(before, draft.bytes, sizeof(before));
	CHECK_EQ(add_flow(&draft, 4), -EMSGSIZE);
	CHECK_EQ(add_flow(&draft, 6), -EMSGSIZE);
	CHECK_EQ(add_templates(&draft), -EMSGSIZE);
	CHECK_EQ(encoder_ipfix.add_statistics(&draft.message, &statistics, 1), -EMSGSIZE);
	CHECK_EQ(encoder_ipfix.add_interface(&draft.message, &name), -EMSGSIZE);
	CHECK_BYTES(draft.bytes, before, sizeof(before));
	CHECK_EQ(encoder_ipfix.sequence_step(&draft.message), 1);
	CHECK_EQ(draft_finish(&draft), 84);
	free(draft.bytes);
}

TEST(the_smallest_datagram_holds_some_templates_statistics_or_the_largest_record)
{
	const struct template_choice everything = {
		.key.changed = FLOW_KEY_mark,
		.fields.added = (UINT64_C(1) << template_row_count()) - 1,
		.has_samplers = true,
		.has_applications = true,
	};
	const struct export_statistics statistics = { .system_init_ms = 0 };
	struct draft draft;

	draft_begin(&draft, 512, &everything);
	CHECK_EQ(encoder_ipfix.withdraw_templates(&draft.message, &draft.templates), 0);
	(void)add_templates(&draft);
	CHECK(draft.message.records > 2);
	free(draft.bytes);
	draft_begin(&draft, 512, &everything);
	CHECK_EQ(encoder_ipfix.add_statistics(&draft.message, &statistics, 1), 0);
	free(draft.bytes);
	draft_begin(&draft, 512, &everything);
	CHECK_EQ(add_flow(&draft, 6), 0);
	free(draft.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_with_an_ipv4_and_an_icmpv6_record),
		cmocka_unit_test(a_biflow_is_one_record),
		cmocka_unit_test(templates_of_biflows_have_enterprise_fields),
		cmocka_unit_test(templates_go_into_as_many_messages_as_they_need),
		cmocka_unit_test(templates_of_biflows_are_withdrawn_with_the_others),
		cmocka_unit_test(templates_and_options_templates),
		cmocka_unit_test(options_data_count_in_the_sequence),
		cmocka_unit_test(what_does_not_fit_leaves_the_message_as_it_was),
		cmocka_unit_test(
			the_smallest_datagram_holds_some_templates_statistics_or_the_largest_record),
	};

	return RUN_TESTS(tests);
}
