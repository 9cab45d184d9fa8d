/* transport_tcp.c - messages over TCP, as RFC 7011 section 10.4 has it for IPFIX.
 *
 * Place: outbox -> transport -> transport_stream.c -> network. The layer without anything in it. */
#include "transport_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define READS_AT_ONCE 16

struct transport {
	struct transport_stream stream;
	uint64_t written; /* bytes, in the connection that stands */
};

static int tcp_begin(void *context, int fd)
{
	struct transport *tcp = context;

	(void)fd;
	tcp->written = 0;
	return 0;
}

static int tcp_greet(void *context, int64_t now_ms)
{
	(void)context;
	(void)now_ms;
	return 0;
}

static ssize_t tcp_write(void *context, int fd, const uint8_t *bytes, size_t size, bool has_more)
{
	struct transport *tcp = context;
	const ssize_t taken =
		send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL | (has_more ? MSG_MORE : 0));

	if (taken < 0)
		return -errno;
	tcp->written += (uint64_t)taken;
	return taken;
}

/* RFC 7011 section 10.4: a collecting process sends nothing. */
static int tcp_discard(void *context, int fd)
{
	uint8_t bytes[4096];

	(void)context;
	for (int i = 0; i < READS_AT_ONCE; i++) {
		const ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (size == 0)
			return TRANSPORT_STREAM_HALF_CLOSED;
		if (size < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	return 0;
}

static uint64_t tcp_written(const void *context)
{
	const struct transport *tcp = context;

	return tcp->written;
}

static void tcp_end(void *context)
{
	(void)context;
}

static const struct transport_stream_layer layer = {
	.begin = tcp_begin,
	.greet = tcp_greet,
	.write = tcp_write,
	.discard = tcp_discard,
	.written = tcp_written,
	.end = tcp_end,
};

static int tcp_open(const struct transport_config *config, struct transport **transport,
		    struct error_text *error)
{
	struct transport *tcp = calloc(1, sizeof(*tcp));
	int result;

	if (!tcp) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = transport_stream_init(&tcp->stream, config, &layer, tcp, error);
	if (result) {
		free(tcp);
		return result;
	}
	*transport = tcp;
	return 0;
}

static int tcp_poll(struct transport *tcp, int64_t now_ms)
{
	return transport_stream_poll(&tcp->stream, now_ms);
}

static struct transport_result tcp_send(struct transport *tcp, const struct datagram *datagrams,
					size_t count)
{
	return transport_stream_send(&tcp->stream, datagrams, count);
}

static int tcp_ready(const struct transport *tcp, short *events)
{
	return transport_stream_ready(&tcp->stream, events);
}

static void tcp_session(const struct transport *tcp, struct transport_session *session)
{
	transport_stream_session(&tcp->stream, session);
}

static socklen_t tcp_remote(const struct transport *tcp, struct sockaddr_storage *address)
{
	return transport_stream_remote(&tcp->stream, address);
}

static socklen_t tcp_local(const struct transport *tcp, struct sockaddr_storage *address)
{
	return transport_stream_local(&tcp->stream, address);
}

static void tcp_close(struct transport *tcp)
{
	if (!tcp)
		return;
	transport_stream_clear(&tcp->stream);
	free(tcp);
}

const struct transport_type transport_tcp = {
	.name = "tcp",
	.ip_protocol = IPPROTO_TCP,
	.open = tcp_open,
	.poll = tcp_poll,
	.send = tcp_send,
	.ready = tcp_ready,
	.session = tcp_session,
	.remote = tcp_remote,
	.local = tcp_local,
	.close = tcp_close,
};
