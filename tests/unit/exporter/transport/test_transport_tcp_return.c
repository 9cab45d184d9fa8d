/* test_transport_tcp_return.c - a name with two addresses, of which the first one comes back: the
 * session with the other ends in order, and the next one is with the first. The resolver is the
 * test's own. */
#include "transport.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MINUTE_MS 60000

static const char *const addresses[] = { "127.0.1.4", "127.0.1.5", NULL };
static atomic_bool is_held;      /* look-ups do not end */
static atomic_bool is_first_out; /* the name does not have the first address any more */

/* The addresses that the name has, or the address that 'node' is. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **result)
{
	const char *const numeric[] = { node, NULL };
	const bool is_numeric = hints->ai_flags & AI_NUMERICHOST;
	const char *const *text = is_numeric ? numeric : addresses;
	struct addrinfo **end = result;

	while (!is_numeric && atomic_load(&is_held))
		(void)poll(NULL, 0, 1);
	if (!is_numeric && atomic_load(&is_first_out))
		text++;
	*result = NULL;
	for (; *text; text++) {
		struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in));
		struct sockaddr_in *address = (struct sockaddr_in *)(void *)(info + 1);

		CHECK(info != NULL);
		*info = (struct addrinfo){ .ai_family = AF_INET,
					   .ai_addr = (struct sockaddr *)address,
					   .ai_addrlen = sizeof(*address) };
		address->sin_family = AF_INET;
		address->sin_port = htons((uint16_t)atoi(service));
		*end = info;
		end = &info->ai_next;
		if (inet_pton(AF_INET, *text, &address->sin_addr) != 1) {
			freeaddrinfo(*result);
			*result = NULL;
			return EAI_NONAME;
		}
	}
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list);
		list = next;
	}
}

/* A socket bound to one of the addresses; port 0: any, which is stored. */
static int bound(size_t number, uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t size = sizeof(address);
	const int on = 1;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	CHECK_EQ(inet_pton(AF_INET, addresses[number], &address.sin_addr), 1);
	CHECK_EQ(bind(fd, (const struct sockaddr *)&address, size), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static struct transport *tcp;
static int listeners[2];
static int64_t now_ms;

static size_t current(void)
{
	struct sockaddr_storage address;
	struct sockaddr_in *in = (struct sockaddr_in *)&address;

	CHECK(transport_tcp.remote(tcp, &address) > 0);
	return (ntohl(in->sin_addr.s_addr) & 0xff) - 4;
}

static struct transport_session session(void)
{
	struct transport_session session;

	transport_tcp.session(tcp, &session);
	return session;
}

/* Poll until a session stands, at most 20 s. */
static void wait_for_session(uint64_t number)
{
	for (int i = 0; i < 20000 && session().number < number; i++) {
		(void)transport_tcp.poll(tcp, now_ms);
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(session().number, number);
}

/* The first address takes no connection; the second does. */
static void begin(void)
{
	struct transport_config config = { .host = "collector.example" };
	struct error_text error;

	now_ms = 1000;
	for (size_t i = 0; i < 2; i++)
		listeners[i] = bound(i, &config.port);
	CHECK_EQ(listen(listeners[1], 8), 0);
	CHECK_EQ(transport_tcp.open(&config, &tcp, &error), 0);
	wait_for_session(1);
	CHECK_EQ(current(), 1);
}

static void end(void)
{
	transport_tcp.close(tcp);
	for (size_t i = 0; i < 2; i++)
		(void)close(listeners[i]);
}

static void send_one(void)
{
	CHECK_EQ(transport_tcp.send(tcp, &(struct datagram){ (const uint8_t *)"x", 1 }, 1).sent, 1);
}

/* Bytes that have come in a connection, which has ended if 'is_ended'. */
static size_t received(int listener, bool is_ended)
{
	const int fd = accept(listener, NULL, NULL);
	uint8_t bytes[100];
	size_t count = 0;
	ssize_t size;

	CHECK(fd >= 0);
	while ((size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		count += (size_t)size;
	CHECK(is_ended ? size == 0 : size < 0 && errno == EAGAIN);
	(void)close(fd);
	return count;
}

static void step(int64_t ms)
{
	for (const int64_t end_ms = now_ms + ms; now_ms < end_ms;) {
		now_ms += 500;
		(void)transport_tcp.poll(tcp, now_ms);
	}
}

TEST(the_session_goes_on_until_the_first_address_is_back_and_ends_in_order)
{
	begin();
	step(5 * MINUTE_MS);
	CHECK_EQ(session().number, 1);
	CHECK_EQ(current(), 1);
	for (int i = 0; i < 10; i++)
		send_one();
	CHECK_EQ(listen(listeners[0], 8), 0);
	/* What has arrived is known before the next session begins. */
	for (int i = 0; i < 1000 && current() == 1; i++)
		step(500);
	CHECK_EQ(current(), 0);
	CHECK_EQ(session().number, 1);
	CHECK_EQ(session().unconfirmed, 0);
	wait_for_session(2);
	CHECK_EQ(current(), 0);
	send_one();
	CHECK_EQ(received(listeners[1], true), 10);
	CHECK_EQ(received(listeners[0], false), 1);
	step(5 * MINUTE_MS);
	CHECK_EQ(current(), 0);
	end();
}

/* A connection that is only tried costs the session nothing. */
TEST(a_first_address_that_is_silent_is_tried_beside_the_session)
{
	begin();
	for (int i = 0; i < 10; i++) {
		step(MINUTE_MS);
		CHECK_EQ(transport_tcp.poll(tcp, now_ms), 0);
		send_one();
	}
	CHECK_EQ(session().number, 1);
	CHECK_EQ(received(listeners[1], false), 10);
	end();
}

/* Send until nothing goes any more: the collector does not read, and data is under way. Returns its
 * end of the connection. */
static int fill(void)
{
	static const uint8_t bytes[60000];
	const int fd = accept(listeners[1], NULL, NULL);
	int tries = 0;

	CHECK(fd >= 0);
	while (tries < 50) { /* the kernel may take a while to move it on */
		const struct datagram message = { bytes, sizeof(bytes) };

		tries = transport_tcp.send(tcp, &message, 1).sent ? 0 : tries + 1;
		(void)poll(NULL, 0, tries ? 1 : 0);
	}
	CHECK(session().unconfirmed > 0);
	return fd;
}

static void drain(int fd)
{
	static uint8_t bytes[1 << 16];

	for (int i = 0; i < 20000 && session().unconfirmed; i++) {
		while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
		(void)transport_tcp.poll(tcp, now_ms);
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(session().unconfirmed, 0);
}

/* Connections that the first address has got. */
static int tries_of_first(void)
{
	int count = 0;
	int fd;

	for (; (fd = accept(listeners[0], NULL, NULL)) >= 0; count++)
		(void)close(fd);
	return count;
}

TEST(a_return_that_is_given_up_is_tried_again_after_a_longer_stay)
{
	int fd;

	begin();
	fd = fill();
	CHECK_EQ(listen(listeners[0], 8), 0);
	step(MINUTE_MS + 10000);
	CHECK_EQ(tries_of_first(), 1);
	CHECK_EQ(current(), 1);
	step(MINUTE_MS + 10000);
	CHECK_EQ(tries_of_first(), 0);
	step(MINUTE_MS);
	CHECK_EQ(tries_of_first(), 1);
	drain(fd);
	CHECK_EQ(session().number, 1);
	send_one();
	(void)close(fd);
	end();
}

/* While the session waits to end in order, the name loses the address that would be the next. */
TEST(a_session_goes_on_if_the_first_address_has_gone_meanwhile)
{
	int fd;

	begin();
	fd = fill();
	CHECK_EQ(listen(listeners[0], 8), 0);
	atomic_store(&is_held, true);
	step(MINUTE_MS + 2000);
	CHECK_EQ(tries_of_first(), 1);
	CHECK_EQ(transport_tcp.send(tcp, &(struct datagram){ (const uint8_t *)"x", 1 }, 1).error,
		 -EAGAIN);
	atomic_store(&is_first_out, true);
	atomic_store(&is_held, false);
	for (int i = 0; i < 1000; i++) { /* until it is known, in no time of the session */
		(void)transport_tcp.poll(tcp, now_ms);
		(void)poll(NULL, 0, 1);
	}
	drain(fd);
	CHECK_EQ(current(), 1);
	CHECK_EQ(session().number, 1);
	send_one();
	(void)close(fd);
	end();
	atomic_store(&is_first_out, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_session_goes_on_until_the_first_address_is_back_and_ends_in_order),
		cmocka_unit_test(a_first_address_that_is_silent_is_tried_beside_the_session),
		cmocka_unit_test(a_return_that_is_given_up_is_tried_again_after_a_longer_stay),
		cmocka_unit_test(a_session_goes_on_if_the_first_address_has_gone_meanwhile),
	};

	return RUN_TESTS(tests);
}
