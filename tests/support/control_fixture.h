/* control_fixture.h - the control socket against a pipeline without threads.
 *
 * For tests of the control server, each of which includes this once. Server and clients share one
 * thread: each read lets the event loop turn until there is an answer. */
#ifndef CONTROL_FIXTURE_H
#define CONTROL_FIXTURE_H

#include "check.h"
#include "control_protocol.h"
#include "control_server.h"
#include "fake_pipeline.c"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
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

static inline void start_server(struct fixture *fixture, uint32_t patience_ms)
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

static inline void stop_server(struct fixture *fixture)
{
	control_server_destroy(fixture->server);
	sd_event_unref(fixture->loop);
	CHECK(access(fixture->path, F_OK) != 0); /* removed with the server */
	CHECK_EQ(rmdir(fixture->directory), 0);
}

static inline int connect_to(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, fixture->path);
	CHECK_EQ(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	return descriptor;
}

static inline void turn(struct fixture *fixture)
{
	CHECK(sd_event_run(fixture->loop, TURN_US) >= 0);
}

static inline void ask(int client, const char *request)
{
	CHECK_EQ(send(client, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

/* Next line of an answer; false at the end of the connection. */
static inline bool read_line(struct fixture *fixture, int client, char *line, size_t size)
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

static inline json_t *read_json(struct fixture *fixture, int client)
{
	static char line[65536];
	json_t *value;

	CHECK(read_line(fixture, client, line, sizeof(line)));
	value = json_loads(line, 0, NULL);
	assert_non_null(value);
	return value;
}

static inline void expect_end(struct fixture *fixture, int client, json_int_t rows)
{
	json_t *line = read_json(fixture, client);

	CHECK(json_is_true(json_object_get(line, "end")));
	CHECK_EQ(json_integer_value(json_object_get(line, "rows")), rows);
	json_decref(line);
}

static inline void expect_error(struct fixture *fixture, int client, const char *code)
{
	json_t *line = read_json(fixture, client);
	const json_t *error = json_object_get(line, "error");

	CHECK_TEXT(json_string_value(json_object_get(error, "code")), code);
	CHECK(json_string_length(json_object_get(error, "text")) > 0);
	json_decref(line);
}

#endif
