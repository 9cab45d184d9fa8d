/* test_transport_tcp.c - the TCP transport on loopback, against a server that reads, does not read,
 * closes and resets. The clock is the test's own. */
#include "transport.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_SIZE 4000
#define WAIT_MS      10000

/* A server on a free port of the loopback address. */
struct server {
	int listener;
	int fd; /* of the connection, -1: none */
	uint16_t port;
};

static struct server listen_on(int family)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *address =
		family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	socklen_t size = family == AF_INET ? sizeof(in) : sizeof(in6);
	struct server server = { .fd = -1 };
	const int buffer = 4096;

	server.listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server.listener < 0 || bind(server.listener, address, size)) {
		(void)close(server.listener);
		server.listener = -1;
		return server;
	}
	/* So that a server that does not read is full soon; connections inherit it. */
	CHECK_EQ(setsockopt(server.listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
	CHECK_EQ(getsockname(server.listener, address, &size), 0);
	CHECK_EQ(listen(server.listener, 5), 0);
	server.port = ntohs(family == AF_INET ? in.sin_port : in6.sin6_port);
	return server;
}

static void accept_one(struct server *server)
{
	struct pollfd descriptor = { .fd = server->listener, .events = POLLIN };

	CHECK_EQ(poll(&descriptor, 1, WAIT_MS), 1);
	server->fd = accept(server->listener, NULL, NULL);
	CHECK(server->fd >= 0);
	CHECK_EQ(fcntl(server->fd, F_SETFL, O_NONBLOCK), 0);
}

/* With a reset instead of an orderly end. */
static void end(struct server *server, bool is_reset)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (is_reset)
		CHECK_EQ(setsockopt(server->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
			 0);
	CHECK_EQ(close(server->fd), 0);
	server->fd = -1;
}

static void stop(struct server *server)
{
	if (server->fd >= 0)
		end(server, false);
	(void)close(server->listener);
}

static struct transport *open_config(const struct transport_config *config)
{
	struct transport *transport = NULL;
	struct error_text error;

	CHECK_EQ(transport_tcp.open(config, &transport, &error), 0);
	return transport;
}

static struct transport *open_tcp(const char *host, uint16_t port)
{
	return open_config(&(struct transport_config){ .host = host, .port = port });
}

static void wait_a_little(void)
{
	(void)poll(NULL, 0, 1);
}

/* Poll at 'now_ms' until the answer is another one than 'not'. */
static int poll_until_not(struct transport *transport, int64_t now_ms, int not )
{
	int result = not ;

	for (int i = 0; i < WAIT_MS && result == not ; i++) {
		result = transport_tcp.poll(transport, now_ms);
		if (result == not )
			wait_a_little();
	}
	return result;
}

static struct transport_session session_of(struct transport *transport)
{
	struct transport_session session;

	transport_tcp.session(transport, &session);
	return session;
}

static void wait_until_confirmed(struct transport *transport, int64_t now_ms, size_t unconfirmed)
{
	for (int i = 0; i < WAIT_MS && session_of(transport).unconfirmed != unconfirmed; i++) {
		(void)transport_tcp.poll(transport, now_ms);
		wait_a_little();
	}
	CHECK_EQ(session_of(transport).unconfirmed, unconfirmed);
}

/* A message whose bytes follow from its number. */
static struct datagram message(uint8_t bytes[static MESSAGE_SIZE], unsigned int number)
{
	for (size_t i = 0; i < MESSAGE_SIZE; i++)
		bytes[i] = (uint8_t)(number * 31 + i);
	return (struct datagram){ bytes, MESSAGE_SIZE };
}

static struct transport_result send_number(struct transport *transport, unsigned int number)
{
	uint8_t bytes[MESSAGE_SIZE];
	const struct datagram datagram = message(bytes, number);
	const struct transport_result result = transport_tcp.send(transport, &datagram, 1);

	memset(bytes, 0xee, sizeof(bytes)); /* it keeps what it has not given on */
	return result;
}

/* Read message 'number' and compare; 'transport' goes on meanwhile. */
static void read_number(struct server *server, struct transport *transport, int64_t now_ms,
			unsigned int number)
{
	uint8_t expected[MESSAGE_SIZE], bytes[MESSAGE_SIZE];
	size_t size = 0;

	(void)message(expected, number);
	for (int i = 0; i < WAIT_MS && size < MESSAGE_SIZE; i++) {
		const ssize_t part = read(server->fd, bytes + size, MESSAGE_SIZE - size);

		if (part > 0)
			size += (size_t)part;
		else
			wait_a_little();
		(void)transport_tcp.poll(transport, now_ms);
	}
	CHECK_EQ(size, MESSAGE_SIZE);
	CHECK_BYTES(bytes, expected, MESSAGE_SIZE);
}

static void check_delivery(const char *host, int family)
{
	struct server server = listen_on(family);
	struct sockaddr_storage address;
	struct transport *transport;
	uint8_t first[MESSAGE_SIZE], second[MESSAGE_SIZE];
	struct datagram two[2] = { message(first, 1), message(second, 2) };

	if (server.listener < 0)
		skip();
	transport = open_tcp(host, server.port);
	CHECK_EQ(session_of(transport).number, 0);
	while (transport_tcp.poll(transport, 1000) == -EINPROGRESS)
		wait_a_little();
	CHECK_EQ(poll_until_not(transport, 1000, -EALREADY), 0);
	CHECK_EQ(session_of(transport).number, 1);
	CHECK(transport_tcp.remote(transport, &address) > 0);
	CHECK_EQ(address.ss_family, family);
	CHECK(transport_tcp.local(transport, &address) > 0);
	accept_one(&server);
	CHECK_EQ(transport_tcp.send(transport, two, 2).sent, 2);
	read_number(&server, transport, 1000, 1);
	read_number(&server, transport, 1000, 2);
	wait_until_confirmed(transport, 1000, 0);
	CHECK_EQ(session_of(transport).number, 1);
	/* What a collector sends is no concern of ours. */
	CHECK_EQ(write(server.fd, two, sizeof(two)), sizeof(two));
	CHECK_EQ(transport_tcp.poll(transport, 1001), 0);
	transport_tcp.close(transport);
	stop(&server);
}

TEST(messages_arrive_over_ipv4)
{
	check_delivery("127.0.0.1", AF_INET);
}

TEST(messages_arrive_over_ipv6)
{
	check_delivery("::1", AF_INET6);
}

TEST(names_are_looked_up)
{
	check_delivery("localhost", AF_INET);
}

TEST(a_server_that_does_not_read_takes_whole_messages_and_confirms_none_it_has_not)
{
	struct server server = listen_on(AF_INET);
	struct transport *transport = open_tcp("127.0.0.1", server.port);
	unsigned int sent = 0, round = 0;

	CHECK_EQ(poll_until_not(transport, 0, -EALREADY), 0);
	accept_one(&server);
	for (; round < WAIT_MS; round++) {
		const struct transport_result result = send_number(transport, sent);

		sent += (unsigned int)result.sent;
		if (result.error == -EAGAIN && round > 100) {
			(void)transport_tcp.poll(transport, 0);
			if (send_number(transport, sent).error == -EAGAIN)
				break;
			sent++;
		}
	}
	CHECK(round < WAIT_MS);
	CHECK(sent > 5);
	CHECK(session_of(transport).unconfirmed > 0);
	CHECK(session_of(transport).unconfirmed <= sent);
	/* For long: its kernel answers, so it is not dead. */
	CHECK_EQ(transport_tcp.poll(transport, 600000), 0);
	for (unsigned int i = 0; i < sent; i++)
		read_number(&server, transport, 600000, i);
	wait_until_confirmed(transport, 600000, 0);
	CHECK_EQ(send_number(transport, sent).sent, 1);
	read_number(&server, transport, 600000, sent);
	transport_tcp.close(transport);
	stop(&server);
}

TEST(the_end_of_a_connection_is_noticed_and_the_next_one_is_a_new_session)
{
	struct server server = listen_on(AF_INET);
	struct transport *transport = open_tcp("127.0.0.1", server.port);
	int64_t now = 0;

	for (unsigned int i = 0; i < 6; i++) {
		const bool is_reset = i % 2;
		size_t unconfirmed;

		CHECK_EQ(poll_until_not(transport, now, i ? -ECONNRESET : -EALREADY), 0);
		CHECK_EQ(session_of(transport).number, i + 1);
		CHECK_EQ(session_of(transport).unconfirmed, 0);
		accept_one(&server);
		CHECK_EQ(send_number(transport, i).sent, 1);
		read_number(&server, transport, now, i);
		wait_until_confirmed(transport, now, 0);
		end(&server, is_reset);
		/* A closed connection looks like a half-closed one until the next message. */
		unconfirmed = is_reset ? 0 : send_number(transport, 8).sent;
		CHECK_EQ(poll_until_not(transport, now, 0), is_reset ? -ECONNRESET : -EPIPE);
		CHECK_EQ(session_of(transport).number, i + 1);
		CHECK_EQ(session_of(transport).unconfirmed, unconfirmed);
		CHECK_EQ(send_number(transport, 9).error, is_reset ? -ECONNRESET : -EPIPE);
		/* Not at once, and the longer the more often it happened. */
		CHECK(transport_tcp.poll(transport, now + 999) < 0);
		now += 30000;
		if (!is_reset)
			(void)poll_until_not(transport, now, -EPIPE);
		else
			(void)poll_until_not(transport, now, -ECONNRESET);
		CHECK_EQ(session_of(transport).number, i + 2);
		accept_one(&server);
		end(&server, true);
		CHECK_EQ(poll_until_not(transport, now, 0), -ECONNRESET);
		now += 30000;
		i += 1;
	}
	transport_tcp.close(transport);
	stop(&server);
}

/* RFC 9293 section 3.6: the end of what a server sends is not the end of what it reads. */
TEST(a_server_that_half_closes_still_gets_everything)
{
	struct server server = listen_on(AF_INET);
	struct transport *transport = open_tcp("127.0.0.1", server.port);

	CHECK_EQ(poll_until_not(transport, 0, -EALREADY), 0);
	accept_one(&server);
	CHECK_EQ(shutdown(server.fd, SHUT_WR), 0);
	for (unsigned int i = 0; i < 100; i++) {
		CHECK_EQ(transport_tcp.poll(transport, i * 1000), 0);
		CHECK_EQ(send_number(transport, i).sent, 1);
		read_number(&server, transport, i * 1000, i);
	}
	wait_until_confirmed(transport, 100000, 0);
	CHECK_EQ(session_of(transport).number, 1);
	end(&server, true);
	CHECK(poll_until_not(transport, 100000, 0) < 0);
	transport_tcp.close(transport);
	stop(&server);
}

TEST(what_a_server_has_not_got_when_it_goes_is_not_confirmed)
{
	struct server server = listen_on(AF_INET);
	struct transport *transport = open_tcp("127.0.0.1", server.port);
	unsigned int sent = 0;
	size_t unconfirmed;

	CHECK_EQ(poll_until_not(transport, 0, -EALREADY), 0);
	accept_one(&server);
	while (sent < 500 && send_number(transport, sent).sent)
		sent++;
	CHECK(sent > 5);
	end(&server, true);
	CHECK(poll_until_not(transport, 0, 0) < 0);
	unconfirmed = session_of(transport).unconfirmed;
	CHECK(unconfirmed > 0 && unconfirmed <= sent);
	/* Nothing of the old session is in the new one: its half message neither. */
	CHECK_EQ(poll_until_not(transport, 1000, -ECONNRESET), 0);
	CHECK_EQ(session_of(transport).number, 2);
	CHECK_EQ(session_of(transport).unconfirmed, 0);
	accept_one(&server);
	CHECK_EQ(send_number(transport, 7).sent, 1);
	read_number(&server, transport, 1000, 7);
	transport_tcp.close(transport);
	stop(&server);
}

TEST(a_refused_connection_is_tried_again_with_longer_and_longer_pauses)
{
	struct server server = listen_on(AF_INET);
	struct transport *transport;
	static const int64_t pauses[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
	int64_t now = 5000;

	CHECK_EQ(close(server.listener), 0);
	transport = open_tcp("127.0.0.1", server.port);
	CHECK_EQ(poll_until_not(transport, now, -EALREADY), -ECONNREFUSED);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		struct sockaddr_storage address;

		CHECK_EQ(transport_tcp.poll(transport, now + pauses[i] - 1), -ECONNREFUSED);
		CHECK_EQ(transport_tcp.local(transport, &address), 0);
		now += pauses[i];
		CHECK_EQ(transport_tcp.poll(transport, now), -ECONNREFUSED);
	}
	CHECK_EQ(session_of(transport).number, 0);
	transport_tcp.close(transport);
}

/* A server whose places for connections are taken: its kernel does not answer. */
TEST(a_connection_that_is_not_made_in_time_is_given_up)
{
	struct server server = listen_on(AF_INET);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(server.port) };
	struct transport *transport;
	int others[3];

	CHECK_EQ(listen(server.listener, 0), 0);
	for (size_t i = 0; i < 3; i++) {
		others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		CHECK(connect(others[i], (struct sockaddr *)&to, sizeof(to)) == 0 ||
		      errno == EINPROGRESS);
	}
	transport = open_tcp("127.0.0.1", server.port);
	CHECK_EQ(transport_tcp.poll(transport, 0), -EALREADY);
	CHECK_EQ(transport_tcp.poll(transport, 9999), -EALREADY);
	CHECK_EQ(transport_tcp.poll(transport, 10000), -ETIMEDOUT);
	transport_tcp.close(transport);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(close(others[i]), 0);
	stop(&server);
}

TEST(the_source_address_is_used)
{
	struct server server = listen_on(AF_INET);
	struct transport *transport = open_config(&(struct transport_config){
		.host = "127.0.0.1", .port = server.port, .source_address = "127.0.0.7" });
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);

	CHECK_EQ(poll_until_not(transport, 0, -EALREADY), 0);
	accept_one(&server);
	CHECK_EQ(getpeername(server.fd, (struct sockaddr *)&peer, &size), 0);
	CHECK_EQ(ntohl(peer.sin_addr.s_addr), 0x7f000007);
	transport_tcp.close(transport);
	stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_over_ipv4),
		cmocka_unit_test(messages_arrive_over_ipv6),
		cmocka_unit_test(names_are_looked_up),
		cmocka_unit_test(
			a_server_that_does_not_read_takes_whole_messages_and_confirms_none_it_has_not),
		cmocka_unit_test(
			the_end_of_a_connection_is_noticed_and_the_next_one_is_a_new_session),
		cmocka_unit_test(a_server_that_half_closes_still_gets_everything),
		cmocka_unit_test(what_a_server_has_not_got_when_it_goes_is_not_confirmed),
		cmocka_unit_test(a_refused_connection_is_tried_again_with_longer_and_longer_pauses),
		cmocka_unit_test(a_connection_that_is_not_made_in_time_is_given_up),
		cmocka_unit_test(the_source_address_is_used),
	};

	return RUN_TESTS(tests);
}
