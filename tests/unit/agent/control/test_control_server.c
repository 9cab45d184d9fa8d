/* test_control_server.c - connections to the control socket: who may ask, and how long. */
#include "control_fixture.h"
#include "record_watch.h"
#include "time_now.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>

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

TEST(a_walk_that_a_request_has_begun_goes_on)
{
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.walk_steps = 5;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-flows\"}\n");
	expect_end(&fixture, client, 0);
	(void)close(client);
	for (int i = 0; i < 1000 && fixture.pipeline.walk_steps; i++)
		turn(&fixture);
	CHECK_EQ(fixture.pipeline.walk_steps, 0);
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
	ask(client, "{\"v\":1,\"cmd\":\"drop\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "dropped")), 5);
	json_decref(row);
	expect_end(&fixture, client, 1);
	CHECK_EQ(fixture.pipeline.ended, 5);
	CHECK_EQ(fixture.pipeline.end_reason, FLOW_END_dropped);
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

TEST(the_33rd_client_is_refused_and_cut)
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

/* It would wait for ever. */
TEST(who_watches_for_what_flows_do_not_have_is_told)
{
	struct fixture fixture;
	int client;

	start_server(&fixture, 0);
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"watch\",\"filter\":[\"uid=33\"]}\n");
	expect_error(&fixture, client, "failed");
	ask(client, "{\"v\":1,\"cmd\":\"watch\",\"filter\":[\"unit=a\"]}\n");
	expect_error(&fixture, client, "failed");
	CHECK(!fixture.pipeline.watch);
	(void)close(client);
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
		cmocka_unit_test(requests_on_one_connection_are_answered_in_order),
		cmocka_unit_test(a_client_that_has_said_all_gets_its_answer),
		cmocka_unit_test(a_walk_that_a_request_has_begun_goes_on),
		cmocka_unit_test(a_request_without_end_is_refused),
		cmocka_unit_test(changes_reach_the_pipeline),
		cmocka_unit_test(others_may_read_but_not_change),
		cmocka_unit_test(a_pipeline_that_does_not_answer_is_reported),
		cmocka_unit_test(the_33rd_client_is_refused_and_cut),
		cmocka_unit_test(silent_clients_do_not_lock_root_out),
		cmocka_unit_test(a_request_that_trickles_is_cut),
		cmocka_unit_test(a_client_that_moves_no_byte_is_cut),
		cmocka_unit_test(records_come_to_who_watches),
		cmocka_unit_test(who_watches_for_what_flows_do_not_have_is_told),
		cmocka_unit_test(who_watches_is_not_cut_while_nothing_comes),
		cmocka_unit_test(who_watches_too_slowly_is_told),
		cmocka_unit_test(a_watch_that_cannot_be_is_refused),
		cmocka_unit_test(socket_is_for_owner_and_group),
		cmocka_unit_test(a_stale_socket_is_replaced_and_a_living_one_is_not),
		cmocka_unit_test(paths_that_cannot_be_are_errors),
		cmocka_unit_test(a_missing_directory_is_made),
	};

	return RUN_TESTS(tests);
}
