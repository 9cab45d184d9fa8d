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
#include <stdlib.h>
#include <unistd.h>

#define MINUTE_MS 60000

static const char *const addresses[] = { "127.0.1.4", "127.0.1.5", NULL };

/* All of 'addresses', or the address that 'node' is. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **result)
{
	const char *const numeric[] = { node, NULL };
	const char *const *text = hints->ai_flags & AI_NUMERICHOST ? numeric : addresses;
	struct addrinfo **end = result;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_session_goes_on_until_the_first_address_is_back_and_ends_in_order),
		cmocka_unit_test(a_first_address_that_is_silent_is_tried_beside_the_session),
	};

	return RUN_TESTS(tests);
}
