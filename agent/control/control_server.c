/* control_server.c - clients of the control socket: bytes -> request -> job -> rows -> bytes.
 *
 * Invariant: a client has at most one job; rows are asked of it only when all that was written
 * before has gone to the socket; while a job is under way nothing is read from the client. So a
 * client costs one request and one piece of rows, and one that does not read stops only itself. */
#include "control_server.h"

#include "control_commands.h"
#include "control_protocol.h"
#include "fault_text.h"
#include "log.h"
#include "pipeline.h"
#include "time_now.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX      32
#define CLIENTS_RESERVED 8  /* of them, for who may change things */
#define CLIENTS_OF_USER  8  /* of one user who may not */
#define ANSWER_FACTOR    10 /* times the patience: how long one answer may take in all */
#define ACCEPT_US        1000000
#define ACCEPT_MAX       200 /* connections taken in that time: descriptors may be short for long */
#define PATIENCE_MS      60000
#define TIMER_EXACT_US   1000
#define IDLE_US          100000 /* between two questions to a job that has nothing to write */
#define REQUESTS_AT_ONCE 16     /* answered before other clients get their turn */

struct client {
	struct control_server *server; /* borrowed */
	struct client *next;           /* owned */
	int descriptor;                /* owned */
	sd_event_source *io;           /* owned */
	sd_event_source *timer;        /* owned; runs while no byte moves */
	uid_t user;
	bool may_change;
	bool is_admin;            /* of the group that may change nearly as much */
	uint64_t answer_until_us; /* monotonic; of the answer under way, 0: none */
	bool has_ended;           /* sends nothing more; what it asked is still answered */
	bool is_idle;             /* its job has nothing to write now */
	sd_event_source *poll;    /* owned; asks an idle job again; NULL: none was idle */
	struct control_job job;
	struct control_output output;
	size_t written; /* of 'output' */
	size_t input_size;
	uint8_t input[CONTROL_REQUEST_SIZE];
};

struct control_server {
	struct control_context context;
	bool has_admins;         /* 'admins' is a group */
	gid_t admins;            /* context.admin_group */
	sd_event *loop;          /* shared */
	sd_event_source *listen; /* owned */
	sd_event_source *walk;   /* owned; what a question has begun goes on; NULL: none has */
	int descriptor;          /* owned */
	struct client *clients;  /* owned */
	size_t client_count;
	struct sockaddr_un address;
	struct stat socket_file; /* as it was made: do not remove a successor's */
};

static void client_close(struct client *client)
{
	struct client **link = &client->server->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	client->server->client_count--;

	(void)sd_event_source_disable_unref(client->io);
	(void)sd_event_source_disable_unref(client->timer);
	(void)sd_event_source_disable_unref(client->poll);
	control_job_clear(&client->job);
	control_output_clear(&client->output);
	(void)close(client->descriptor);
	free(client);
}

/* A byte of an answer moved, or one is complete: the client has its full patience again, but the
 * whole answer has an end as well. A request has no more than the patience, however its bytes come.
 */
static int client_moved(struct client *client)
{
	const uint64_t patience_us = (uint64_t)client->server->context.patience_ms * 1000;
	const uint64_t now_us = (uint64_t)time_now_us(CLOCK_MONOTONIC);
	uint64_t until_us = now_us + patience_us;
	int result;

	if (!client->answer_until_us)
		client->answer_until_us = now_us + ANSWER_FACTOR * patience_us;
	if (until_us > client->answer_until_us)
		until_us = client->answer_until_us;
	result = sd_event_source_set_time(client->timer, until_us);
	if (result >= 0)
		result = sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT);
	return result;
}

static int on_patience_over(sd_event_source *source, uint64_t now_us, void *context)
{
	(void)source;
	(void)now_us;
	client_close(context);
	return 0;
}

/* Who takes the agent's place gets its sockets, and with them what root alone may have. */
static bool may(const struct client *client, const char *command)
{
	return client->may_change || (client->is_admin && strcmp(command, "handover") != 0);
}

/* Begin the job that a line asks for, or answer with an error. Returns 0 or -ENOMEM. */
static int begin_request(struct client *client, const uint8_t *line, size_t size)
{
	struct control_request request;
	struct error_text error = { .text = "" };
	int result = control_request_parse(line, size, &request, &error);

	if (!result) {
		result = control_job_begin(&client->job, &client->server->context, &request,
					   may(client, request.command), &error);
		client->job.socket = client->descriptor;
		control_request_clear(&request);
	}
	return result ? control_output_error(&client->output, result, &error) : 0;
}

/* Take the next whole line from the input. Returns 1 if there was one, 0 if not, or a negative
 * errno: cut the client. */
static int next_request(struct client *client)
{
	const uint8_t *end = memchr(client->input, '\n', client->input_size);
	size_t size;
	int result;

	if (!end && client->input_size == sizeof(client->input)) {
		struct error_text error;

		error_text_set(&error, "request of more than %d bytes", CONTROL_REQUEST_SIZE - 1);
		client->input_size = 0;
		client->has_ended = true; /* where the next request begins is not known */
		result = control_output_error(&client->output, -EMSGSIZE, &error);
		return result ? result : 1;
	}
	if (!end)
		return 0;
	size = (size_t)(end - client->input);
	result = begin_request(client, client->input, size);
	client->input_size -= size + 1;
	memmove(client->input, end + 1, client->input_size);
	return result ? result : 1;
}

static int on_idle_over(sd_event_source *source, uint64_t now_us, void *context);

/* The job has nothing to write now. It waits for packets, not the client for us: its answer may
 * take for ever. */
static int rest(struct client *client)
{
	const uint64_t until_us = (uint64_t)time_now_us(CLOCK_MONOTONIC) + IDLE_US;
	int result;

	client->is_idle = true;
	client->answer_until_us = 0;
	if (!client->poll)
		return sd_event_add_time(client->server->loop, &client->poll, CLOCK_MONOTONIC,
					 until_us, TIMER_EXACT_US, on_idle_over, client);
	result = sd_event_source_set_time(client->poll, until_us);
	return result < 0 ? result : sd_event_source_set_enabled(client->poll, SD_EVENT_ONESHOT);
}

static int on_walk(sd_event_source *source, uint64_t now_us, void *context);

/* A walk through the control groups continues, also when nobody asks any more. */
static void walk_on(struct control_server *server)
{
	const int64_t rest_us = pipeline_owner_walk(server->context.pipeline);
	const uint64_t until_us = (uint64_t)(time_now_us(CLOCK_MONOTONIC) + rest_us);

	if (rest_us < 0)
		return;
	if (!server->walk)
		(void)sd_event_add_time(server->loop, &server->walk, CLOCK_MONOTONIC, until_us,
					TIMER_EXACT_US, on_walk, server);
	else if (sd_event_source_set_time(server->walk, until_us) >= 0)
		(void)sd_event_source_set_enabled(server->walk, SD_EVENT_ONESHOT);
}

static int on_walk(sd_event_source *source, uint64_t now_us, void *context)
{
	(void)source;
	(void)now_us;
	walk_on(context);
	return 0;
}

/* Write rows of the job, and its final line after the last. Returns 0 or a negative errno. */
static int step_job(struct client *client)
{
	struct error_text error = { .text = "" };
	int result = control_job_step(&client->job, &client->output, &error);

	(void)client_moved(client); /* it waited for us, not we for it */
	walk_on(client->server);
	if (result == CONTROL_STEP_IDLE) {
		result = rest(client);
		return result < 0 ? result : 0;
	}
	if (result > 0)
		return 0;
	control_job_clear(&client->job);
	if (result < 0)
		return control_output_error(&client->output, result, &error);
	return control_output_end(&client->output);
}

/* Give the socket what it takes. Returns 0, or a negative errno. */
static int write_output(struct client *client)
{
	struct control_output *output = &client->output;

	while (client->written < output->size) {
		ssize_t sent = send(client->descriptor, output->bytes + client->written,
				    output->size - client->written, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? 0 : -errno;
		client->written += (size_t)sent;
		(void)client_moved(client);
	}
	output->size = 0;
	client->written = 0;
	if (!client->job.command)
		client->answer_until_us = 0;
	return 0;
}

/* Answer as far as the socket takes it. Returns 0, or a negative errno: cut the client. A long
 * answer gives other clients their turn after each piece. */
static int client_answer(struct client *client)
{
	for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
		int result = write_output(client);

		if (result || client->output.size > 0)
			return result;
		if (client->job.command && client->is_idle)
			return 0;
		if (client->job.command) {
			result = step_job(client);
			if (result || client->job.command)
				return result;
			continue;
		}
		result = next_request(client);
		if (result < 0)
			return result;
		if (result == 0)
			return client->has_ended ? -ENOTCONN : 0;
	}
	return 0;
}

/* Read what is there. Returns 0, or a negative errno. */
static int client_read(struct client *client)
{
	size_t room = sizeof(client->input) - client->input_size;
	ssize_t got = recv(client->descriptor, client->input + client->input_size, room, 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0)
		client->has_ended = true;
	client->input_size += (size_t)got;
	return 0;
}

/* What to wait for: room to write while an answer is under way, else the next request; of one that
 * sends nothing more only that it goes. */
static uint32_t client_interest(const struct client *client)
{
	const bool is_idle = client->job.command && client->is_idle;
	const bool is_answering =
		client->output.size > 0 || (client->job.command && !is_idle) ||
		(!is_idle && memchr(client->input, '\n', client->input_size) != NULL);

	if (is_answering)
		return EPOLLOUT;
	return is_idle && client->has_ended ? 0 : EPOLLIN;
}

static int on_client(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct client *client = context;
	int result = 0;

	(void)descriptor;
	if (events & EPOLLERR)
		result = -EPIPE;
	else if (events & EPOLLHUP && !(events & EPOLLIN))
		result = -EPIPE; /* it has gone: nobody reads an answer */
	else if (events & EPOLLIN)
		result = client_read(client);
	if (!result)
		result = client_answer(client);
	if (!result && sd_event_source_set_io_events(source, client_interest(client)) < 0)
		result = -EIO;
	if (result)
		client_close(client);
	return 0;
}

/* Ask an idle job again. */
static int on_idle_over(sd_event_source *source, uint64_t now_us, void *context)
{
	struct client *client = context;
	int result;

	(void)source;
	(void)now_us;
	client->is_idle = false;
	result = client_answer(client);
	if (!result && sd_event_source_set_io_events(client->io, client_interest(client)) < 0)
		result = -EIO;
	if (result)
		client_close(client);
	return 0;
}

/* Who the peer is: one that is not known may do least. */
static uid_t peer_user(int descriptor)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid
										  : (uid_t)-1;
}

/* Whether a user may change anything: root, or who the agent runs as. */
static bool may_change(uid_t user)
{
	return user == 0 || user == geteuid();
}

/* Whether the peer belongs to a group: by the groups that it had when it connected. */
static bool peer_belongs_to(int descriptor, gid_t group)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	gid_t none, *groups = NULL;
	bool belongs = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
		       peer.gid == group;

	size = 0; /* the kernel says how much it is */
	if (!belongs && getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &none, &size) != 0 &&
	    errno == ERANGE)
		groups = malloc(size);
	if (groups && getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			belongs |= groups[i] == group;
	free(groups);
	return belongs;
}

/* Whether there is a place for one more client of this user. Some are kept for those who may change
 * things, so that no other can lock them out. */
static bool has_place(const struct control_server *server, uid_t user)
{
	size_t others = 0;
	size_t same = 0;

	if (may_change(user))
		return server->client_count < CLIENTS_MAX;
	for (const struct client *client = server->clients; client; client = client->next) {
		others += !client->may_change;
		same += client->user == user;
	}
	return same < CLIENTS_OF_USER && others < CLIENTS_MAX - CLIENTS_RESERVED &&
	       server->client_count < CLIENTS_MAX;
}

/* Take a new client in. Returns 0; on a negative errno the caller closes the descriptor. */
static int client_open(struct control_server *server, int descriptor, uid_t user)
{
	struct client *client = calloc(1, sizeof(*client));
	int result;

	if (!client)
		return -ENOMEM;
	client->server = server;
	client->descriptor = descriptor;
	client->user = user;
	client->may_change = may_change(user);
	client->is_admin = server->has_admins && peer_belongs_to(descriptor, server->admins);
	result = sd_event_add_io(server->loop, &client->io, descriptor, EPOLLIN, on_client, client);
	if (result >= 0)
		result = sd_event_add_time_relative(server->loop, &client->timer, CLOCK_MONOTONIC,
						    (uint64_t)server->context.patience_ms * 1000,
						    TIMER_EXACT_US, on_patience_over, client);
	if (result < 0) {
		(void)sd_event_source_disable_unref(client->io);
		free(client);
		return result;
	}
	client->next = server->clients;
	server->clients = client;
	server->client_count++;
	return 0;
}

/* Refuse a client because there are too many. Best effort: the line fits an empty socket buffer. */
static void refuse(int descriptor)
{
	struct control_output output = { .bytes = NULL };
	struct error_text error;

	error_text_set(&error, "the agent serves as many clients as it may: %d, or %d of one user",
		       CLIENTS_MAX, CLIENTS_OF_USER);
	error_text_hint(&error, "try again when one of them has finished");
	if (control_output_error(&output, -EBUSY, &error) == 0)
		(void)send(descriptor, output.bytes, output.size, MSG_NOSIGNAL);
	control_output_clear(&output);
}

static int on_connection(sd_event_source *source, int listening, uint32_t events, void *context)
{
	struct control_server *server = context;
	/* cppcheck-suppress nullPointer ; accept(2): nobody asks for the address */
	int descriptor = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t user;

	(void)source;
	(void)events;
	if (descriptor < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			log_event(LOG_LEVEL_warning, "control-accept", NULL,
				  "control socket: no client can be taken: %s", fault_text(errno));
		return 0; /* it has gone already, or waits: asked again, but not at every turn */
	}
	user = peer_user(descriptor);
	if (!has_place(server, user)) {
		refuse(descriptor);
		(void)close(descriptor);
	} else if (client_open(server, descriptor, user) < 0) {
		(void)close(descriptor);
	}
	return 0;
}

/* The group that may change things, by its name: looked up once. */
static void find_admins(struct control_server *server)
{
	const char *name = server->context.admin_group;
	/* cppcheck-suppress getgrnamCalled ; no other thread asks for groups */
	const struct group *group = name ? getgrnam(name) : NULL;

	server->has_admins = group != NULL;
	server->admins = group ? group->gr_gid : 0;
	if (name && !group)
		log_warning("admin-group: there is no group %s: root alone may change anything",
			    name);
}

struct control_server *control_server_create(sd_event *loop, int descriptor,
					     const struct control_context *context,
					     struct error_text *error)
{
	struct control_server *server = calloc(1, sizeof(*server));
	socklen_t size = sizeof(server->address);
	int result = server ? 0 : -ENOMEM;

	if (!result) {
		server->context = *context;
		server->context.listening = descriptor;
		find_admins(server);
		if (server->context.patience_ms == 0)
			server->context.patience_ms = PATIENCE_MS;
		server->loop = sd_event_ref(loop);
		server->descriptor = descriptor;
		if (getsockname(descriptor, (struct sockaddr *)&server->address, &size) != 0 ||
		    stat(server->address.sun_path, &server->socket_file) != 0)
			server->address.sun_path[0] = '\0'; /* nothing of ours to remove */
		result = sd_event_add_io(loop, &server->listen, descriptor, EPOLLIN, on_connection,
					 server);
	}
	if (result >= 0)
		result = sd_event_source_set_ratelimit(server->listen, ACCEPT_US, ACCEPT_MAX);
	if (result >= 0)
		return server;
	error_text_set(error, "control socket: %s", fault_text(-result));
	if (server)
		control_server_destroy(server);
	else
		(void)close(descriptor);
	return NULL;
}

void control_server_leave(struct control_server *server)
{
	if (server)
		server->address.sun_path[0] = '\0';
}

void control_server_destroy(struct control_server *server)
{
	struct stat status;

	if (!server)
		return;
	while (server->clients)
		client_close(server->clients);
	(void)sd_event_source_disable_unref(server->listen);
	(void)sd_event_source_disable_unref(server->walk);
	if (server->address.sun_path[0] && stat(server->address.sun_path, &status) == 0 &&
	    status.st_ino == server->socket_file.st_ino &&
	    status.st_dev == server->socket_file.st_dev)
		(void)unlink(server->address.sun_path);
	(void)close(server->descriptor);
	sd_event_unref(server->loop);
	free(server);
}
