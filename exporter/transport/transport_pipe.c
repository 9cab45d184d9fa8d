/* transport_pipe.c - write() and send() that may take a part.
 *
 * Place: transport_file, transport_unix -> transport_pipe -> kernel. Whether a stream blocks
 * belongs to the open file, and standard output is shared with the shell and other programs: there
 * poll() says when a pipe has room, which is for PIPE_BUF bytes at least (pipe(7)). */
#include "transport_pipe.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void transport_pipe_clear(struct transport_pipe *pipe)
{
	free(pipe->rest);
	*pipe = (struct transport_pipe){ 0 };
}

void transport_pipe_begin(struct transport_pipe *pipe)
{
	pipe->rest_size = 0;
	pipe->count = 0;
}

static bool has_room(int fd)
{
	struct pollfd descriptor = { .fd = fd, .events = POLLOUT };

	/* POLLERR: let write() say what it is. */
	return poll(&descriptor, 1, 0) > 0 && descriptor.revents;
}

/* Returns how many bytes were taken, or a negative errno. */
static ssize_t write_some(int fd, enum transport_pipe_kind kind, const uint8_t *bytes, size_t size)
{
	ssize_t taken;

	if (kind == PIPE_shared) {
		if (!has_room(fd))
			return -EAGAIN;
		size = size < PIPE_BUF ? size : PIPE_BUF;
	}
	if (kind == PIPE_socket)
		taken = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		taken = write(fd, bytes, size);
	return taken < 0 ? -errno : taken;
}

/* Write until all is taken or no more is. Returns how many bytes were taken; 'error' is 0, or a
 * negative errno. */
static size_t write_most(int fd, enum transport_pipe_kind kind, const uint8_t *bytes, size_t size,
			 int *error)
{
	size_t written = 0;

	*error = 0;
	while (written < size) {
		const ssize_t taken = write_some(fd, kind, bytes + written, size - written);

		if (taken <= 0) {
			*error = taken < 0 && taken != -EINTR ? (int)taken : -EAGAIN;
			break;
		}
		written += (size_t)taken;
	}
	return written;
}

static int flush_rest(struct transport_pipe *pipe, int fd, enum transport_pipe_kind kind)
{
	int error;
	const size_t written = write_most(fd, kind, pipe->rest, pipe->rest_size, &error);

	pipe->rest_size -= written;
	if (pipe->rest_size)
		memmove(pipe->rest, pipe->rest + written, pipe->rest_size);
	return error;
}

/* Make sure that the rest of a message of 'size' bytes can be kept. */
static bool reserve(struct transport_pipe *pipe, size_t size)
{
	uint8_t *rest;

	if (size <= pipe->rest_capacity)
		return true;
	rest = realloc(pipe->rest, size);
	if (!rest)
		return false;
	pipe->rest = rest;
	pipe->rest_capacity = size;
	return true;
}

struct transport_result transport_pipe_send(struct transport_pipe *pipe, int fd,
					    enum transport_pipe_kind kind,
					    const struct datagram *datagrams, size_t count)
{
	struct transport_result result = { 0 };

	result.error = flush_rest(pipe, fd, kind);
	while (!result.error && result.sent < count) {
		const struct datagram *datagram = &datagrams[result.sent];
		size_t written;

		if (!reserve(pipe, datagram->size)) {
			result.error = -ENOMEM;
			break;
		}
		written = write_most(fd, kind, datagram->bytes, datagram->size, &result.error);
		if (written == 0)
			break;
		pipe->rest_size = datagram->size - written;
		memcpy(pipe->rest, datagram->bytes + written, pipe->rest_size);
		pipe->sizes[pipe->count++ % TRANSPORT_PIPE_HISTORY] = (uint32_t)datagram->size;
		result.sent++;
	}
	return result;
}

size_t transport_pipe_unconfirmed(const struct transport_pipe *pipe, size_t unread)
{
	size_t bytes = pipe->rest_size + unread;
	size_t messages = 0;

	while (bytes && messages < pipe->count && messages < TRANSPORT_PIPE_HISTORY) {
		const size_t size =
			pipe->sizes[(pipe->count - 1 - messages) % TRANSPORT_PIPE_HISTORY];

		bytes -= size < bytes ? size : bytes;
		messages++;
	}
	return messages;
}
