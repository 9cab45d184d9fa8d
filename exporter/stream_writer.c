/* stream_writer.c - write() and send() that may take a part.
 *
 * Place: transport_file, transport_unix -> stream_writer -> kernel. Whether a stream blocks belongs
 * to the open file, and standard output is shared with the shell and other programs: there poll()
 * says when a pipe has room, which is for PIPE_BUF bytes at least (pipe(7)). */
#include "stream_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void stream_writer_clear(struct stream_writer *writer)
{
	free(writer->rest);
	*writer = (struct stream_writer){ 0 };
}

void stream_writer_begin(struct stream_writer *writer)
{
	writer->rest_size = 0;
	writer->count = 0;
}

static bool has_room(int fd)
{
	struct pollfd descriptor = { .fd = fd, .events = POLLOUT };

	/* POLLERR: let write() say what it is. */
	return poll(&descriptor, 1, 0) > 0 && descriptor.revents;
}

/* Returns how many bytes were taken, or a negative errno. */
static ssize_t write_some(int fd, enum stream_kind kind, const uint8_t *bytes, size_t size)
{
	ssize_t taken;

	if (kind == STREAM_shared) {
		if (!has_room(fd))
			return -EAGAIN;
		size = size < PIPE_BUF ? size : PIPE_BUF;
	}
	if (kind == STREAM_socket)
		taken = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		taken = write(fd, bytes, size);
	return taken < 0 ? -errno : taken;
}

/* Write until all is taken or no more is. Returns how many bytes were taken; 'error' is 0, or a
 * negative errno. */
static size_t write_most(int fd, enum stream_kind kind, const uint8_t *bytes, size_t size,
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

static int flush_rest(struct stream_writer *writer, int fd, enum stream_kind kind)
{
	int error;
	const size_t written = write_most(fd, kind, writer->rest, writer->rest_size, &error);

	writer->rest_size -= written;
	if (writer->rest_size)
		memmove(writer->rest, writer->rest + written, writer->rest_size);
	return error;
}

/* Make sure that the rest of a message of 'size' bytes can be kept. */
static bool reserve(struct stream_writer *writer, size_t size)
{
	uint8_t *rest;

	if (size <= writer->rest_capacity)
		return true;
	rest = realloc(writer->rest, size);
	if (!rest)
		return false;
	writer->rest = rest;
	writer->rest_capacity = size;
	return true;
}

struct transport_result stream_writer_send(struct stream_writer *writer, int fd,
					   enum stream_kind kind, const struct datagram *datagrams,
					   size_t count)
{
	struct transport_result result = { 0 };

	result.error = flush_rest(writer, fd, kind);
	while (!result.error && result.sent < count) {
		const struct datagram *datagram = &datagrams[result.sent];
		size_t written;

		if (!reserve(writer, datagram->size)) {
			result.error = -ENOMEM;
			break;
		}
		written = write_most(fd, kind, datagram->bytes, datagram->size, &result.error);
		if (written == 0)
			break;
		writer->rest_size = datagram->size - written;
		memcpy(writer->rest, datagram->bytes + written, writer->rest_size);
		writer->sizes[writer->count++ % STREAM_WRITER_HISTORY] = (uint32_t)datagram->size;
		result.sent++;
	}
	return result;
}

size_t stream_writer_unconfirmed(const struct stream_writer *writer, size_t unread)
{
	size_t bytes = writer->rest_size + unread;
	size_t messages = 0;

	while (bytes && messages < writer->count && messages < STREAM_WRITER_HISTORY) {
		const size_t size =
			writer->sizes[(writer->count - 1 - messages) % STREAM_WRITER_HISTORY];

		bytes -= size < bytes ? size : bytes;
		messages++;
	}
	return messages;
}
