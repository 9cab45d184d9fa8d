/* transport_stream.c - the life of a connection: look-up, connect, greeting, messages, end, and
 * after a while the next one.
 *
 * Place: transport_tcp.c, transport_tls.c -> here -> layer -> kernel. Invariant: fd >= 0 unless it
 * waits; marks are of the session that stands, or of the last one; bytes of a message of which a
 * part has gone leave before any other.
 *
 * There is no TCP_USER_TIMEOUT: it would also end a connection whose collector is there and only
 * does not read for a while (RFC 1122 section 4.2.2.17 wants that kept). A collector that has
 * vanished is found by keepalives, or by data that nothing acknowledges; a connection whose own
 * address has gone, by looking for that.
 *
 * While another address than the first one of a name is in use, the first one is connected to now
 * and then beside the session that stands; when it takes that, the session ends and this is the
 * next.
 *
 * A collector that has finished its half of the connection may still read (RFC 9293 section 3.6):
 * one that has not resets the connection when the next message comes. */
#include "transport_stream.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONNECT_MS      10000 /* for connecting and greeting together */
#define BACK_OFF_MS     1000  /* doubles up to the next one */
#define BACK_OFF_MAX_MS 30000
#define STABLE_MS       10000 /* a connection that has stood for this long was a good one */
#define LOOK_UP_MS      8000  /* of back-off: time to ask for the address again */
#define DEAD_MS         20000 /* without any acknowledgement while data is under way */
#define LEAVE_MS        5000  /* for what is under way to an address that is left */
#define LOOK_MS         1000  /* whether the own address is still ours */
#define LOOKS_IN_VAIN   3     /* until it is believed to be gone: it may only be set anew */
#define KEEP_IDLE_S     30
#define KEEP_INTERVAL_S 10
#define KEEP_COUNT      3
#define MESSAGE_MAX     65535 /* RFC 7011 section 3.1: 16 bits of length */
#define UNKNOWN_END     UINT64_MAX

int transport_stream_init(struct transport_stream *stream, const struct transport_config *config,
			  const struct transport_stream_layer *layer, void *context,
			  struct error_text *error)
{
	int result;

	*stream = (struct transport_stream){
		.layer = layer,
		.context = context,
		.fd = -1,
		.first_fd = -1,
		.return_ms = TRANSPORT_LOOKUP_RETURN_MS,
		.back_off_ms = BACK_OFF_MS,
		.retry_ms = INT64_MIN,
		.rest = malloc(MESSAGE_MAX),
	};
	if (!stream->rest) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = transport_lookup_init(&stream->lookup, config, error);
	if (result)
		free(stream->rest);
	return result;
}

static void disconnect(struct transport_stream *stream)
{
	if (stream->state == STREAM_greets || stream->state == STREAM_stands)
		stream->layer->end(stream->context);
	if (stream->fd >= 0)
		(void)close(stream->fd);
	stream->fd = -1;
	stream->state = STREAM_waits;
}

/* The same, and take back what the kernel has not got through: it goes out again on the next
 * connection, and must not come from this one as well when the way is open again. */
static void cut_off(struct transport_stream *stream)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (stream->state == STREAM_stands && (stream->mark_count || stream->rest_size))
		(void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	disconnect(stream);
}

static void forget_first(struct transport_stream *stream)
{
	if (stream->first_fd >= 0)
		(void)close(stream->first_fd);
	stream->first_fd = -1;
	stream->away_since_ms = stream->now_ms;
}

void transport_stream_clear(struct transport_stream *stream)
{
	forget_first(stream);
	disconnect(stream);
	transport_lookup_clear(&stream->lookup);
	free(stream->rest);
}

/* Count what the collector's kernel has acknowledged since the last time. The number stays right
 * when the connection has been reset (run on Linux 6.18). */
static void confirm(struct transport_stream *stream)
{
	int unacknowledged;
	uint64_t acknowledged;

	if (stream->state != STREAM_stands || ioctl(stream->fd, SIOCOUTQ, &unacknowledged))
		return;
	acknowledged = stream->layer->written(stream->context) - (uint64_t)unacknowledged;
	if (acknowledged != stream->acknowledged || unacknowledged == 0)
		stream->progress_ms = stream->now_ms;
	stream->acknowledged = acknowledged;
	while (stream->mark_count &&
	       stream->marks[stream->first_mark % TRANSPORT_STREAM_MARKS] <= acknowledged) {
		stream->first_mark++;
		stream->mark_count--;
	}
}

/* Failures that cost the network little: no packet leaves, or none but for the link address. */
static bool is_of_this_host(int error)
{
	return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL ||
	       error == ENETDOWN || error == ENODEV;
}

/* The longer the first address fails soon after a return, the longer others stay in use. */
static void pace_returns(struct transport_stream *stream, bool was_good)
{
	if (stream->lookup.current != 0 || !stream->returned_ms)
		return;
	stream->return_ms = transport_lookup_return_ms(stream->return_ms, !was_good);
	stream->returned_ms = 0;
}

/* The connection has failed or ended. The other addresses of a name are tried at once; with
 * none left it waits, longer each time. What is known to have arrived is counted first: the end of
 * a connection acknowledges all before it. */
static void fail(struct transport_stream *stream, int error)
{
	const bool was_good =
		stream->state == STREAM_stands && stream->now_ms - stream->begun_ms >= STABLE_MS;

	confirm(stream);
	stream->failures += stream->state != STREAM_stands;
	cut_off(stream);
	forget_first(stream);
	pace_returns(stream, was_good);
	stream->error = error;
	if (was_good) {
		stream->back_off_ms = BACK_OFF_MS;
		stream->tried = 0;
	}
	if (is_of_this_host(error))
		stream->back_off_ms = BACK_OFF_MS;
	stream->tried++;
	if (transport_lookup_next(&stream->lookup) &&
	    stream->tried % stream->lookup.address_count != 0) {
		stream->retry_ms = stream->now_ms;
		return;
	}
	stream->retry_ms = stream->now_ms + stream->back_off_ms;
	if (stream->back_off_ms >= LOOK_UP_MS)
		transport_lookup_again(&stream->lookup);
	stream->back_off_ms *= 2;
	if (stream->back_off_ms > BACK_OFF_MAX_MS)
		stream->back_off_ms = BACK_OFF_MAX_MS;
}

static void option_set(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/* A message is full or has waited for a second already: no reason to hold its end back. */
static void socket_tune(int fd)
{
	option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S);
	option_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT);
	option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* Returns a descriptor, or a negative errno. */
static int connect_to(struct transport_stream *stream, struct transport_address *to)
{
	struct transport_lookup *lookup = &stream->lookup;
	const int fd = transport_socket_open(&lookup->settings, SOCK_STREAM, &lookup->source, to);
	int error;

	if (fd < 0)
		return fd;
	socket_tune(fd);
	if (connect(fd, (const struct sockaddr *)&to->address, to->size) && errno != EINPROGRESS) {
		error = errno;
		(void)close(fd);
		return -error;
	}
	return fd;
}

/* Go on with a socket that is being connected to the current address. */
static void take_socket(struct transport_stream *stream, int fd)
{
	stream->fd = fd;
	stream->peer = *transport_lookup_current(&stream->lookup);
	stream->state = STREAM_connects;
	stream->deadline_ms = stream->now_ms + CONNECT_MS;
	stream->local_size = sizeof(stream->local);
	if (getsockname(stream->fd, (struct sockaddr *)&stream->local, &stream->local_size))
		stream->local_size = 0;
}

static void begin_to_connect(struct transport_stream *stream)
{
	struct transport_lookup *lookup = &stream->lookup;
	const int fd = connect_to(stream, &lookup->addresses[lookup->current]);

	if (fd < 0)
		fail(stream, -fd);
	else
		take_socket(stream, fd);
}

static void begin_to_greet(struct transport_stream *stream)
{
	int result;

	stream->state = STREAM_greets;
	result = stream->layer->begin(stream->context, stream->fd);
	if (result)
		fail(stream, -result);
}

/* Has the kernel connected? Returns 0, -EAGAIN: not yet, or why it could not. */
static int look_at_connection(int fd)
{
	struct pollfd descriptor = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;

	if (poll(&descriptor, 1, 0) <= 0)
		return -EAGAIN;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) ? -errno : -error;
}

static void go_on_connecting(struct transport_stream *stream)
{
	const int result = look_at_connection(stream->fd);

	if (result == 0)
		begin_to_greet(stream);
	else if (result != -EAGAIN)
		fail(stream, -result);
}

static void begin_session(struct transport_stream *stream)
{
	stream->state = STREAM_stands;
	stream->number++;
	stream->first_mark = stream->mark_count = 0;
	stream->rest_size = 0;
	stream->acknowledged = 0;
	stream->error = 0;
	stream->away_since_ms = stream->now_ms;
	stream->begun_ms = stream->progress_ms = stream->looked_ms = stream->now_ms;
	stream->looks_in_vain = 0;
	stream->is_half_closed = stream->is_leaving = stream->is_full = false;
}

static void go_on_greeting(struct transport_stream *stream)
{
	const int result = stream->layer->greet(stream->context, stream->now_ms);

	if (result == 0)
		begin_session(stream);
	else if (result != -EAGAIN)
		fail(stream, -result);
}

/* Give the socket the rest of a message. Returns 0 when it is gone, -EAGAIN, or why not. */
static int write_rest(struct transport_stream *stream)
{
	while (stream->rest_offset < stream->rest_size) {
		const ssize_t taken = stream->layer->write(
			stream->context, stream->fd, stream->rest + stream->rest_offset,
			stream->rest_size - stream->rest_offset, false);

		if (taken <= 0)
			return taken == 0 ? -EAGAIN : (int)taken;
		stream->rest_offset += (size_t)taken;
	}
	if (stream->rest_size)
		stream->marks[(stream->first_mark + stream->mark_count - 1) %
			      TRANSPORT_STREAM_MARKS] = stream->layer->written(stream->context);
	stream->rest_offset = stream->rest_size = 0;
	return 0;
}

/* Whether data is under way, or would be, and nothing has come back for long. A collector that does
 * not read acknowledges what it has no room for, and then nothing is under way; and answers each
 * probe whether it has room now. Where not even the first packet can leave, nothing is under way
 * either, and probes have no answer. */
static bool is_dead(const struct transport_stream *stream)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	return stream->now_ms - stream->progress_ms >= DEAD_MS &&
	       getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	       info.tcpi_last_ack_recv >= DEAD_MS &&
	       (info.tcpi_unacked || (info.tcpi_notsent_bytes && info.tcpi_probes > 1));
}

/* Whether the address that the connection is bound to is ours no more, and not only for a moment.
 */
static bool has_lost_source(struct transport_stream *stream)
{
	if (stream->now_ms - stream->looked_ms < LOOK_MS)
		return false;
	stream->looked_ms = stream->now_ms;
	if (transport_socket_has_source(&stream->lookup.settings, stream->fd))
		stream->looks_in_vain = 0;
	else
		stream->looks_in_vain++;
	return stream->looks_in_vain >= LOOKS_IN_VAIN;
}

/* What comes from the collector. Returns 0 or a negative errno. */
static int listen_to_collector(struct transport_stream *stream)
{
	socklen_t size = sizeof(int);
	int error = 0;
	int result;

	if (stream->is_half_closed) /* nothing more, but there may be a reset */
		return getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &size) ? -errno
										   : -error;
	result = stream->layer->discard(stream->context, stream->fd);
	stream->is_half_closed = result == TRANSPORT_STREAM_HALF_CLOSED;
	return result > 0 ? 0 : result;
}

/* Whether the first address is the one that is being connected to beside the session: a look-up may
 * have brought others. */
static bool is_first_still(const struct transport_stream *stream)
{
	return memcmp(&stream->lookup.addresses[0], &stream->first, sizeof(stream->first)) == 0;
}

/* The session goes on after all. */
static void stay(struct transport_stream *stream)
{
	forget_first(stream);
	stream->is_leaving = false;
}

/* End the session when all has arrived. To an address that the name has no more nothing is of use
 * after a while; to another one it goes on as it was, and the first one is tried later, each time
 * after a longer stay. */
static void leave(struct transport_stream *stream)
{
	const int first_fd = stream->first_fd;
	const bool is_over = stream->now_ms - stream->leaving_ms >= LEAVE_MS;

	if (first_fd >= 0 && (stream->lookup.current == 0 || !is_first_still(stream))) {
		stay(stream);
		return;
	}
	if ((stream->mark_count || stream->rest_size) && first_fd >= 0 && is_over) {
		stream->return_ms = transport_lookup_return_ms(stream->return_ms, true);
		stay(stream);
		return;
	}
	if ((stream->mark_count || stream->rest_size) && !is_over)
		return;
	cut_off(stream);
	stream->error = 0;
	stream->back_off_ms = BACK_OFF_MS;
	stream->tried = 0;
	stream->retry_ms = stream->now_ms;
	if (first_fd < 0)
		return;
	stream->first_fd = -1;
	stream->returned_ms = stream->now_ms;
	(void)transport_lookup_first(&stream->lookup);
	take_socket(stream, first_fd);
}

static void begin_to_leave(struct transport_stream *stream)
{
	stream->is_leaving = true;
	stream->leaving_ms = stream->now_ms;
}

/* Agents spread over the addresses of a name by their first ones: they must come back to them. The
 * session with another one goes on until the first one has taken a connection. */
static void watch_first(struct transport_stream *stream)
{
	struct transport_address *first = &stream->lookup.addresses[0];
	int result = -EAGAIN;

	if (stream->lookup.current == 0 || (stream->first_fd >= 0 && !is_first_still(stream))) {
		forget_first(stream);
	} else if (stream->first_fd >= 0) {
		result = look_at_connection(stream->first_fd);
		if (result == 0)
			begin_to_leave(stream);
		else if (result != -EAGAIN || stream->now_ms >= stream->first_deadline_ms)
			forget_first(stream);
	} else if (stream->now_ms - stream->away_since_ms >= stream->return_ms) {
		stream->first_fd = connect_to(stream, first);
		stream->first = *first;
		stream->first_deadline_ms = stream->now_ms + CONNECT_MS;
		if (stream->first_fd < 0)
			forget_first(stream);
	}
}

static void watch(struct transport_stream *stream)
{
	int result = listen_to_collector(stream);

	if (!result)
		result = write_rest(stream);
	confirm(stream);
	if (result && result != -EAGAIN)
		fail(stream, -result);
	else if (is_dead(stream))
		fail(stream, ETIMEDOUT);
	else if (has_lost_source(stream))
		fail(stream, EADDRNOTAVAIL);
	else if (stream->is_leaving)
		leave(stream);
	else if (transport_socket_is_stale(&stream->lookup.settings, stream->fd))
		fail(stream, ENODEV);
	else
		watch_first(stream);
}

/* Change to another address: at once, or after what is under way to the old one. */
static void move(struct transport_stream *stream)
{
	forget_first(stream);
	if (stream->state == STREAM_stands) {
		begin_to_leave(stream);
		return;
	}
	disconnect(stream);
	stream->retry_ms = stream->now_ms;
}

int transport_stream_poll(struct transport_stream *stream, int64_t now_ms)
{
	const int result = transport_lookup_poll(&stream->lookup, now_ms);

	stream->now_ms = now_ms;
	if (result > 0)
		move(stream);
	if (stream->state == STREAM_stands) {
		watch(stream);
		if (stream->state == STREAM_stands)
			return 0;
		/* What has arrived in the session is to be seen before the next one begins. */
		return stream->error ? -stream->error : -EALREADY;
	}
	if (stream->state == STREAM_waits && result < 0)
		return result;
	if (stream->state == STREAM_waits && now_ms >= stream->retry_ms)
		begin_to_connect(stream);
	if (stream->state == STREAM_connects)
		go_on_connecting(stream);
	if (stream->state == STREAM_greets)
		go_on_greeting(stream);
	if (stream->state == STREAM_stands)
		return 0;
	if (stream->state != STREAM_waits && now_ms >= stream->deadline_ms)
		fail(stream, ETIMEDOUT);
	return stream->error ? -stream->error : -EALREADY;
}

/* Hand one message to the layer. Returns 0, -EAGAIN with nothing of it gone, or why not. */
static int send_one(struct transport_stream *stream, const struct datagram *message, bool has_more)
{
	uint64_t *mark =
		&stream->marks[(stream->first_mark + stream->mark_count) % TRANSPORT_STREAM_MARKS];
	ssize_t taken;

	if (stream->mark_count == TRANSPORT_STREAM_MARKS)
		return -EAGAIN;
	taken = stream->layer->write(stream->context, stream->fd, message->bytes, message->size,
				     has_more);
	if (taken < 0)
		return (int)taken;
	stream->mark_count++;
	*mark = stream->layer->written(stream->context);
	if ((size_t)taken == message->size)
		return 0;
	*mark = UNKNOWN_END;
	assert(message->size <= MESSAGE_MAX);
	stream->rest_size = message->size - (size_t)taken;
	memcpy(stream->rest, message->bytes + taken, stream->rest_size);
	return 0;
}

struct transport_result transport_stream_send(struct transport_stream *stream,
					      const struct datagram *datagrams, size_t count)
{
	struct transport_result result = { 0 };

	if (stream->state != STREAM_stands) /* it failed just now, after some were taken */
		return (struct transport_result){ .error = stream->error ? -stream->error
									 : -ENOTCONN };
	if (stream->is_leaving)
		return (struct transport_result){ .error = -EAGAIN };
	result.error = write_rest(stream);
	while (!result.error && result.sent < count) {
		result.error = send_one(stream, &datagrams[result.sent], result.sent + 1 < count);
		result.sent += result.error == 0;
		if (stream->rest_size) /* the next one waits for the rest of this one */
			break;
	}
	stream->is_full = result.error == -EAGAIN || stream->rest_size;
	confirm(stream);
	if (result.error && result.error != -EAGAIN)
		fail(stream, -result.error);
	return result;
}

int transport_stream_ready(const struct transport_stream *stream, short *events)
{
	const bool is_put_off = stream->state == STREAM_connects ||
				(stream->state == STREAM_stands && stream->is_full);

	*events = POLLOUT;
	return is_put_off ? stream->fd : -1;
}

void transport_stream_session(const struct transport_stream *stream,
			      struct transport_session *session)
{
	*session = (struct transport_session){ stream->number, (size_t)stream->mark_count,
					       stream->failures, 0 };
}

socklen_t transport_stream_remote(const struct transport_stream *stream,
				  struct sockaddr_storage *address)
{
	const struct transport_address *current =
		stream->fd >= 0 ? &stream->peer : transport_lookup_current(&stream->lookup);

	if (!current)
		return 0;
	*address = current->address;
	return current->size;
}

socklen_t transport_stream_local(const struct transport_stream *stream,
				 struct sockaddr_storage *address)
{
	if (stream->fd < 0)
		return 0;
	*address = stream->local;
	return stream->local_size;
}
