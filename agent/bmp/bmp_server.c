/* bmp_server.c - see bmp_server.h.
 *
 * Invariant: a router has one session at most: a second one ends the first, which it has given up.
 */
#include "bmp_server.h"

#include "bmp_listen.h"
#include "bmp_session.h"
#include "bmp_station.h"
#include "bmp_status.h"
#include "bmp_writer.h"
#include "fault_text.h"
#include "log.h"
#include "time_now.h"
#include "units.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS          1000
#define TICKS_PER_STATUS 10
/* Of one session before the next one has its turn. */
#define READS_PER_TURN 16
/* Statistics come more often from every router that has any peer. */
#define IDLE_MS ((int64_t)24 * 3600 * 1000)
#define PROBLEM "session"

/* Descriptors are waited for in this order. */
enum { PLACE_signal, PLACE_listeners, PLACE_sessions = PLACE_listeners + BMP_LISTENERS_MAX };

struct connection {
	int descriptor; /* -1: free */
	struct bmp_session session;
	int64_t heard_ms;
};

struct server {
	const struct bmp_arguments *arguments;
	struct bmp_state *state; /* owned */
	struct bmp_writer writer;
	struct connection connections[BMP_ROUTERS_MAX];
	struct pollfd polled[PLACE_sessions + BMP_ROUTERS_MAX];
	int64_t tick_ms; /* a second, or less if tables are wanted more often */
	int64_t ticked_ms, status_ms;
	bool has_news; /* that the status file does not have yet */
};

static int64_t now(void)
{
	return time_now_ms(CLOCK_MONOTONIC);
}

/* ---- sessions ---- */

static void end_session(struct server *server, struct connection *connection, const char *reason)
{
	struct bmp_router *router = connection->session.router;
	char stale[UNITS_TEXT_SIZE];

	log_problem(LOG_LEVEL_warning, PROBLEM, "session-ended", router->address_text,
		    "%s: session ended: %s; its routes are kept for %s", router->address_text,
		    reason, units_format(UNIT_TIME, server->arguments->state.stale_ms, stale));
	bmp_station_disconnect(server->state, router, now());
	bmp_session_end(&connection->session);
	(void)close(connection->descriptor);
	connection->descriptor = -1;
	server->has_news = true;
}

static bool is_allowed(const struct bmp_arguments *arguments, const struct prefix *from)
{
	for (size_t i = 0; i < arguments->allowed_count; i++)
		if (prefix_contains(&arguments->allowed[i], from->ip_version, from->address))
			return true;
	return false;
}

static void end_earlier_session(struct server *server, const struct prefix *from)
{
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->descriptor >= 0 &&
		    prefix_contains(&connection->session.router->address, from->ip_version,
				    from->address))
			end_session(server, connection, "the router has begun another one");
	}
}

static struct connection *free_connection(struct server *server)
{
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		if (server->connections[i].descriptor < 0)
			return &server->connections[i];
	return NULL;
}

/* Returns NULL, or why not. */
static const char *begin_session(struct server *server, int descriptor, const struct prefix *from)
{
	struct connection *connection;
	struct bmp_router *router;

	if (!is_allowed(server->arguments, from))
		return "not one of --router";
	end_earlier_session(server, from);
	connection = free_connection(server);
	router = connection ? bmp_station_connect(server->state, from, now()) : NULL;
	if (!router)
		return "there are 64 routers, the most that are served";
	if (bmp_session_begin(&connection->session, router) < 0) {
		bmp_station_disconnect(server->state, router, now());
		return "out of memory";
	}
	connection->descriptor = descriptor;
	connection->heard_ms = now();
	log_problem_over(PROBLEM, router->address_text);
	log_info("%s: session begins", router->address_text);
	server->has_news = true;
	return NULL;
}

static void take_connections(struct server *server, int listener)
{
	struct prefix from;
	int descriptor;

	while ((descriptor = bmp_listen_accept(listener, &from)) >= 0) {
		const char *refusal = begin_session(server, descriptor, &from);
		char text[ADDRESS_TEXT_SIZE];

		if (!refusal)
			continue;
		(void)close(descriptor);
		(void)address_format(from.ip_version, from.address, text);
		log_event(LOG_LEVEL_warning, "refused", text, "%s: connection refused: %s", text,
			  refusal);
	}
}

/* Returns false when nothing more is there, or the session has ended. */
static bool read_session(struct server *server, struct connection *connection)
{
	struct error_text error;
	size_t room;
	uint8_t *bytes = bmp_session_room(&connection->session, &room);
	const ssize_t got = recv(connection->descriptor, bytes, room, 0);
	int goes_on;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		end_session(server, connection, got ? fault_text(errno) : "the router closed it");
		return false;
	}
	connection->heard_ms = now();
	goes_on = bmp_session_take(&connection->session, server->state, (size_t)got,
				   connection->heard_ms, &error);
	if (goes_on <= 0)
		end_session(server, connection, error.text);
	return goes_on > 0;
}

static void check_idle(struct server *server, int64_t now_ms)
{
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->descriptor >= 0 && now_ms - connection->heard_ms >= IDLE_MS)
			end_session(server, connection, "nothing came for a day");
	}
}

/* ---- time ---- */

static void write_status(struct server *server, int64_t now_ms)
{
	const char *path = server->arguments->status_file;
	struct error_text error;

	server->status_ms = now_ms;
	server->has_news = false;
	if (!path)
		return;
	if (bmp_status_write(path, server->state, &server->writer, now_ms, &error) < 0)
		log_problem_text("status", path, &error);
	else
		log_problem_over("status", path);
}

static void tick(struct server *server, bool is_end)
{
	const int64_t now_ms = now();
	const uint64_t tries = server->writer.written_count + server->writer.refused_count;

	if (!is_end && now_ms - server->ticked_ms < server->tick_ms)
		return;
	server->ticked_ms = now_ms;
	check_idle(server, now_ms);
	bmp_station_tick(server->state, now_ms);
	bmp_writer_run(&server->writer, server->state, now_ms, is_end);
	if (is_end || server->has_news ||
	    now_ms - server->status_ms >= TICKS_PER_STATUS * server->tick_ms ||
	    tries != server->writer.written_count + server->writer.refused_count)
		write_status(server, now_ms);
	log_held_back(is_end);
}

/* ---- the loop ---- */

static void serve_turn(struct server *server)
{
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		server->polled[PLACE_sessions + i] =
			(struct pollfd){ .fd = server->connections[i].descriptor,
					 .events = POLLIN };
	if (poll(server->polled, sizeof(server->polled) / sizeof(server->polled[0]),
		 (int)server->tick_ms) < 0)
		return;
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		for (int reads = 0;
		     server->polled[PLACE_sessions + i].revents && reads < READS_PER_TURN &&
		     read_session(server, &server->connections[i]);
		     reads++)
			;
	for (size_t i = 0; i < server->arguments->listen_count; i++)
		if (server->polled[PLACE_listeners + i].revents)
			take_connections(server, server->polled[PLACE_listeners + i].fd);
}

static int open_listeners(struct server *server, struct error_text *error)
{
	for (size_t i = 0; i < server->arguments->listen_count; i++) {
		const int descriptor = bmp_listen_open(&server->arguments->listen[i], error);

		if (descriptor < 0)
			return descriptor;
		server->polled[PLACE_listeners + i].fd = descriptor;
		log_info("listens on port %u", bmp_listen_port(descriptor));
	}
	return 0;
}

static int open_signals(struct server *server, struct error_text *error)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	server->polled[PLACE_signal].fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->polled[PLACE_signal].fd >= 0)
		return 0;
	error_text_set(error, "signalfd: %s", fault_text(errno));
	return -errno;
}

static void close_all(struct server *server)
{
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		if (server->connections[i].descriptor >= 0) {
			bmp_session_end(&server->connections[i].session);
			(void)close(server->connections[i].descriptor);
		}
	for (size_t i = 0; i < PLACE_sessions; i++)
		if (server->polled[i].fd >= 0)
			(void)close(server->polled[i].fd);
	bmp_state_destroy(server->state);
}

static void init(struct server *server, const struct bmp_arguments *arguments)
{
	server->arguments = arguments;
	server->writer = (struct bmp_writer){ .path = arguments->table.output,
					      .names = arguments->table.names_file,
					      .interval_ms = arguments->interval_ms,
					      .is_forced = arguments->table.is_forced };
	for (size_t i = 0; i < PLACE_sessions; i++)
		server->polled[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		server->connections[i].descriptor = -1;
	server->tick_ms = arguments->interval_ms < TICK_MS ? arguments->interval_ms : TICK_MS;
	server->ticked_ms = now();
}

int bmp_server_run(const struct bmp_arguments *arguments, struct error_text *error)
{
	static struct server server; /* 20 KB: no matter for the stack of main() */
	int result;

	init(&server, arguments);
	server.state = bmp_state_create(&arguments->state);
	if (!server.state)
		error_text_set(error, "out of memory");
	result = server.state ? open_signals(&server, error) : -ENOMEM;
	if (result == 0)
		result = open_listeners(&server, error);
	if (result == 0) {
		write_status(&server, now());
		while (!server.polled[PLACE_signal].revents) {
			serve_turn(&server);
			tick(&server, false);
		}
		tick(&server, true);
	}
	close_all(&server);
	return result;
}
