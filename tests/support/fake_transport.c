/* fake_transport.c - transports that keep what is sent, and fail as a struct says. */
#include "fake_transport.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

struct transport {
	struct fake_transport *fake;
	bool was_polled;
};

struct fake_transport fake_transports[FAKE_TRANSPORTS];
static struct fake_datagram fake_sent[FAKE_TRANSPORTS][FAKE_SENT_MAX];

void fake_transport_reset(void)
{
	for (size_t i = 0; i < FAKE_TRANSPORTS; i++)
		fake_transports[i] = (struct fake_transport){
			.accept = SIZE_MAX,
			.capacity = SIZE_MAX,
			.size_max = SIZE_MAX,
			.report = ECONNREFUSED,
			.quoted = sizeof(fake_transports[i].refusals[0].bytes),
			.sent = fake_sent[i],
		};
}

void fake_transport_refuse_bytes(struct fake_transport *fake, const uint8_t *bytes, size_t size)
{
	struct transport_refusal *refusal = &fake->refusals[fake->refusal_count++];

	CHECK(fake->refusal_count <= FAKE_REFUSALS_MAX);
	refusal->error = fake->report;
	refusal->is_own = fake->is_own;
	refusal->size = size < fake->quoted ? size : fake->quoted;
	memcpy(refusal->bytes, bytes, refusal->size);
}

void fake_transport_refuse(struct fake_transport *fake, size_t index)
{
	CHECK(index < fake->count);
	fake->sent[index].is_refused = true;
	fake_transport_refuse_bytes(fake, fake->sent[index].bytes, fake->sent[index].size);
}

void fake_transport_begin_session(struct fake_transport *fake)
{
	fake->poll_error = 0;
	fake->session++;
	fake->session_begin = fake->count;
	fake->confirm = 0;
}

static int fake_open(const struct transport_config *config, struct transport **transport,
		     struct error_text *error)
{
	(void)error;
	CHECK(config->port < FAKE_TRANSPORTS);
	*transport = malloc(sizeof(**transport));
	CHECK(*transport != NULL);
	**transport = (struct transport){ .fake = &fake_transports[config->port] };
	return 0;
}

static int fake_poll(struct transport *transport, int64_t now_ms)
{
	(void)now_ms;
	transport->was_polled = true;
	return transport->fake->poll_error;
}

static void fake_take(struct fake_transport *fake, const struct datagram *datagram)
{
	struct fake_datagram *kept = &fake->sent[fake->count];
	const bool is_reported = fake->refuses && (!fake->may_report || fake->may_report());

	if (is_reported)
		fake_transport_refuse_bytes(fake, datagram->bytes, datagram->size);
	if (fake->arrive) {
		if (!fake->refuses)
			fake->arrive((size_t)(fake - fake_transports), datagram);
		return;
	}
	CHECK(fake->count++ < FAKE_SENT_MAX && datagram->size <= sizeof(kept->bytes));
	memcpy(kept->bytes, datagram->bytes, datagram->size);
	kept->size = datagram->size;
	kept->session = fake->session;
	kept->is_confirmed = false;
	kept->is_refused = is_reported;
}

static struct transport_result fake_send(struct transport *transport,
					 const struct datagram *datagrams, size_t count)
{
	struct fake_transport *fake = transport->fake;
	struct transport_result result = { 0 };

	CHECK_EQ(fake->poll_error, 0);
	if (fake->send_error) {
		result.error = fake->send_error;
		if (fake->is_once)
			fake->send_error = 0;
		return result;
	}
	while (result.sent < count && result.sent < fake->accept && fake->capacity) {
		if (datagrams[result.sent].size > fake->size_max) {
			result.error = result.sent ? 0 : -EMSGSIZE;
			return result;
		}
		fake_take(fake, &datagrams[result.sent++]);
		fake->capacity--;
	}
	if (result.sent == 0)
		result.error = -EAGAIN;
	result.is_one_packet = fake->is_one_packet && result.sent;
	return result;
}

static int fake_ready(const struct transport *transport, short *events)
{
	*events = POLLOUT;
	return transport->fake->ready - 1;
}

static uint64_t fake_openings(const struct transport *transport)
{
	return transport->fake->openings;
}

static bool fake_refusal(struct transport *transport, struct transport_refusal *refusal)
{
	struct fake_transport *fake = transport->fake;

	if (fake->refusal_next == fake->refusal_count)
		return false;
	*refusal = fake->refusals[fake->refusal_next++];
	return true;
}

static void fake_session(const struct transport *transport, struct transport_session *session)
{
	struct fake_transport *fake = transport->fake;
	const size_t handed = fake->count - fake->session_begin;
	const size_t confirmed = fake->confirm < handed ? fake->confirm : handed;

	*session = (struct transport_session){
		.number = fake->session,
		.unconfirmed = handed - confirmed,
		.failures = FAKE_SESSION_FAILS,
	};
	for (size_t i = 0; i < confirmed; i++)
		fake->sent[fake->session_begin + i].is_confirmed = true;
}

static socklen_t fake_address(const struct transport *transport, struct sockaddr_storage *address)
{
	const struct sockaddr_in remote = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(transport->fake->remote) };

	*address = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	if (transport->fake->remote)
		memcpy(address, &remote, sizeof(remote));
	return transport->fake->poll_error ? 0 : sizeof(*address);
}

static socklen_t fake_local(const struct transport *transport, struct sockaddr_storage *address)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(transport->fake->own) };

	if (!transport->fake->own)
		return fake_address(transport, address);
	memcpy(address, &own, sizeof(own));
	return transport->was_polled ? sizeof(own) : 0;
}

static size_t fake_size_max(const struct transport *transport)
{
	return transport->fake->known_max;
}

static void fake_close(struct transport *transport)
{
	free(transport);
}

const struct transport_type fake_transport_datagrams = {
	.name = "fake",
	.ip_protocol = 17,
	.open = fake_open,
	.poll = fake_poll,
	.send = fake_send,
	.ready = fake_ready,
	.openings = fake_openings,
	.refusal = fake_refusal,
	.remote = fake_address,
	.local = fake_local,
	.size_max = fake_size_max,
	.close = fake_close,
};

const struct transport_type fake_transport_sessions = {
	.name = "fake",
	.open = fake_open,
	.poll = fake_poll,
	.send = fake_send,
	.ready = fake_ready,
	.session = fake_session,
	.remote = fake_address,
	.local = fake_local,
	.close = fake_close,
};
