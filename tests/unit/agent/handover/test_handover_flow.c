/* test_handover_flow.c - a flow as bytes and back; what is no flow is refused. */
#include "handover_flow.h"

#include "check.h"

static const struct moved_flow example = {
	.record = { .key = { .source_port = 1,
			     .destination_port = 2,
			     .protocol = 6,
			     .tos = 4,
			     .vlan_id = 5,
			     .input_interface = 7,
			     .output_interface = 8,
			     .mark = 9,
			     .side = 1,
			     .ip_version = 6,
			     .sampler = 3,
			     .addresses = { 0x20, [31] = 1 } },
		    .packets = 1000,
		    .octets = UINT64_C(1) << 40,
		    .first_ms = 1700000000000,
		    .last_ms = 1700000000999,
		    .tcp_flags = 0x1b,
		    .minimum_ttl = 63,
		    .maximum_ttl = 64,
		    .physical_input = 10,
		    .physical_output = 11,
		    .source_mac = UINT64_C(0x1020000000001),
		    .destination_mac = UINT64_C(0x20000000002),
		    .user = 1002,
		    .cgroup = UINT64_C(0x100000002) },
	.created_ms = 12345,
	.seen_ms = 12999,
};

static size_t write(uint8_t *bytes, size_t size, const struct moved_flow *flow, uint32_t flow_size)
{
	struct writer writer = writer_of(bytes, size);

	writer_u32(&writer, flow_size);
	handover_flow_write(&writer, flow);
	CHECK(!writer.failed);
	CHECK_EQ(writer_size(&writer), 4 + HANDOVER_FLOW_SIZE);
	return writer_size(&writer);
}

TEST(a_flow_comes_back_as_it_was)
{
	uint8_t bytes[256];
	struct reader body =
		reader_of(bytes, write(bytes, sizeof(bytes), &example, HANDOVER_FLOW_SIZE));
	struct moved_flow flow;

	CHECK_EQ(handover_flow_begin(&body), HANDOVER_FLOW_SIZE);
	CHECK(handover_flow_read(&body, HANDOVER_FLOW_SIZE, &flow));
	CHECK_BYTES(&flow, &example, sizeof(flow));
	CHECK(!handover_flow_read(&body, HANDOVER_FLOW_SIZE, &flow));
	CHECK(!body.failed);
}

TEST(members_of_a_later_version_are_skipped)
{
	uint8_t bytes[256] = { 0 };
	struct reader body;
	struct moved_flow flow;

	(void)write(bytes, sizeof(bytes), &example, HANDOVER_FLOW_SIZE + 8);
	body = reader_of(bytes, 4 + HANDOVER_FLOW_SIZE + 8);
	CHECK_EQ(handover_flow_begin(&body), HANDOVER_FLOW_SIZE + 8);
	CHECK(handover_flow_read(&body, HANDOVER_FLOW_SIZE + 8, &flow));
	CHECK_BYTES(&flow, &example, sizeof(flow));
	CHECK(!handover_flow_read(&body, HANDOVER_FLOW_SIZE + 8, &flow));
}

TEST(members_that_an_earlier_version_has_not_are_0)
{
	struct moved_flow earlier = example;
	uint8_t bytes[256] = { 0 };
	struct reader body;
	struct moved_flow flow;

	earlier.record.user = 0;
	earlier.record.cgroup = 0;
	(void)write(bytes, sizeof(bytes), &example, HANDOVER_FLOW_SIZE_WITH_MACS);
	body = reader_of(bytes, 4 + HANDOVER_FLOW_SIZE_WITH_MACS);
	CHECK_EQ(handover_flow_begin(&body), HANDOVER_FLOW_SIZE_WITH_MACS);
	CHECK(handover_flow_read(&body, HANDOVER_FLOW_SIZE_WITH_MACS, &flow));
	CHECK_BYTES(&flow, &earlier, sizeof(flow));
	earlier.record.source_mac = earlier.record.destination_mac = 0;
	(void)write(bytes, sizeof(bytes), &example, HANDOVER_FLOW_SIZE_LEAST);
	body = reader_of(bytes, 4 + HANDOVER_FLOW_SIZE_LEAST);
	CHECK_EQ(handover_flow_begin(&body), HANDOVER_FLOW_SIZE_LEAST);
	CHECK(handover_flow_read(&body, HANDOVER_FLOW_SIZE_LEAST, &flow));
	CHECK_BYTES(&flow, &earlier, sizeof(flow));
}

TEST(of_an_IPv4_key_the_rest_is_0)
{
	struct moved_flow ipv4 = example;
	uint8_t bytes[256];
	struct reader body;
	struct moved_flow flow;

	ipv4.record.key.ip_version = 4;
	body = reader_of(bytes, write(bytes, sizeof(bytes), &ipv4, HANDOVER_FLOW_SIZE));
	(void)handover_flow_begin(&body);
	CHECK(handover_flow_read(&body, HANDOVER_FLOW_SIZE, &flow));
	CHECK_EQ(flow.record.key.addresses[0], 0x20);
	CHECK_EQ(flow.record.key.addresses[31], 0);
}

TEST(what_is_no_flow_is_refused)
{
	struct moved_flow wrong = example;
	uint8_t bytes[256];
	struct reader body;
	struct moved_flow flow;
	size_t size;

	wrong.record.packets = 0;
	size = write(bytes, sizeof(bytes), &wrong, HANDOVER_FLOW_SIZE);
	body = reader_of(bytes, size);
	(void)handover_flow_begin(&body);
	CHECK(!handover_flow_read(&body, HANDOVER_FLOW_SIZE, &flow));
	CHECK(body.failed);

	wrong = example;
	wrong.record.key.ip_version = 5;
	size = write(bytes, sizeof(bytes), &wrong, HANDOVER_FLOW_SIZE);
	body = reader_of(bytes, size);
	(void)handover_flow_begin(&body);
	CHECK(!handover_flow_read(&body, HANDOVER_FLOW_SIZE, &flow));
	CHECK(body.failed);

	for (size_t cut = 1; cut < size; cut++) {
		body = reader_of(bytes, size - cut);
		CHECK_EQ(handover_flow_begin(&body) != 0, size - cut == 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_comes_back_as_it_was),
		cmocka_unit_test(members_of_a_later_version_are_skipped),
		cmocka_unit_test(members_that_an_earlier_version_has_not_are_0),
		cmocka_unit_test(of_an_IPv4_key_the_rest_is_0),
		cmocka_unit_test(what_is_no_flow_is_refused),
	};

	return RUN_TESTS(tests);
}
