/* test_encoder_netflow5.c - whole messages as literal bytes, the clock, and what does not fit. */
#include "encoder.h"

#include "check.h"

#include <errno.h>
#include <stdlib.h>

static const struct export_time time_ = { .unix_ms = 1700000000999, .uptime_ms = 60000 };
static const struct template_set no_templates;

static void begin(struct message *message, uint8_t *bytes, size_t size)
{
	memset(bytes, 0xee, size);
	message->writer = writer_of(bytes, size);
	encoder_netflow5.begin(message, &time_);
}

static int add(struct message *message, const struct export_record *record)
{
	return encoder_netflow5.add_record(message, &no_templates, record);
}

static struct export_record tcp_record(void)
{
	struct export_record record = {
		.flow = {
			.key = {
				.source_port = 40000,
				.destination_port = 443,
				.protocol = 6,
				.tos = 0xb8,
				.vlan_id = 100,
				.input_interface = 65535,
				.output_interface = 65536,
				.side = 1,
				.ip_version = 4,
				.addresses = { 192, 0, 2, 1, 198, 51, 100, 7 },
			},
			.packets = UINT32_MAX,
			.octets = UINT32_MAX - 1,
			.first_ms = 1700000000000 - 60000,
			.last_ms = 1700000000000,
			.tcp_flags = 0x1b,
			.end_reason = FLOW_END_endOfFlowDetected,
		},
		.source = { .as_number = 65535, .prefix_length = 24 },
		.destination = {
			.as_number = 65536,
			.prefix_length = 22,
			.has_next_hop = true,
			.next_hop = { 10, 0, 0, 1 },
		},
	};

	return record;
}

TEST(message_with_one_record)
{
	/* The clock: 2^31 ms and the uptime of 60000. */
	static const uint8_t expected[] = {
		0,    5,                /* version */
		0,    1,                /* count */
		0x80, 0x00, 0xea, 0x60, /* SysUptime */
		0x65, 0x53, 0xf1, 0x00, /* unix_secs 1700000000 */
		0x3b, 0x8b, 0x87, 0xc0, /* unix_nsecs 999000000 */
		0,    0,    0,    0,    /* flow_sequence: stored when it is sent */
		0x0c, 0x0d,             /* engine_type, engine_id: of source id 0x0a0b0c0d */
		0,    1,                /* sampling_interval: every packet, no mode */
		192,  0,    2,    1,    /* srcaddr */
		198,  51,   100,  7,    /* dstaddr */
		10,   0,    0,    1,    /* nexthop */
		0xff, 0xff,             /* input 65535 */
		0,    0,                /* output 65536 does not fit */
		0xff, 0xff, 0xff, 0xff, /* dPkts */
		0xff, 0xff, 0xff, 0xfe, /* dOctets */
		0x7f, 0xff, 0xfc, 0x19, /* First: 60999 ms before SysUptime */
		0x80, 0x00, 0xe6, 0x79, /* Last: 999 ms before */
		0x9c, 0x40,             /* srcport */
		0x01, 0xbb,             /* dstport */
		0,                      /* pad1 */
		0x1b,                   /* tcp_flags */
		6,                      /* prot */
		0xb8,                   /* tos */
		0xff, 0xff,             /* src_as 65535 */
		0x5b, 0xa0,             /* dst_as AS_TRANS */
		24,   22,               /* src_mask, dst_mask */
		0,    0,                /* pad2 */
	};
	const struct export_record record = tcp_record();
	uint8_t *bytes = malloc(sizeof(expected));
	struct message message;

	begin(&message, bytes, sizeof(expected));
	CHECK_EQ(add(&message, &record), 0);
	CHECK_EQ(add(&message, &record), -EMSGSIZE);
	CHECK_EQ(encoder_netflow5.finish(&message, &time_, 0x0a0b0c0d), sizeof(expected));
	CHECK_EQ(encoder_netflow5.sequence_step(&message), 1);
	CHECK_BYTES(bytes, expected, sizeof(expected));
	free(bytes);
}

/* What follows the 36 bytes that are as in version 5. */
static void check_kin(const struct encoder_type *encoder, const uint8_t *header, size_t header_size,
		      const uint8_t *rest, size_t rest_size)
{
	const struct export_record record = tcp_record();
	uint8_t five[24 + 48];
	uint8_t bytes[24 + 52];
	struct message message;

	begin(&message, five, sizeof(five));
	CHECK_EQ(add(&message, &record), 0);
	(void)encoder_netflow5.finish(&message, &time_, 1);
	memset(bytes, 0xee, sizeof(bytes));
	message.writer = writer_of(bytes, header_size + 36 + rest_size);
	encoder->begin(&message, &time_);
	CHECK_EQ(encoder->add_record(&message, &no_templates, &record), 0);
	CHECK_EQ(encoder->add_record(&message, &no_templates, &record), -EMSGSIZE);
	CHECK_EQ(encoder->finish(&message, &time_, 0x0a0b0c0d), header_size + 36 + rest_size);
	CHECK_BYTES(bytes, header, header_size);
	CHECK_BYTES(bytes + header_size, five + 24, 36);
	CHECK_BYTES(bytes + header_size + 36, rest, rest_size);
}

TEST(version_1_has_no_sequence_and_no_as_numbers)
{
	static const uint8_t header[] = {
		0,    1,                /* version */
		0,    1,                /* count */
		0x80, 0x00, 0xea, 0x60, /* SysUptime */
		0x65, 0x53, 0xf1, 0x00, /* unix_secs */
		0x3b, 0x8b, 0x87, 0xc0, /* unix_nsecs */
	};
	static const uint8_t rest[] = {
		0,    0,                /* pad1 */
		6,                      /* prot */
		0xb8,                   /* tos */
		0x1b,                   /* flags */
		0,    0, 0, 0, 0, 0, 0, /* retransmissions, reserved */
	};

	check_kin(&encoder_netflow1, header, sizeof(header), rest, sizeof(rest));
	CHECK_EQ(encoder_netflow1.sequence_offset, 0);
}

TEST(version_7_names_no_engine_and_no_router)
{
	static const uint8_t header[] = {
		0,    7,                /* version */
		0,    1,                /* count */
		0x80, 0x00, 0xea, 0x60, /* SysUptime */
		0x65, 0x53, 0xf1, 0x00, /* unix_secs */
		0x3b, 0x8b, 0x87, 0xc0, /* unix_nsecs */
		0,    0,    0,    0,    /* flow_sequence: stored when it is sent */
		0,    0,    0,    0,    /* reserved */
	};
	static const uint8_t rest[] = {
		0,                /* flags: all is valid */
		0x1b,             /* tcp_flags */
		6,                /* prot */
		0xb8,             /* tos */
		0xff, 0xff,       /* src_as 65535 */
		0x5b, 0xa0,       /* dst_as AS_TRANS */
		24,   22,         /* src_mask, dst_mask */
		0,    0,          /* flags */
		0,    0,    0, 0, /* router_sc */
	};

	check_kin(&encoder_netflow7, header, sizeof(header), rest, sizeof(rest));
	CHECK_EQ(encoder_netflow7.sequence_offset, 16);
}

TEST(a_message_has_as_many_records_as_its_version_allows)
{
	static const struct {
		const struct encoder_type *encoder;
		uint32_t records, step;
		size_t size;
	} cases[] = {
		{ &encoder_netflow1, 24, 0, 16 + 24 * 48 },
		{ &encoder_netflow5, 30, 30, 24 + 30 * 48 },
		{ &encoder_netflow7, 27, 27, 24 + 27 * 52 },
	};
	const struct export_record record = tcp_record();
	uint8_t *bytes = malloc(9000);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct encoder_type *encoder = cases[i].encoder;
		struct message message = { .writer = writer_of(bytes, 9000) };

		encoder->begin(&message, &time_);
		for (uint32_t k = 0; k < cases[i].records; k++)
			CHECK_EQ(encoder->add_record(&message, &no_templates, &record), 0);
		CHECK_EQ(encoder->add_record(&message, &no_templates, &record), -EMSGSIZE);
		CHECK_EQ(encoder->finish(&message, &time_, 1), cases[i].size);
		CHECK_EQ(load_be16(bytes + 2), cases[i].records);
		CHECK_EQ(encoder->sequence_step ? encoder->sequence_step(&message) : 0,
			 cases[i].step);
	}
	free(bytes);
}

TEST(a_message_without_records_is_a_header)
{
	uint8_t bytes[512];
	struct message message;

	begin(&message, bytes, sizeof(bytes));
	CHECK_EQ(encoder_netflow5.finish(&message, &time_, 1), 24);
	CHECK_EQ(load_be16(bytes + 2), 0);
	CHECK_EQ(encoder_netflow5.sequence_step(&message), 0);
}

/* Times as a collector computes them: real time of the header less the clock plus the record's. */
TEST(times_are_exact_at_any_uptime_and_the_clock_does_not_wrap)
{
	srandom(5);
	for (int round = 0; round < 20000; round++) {
		const uint32_t uptime_ms = ((uint32_t)random() << 1) ^ (uint32_t)random();
		const unix_ms now = 1700000000000 + random();
		const struct export_time begun = { now, uptime_ms };
		const int64_t waited = random() % 2000;
		const struct export_time done = { now + waited, uptime_ms + (uint32_t)waited };
		struct export_record record = tcp_record();
		uint8_t bytes[72];
		struct message message = { .writer = writer_of(bytes, sizeof(bytes)) };
		uint64_t header_ms;
		uint32_t uptime, first, last;

		record.flow.first_ms = now - random() % 2000000000;
		record.flow.last_ms = now - random() % 1000 + 500;
		encoder_netflow5.begin(&message, &begun);
		CHECK_EQ(add(&message, &record), 0);
		(void)encoder_netflow5.finish(&message, &done, 1);
		uptime = load_be32(bytes + 4);
		header_ms = (uint64_t)load_be32(bytes + 8) * 1000 + load_be32(bytes + 12) / 1000000;
		first = load_be32(bytes + 24 + 24);
		last = load_be32(bytes + 24 + 28);
		CHECK(uptime >= UINT32_C(1) << 31 && uptime < (UINT32_C(3) << 30) + 2000);
		CHECK(first <= uptime);
		CHECK_EQ(header_ms - uptime + first, (uint64_t)record.flow.first_ms);
		CHECK_EQ(header_ms - uptime + last, (uint64_t)record.flow.last_ms);
	}
}

/* Also for collectors that take the difference to the header for a number with a sign. */
TEST(a_time_too_old_for_the_clock_stays_in_the_past)
{
	struct export_record record = tcp_record();
	uint8_t bytes[72];
	struct message message;

	record.flow.first_ms = -1;
	record.flow.last_ms = time_.unix_ms + UINT32_MAX;
	begin(&message, bytes, sizeof(bytes));
	CHECK_EQ(add(&message, &record), 0);
	(void)encoder_netflow5.finish(&message, &time_, 1);
	CHECK((int32_t)(load_be32(bytes + 4) - load_be32(bytes + 24 + 24)) > 0);
	CHECK_EQ(load_be32(bytes + 24 + 28), UINT32_MAX);
}

TEST(a_packet_of_before_1970_does_not_run_backwards_past_0)
{
	const struct export_time early = { .unix_ms = -5, .uptime_ms = 0 };
	uint8_t bytes[24];
	struct message message = { .writer = writer_of(bytes, sizeof(bytes)) };

	encoder_netflow5.begin(&message, &early);
	(void)encoder_netflow5.finish(&message, &early, 1);
	CHECK_EQ(load_be32(bytes + 8), 0);
	CHECK_EQ(load_be32(bytes + 12), 0);
}

TEST(encoders_are_found_by_version)
{
	CHECK(encoder_find(1) == &encoder_netflow1);
	CHECK(encoder_find(7) == &encoder_netflow7);
	CHECK(encoder_find(5) == &encoder_netflow5);
	CHECK(encoder_find(9) == &encoder_netflow9);
	CHECK(encoder_find(10) == &encoder_ipfix);
	CHECK(encoder_find(0) == NULL);
	CHECK(encoder_find(8) == NULL);
	CHECK(encoder_find(254) == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_with_one_record),
		cmocka_unit_test(version_1_has_no_sequence_and_no_as_numbers),
		cmocka_unit_test(version_7_names_no_engine_and_no_router),
		cmocka_unit_test(a_message_has_as_many_records_as_its_version_allows),
		cmocka_unit_test(a_message_without_records_is_a_header),
		cmocka_unit_test(times_are_exact_at_any_uptime_and_the_clock_does_not_wrap),
		cmocka_unit_test(a_time_too_old_for_the_clock_stays_in_the_past),
		cmocka_unit_test(a_packet_of_before_1970_does_not_run_backwards_past_0),
		cmocka_unit_test(encoders_are_found_by_version),
	};

	return RUN_TESTS(tests);
}
