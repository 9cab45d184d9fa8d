/* test_encoder_netflow9.c - whole messages as literal bytes, and where they end. */
#include "encoder.h"

#include "template_rows.h"

#include "check.h"
#include "statistics_example.h"

#include <errno.h>
#include <stdlib.h>

#define SOURCE_ID 0x0a0b0c0d

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
	template_set_init(&draft->templates, EXPORT_V9, choice);
	encoder_netflow9.begin(&draft->message, &time_);
}

static int add_templates(struct draft *draft)
{
	size_t next = 0;

	return encoder_netflow9.add_templates(&draft->message, &draft->templates, &next);
}

static size_t draft_finish(struct draft *draft)
{
	return encoder_netflow9.finish(&draft->message, &time_, SOURCE_ID);
}

static struct export_record udp_record(uint8_t ip_version)
{
	struct export_record record = {
		.flow = {
			.key = {
				.source_port = 53,
				.destination_port = 40000,
				.protocol = 17,
				.input_interface = 0x20002, /* so it is wide */
				.ip_version = ip_version,
				.addresses = { 192, 0, 2, 53, 198, 51, 100, 9 },
			},
			.packets = 3,
			.octets = 300,
			.first_ms = 1700000000000,
			.last_ms = 1700000000500,
			.end_reason = FLOW_END_activeTimeout,
		},
	};

	return record;
}

static int add_udp(struct draft *draft, uint8_t ip_version)
{
	const struct export_record record = udp_record(ip_version);

	return encoder_netflow9.add_record(&draft->message, &draft->templates, &record);
}

TEST(message_with_one_ipv4_record)
{
	static const uint8_t expected[] = {
		0,    9,                /* version */
		0,    1,                /* count */
		0,    0,    0xea, 0x60, /* sysUptime 60000 */
		0x65, 0x53, 0xf1, 0x00, /* unix_secs 1700000000 */
		0,    0,    0,    0,    /* sequence: stored when it is sent */
		0x0a, 0x0b, 0x0c, 0x0d, /* source id */
		0x01, 0x04,             /* FlowSet 260 */
		0x00, 0x44,             /* length 68: 4 + 61 + 3 of padding */
		192,  0,    2,    53,   /* sourceIPv4Address */
		198,  51,   100,  9,    /* destinationIPv4Address */
		0,    53,               /* sourceTransportPort */
		0x9c, 0x40,             /* destinationTransportPort */
		0,    0,                /* icmpTypeCodeIPv4 */
		17,                     /* protocolIdentifier */
		0,                      /* ipClassOfService */
		0,                      /* tcpControlBits */
		0,                      /* flowDirection */
		2,                      /* flowEndReason */
		0,    0,                /* vlanId */
		0,    2,    0,    2,    /* ingressInterface */
		0,    0,    0,    0,    /* egressInterface */
		0,    0,    0,    0,    0,    0,    0x01, 0x2c, /* octetDeltaCount 300 */
		0,    0,    0,    0,    0,    0,    0,    3,    /* packetDeltaCount */
		0,    0,    0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, /* flowStartMilliseconds */
		0,    0,    0x01, 0x8b, 0xcf, 0xe5, 0x69, 0xf4, /* flowEndMilliseconds */
		0,    0,    0,                                  /* padding */
	};
	struct draft draft;

	draft_begin(&draft, sizeof(expected), &(struct template_choice){ 0 });
	CHECK_EQ(add_udp(&draft, 4), 0);
	CHECK_EQ(draft.message.records, 1);
	CHECK_EQ(draft.message.data_records, 1);
	CHECK_EQ(draft_finish(&draft), sizeof(expected));
	CHECK_EQ(encoder_netflow9.sequence_step(&draft.message), 1);
	CHECK_BYTES(draft.bytes, expected, sizeof(expected));
	free(draft.bytes);
}

TEST(templates_and_options_templates)
{
	static const uint8_t compact[] = {
		0,    0,    0x02, 0x14, /* template FlowSet: 532 */
		0x02, 0x00, 0,    15,   /* template 512, 15 fields */
		0,    8,    0,    4,    /* sourceIPv4Address */
		0,    12,   0,    4,    /* destinationIPv4Address */
		0,    7,    0,    2,    /* sourceTransportPort */
		0,    11,   0,    2,    /* destinationTransportPort */
		0,    4,    0,    1,    /* protocolIdentifier */
		0,    5,    0,    1,    /* ipClassOfService */
		0,    6,    0,    1,    /* tcpControlBits */
		0,    61,   0,    1,    /* flowDirection */
		0,    136,  0,    1,    /* flowEndReason */
		0,    10,   0,    2,    /* ingressInterface */
		0,    14,   0,    2,    /* egressInterface */
		0,    1,    0,    4,    /* octetDeltaCount */
		0,    2,    0,    4,    /* packetDeltaCount */
		0,    152,  0,    8,    /* flowStartMilliseconds */
		0,    153,  0,    8,    /* flowEndMilliseconds */
	};
	static const uint8_t wide[] = {
		0x01, 0x04, 0, 17, /* template 260, 17 fields */
		0,    8,    0, 4,  /* sourceIPv4Address */
		0,    12,   0, 4,  /* destinationIPv4Address */
		0,    7,    0, 2,  /* sourceTransportPort */
		0,    11,   0, 2,  /* destinationTransportPort */
		0,    32,   0, 2,  /* icmpTypeCodeIPv4 */
		0,    4,    0, 1,  /* protocolIdentifier */
		0,    5,    0, 1,  /* ipClassOfService */
		0,    6,    0, 1,  /* tcpControlBits */
		0,    61,   0, 1,  /* flowDirection */
		0,    136,  0, 1,  /* flowEndReason */
		0,    58,   0, 2,  /* vlanId */
		0,    10,   0, 4,  /* ingressInterface */
		0,    14,   0, 4,  /* egressInterface */
		0,    1,    0, 8,  /* octetDeltaCount */
		0,    2,    0, 8,  /* packetDeltaCount */
		0,    152,  0, 8,  /* flowStartMilliseconds */
		0,    153,  0, 8,  /* flowEndMilliseconds */
		0x01, 0x05, 0, 17, /* template 261, 17 fields */
		0,    27,   0, 16, /* sourceIPv6Address */
		0,    28,   0, 16, /* destinationIPv6Address */
		0,    7,    0, 2,  0, 11, 0, 2, 0, 32,  0, 2, 0, 4,   0, 1, 0, 5,   0, 1,
		0,    6,    0, 1,  0, 61, 0, 1, 0, 136, 0, 1, 0, 58,  0, 2, 0, 10,  0, 4,
		0,    14,   0, 4,  0, 1,  0, 8, 0, 2,   0, 8, 0, 152, 0, 8, 0, 153, 0, 8,
	};
	static const uint8_t header[] = {
		0,    9,    0,    11,   /* version, count: 8 templates, 3 options templates */
		0,    0,    0xea, 0x60, /* sysUptime */
		0x65, 0x53, 0xf1, 0x00, /* unix_secs */
		0,    0,    0,    0,    /* sequence */
		0x0a, 0x0b, 0x0c, 0x0d, /* source id */
	};
	static const uint8_t options[] = {
		0,    1,    0, 28,        /* options template FlowSet: 4 + 22 + 2 of padding */
		0x01, 0x90, 0, 4,  0, 12, /* template 400, 4 bytes of scopes, 12 of options */
		0,    2,    0, 4,         /* scope Interface */
		0,    10,   0, 4,         /* ingressInterface */
		0,    82,   0, 16,        /* interfaceName */
		0,    83,   0, 32,        /* interfaceDescription */
		0,    0,                  /* padding */

		0,    1,    0, 64,        /* options template FlowSet: 4 + 58 + 2 of padding */
		0x01, 0x91, 0, 4,  0, 48, /* template 401, 4 bytes of scopes, 48 of options */
		0,    1,    0, 4,         /* scope System */
		0,    41,   0, 8,         /* exportedMessageTotalCount */
		0,    42,   0, 8,         /* exportedFlowRecordTotalCount */
		0,    40,   0, 8,         /* exportedOctetTotalCount */
		0,    164,  0, 8,         /* ignoredPacketTotalCount */
		0,    165,  0, 8,         /* ignoredOctetTotalCount */
		0,    166,  0, 8,         /* notSentFlowTotalCount */
		0,    167,  0, 8,         /* notSentPacketTotalCount */
		0,    168,  0, 8,         /* notSentOctetTotalCount */
		0,    163,  0, 8,         /* observedFlowTotalCount */
		0,    135,  0, 8,         /* droppedPacketTotalCount */
		0,    86,   0, 8,         /* packetTotalCount */
		0,    160,  0, 8,         /* systemInitTimeMilliseconds */
		0,    0,                  /* padding */

		0,    1,    0, 24,       /* options template FlowSet: 4 + 18 + 2 of padding */
		0x01, 0x92, 0, 4,  0, 8, /* template 402, 4 bytes of scopes, 8 of options */
		0,    1,    0, 4,        /* scope System */
		0,    34,   0, 4,        /* samplingInterval */
		0,    35,   0, 1,        /* samplingAlgorithm */
		0,    0,                 /* padding */
	};
	const size_t set = 4 + 8 * 4 + 2 * (15 + 17 + 14 + 16) * 4;
	struct draft draft;

	draft_begin(&draft, 20 + set + sizeof(options), &(struct template_choice){ 0 });
	CHECK_EQ(add_templates(&draft), 0);
	CHECK_EQ(draft.message.data_records, 0);
	CHECK_EQ(draft_finish(&draft), 20 + set + sizeof(options));
	CHECK_BYTES(draft.bytes, header, sizeof(header));
	CHECK_BYTES(draft.bytes + 20, compact, sizeof(compact));
	CHECK_BYTES(draft.bytes + 20 + 4 + 2 * (4 + 15 * 4), wide, sizeof(wide));
	CHECK_BYTES(draft.bytes + 20 + set, options, sizeof(options));
	free(draft.bytes);
}

TEST(statistics_are_the_ledger)
{
	static const uint8_t expected[] = {
		0x01, 0x91, 0,    104,                          /* FlowSet 401: 4 + 4 + 12 * 8 */
		0x0a, 0x0b, 0x0c, 0x0d,                         /* scope: the source id */
		0,    0,    0,    0,    0,    0,    0,    7,    /* datagrams sent */
		0,    0,    0,    0,    0,    0,    0,    100,  /* records sent */
		0,    0,    0,    0,    0,    0,    0x27, 0x10, /* octets of datagrams sent */
		0,    0,    0,    0,    0,    0,    0,    11,   /* packets ignored */
		0,    0,    0,    0,    0,    0,    4,    0x4c, /* octets ignored 1100 */
		0,    0,    0,    0,    0,    0,    0,    3,    /* records lost: 1 + 2 */
		0,    0,    0,    0,    0,    0,    0,    30,   /* their packets: 10 + 20 */
		0,    0,    0,    0,    0,    0,    0x0b, 0xb8, /* their octets: 1000 + 2000 */
		0,    0,    0,    0,    0,    0,    0,    105,  /* flows created */
		0,    0,    0,    0,    0,    0,    0,    5,    /* packets lost in the kernel */
		0,    0,    0,    1,    0,    0,    0,    0,    /* packets read 2^32 */
		0,    0,    0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, /* start of the export process */
	};
	struct draft draft;

	draft_begin(&draft, 20 + sizeof(expected), &(struct template_choice){ 0 });
	CHECK_EQ(encoder_netflow9.add_statistics(&draft.message, &statistics_example, SOURCE_ID),
		 0);
	CHECK_EQ(draft.message.records, 1);
	CHECK_EQ(draft_finish(&draft), 20 + sizeof(expected));
	CHECK_BYTES(draft.bytes + 20, expected, sizeof(expected));
	free(draft.bytes);
}

TEST(each_interface_name_has_a_set_of_its_own)
{
	/* clang-format off */
	static const uint8_t expected[] = {
		0x01, 0x90, 0, 60, /* FlowSet 400: 4 + 4 + 4 + 16 + 32 */
		0, 0, 0, 2,        /* scope Interface */
		0, 0, 0, 2,        /* ingressInterface */
		'e', 't', 'h', '0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* interfaceName */
		'u', 'p', 'l', 'i', 'n', 'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* ...Description */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x01, 0x90, 0, 60,    /* FlowSet 400 */
		0, 0, 0x01, 0x00,     /* scope Interface 256 */
		0, 0, 0x01, 0x00,     /* ingressInterface */
		'w', 'g', '0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		'w', 'g', '0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	const struct interface_name names[] = { { 2, "eth0", "uplink" }, { 256, "wg0", "wg0" } };
	struct draft draft;

	draft_begin(&draft, 20 + sizeof(expected) + 59, &(struct template_choice){ 0 });
	CHECK_EQ(encoder_netflow9.add_interface(&draft.message, &names[0]), 0);
	CHECK_EQ(encoder_netflow9.add_interface(&draft.message, &names[1]), 0);
	CHECK_EQ(encoder_netflow9.add_interface(&draft.message, &names[1]), -EMSGSIZE);
	CHECK_EQ(draft.message.records, 2);
	CHECK_EQ(draft_finish(&draft), 20 + sizeof(expected));
	CHECK_BYTES(draft.bytes + 20, expected, sizeof(expected));
	free(draft.bytes);
}

/* What nearly all records are: 45 bytes, so 30 in a datagram of 1400. */
TEST(records_whose_numbers_fit_are_compact)
{
	static const uint8_t expected[] = {
		0x02, 0x00, 0,    52,      /* FlowSet 512: 4 + 45 + 3 of padding */
		192,  0,    2,    53,      /* sourceIPv4Address */
		198,  51,   100,  9,       /* destinationIPv4Address */
		0,    53,                  /* sourceTransportPort */
		0x9c, 0x40,                /* destinationTransportPort */
		17,   0,    0,    0,    2, /* protocol, ToS, flags, flowDirection, flowEndReason */
		0xff, 0xff,                /* ingressInterface 65535 */
		0,    7,                   /* egressInterface 7 */
		0xff, 0xff, 0xff, 0xff,    /* octetDeltaCount 2^32 - 1 */
		0,    0,    0,    3,       /* packetDeltaCount */
		0,    0,    0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, /* flowStartMilliseconds */
		0,    0,    0x01, 0x8b, 0xcf, 0xe5, 0x69, 0xf4, /* flowEndMilliseconds */
		0,    0,    0,                                  /* padding */
	};
	struct export_record record = udp_record(4);
	struct draft draft;
	size_t count = 0;

	record.flow.key.input_interface = 65535;
	record.flow.key.output_interface = 7;
	record.flow.octets = UINT32_MAX;
	draft_begin(&draft, 1400, &(struct template_choice){ 0 });
	while (!encoder_netflow9.add_record(&draft.message, &draft.templates, &record))
		count++;
	CHECK_EQ(count, 30);
	free(draft.bytes);
	draft_begin(&draft, 1400, &(struct template_choice){ 0 });
	CHECK_EQ(encoder_netflow9.add_record(&draft.message, &draft.templates, &record), 0);
	CHECK_EQ(draft_finish(&draft), 20 + sizeof(expected));
	CHECK_BYTES(draft.bytes + 20, expected, sizeof(expected));
	free(draft.bytes);
}

/* By one too many of any of the four, and by a direction that is not known. */
TEST(each_shape_of_a_record_has_its_set)
{
	struct {
		uint64_t octets, packets;
		uint32_t input, output;
		uint8_t side;
		uint16_t id, size;
	} cases[] = {
		{ UINT32_MAX, UINT32_MAX, 65535, 65535, SIDE_egress, 512, 52 },
		{ UINT64_C(1) << 32, 1, 1, 1, SIDE_ingress, 260, 68 },
		{ 1, UINT64_C(1) << 32, 1, 1, SIDE_ingress, 260, 68 },
		{ 1, 1, 65536, 1, SIDE_ingress, 260, 68 },
		{ 1, 1, 1, 65536, SIDE_ingress, 260, 68 },
		{ 1, 1, 1, 1, SIDE_unknown, 640, 48 },
		{ UINT64_MAX, 1, 1, 1, SIDE_unknown, 768, 64 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct export_record record = udp_record(4);
		struct draft draft;

		record.flow.octets = cases[i].octets;
		record.flow.packets = cases[i].packets;
		record.flow.key.input_interface = cases[i].input;
		record.flow.key.output_interface = cases[i].output;
		record.flow.key.side = cases[i].side;
		draft_begin(&draft, 1400, &(struct template_choice){ 0 });
		CHECK_EQ(encoder_netflow9.add_record(&draft.message, &draft.templates, &record), 0);
		CHECK_EQ(draft_finish(&draft), 20u + cases[i].size);
		CHECK_EQ(load_be16(draft.bytes + 20), cases[i].id);
		CHECK_EQ(load_be16(draft.bytes + 22), cases[i].size);
		free(draft.bytes);
	}
}

TEST(a_datagram_is_filled_to_the_last_record_that_fits_with_its_padding)
{
	/* 24 bytes of headers and n * 61, rounded up to 4: 22 records are 1366, so 1368. */
	for (size_t size = 1365; size <= 1372; size++) {
		struct draft draft;
		size_t count = 0;

		draft_begin(&draft, size, &(struct template_choice){ 0 });
		while (add_udp(&draft, 4) == 0)
			count++;
		CHECK_EQ(count, size >= 1368 ? 22 : 21);
		CHECK_EQ(draft.message.records, count);
		CHECK_EQ(draft_finish(&draft), count == 22 ? 1368 : 1308);
		free(draft.bytes);
	}
}

TEST(a_change_of_the_ip_version_opens_a_new_set)
{
	struct draft draft;

	draft_begin(&draft, 1400, &(struct template_choice){ 0 });
	CHECK_EQ(add_udp(&draft, 4), 0);
	CHECK_EQ(add_udp(&draft, 6), 0);
	CHECK_EQ(add_udp(&draft, 6), 0);
	CHECK_EQ(add_udp(&draft, 4), 0);
	CHECK_EQ(draft_finish(&draft), 20 + 68 + 176 + 68);
	CHECK_EQ(load_be16(draft.bytes + 2), 4);
	CHECK_EQ(load_be32(draft.bytes + 20), 260u << 16 | 68);
	CHECK_EQ(load_be32(draft.bytes + 88), 261u << 16 | 176); /* 4 + 2 * 85 + 2 */
	CHECK_EQ(load_be32(draft.bytes + 264), 260u << 16 | 68);
	free(draft.bytes);
}

TEST(what_does_not_fit_leaves_the_message_as_it_was)
{
	const struct export_statistics statistics = { .system_init_ms = 0 };
	const struct interface_name name = { 1, "lo", "lo" };
	struct draft draft;
	uint8_t before[91];

	/* One record and its padding fill 88 of 91 bytes: 3 are for no one. */
	draft_begin(&draft, sizeof(before), &(struct template_choice){ 0 });
	CHECK_EQ(add_udp(&draft, 4), 0);
	memcpy(before, draft.bytes, sizeof(before));
	CHECK_EQ(add_udp(&draft, 4), -EMSGSIZE);
	CHECK_EQ(add_udp(&draft, 6), -EMSGSIZE);
	CHECK_EQ(add_templates(&draft), -EMSGSIZE);
	CHECK_EQ(encoder_netflow9.add_statistics(&draft.message, &statistics, 1), -EMSGSIZE);
	CHECK_EQ(encoder_netflow9.add_interface(&draft.message, &name), -EMSGSIZE);
	CHECK_BYTES(draft.bytes, before, sizeof(before));
	CHECK_EQ(draft.message.records, 1);
	CHECK_EQ(draft_finish(&draft), 88);
	free(draft.bytes);
}

TEST(the_smallest_datagram_holds_some_templates_statistics_or_the_largest_record)
{
	const struct template_choice everything = {
		.key.changed = FLOW_KEY_mark,
		.fields.added = (UINT64_C(1) << template_row_count()) - 1,
	};
	const struct export_statistics statistics = { .system_init_ms = 0 };
	struct draft draft;

	draft_begin(&draft, 512, &everything);
	(void)add_templates(&draft);
	CHECK(draft.message.records > 1);
	free(draft.bytes);
	draft_begin(&draft, 512, &everything);
	CHECK_EQ(encoder_netflow9.add_statistics(&draft.message, &statistics, 1), 0);
	free(draft.bytes);
	draft_begin(&draft, 512, &everything);
	CHECK_EQ(add_udp(&draft, 6), 0);
	free(draft.bytes);
}

TEST(header_times_do_not_run_backwards_past_0)
{
	const struct export_time early = { .unix_ms = -5, .uptime_ms = UINT32_MAX };
	struct draft draft;

	draft_begin(&draft, 512, &(struct template_choice){ 0 });
	CHECK_EQ(add_udp(&draft, 4), 0);
	(void)encoder_netflow9.finish(&draft.message, &early, 1);
	CHECK_EQ(load_be32(draft.bytes + 4), UINT32_MAX);
	CHECK_EQ(load_be32(draft.bytes + 8), 0);
	free(draft.bytes);
}

/* Random records of both versions: FlowSets cover the message exactly, hold whole records and less
 * padding than a record, and are never more than the header counts. */
TEST(any_mixture_is_well_formed_and_nearly_full)
{
	srandom(2);
	for (int round = 0; round < 500; round++) {
		const size_t size = 512 + (size_t)random() % 1000;
		const long share = random() % 101; /* of IPv6, percent */
		size_t at = 20, sets = 0, records = 0, finished;
		struct draft draft;

		draft_begin(&draft, size, &(struct template_choice){ 0 });
		while (add_udp(&draft, random() % 100 < share ? 6 : 4) == 0)
			;
		finished = draft_finish(&draft);
		CHECK(finished <= size && finished % 4 == 0);
		CHECK(finished + 4 + 85 + 3 + 3 + 3 > size);
		while (at < finished) {
			const size_t record = load_be16(draft.bytes + at) == 260 ? 61 : 85;
			const size_t length = load_be16(draft.bytes + at + 2);

			CHECK(length >= 4 + record && length % 4 == 0);
			CHECK((length - 4) % record < 4);
			records += (length - 4) / record;
			sets++;
			at += length;
		}
		CHECK_EQ(at, finished);
		CHECK_EQ(load_be16(draft.bytes + 2), records);
		CHECK(sets <= records);
		free(draft.bytes);
	}
}

TEST(header_of_times_as_sys_uptime_is_of_one_moment)
{
	/* 24.8 days and some uptime at 1000.25 s: the next full second is 1001. */
	const struct export_time now = { .unix_ms = 1000250, .uptime_ms = 4000 };
	struct draft draft;
	struct reader header;

	draft_begin(&draft, 512, &(struct template_choice){ .has_uptime = true });
	draft.message.writer = writer_of(draft.bytes, 512);
	encoder_netflow9.begin(&draft.message, &now);
	draft.message.has_uptime = true;
	CHECK_EQ(encoder_netflow9.finish(&draft.message, &now, SOURCE_ID), 20);
	header = reader_of(draft.bytes + 4, 8);
	CHECK_EQ(reader_u32(&header), 0x80000000u + 4000 + 750);
	CHECK_EQ(reader_u32(&header), 1001);
	free(draft.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_of_times_as_sys_uptime_is_of_one_moment),
		cmocka_unit_test(message_with_one_ipv4_record),
		cmocka_unit_test(records_whose_numbers_fit_are_compact),
		cmocka_unit_test(each_shape_of_a_record_has_its_set),
		cmocka_unit_test(templates_and_options_templates),
		cmocka_unit_test(statistics_are_the_ledger),
		cmocka_unit_test(each_interface_name_has_a_set_of_its_own),
		cmocka_unit_test(
			a_datagram_is_filled_to_the_last_record_that_fits_with_its_padding),
		cmocka_unit_test(a_change_of_the_ip_version_opens_a_new_set),
		cmocka_unit_test(what_does_not_fit_leaves_the_message_as_it_was),
		cmocka_unit_test(
			the_smallest_datagram_holds_some_templates_statistics_or_the_largest_record),
		cmocka_unit_test(header_times_do_not_run_backwards_past_0),
		cmocka_unit_test(any_mixture_is_well_formed_and_nearly_full),
	};

	return RUN_TESTS(tests);
}
