/* test_control_flows.c - flows over the control socket: rows, filters, orders, sums. */
#include "flow_sums.h"

#include "control_fixture.h"

TEST(flows_are_rows_with_fixed_members)
{
	static const struct {
		const char *key;
		json_type type;
	} members[] = {
		{ "src", JSON_STRING },
		{ "dst", JSON_STRING },
		{ "proto", JSON_INTEGER },
		{ "src_port", JSON_INTEGER },
		{ "dst_port", JSON_INTEGER },
		{ "tos", JSON_INTEGER },
		{ "packets", JSON_INTEGER },
		{ "bytes", JSON_INTEGER },
		{ "tcp_flags", JSON_INTEGER },
		{ "in_if", JSON_INTEGER },
		{ "out_if", JSON_INTEGER },
		{ "dir", JSON_STRING },
		{ "start_unix_ms", JSON_INTEGER },
		{ "end_unix_ms", JSON_INTEGER },
		{ "v", JSON_INTEGER },
		{ "vlan", JSON_INTEGER },
		{ "start", JSON_STRING },
		{ "end", JSON_STRING },
		{ "src_as", JSON_INTEGER },
		{ "dst_as", JSON_INTEGER },
	};
	struct fixture fixture;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 1;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\"}\n");
	row = read_json(&fixture, client);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		CHECK_EQ(json_typeof(json_object_get(row, members[i].key)), members[i].type);
	CHECK_TEXT(json_string_value(json_object_get(row, "src")), "10.0.0.0");
	CHECK_TEXT(json_string_value(json_object_get(row, "dst")), "192.0.2.1");
	CHECK_TEXT(json_string_value(json_object_get(row, "dir")), "out");
	CHECK_TEXT(json_string_value(json_object_get(row, "start")), "2026-11-22T19:17:00.114Z");
	CHECK_EQ(json_integer_value(json_object_get(row, "dst_as")), 64500);
	CHECK_EQ(json_integer_value(json_object_get(row, "bytes")), 1000);
	json_decref(row);
	expect_end(&fixture, client, 1);
	(void)close(client);
	stop_server(&fixture);
}

TEST(filter_is_applied_by_the_server)
{
	struct fixture fixture;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 2000;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"filter\":[\"sport=1999\"]}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "bytes")), 2999);
	json_decref(row);
	expect_end(&fixture, client, 1);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"filter\":[\"nonsense=1\"]}\n");
	expect_error(&fixture, client, "bad-request");
	(void)close(client);
	stop_server(&fixture);
}

static void expect_bytes(struct fixture *fixture, int client, json_int_t bytes)
{
	json_t *row = read_json(fixture, client);

	CHECK_EQ(json_integer_value(json_object_get(row, "bytes")), bytes);
	json_decref(row);
}

TEST(the_server_finds_the_first_flows_and_sends_no_others)
{
	struct fixture fixture;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 100000;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"sort\":\"bytes\",\"top\":3}\n");
	for (json_int_t i = 0; i < 3; i++)
		expect_bytes(&fixture, client, 100999 - i);
	expect_end(&fixture, client, 3);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"sort\":\"src:desc\",\"top\":1,"
		    "\"members\":[\"src\",\"dport\"]}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_object_size(row), 2);
	CHECK_TEXT(json_string_value(json_object_get(row, "src")), "10.1.134.159");
	CHECK_EQ(json_integer_value(json_object_get(row, "dst_port")), 443);
	json_decref(row);
	expect_end(&fixture, client, 1);
	(void)close(client);
	stop_server(&fixture);
}

/* Questions about owners are paced: the answer comes later, and whole. */
TEST(owners_that_cannot_be_asked_for_now_are_waited_for)
{
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 1000;
	fixture.pipeline.columns = FLOW_COLUMN_BIT(FLOW_COLUMN_user);
	fixture.pipeline.owner_waits = 2;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"filter\":[\"uid!=5\"]}\n");
	for (json_int_t i = 0; i < 1000; i++)
		expect_bytes(&fixture, client, 1000 + i);
	expect_end(&fixture, client, 1000);
	CHECK_EQ(fixture.pipeline.owner_waits, 0);
	(void)close(client);
	stop_server(&fixture);
}

/* agentctl -J show flows --top 2 was sent all of 100,000. */
TEST(the_first_flows_in_no_order_are_all_that_is_sent)
{
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 100000;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"top\":2}\n");
	for (json_int_t i = 0; i < 2; i++)
		expect_bytes(&fixture, client, 1000 + i);
	expect_end(&fixture, client, 2);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"top\":3,\"filter\":[\"bytes>5000\"]}\n");
	for (json_int_t i = 0; i < 3; i++)
		expect_bytes(&fixture, client, 5001 + i);
	expect_end(&fixture, client, 3);
	(void)close(client);
	stop_server(&fixture);
}

/* Rows with zeros would pass for values. */
TEST(members_that_flows_do_not_keep_are_refused)
{
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 1;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"sort\":\"min_ttl\"}\n");
	expect_error(&fixture, client, "failed");
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"members\":[\"src\",\"maximumTTL\"]}\n");
	expect_error(&fixture, client, "failed");
	(void)close(client);
	stop_server(&fixture);
}

TEST(the_server_adds_up_flows)
{
	struct fixture fixture;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 7000;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"by\":\"as\",\"sort\":\"as\","
		    "\"top\":1}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_object_size(row), 7);
	CHECK_EQ(json_integer_value(json_object_get(row, "as")), 64500);
	CHECK_TEXT(json_string_value(json_object_get(row, "as_name")), "EXAMPLE");
	CHECK_EQ(json_integer_value(json_object_get(row, "flows")), 7000);
	CHECK_EQ(json_integer_value(json_object_get(row, "packets")), 28000);
	json_decref(row);
	expect_end(&fixture, client, 1);
	(void)close(client);
	stop_server(&fixture);
}

/* More keys than there is room for: sums go out in parts, which add up. */
TEST(sums_of_more_keys_than_there_is_room_for_are_complete)
{
	const json_int_t count = 2 * FLOW_SUMS_MAX;
	struct fixture fixture;
	json_int_t rows = 0;
	json_int_t flows = 0;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = (uint32_t)count;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\",\"by\":\"host\"}\n");
	for (;; rows++) {
		json_t *row = read_json(&fixture, client);
		const bool is_end = json_is_true(json_object_get(row, "end"));

		flows += json_integer_value(json_object_get(row, "flows"));
		json_decref(row);
		if (is_end)
			break;
	}
	CHECK_EQ(flows, 2 * count);
	CHECK(rows > count);
	(void)close(client);
	stop_server(&fixture);
}

TEST(orders_that_cannot_be_are_refused)
{
	static const char *const wrong[] = {
		"\"sort\":\"colour\",\"top\":1",
		"\"sort\":\"bytes:up\"",
		"\"sort\":5",
		"\"top\":0",
		"\"top\":\"5\"",
		"\"members\":\"src\"",
		"\"members\":[5]",
		"\"members\":[\"colour\"]",
		"\"by\":5",
		"\"by\":\"colour\"",
		"\"by\":\"src\",\"sort\":\"dst\"",
	};
	struct fixture fixture;
	char line[200];
	int client;

	start_server(&fixture, 0);
	client = connect_to(&fixture);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(line, sizeof(line), "{\"v\":1,\"cmd\":\"show-flows\",%s}\n",
			       wrong[i]);
		ask(client, line);
		expect_error(&fixture, client, "bad-request");
	}
	(void)close(client);
	stop_server(&fixture);
}

TEST(many_flows_come_as_the_client_reads_and_not_before)
{
	struct fixture fixture;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 50000;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\"}\n");
	/* The client reads nothing: the server stops after what the socket holds. */
	for (int i = 0; i < 200; i++)
		turn(&fixture);
	CHECK(fixture.pipeline.flow_calls < 20);
	for (json_int_t i = 0; i < 50000; i++) {
		row = read_json(&fixture, client);
		CHECK_EQ(json_integer_value(json_object_get(row, "bytes")), 1000 + i);
		json_decref(row);
	}
	expect_end(&fixture, client, 50000);
	(void)close(client);
	stop_server(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_rows_with_fixed_members),
		cmocka_unit_test(filter_is_applied_by_the_server),
		cmocka_unit_test(the_server_finds_the_first_flows_and_sends_no_others),
		cmocka_unit_test(owners_that_cannot_be_asked_for_now_are_waited_for),
		cmocka_unit_test(the_first_flows_in_no_order_are_all_that_is_sent),
		cmocka_unit_test(members_that_flows_do_not_keep_are_refused),
		cmocka_unit_test(the_server_adds_up_flows),
		cmocka_unit_test(sums_of_more_keys_than_there_is_room_for_are_complete),
		cmocka_unit_test(orders_that_cannot_be_are_refused),
		cmocka_unit_test(many_flows_come_as_the_client_reads_and_not_before),
	};

	return RUN_TESTS(tests);
}
