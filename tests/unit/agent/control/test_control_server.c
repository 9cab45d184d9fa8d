/* test_control_server.c - the control socket against a pipeline without threads.
 *
 * Server and clients share one thread: each read lets the event loop turn until there is an answer.
 */
#include "check.h"
#include "time_now.h"
#include "control_protocol.h"
#include "control_server.h"
#include "flow_sums.h"
#include "record_watch.h"

#include "fake_pipeline.c"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TURN_US  1000
#define DEADLINE 20000 /* turns; the loop returns at once when something happens */

struct fixture {
	char directory[64];
	char path[108];
	struct pipeline pipeline;
	struct config config;
	struct control_context context;
	sd_event *loop;
	struct control_server *server;
};

static void start_server(struct fixture *fixture, uint32_t patience_ms)
{
	struct error_text error;
	int descriptor;

	memset(fixture, 0, sizeof(*fixture));
	strcpy(fixture->directory, "/tmp/test_control.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/control.sock", fixture->directory);
	fixture->config.export_version = 9;
	fixture->config.max_flows = 65536;
	fixture->context = (struct control_context){ .pipeline = &fixture->pipeline,
						     .config = &fixture->config,
						     .started_unix_ms = 1795375020114,
						     .patience_ms = patience_ms };
	CHECK(sd_event_new(&fixture->loop) >= 0);
	descriptor = control_server_bind(fixture->path, NULL, &error);
	CHECK(descriptor >= 0);
	fixture->server =
		control_server_create(fixture->loop, descriptor, &fixture->context, &error);
	assert_non_null(fixture->server);
}

static void stop_server(struct fixture *fixture)
{
	control_server_destroy(fixture->server);
	sd_event_unref(fixture->loop);
	CHECK(access(fixture->path, F_OK) != 0); /* removed with the server */
	CHECK_EQ(rmdir(fixture->directory), 0);
}

static int connect_to(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, fixture->path);
	CHECK_EQ(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	return descriptor;
}

static void turn(struct fixture *fixture)
{
	CHECK(sd_event_run(fixture->loop, TURN_US) >= 0);
}

static void ask(int client, const char *request)
{
	CHECK_EQ(send(client, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

/* Next line of an answer; false at the end of the connection. */
static bool read_line(struct fixture *fixture, int client, char *line, size_t size)
{
	size_t length = 0;

	for (int i = 0; i < DEADLINE && length + 1 < size;) {
		/* Look, and then take no more than the line. */
		ssize_t got = recv(client, line + length, size - 1 - length, MSG_PEEK);
		const char *end;

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return false;
		if (got < 0) {
			turn(fixture);
			i++;
			continue;
		}
		end = memchr(line + length, '\n', (size_t)got);
		got = recv(client, line + length,
			   end ? (size_t)(end - (line + length)) + 1 : (size_t)got, 0);
		CHECK(got > 0);
		length += (size_t)got;
		if (end) {
			line[length - 1] = '\0';
			return true;
		}
	}
	fail_msg("no answer");
	return false;
}

static json_t *read_json(struct fixture *fixture, int client)
{
	static char line[65536];
	json_t *value;

	CHECK(read_line(fixture, client, line, sizeof(line)));
	value = json_loads(line, 0, NULL);
	assert_non_null(value);
	return value;
}

static void expect_end(struct fixture *fixture, int client, json_int_t rows)
{
	json_t *line = read_json(fixture, client);

	CHECK(json_is_true(json_object_get(line, "end")));
	CHECK_EQ(json_integer_value(json_object_get(line, "rows")), rows);
	json_decref(line);
}

static void expect_error(struct fixture *fixture, int client, const char *code)
{
	json_t *line = read_json(fixture, client);
	const json_t *error = json_object_get(line, "error");

	CHECK_TEXT(json_string_value(json_object_get(error, "code")), code);
	CHECK(json_string_length(json_object_get(error, "text")) > 0);
	json_decref(line);
}

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
	CHECK_EQ(json_object_size(row), 4);
	CHECK_EQ(json_integer_value(json_object_get(row, "as")), 64500);
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

TEST(requests_on_one_connection_are_answered_in_order)
{
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	client = connect_to(&fixture);
	for (int i = 0; i < 40; i++)
		ask(client, "{\"v\":1,\"cmd\":\"show-flows\"}\n");
	ask(client, "{\"v\":1,\"cmd\":\"nothing\"}\n{\"v\":1,\"cmd\":\"show-s");
	for (int i = 0; i < 40; i++)
		expect_end(&fixture, client, 0);
	expect_error(&fixture, client, "unknown-command");
	ask(client, "ources\"}\n");
	expect_end(&fixture, client, 0);
	ask(client, "not json\n");
	expect_error(&fixture, client, "bad-request");
	(void)close(client);
	stop_server(&fixture);
}

TEST(a_client_that_has_said_all_gets_its_answer)
{
	struct fixture fixture;
	char line[100];
	int client;

	start_server(&fixture, 0);
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\"}\n");
	CHECK_EQ(shutdown(client, SHUT_WR), 0);
	expect_end(&fixture, client, 0);
	CHECK(!read_line(&fixture, client, line, sizeof(line)));
	(void)close(client);
	stop_server(&fixture);
}

TEST(a_request_without_end_is_refused)
{
	struct fixture fixture;
	char block[4096];
	char line[300];
	int client;

	start_server(&fixture, 0);
	client = connect_to(&fixture);
	memset(block, 'x', sizeof(block));
	for (size_t sent = 0; sent < CONTROL_REQUEST_SIZE;) {
		ssize_t got = send(client, block, sizeof(block), MSG_NOSIGNAL);

		if (got > 0)
			sent += (size_t)got;
		turn(&fixture);
	}
	expect_error(&fixture, client, "too-long");
	CHECK(!read_line(&fixture, client, line, sizeof(line)));
	(void)close(client);
	stop_server(&fixture);
}

TEST(changes_reach_the_pipeline)
{
	struct fixture fixture;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.flow_count = 5;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"flush\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "flushed")), 5);
	json_decref(row);
	expect_end(&fixture, client, 1);
	ask(client, "{\"v\":1,\"cmd\":\"send-template\"}\n");
	json_decref(read_json(&fixture, client));
	expect_end(&fixture, client, 1);
	CHECK_EQ(fixture.pipeline.templates_sent, 1);
	(void)close(client);
	stop_server(&fixture);
}

/* SO_PEERCRED is taken at connect: a client of another uid may read and not change. */
TEST(others_may_read_but_not_change)
{
	struct fixture fixture;
	int client;

	if (geteuid() != 0)
		skip();
	start_server(&fixture, 0);
	CHECK_EQ(chmod(fixture.directory, 0755), 0);
	CHECK_EQ(chmod(fixture.path, 0666), 0);
	CHECK_EQ(seteuid(65534), 0);
	client = connect_to(&fixture);
	CHECK_EQ(seteuid(0), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); /* the leak checker wants to look */
	ask(client, "{\"v\":1,\"cmd\":\"flush\"}\n{\"v\":1,\"cmd\":\"show-flows\"}\n");
	expect_error(&fixture, client, "not-permitted");
	CHECK_EQ(fixture.pipeline.flushed, 0);
	expect_end(&fixture, client, 0);
	(void)close(client);
	stop_server(&fixture);
}

TEST(a_pipeline_that_does_not_answer_is_reported)
{
	static const char *const requests[] = { "{\"v\":1,\"cmd\":\"show-flows\"}\n",
						"{\"v\":1,\"cmd\":\"show-stats\"}\n",
						"{\"v\":1,\"cmd\":\"flush\"}\n",
						"{\"v\":1,\"cmd\":\"send-template\"}\n" };
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.fault = -ETIMEDOUT;
	client = connect_to(&fixture);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		ask(client, requests[i]);
		expect_error(&fixture, client, "timed-out");
	}
	(void)close(client);
	stop_server(&fixture);
}

TEST(the_33rd_client_is_told_and_cut)
{
	struct fixture fixture;
	int clients[32];
	char line[300];
	int client;

	start_server(&fixture, 0);
	for (int i = 0; i < 32; i++) {
		clients[i] = connect_to(&fixture);
		ask(clients[i], "{\"v\":1,\"cmd\":\"show-flows\"}\n");
		expect_end(&fixture, clients[i], 0);
	}
	client = connect_to(&fixture);
	expect_error(&fixture, client, "busy");
	CHECK(!read_line(&fixture, client, line, sizeof(line)));
	(void)close(client);
	(void)close(clients[0]);
	for (int i = 0; i < 10; i++)
		turn(&fixture);
	clients[0] = connect_to(&fixture);
	ask(clients[0], "{\"v\":1,\"cmd\":\"show-flows\"}\n");
	expect_end(&fixture, clients[0], 0);
	for (int i = 0; i < 32; i++)
		(void)close(clients[i]);
	stop_server(&fixture);
}

/* As another user connects; back to root after it. */
static int connect_as(const struct fixture *fixture, uid_t user)
{
	int client;

	CHECK_EQ(seteuid(user), 0);
	client = connect_to(fixture);
	CHECK_EQ(seteuid(0), 0);
	return client;
}

/* Silent clients of one user, and of several, leave places for root. */
TEST(silent_clients_do_not_lock_root_out)
{
	struct fixture fixture;
	int clients[33], root;
	int count = 0;

	if (geteuid() != 0)
		skip();
	start_server(&fixture, 0);
	CHECK_EQ(chmod(fixture.directory, 0755), 0);
	CHECK_EQ(chmod(fixture.path, 0666), 0);
	for (uid_t user = 60001; user <= 60004; user++) {
		for (int i = 0; i < 8; i++) {
			clients[count++] = connect_as(&fixture, user);
			turn(&fixture);
		}
		if (user == 60001) { /* the ninth of one user */
			clients[count] = connect_as(&fixture, user);
			expect_error(&fixture, clients[count], "busy");
			(void)close(clients[count]);
		}
	}
	expect_error(&fixture, clients[24], "busy"); /* the last eight places are not for them */
	for (int i = 0; i < 8; i++) {
		root = connect_to(&fixture);
		ask(root, "{\"v\":1,\"cmd\":\"show-flows\"}\n");
		expect_end(&fixture, root, 0);
		(void)close(root);
		for (int j = 0; j < 10; j++)
			turn(&fixture);
	}
	while (count)
		(void)close(clients[--count]);
	stop_server(&fixture);
}

/* Its bytes come one by one, each within the patience: the request as a whole has to be within it.
 */
TEST(a_request_that_trickles_is_cut)
{
	struct fixture fixture;
	const int64_t begun_ms = time_now_ms(CLOCK_MONOTONIC);
	ssize_t got;
	char byte;
	int client;

	start_server(&fixture, 300);
	client = connect_to(&fixture);
	/* Slowly enough that its room is never full, which would be another end. */
	do {
		(void)send(client, " ", 1, MSG_NOSIGNAL);
		turn(&fixture);
		(void)poll(NULL, 0, 10);
		got = recv(client, &byte, 1, 0);
	} while (got < 0 && errno == EAGAIN && time_now_ms(CLOCK_MONOTONIC) - begun_ms < 60000);
	CHECK(got == 0 || errno == ECONNRESET);
	CHECK(time_now_ms(CLOCK_MONOTONIC) - begun_ms >= 300);
	(void)close(client);
	stop_server(&fixture);
}

TEST(a_client_that_moves_no_byte_is_cut)
{
	struct fixture fixture;
	char line[2000];
	int client;

	start_server(&fixture, 50);
	fixture.pipeline.flow_count = 1000000;
	client = connect_to(&fixture);
	CHECK(!read_line(&fixture, client, line, sizeof(line))); /* it asked nothing */
	(void)close(client);
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\"}\n");
	for (int i = 0; i < DEADLINE; i++) {
		char byte;

		turn(&fixture);
		/* it does not read; the end is seen without taking a byte */
		if (recv(client, &byte, 1, MSG_PEEK) > 0 &&
		    send(client, "\n", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE)
			break;
		CHECK(i + 1 < DEADLINE);
	}
	(void)close(client);
	stop_server(&fixture);
}

/* The fake pipeline's watch is given what its export thread would give. */
static void give(struct fixture *fixture, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct export_record record = { .flow = fake_pipeline_flow(i),
						.source = { .as_number = 64501 } };

		record.flow.end_reason = FLOW_END_idleTimeout;
		record_watch_give(fixture->pipeline.watch, &record, true);
	}
}

/* A client that watches. */
static int watch(struct fixture *fixture, const char *request)
{
	int client = connect_to(fixture);

	ask(client, request);
	for (int i = 0; !fixture->pipeline.watch; i++) {
		CHECK(i < DEADLINE);
		turn(fixture);
	}
	return client;
}

static void expect_gone(struct fixture *fixture, int client)
{
	(void)close(client);
	for (int i = 0; fixture->pipeline.watch; i++) {
		CHECK(i < DEADLINE);
		turn(fixture);
	}
}

TEST(records_come_to_who_watches)
{
	struct fixture fixture;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	client = watch(&fixture, "{\"v\":1,\"cmd\":\"watch\",\"filter\":[\"sport=2-3\"]}\n");
	give(&fixture, 0, 6);
	for (int i = 2; i < 4; i++) {
		row = read_json(&fixture, client);
		CHECK_EQ(json_integer_value(json_object_get(row, "src_port")), i);
		CHECK_EQ(json_integer_value(json_object_get(row, "src_as")), 64501);
		CHECK_TEXT(json_string_value(json_object_get(row, "end_reason")), "inactive");
		json_decref(row);
	}
	CHECK_EQ(shutdown(client, SHUT_WR), 0); /* it asks nothing more, and still watches */
	turn(&fixture);
	give(&fixture, 3, 1);
	json_decref(read_json(&fixture, client));
	expect_gone(&fixture, client);
	stop_server(&fixture);
}

TEST(who_watches_is_not_cut_while_nothing_comes)
{
	struct fixture fixture;
	int64_t until_ms;
	int client;

	start_server(&fixture, 250);
	client = watch(&fixture, "{\"v\":1,\"cmd\":\"watch\"}\n");
	until_ms = time_now_ms(CLOCK_MONOTONIC) + 600;
	while (time_now_ms(CLOCK_MONOTONIC) < until_ms)
		turn(&fixture);
	CHECK(fixture.pipeline.watch != NULL);
	give(&fixture, 0, 1);
	json_decref(read_json(&fixture, client));
	expect_gone(&fixture, client);
	stop_server(&fixture);
}

TEST(who_watches_too_slowly_is_told)
{
	const uint32_t given = RECORD_WATCH_ROOM + 1234;
	struct fixture fixture;
	json_int_t lost = 0;
	uint32_t rows = 0;
	int client;

	start_server(&fixture, 0);
	client = watch(&fixture, "{\"v\":1,\"cmd\":\"watch\"}\n");
	give(&fixture, 0, given);
	while (!lost) {
		json_t *row = read_json(&fixture, client);

		lost = json_integer_value(json_object_get(row, "lost"));
		if (!lost)
			CHECK_EQ(json_integer_value(json_object_get(row, "src_port")), rows++);
		json_decref(row);
	}
	CHECK_EQ(rows, RECORD_WATCH_ROOM);
	CHECK_EQ(lost, 1234);
	give(&fixture, 0, 1);
	json_decref(read_json(&fixture, client));
	expect_gone(&fixture, client);
	stop_server(&fixture);
}

TEST(a_watch_that_cannot_be_is_refused)
{
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"watch\",\"filter\":[\"sport=x\"]}\n");
	expect_error(&fixture, client, "bad-request");
	fixture.pipeline.fault = -EBUSY;
	ask(client, "{\"v\":1,\"cmd\":\"watch\"}\n");
	expect_error(&fixture, client, "busy");
	(void)close(client);
	stop_server(&fixture);
}

TEST(every_question_has_its_rows)
{
	struct fixture fixture;
	struct source_status sources[2] = { { .name = "nflog:40", .last_packet_ms = -1 },
					    { .name = "nflog:41", .last_packet_ms = 5 } };
	struct collector_status collectors[1] = {
		{ .name = "192.0.2.1:2055", .transport = "udp", .version = 9, .last_sent_ms = -1 }
	};
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.snapshot = (struct pipeline_snapshot){ .sources = sources,
								.source_count = 2,
								.collectors = collectors,
								.collector_count = 1 };
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-sources\"}\n");
	row = read_json(&fixture, client);
	CHECK(json_is_null(json_object_get(row, "last_packet_unix_ms")));
	json_decref(row);
	row = read_json(&fixture, client);
	CHECK(json_is_integer(json_object_get(row, "last_packet_unix_ms")));
	json_decref(row);
	expect_end(&fixture, client, 2);

	ask(client, "{\"v\":1,\"cmd\":\"show-collectors\"}\n");
	json_decref(read_json(&fixture, client));
	expect_end(&fixture, client, 1);

	ask(client, "{\"v\":1,\"cmd\":\"show-status\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_array_size(json_object_get(row, "sources")), 2);
	CHECK_EQ(json_array_size(json_object_get(row, "collectors")), 1);
	CHECK_EQ(json_integer_value(json_object_get(json_object_get(row, "cache"), "capacity")),
		 65536);
	json_decref(row);
	expect_end(&fixture, client, 1);

	ask(client, "{\"v\":1,\"cmd\":\"show-drops\"}\n");
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++) {
		row = read_json(&fixture, client);
		CHECK_TEXT(json_string_value(json_object_get(row, "reason")),
			   drop_reason_name((enum drop_reason)i));
		CHECK(json_is_null(json_object_get(row, "example")));
		json_decref(row);
	}
	expect_end(&fixture, client, DROP_REASON_COUNT - 1);

	ask(client, "{\"v\":1,\"cmd\":\"show-templates\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "version")), 9);
	CHECK_EQ(json_integer_value(json_object_get(row, "position")), 1);
	json_decref(row);
	(void)close(client);
	stop_server(&fixture);
}

/* Two collectors with the same set of fields have one pair of templates, another set its own. */
TEST(templates_are_those_of_the_sets_of_fields_in_use)
{
	const struct template_fields counters = { .base = TEMPLATE_BASE_none,
						  .added = 1 }; /* the first row */
	char one[] = "one", two[] = "two", three[] = "three";
	struct config_collector collectors[] = {
		{ .name = one, .version = 9 },
		{ .name = two, .version = 9, .field_set = counters },
		{ .name = three, .version = 9, .field_set = counters },
	};
	struct fixture fixture;
	/* Wide and compact, with flowDirection and without; for IPv4 and IPv6. */
	const size_t of_default = 2 * (21 + 19 + 20 + 18);
	size_t rows = 0;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.config.collectors = collectors;
	fixture.config.collector_count = 3;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-templates\"}\n");
	while ((row = read_json(&fixture, client)) && json_object_get(row, "field")) {
		const json_int_t template = json_integer_value(json_object_get(row, "template"));

		CHECK_EQ(template >= TEMPLATE_ID_FIELDS, rows >= of_default);
		CHECK_TEXT(json_string_value(json_object_get(row, "collectors")),
			   rows < of_default ? "one" : "two, three");
		json_decref(row);
		rows++;
	}
	CHECK_EQ(rows, of_default + 2);
	json_decref(row);
	(void)close(client);
	stop_server(&fixture);
}

/* A row for each field of the templates of IPFIX, after one that says that NetFlow v5 has none. */
TEST(templates_are_those_of_the_versions_in_use)
{
	char name[] = "name";
	struct config_collector collectors[] = { { .name = name, .version = 10 },
						 { .name = name, .version = 5 } };
	struct fixture fixture;
	bool has_icmpv6_field = false;
	size_t rows = 1;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.config.collectors = collectors;
	fixture.config.collector_count = 2;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-templates\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "version")), 5);
	CHECK(json_is_null(json_object_get(row, "template")));
	CHECK_TEXT(json_string_value(json_object_get(row, "field")), "none");
	json_decref(row);
	while ((row = read_json(&fixture, client)) && json_object_get(row, "field")) {
		CHECK_EQ(json_integer_value(json_object_get(row, "version")), 10);
		has_icmpv6_field |= json_integer_value(json_object_get(row, "element")) == 139;
		json_decref(row);
		rows++;
	}
	CHECK_EQ(rows, 1 + 2 * (21 + 19 + 20 + 18));
	CHECK(has_icmpv6_field);
	json_decref(row);

	ask(client, "{\"v\":1,\"cmd\":\"send-template\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "collectors")), 1);
	json_decref(row);
	(void)close(client);
	fixture.config.collectors = NULL;
	stop_server(&fixture);
}

/* Ask for the ledger; count its equalities, and those that hold. */
static void count_equalities(struct fixture *fixture, size_t *count, size_t *holding)
{
	int client = connect_to(fixture);
	json_t *row;
	const json_t *equalities;

	ask(client, "{\"v\":1,\"cmd\":\"show-stats\"}\n");
	row = read_json(fixture, client);
	equalities = json_object_get(row, "equalities");
	*count = json_array_size(equalities);
	*holding = 0;
	for (size_t i = 0; i < *count; i++)
		*holding += json_is_true(json_object_get(json_array_get(equalities, i), "holds"));
	json_decref(row);
	(void)close(client);
}

TEST(ledger_says_whether_it_adds_up)
{
	struct fixture fixture;
	struct source_status source = { .name = "nflog:40" };
	size_t count;
	size_t holding;

	start_server(&fixture, 0);
	source.ledger.packets_read = 10;
	source.ledger.cache.packets_cached = 4;
	source.ledger.cache.flows_created = 3;
	source.ledger.cache.flows_cached = 1;
	source.ledger.cache.records_expired[FLOW_END_activeTimeout] = 2;
	fixture.pipeline.snapshot = (struct pipeline_snapshot){
		.sources = &source,
		.source_count = 1,
		.workers = source.ledger,
		.ring = { .records = 1, .packets = 1 },
		.exported = { .lost[LOSS_NO_COLLECTOR] = { .records = 1, .packets = 5 } },
	};
	count_equalities(&fixture, &count, &holding);
	CHECK_EQ(count, 3);
	CHECK_EQ(holding, 3);
	fixture.pipeline.snapshot.exported.lost[LOSS_NO_COLLECTOR].records = 2;
	count_equalities(&fixture, &count, &holding);
	CHECK_EQ(holding, 2);
	fixture.pipeline.snapshot.workers.packets_read = 11;
	count_equalities(&fixture, &count, &holding);
	CHECK_EQ(holding, 1); /* flows_created alone */
	stop_server(&fixture);
}

TEST(socket_is_for_owner_and_group)
{
	struct fixture fixture;
	struct stat status;
	mode_t mask = umask(0077);

	start_server(&fixture, 0);
	(void)umask(mask);
	CHECK_EQ(stat(fixture.path, &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0660);
	stop_server(&fixture);
}

TEST(a_stale_socket_is_replaced_and_a_living_one_is_not)
{
	struct fixture fixture;
	struct error_text error;
	char path[108];
	int descriptor;

	start_server(&fixture, 0);
	CHECK_EQ(control_server_bind(fixture.path, NULL, &error), -EADDRINUSE);
	(void)snprintf(path, sizeof(path), "%s/stale", fixture.directory);
	descriptor = control_server_bind(path, NULL, &error);
	CHECK(descriptor >= 0);
	(void)close(descriptor); /* as after SIGKILL: the file stays */
	descriptor = control_server_bind(path, NULL, &error);
	CHECK(descriptor >= 0);
	(void)close(descriptor);
	(void)unlink(path);
	stop_server(&fixture);
}

TEST(paths_that_cannot_be_are_errors)
{
	struct error_text error;
	char path[200];

	memset(path, 'a', sizeof(path));
	path[108] = '\0';
	CHECK_EQ(control_server_bind(path, NULL, &error), -ENAMETOOLONG);
	assert_non_null(strstr(error.text, "107"));
	CHECK_EQ(control_server_bind("", NULL, &error), -ENAMETOOLONG);
	CHECK_EQ(control_server_bind("/proc/nowhere/deeper/socket", NULL, &error), -ENOENT);
	CHECK_EQ(control_server_bind("/dev/null", NULL, &error), -EEXIST);
}

TEST(a_missing_directory_is_made)
{
	char directory[] = "/tmp/test_control.XXXXXX";
	char inner[64];
	char path[108];
	struct error_text error;
	struct stat status;
	int descriptor;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(inner, sizeof(inner), "%s/run", directory);
	(void)snprintf(path, sizeof(path), "%s/control.sock", inner);
	descriptor = control_server_bind(path, NULL, &error);
	CHECK(descriptor >= 0);
	CHECK_EQ(stat(inner, &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0750);
	(void)close(descriptor);
	(void)unlink(path);
	CHECK_EQ(rmdir(inner), 0);
	CHECK_EQ(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_rows_with_fixed_members),
		cmocka_unit_test(filter_is_applied_by_the_server),
		cmocka_unit_test(the_server_finds_the_first_flows_and_sends_no_others),
		cmocka_unit_test(the_first_flows_in_no_order_are_all_that_is_sent),
		cmocka_unit_test(members_that_flows_do_not_keep_are_refused),
		cmocka_unit_test(the_server_adds_up_flows),
		cmocka_unit_test(sums_of_more_keys_than_there_is_room_for_are_complete),
		cmocka_unit_test(orders_that_cannot_be_are_refused),
		cmocka_unit_test(many_flows_come_as_the_client_reads_and_not_before),
		cmocka_unit_test(requests_on_one_connection_are_answered_in_order),
		cmocka_unit_test(a_client_that_has_said_all_gets_its_answer),
		cmocka_unit_test(a_request_without_end_is_refused),
		cmocka_unit_test(changes_reach_the_pipeline),
		cmocka_unit_test(others_may_read_but_not_change),
		cmocka_unit_test(a_pipeline_that_does_not_answer_is_reported),
		cmocka_unit_test(the_33rd_client_is_told_and_cut),
		cmocka_unit_test(silent_clients_do_not_lock_root_out),
		cmocka_unit_test(a_request_that_trickles_is_cut),
		cmocka_unit_test(a_client_that_moves_no_byte_is_cut),
		cmocka_unit_test(records_come_to_who_watches),
		cmocka_unit_test(who_watches_is_not_cut_while_nothing_comes),
		cmocka_unit_test(who_watches_too_slowly_is_told),
		cmocka_unit_test(a_watch_that_cannot_be_is_refused),
		cmocka_unit_test(every_question_has_its_rows),
		cmocka_unit_test(templates_are_those_of_the_versions_in_use),
		cmocka_unit_test(templates_are_those_of_the_sets_of_fields_in_use),
		cmocka_unit_test(ledger_says_whether_it_adds_up),
		cmocka_unit_test(socket_is_for_owner_and_group),
		cmocka_unit_test(a_stale_socket_is_replaced_and_a_living_one_is_not),
		cmocka_unit_test(paths_that_cannot_be_are_errors),
		cmocka_unit_test(a_missing_directory_is_made),
	};

	return RUN_TESTS(tests);
}
