/* test_flow_order.c - the first flows of many, and sums per key, against a walk of all. */
#include "check.h"

#include "export_record.h"
#include "fake_pipeline.c"
#include "flow_sums.h"
#include "flow_top.h"
#include "packet_note.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LATER 4102444800000 /* no flow had packets within the last seconds */

static const struct flow_key_choice whole_key = { 0 };

/* Flow number 'index' with pseudo-random counters. */
static struct flow_view view_of(uint32_t index)
{
	struct flow_view view = { .flow = fake_pipeline_flow(index),
				  .sampling = 1,
				  .input_interface = "",
				  .output_interface = index % 3 ? "eth0" : "eth1" };

	view.flow.octets = (index * 2654435761u) % 5000;
	view.flow.packets = 1 + index % 5;
	return view;
}

static int compare_octets(const void *one, const void *other)
{
	const uint64_t left = *(const uint64_t *)one;
	const uint64_t right = *(const uint64_t *)other;

	return (left < right) - (left > right);
}

TEST(top_of_many_flows_is_exact)
{
	enum { FLOWS = 20000, TOP = 100 };
	const struct flow_order order = { FLOW_MEMBER_bytes, true };
	struct flow_top *top = flow_top_create(&order, TOP, &whole_key);
	uint64_t *octets = calloc(FLOWS, sizeof(*octets));

	assert_non_null(top);
	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct flow_view view = view_of(i);

		octets[i] = view.flow.octets;
		CHECK_EQ(flow_top_add(top, &view), 0);
	}
	qsort(octets, FLOWS, sizeof(*octets), compare_octets);
	CHECK_EQ(flow_top_sort(top), TOP);
	for (size_t i = 0; i < TOP; i++)
		CHECK_EQ(flow_top_at(top, i)->flow.octets, octets[i]);
	flow_top_destroy(top);
	free(octets);
}

TEST(of_equal_flows_the_first_ones_are_kept)
{
	const struct flow_order order = { FLOW_MEMBER_proto, false };
	struct flow_top *top = flow_top_create(&order, 3, &whole_key);

	for (uint32_t i = 0; i < 500; i++) {
		const struct flow_view view = view_of(i);

		CHECK_EQ(flow_top_add(top, &view), 0);
	}
	CHECK_EQ(flow_top_sort(top), 3);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(flow_top_at(top, i)->flow.key.source_port, i);
	flow_top_destroy(top);
}

static struct flow_sums *sums_of(const char *keys, uint32_t flows)
{
	struct error_text error = { .text = "" };
	struct flow_sums *sums =
		flow_sums_create(keys, &whole_key, (struct hash_key){ 1, 2 }, &error);

	if (!sums)
		fail_msg("%s: %s", keys, error.text);
	for (uint32_t i = 0; i < flows; i++) {
		const struct flow_view view = view_of(i);

		CHECK_EQ(flow_sums_add(sums, &view, LATER), 0);
	}
	return sums;
}

static void expect_row(const struct flow_sums *sums, size_t index, const char *expected)
{
	char row[FLOW_SUM_JSON_SIZE];

	*flow_sums_write(sums, index, row) = '\0';
	CHECK_TEXT(row, expected);
}

TEST(a_flow_counts_once_at_each_end)
{
	/* 500 flows 10.0.0.x -> 192.0.2.1:443; ports 0 to 499 and 443: one flow has it twice. */
	struct flow_sums *sums = sums_of("port", 500);
	uint64_t flows = 0;

	CHECK_EQ(flow_sums_count(sums), 500);
	for (size_t i = 0; i < 500; i++)
		flows += flow_sums_at(sums, i)->flows;
	CHECK_EQ(flows, 2 * 500 - 1);
	CHECK_EQ(flow_sums_sort(sums, "flows", true), 0);
	CHECK_EQ(flow_sums_at(sums, 0)->flows, 500);
	CHECK_EQ(flow_sums_at(sums, 0)->packets, 1500);
	flow_sums_destroy(sums);
	sums = sums_of("iface", 9); /* the input has no name: no end */
	CHECK_EQ(flow_sums_sort(sums, "flows", true), 0);
	CHECK_EQ(flow_sums_count(sums), 2);
	CHECK_EQ(flow_sums_at(sums, 0)->flows, 6);
	CHECK_EQ(flow_sums_at(sums, 1)->flows, 3);
	flow_sums_destroy(sums);
}

TEST(rows_of_sums_are_objects)
{
	struct flow_sums *sums = sums_of("destination,proto,oif", 0);
	struct flow_view view = view_of(0);

	view.flow.octets = 1ull << 40;
	CHECK_EQ(flow_sums_add(sums, &view, LATER), 0);
	expect_row(sums, 0,
		   "{\"dst\":\"192.0.2.1\",\"proto\":6,\"out_if\":0,\"flows\":1,\"packets\":1,"
		   "\"bytes\":1099511627776,\"bits_per_s\":0,\"packets_per_s\":0}");
	flow_sums_destroy(sums);
}

/* Bits per second of a flow of 'octets' at time 100000. */
static uint64_t rate_of(uint64_t octets, unix_ms first_ms, unix_ms last_ms)
{
	struct flow_sums *sums = sums_of("proto", 0);
	struct flow_view view = view_of(0);
	const char *start;
	char row[FLOW_SUM_JSON_SIZE];
	uint64_t rate = 0;

	view.flow.octets = octets;
	view.flow.first_ms = first_ms;
	view.flow.last_ms = last_ms;
	CHECK_EQ(flow_sums_add(sums, &view, 100000), 0);
	*flow_sums_write(sums, 0, row) = '\0';
	start = strstr(row, "\"bits_per_s\":");
	CHECK(start != NULL);
	CHECK_EQ(sscanf(start, "\"bits_per_s\":%" SCNu64, &rate), 1);
	flow_sums_destroy(sums);
	return rate;
}

TEST(rates_are_of_the_last_two_seconds)
{
	CHECK_EQ(rate_of(1000, 99000, 99000), 4000);  /* one packet: all of it within 2 s */
	CHECK_EQ(rate_of(1000, 98500, 99900), 4000);  /* all of it */
	CHECK_EQ(rate_of(1000, 98000, 100000), 4000); /* just all */
	CHECK_EQ(rate_of(1000, 96000, 100000), 2000); /* half of it */
	CHECK_EQ(rate_of(1000, 96000, 99000), 1332) /* 333 bytes */;
	CHECK_EQ(rate_of(1000, 96000, 98000), 0); /* ended before */
	CHECK_EQ(rate_of(1000, 50000, 97999), 0);
	CHECK_EQ(rate_of(1000, 100500, 100500), 4000); /* stamped after the clock was read */
	CHECK_EQ(rate_of(UINT64_C(1) << 50, 0, 100000), (UINT64_C(1) << 50) / 50 * 4);
}

TEST(names_of_interfaces_cannot_break_a_row)
{
	struct flow_sums *sums = sums_of("out_if_name", 0);
	struct flow_view view = view_of(0);

	view.output_interface = "a\"\\\n\xff";
	CHECK_EQ(flow_sums_add(sums, &view, LATER), 0);
	expect_row(sums, 0,
		   "{\"out_if_name\":\"a\\\"\\\\\\u000a?\",\"flows\":1,\"packets\":1,\"bytes\":0,"
		   "\"bits_per_s\":0,\"packets_per_s\":0}");
	flow_sums_destroy(sums);
}

TEST(memory_of_sums_is_bounded)
{
	struct flow_sums *sums = sums_of("src", 0);
	uint32_t added = 0;

	for (; flow_sums_room(sums) > 0; added++) {
		const struct flow_view view = view_of(added);

		CHECK_EQ(flow_sums_add(sums, &view, LATER), 0);
	}
	CHECK(flow_sums_count(sums) <= FLOW_SUMS_MAX);
	CHECK(added >= FLOW_SUMS_MAX - 2);
	flow_sums_clear(sums);
	CHECK_EQ(flow_sums_count(sums), 0);
	CHECK_EQ(flow_sums_room(sums), FLOW_SUMS_MAX / 2);
	flow_sums_destroy(sums);
}

TEST(keys_that_cannot_be_are_refused)
{
	static const char *const wrong[] = {
		"",           "src,",  "colour",
		"src,source", "bytes", "pkts",
		",",          "v,v",   "v,proto,src,dst,sport,dport,tos,vlan,mark"
	};
	struct error_text error;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (flow_sums_create(wrong[i], &whole_key, (struct hash_key){ 1, 2 }, &error))
			fail_msg("taken: %s", wrong[i]);
}

/* What is not known is null, and never an address of zeros. */
TEST(link_addresses_and_translations_are_values)
{
	struct flow_sums *sums =
		sums_of("src_mac,post_dst_mac,post_nat_src,postNAPTSourceTransportPort", 1);
	struct flow_view view = view_of(0);

	view.flow.source_mac = 0x0254000000ffu;
	view.flow.destination_mac = 0x020000000001u | PACKET_NOTE_MAC_LEAVES;
	memcpy(view.nat.source, (const uint8_t[]){ 203, 0, 113, 1 }, 4);
	CHECK_EQ(flow_sums_add(sums, &view, LATER), 0);
	expect_row(sums, 0,
		   "{\"src_mac\":null,\"post_dst_mac\":null,\"post_nat_src\":null,"
		   "\"post_nat_src_port\":null,\"flows\":1,\"packets\":1,\"bytes\":0,"
		   "\"bits_per_s\":0,\"packets_per_s\":0}");
	expect_row(sums, 1,
		   "{\"src_mac\":\"02:54:00:00:00:ff\",\"post_dst_mac\":\"02:00:00:00:00:01\","
		   "\"post_nat_src\":\"203.0.113.1\",\"post_nat_src_port\":0,\"flows\":1,"
		   "\"packets\":1,\"bytes\":0,\"bits_per_s\":0,\"packets_per_s\":0}");
	flow_sums_destroy(sums);
}

TEST(a_member_is_there_where_flows_keep_it)
{
	const uint64_t none = flow_members_of(0);
	const uint64_t mac = flow_members_of(FLOW_COLUMN_BIT(FLOW_COLUMN_source_mac)) & ~none;
	const uint64_t nat = flow_members_of(EXPORT_RECORD_NAT) & ~none;

	CHECK_EQ(none & (FLOW_MEMBERS_NAT | FLOW_MEMBERS_OWNER), 0);
	CHECK_EQ(mac,
		 FLOW_MEMBER_BIT(FLOW_MEMBER_src_mac) | FLOW_MEMBER_BIT(FLOW_MEMBER_post_src_mac));
	CHECK_EQ(nat, FLOW_MEMBERS_NAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(top_of_many_flows_is_exact),
		cmocka_unit_test(of_equal_flows_the_first_ones_are_kept),
		cmocka_unit_test(a_flow_counts_once_at_each_end),
		cmocka_unit_test(rows_of_sums_are_objects),
		cmocka_unit_test(link_addresses_and_translations_are_values),
		cmocka_unit_test(a_member_is_there_where_flows_keep_it),
		cmocka_unit_test(rates_are_of_the_last_two_seconds),
		cmocka_unit_test(names_of_interfaces_cannot_break_a_row),
		cmocka_unit_test(memory_of_sums_is_bounded),
		cmocka_unit_test(keys_that_cannot_be_are_refused),
	};

	return RUN_TESTS(tests);
}
