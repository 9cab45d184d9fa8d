/* transport_unix.c - messages to a socket in the file system, whose reader is on this host.
 *
 * Place: outbox -> transport_unix -> kernel. The path says by itself what kind of socket it is:
 * datagrams, each a message, or a stream of messages. Either is a session, which ends when the
 * reader closes its socket, and another begins with the next one that opens that path. A message
 * has arrived when it is in the reader's socket as a whole. */
#include "transport_pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_MS 100 /* between tries while nobody listens */

struct transport {
	struct sockaddr_un address;
	int fd; /* -1: not connected */
	bool is_stream;
	struct transport_pipe pipe;
	int64_t next_try_ms;
	int error; /* negative errno of the last try */
	struct transport_session session;
};

static int unix_open(const struct transport_config *config, struct transport **transport,
		     struct error_text *error)
{
	struct transport *unix_socket;

	if (strlen(config->host) >= sizeof(unix_socket->address.sun_path)) {
		error_text_set(error, "%s is too long: expected a path of at most %zu characters",
			       config->host, sizeof(unix_socket->address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	unix_socket = calloc(1, sizeof(*unix_socket));
	if (!unix_socket) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	unix_socket->fd = -1;
	unix_socket->address.sun_family = AF_UNIX;
	(void)memcpy(unix_socket->address.sun_path, config->host, strlen(config->host) + 1);
	*transport = unix_socket;
	return 0;
}

static void disconnect(struct transport *unix_socket)
{
	if (unix_socket->fd < 0)
		return;
	unix_socket->session.unconfirmed = transport_pipe_unconfirmed(&unix_socket->pipe, 0);
	(void)close(unix_socket->fd);
	unix_socket->fd = -1;
}

static void unix_close(struct transport *unix_socket)
{
	if (!unix_socket)
		return;
	disconnect(unix_socket);
	transport_pipe_clear(&unix_socket->pipe);
	free(unix_socket);
}

/* Returns 0 or a negative errno. */
static int connect_as(struct transport *unix_socket, int type)
{
	const int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&unix_socket->address,
		    sizeof(unix_socket->address))) {
		error = errno;
		(void)close(fd);
		/* Nobody has opened the path yet: the same as that nobody listens. */
		return error == ENOENT ? -ECONNREFUSED : -error;
	}
	unix_socket->fd = fd;
	unix_socket->is_stream = type == SOCK_STREAM;
	unix_socket->session.number++;
	unix_socket->session.unconfirmed = 0;
	transport_pipe_begin(&unix_socket->pipe);
	return 0;
}

/* A stream whose reader has gone; a socket of datagrams shows that only when it is sent to. */
static bool has_hung_up(const struct transport *unix_socket)
{
	struct pollfd descriptor = { .fd = unix_socket->fd };

	return unix_socket->is_stream && poll(&descriptor, 1, 0) > 0 &&
	       (descriptor.revents & (POLLHUP | POLLERR));
}

static int unix_poll(struct transport *unix_socket, int64_t now_ms)
{
	if (unix_socket->fd >= 0) {
		if (!has_hung_up(unix_socket))
			return 0;
		disconnect(unix_socket);
		unix_socket->error = -ECONNRESET;
		return unix_socket->error;
	}
	if (unix_socket->error && now_ms < unix_socket->next_try_ms)
		return unix_socket->error;
	unix_socket->next_try_ms = now_ms + RETRY_MS;
	unix_socket->error = connect_as(unix_socket, SOCK_DGRAM);
	if (unix_socket->error == -EPROTOTYPE)
		unix_socket->error = connect_as(unix_socket, SOCK_STREAM);
	unix_socket->session.failures += unix_socket->error != 0;
	return unix_socket->error;
}

static struct transport_result send_datagrams(struct transport *unix_socket,
					      const struct datagram *datagrams, size_t count)
{
	struct transport_result result = { 0 };

	while (!result.error && result.sent < count) {
		const struct datagram *datagram = &datagrams[result.sent];

		if (send(unix_socket->fd, datagram->bytes, datagram->size,
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			result.error = -errno;
		else
			result.sent++;
	}
	return result;
}

static struct transport_result unix_send(struct transport *unix_socket,
					 const struct datagram *datagrams, size_t count)
{
	struct transport_result result;

	if (unix_socket->fd < 0) /* it failed just now, after some were taken */
		return (struct transport_result){ .error = unix_socket->error ? unix_socket->error
									      : -ENOTCONN };
	if (unix_socket->is_stream)
		result = transport_pipe_send(&unix_socket->pipe, unix_socket->fd, PIPE_socket,
					     datagrams, count);
	else
		result = send_datagrams(unix_socket, datagrams, count);
	if (result.error && result.error != -EAGAIN && result.error != -ENOBUFS &&
	    result.error != -EMSGSIZE && result.error != -ENOMEM) {
		disconnect(unix_socket);
		unix_socket->error = result.error;
	}
	return result;
}

static int unix_ready(const struct transport *unix_socket, short *events)
{
	*events = POLLOUT;
	return unix_socket->fd;
}

static void unix_session(const struct transport *unix_socket, struct transport_session *session)
{
	*session = unix_socket->session;
	if (unix_socket->fd >= 0)
		session->unconfirmed = transport_pipe_unconfirmed(&unix_socket->pipe, 0);
}

static socklen_t unix_address(const struct transport *unix_socket, struct sockaddr_storage *address)
{
	(void)unix_socket;
	(void)address;
	return 0;
}

const struct transport_type transport_unix = {
	.name = "unix",
	.open = unix_open,
	.poll = unix_poll,
	.send = unix_send,
	.ready = unix_ready,
	.session = unix_session,
	.remote = unix_address,
	.local = unix_address,
	.close = unix_close,
};
