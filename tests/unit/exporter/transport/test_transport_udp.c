/* test_transport_udp.c - the UDP transport on loopback: delivery, reports of closed ports, names.
 */
#include "transport.h"

#include "transport_udp_send.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

/* A UDP socket bound to a free port of the loopback address; -1 if there is no such family. */
static int listener(int family, uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *address =
		family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	socklen_t size = family == AF_INET ? sizeof(in) : sizeof(in6);
	const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, address, size) || getsockname(fd, address, &size)) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	*port = ntohs(family == AF_INET ? in.sin_port : in6.sin6_port);
	return fd;
}

static struct transport *open_config(const struct transport_config *config)
{
	struct transport *transport = NULL;
	struct error_text error;

	CHECK_EQ(transport_udp.open(config, &transport, &error), 0);
	return transport;
}

static struct transport *open_udp(const char *host, uint16_t port)
{
	return open_config(
		&(struct transport_config){ .host = host, .port = port, .socket.mark = 0xf10a });
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Poll until it is no more in progress, at most 20 s. */
static int settle(struct transport *transport)
{
	const int64_t end_ms = now_ms() + 20000;
	int result;

	while ((result = transport_udp.poll(transport, now_ms())) == -EINPROGRESS &&
	       now_ms() < end_ms)
		(void)poll(NULL, 0, 1);
	return result;
}

static void check_received(int fd, const void *bytes, size_t size)
{
	struct pollfd descriptor = { .fd = fd, .events = POLLIN };
	uint8_t received[2048];

	CHECK_EQ(poll(&descriptor, 1, 5000), 1);
	CHECK_EQ(recv(fd, received, sizeof(received), 0), size);
	CHECK_BYTES(received, bytes, size);
}

static void check_delivery(int family, const char *host)
{
	const struct datagram datagrams[] = { { (const uint8_t *)"one", 3 },
					      { (const uint8_t *)"three", 5 } };
	struct transport_result result;
	struct transport_refusal refusal;
	struct sockaddr_storage address;
	struct transport *transport;
	uint16_t port;
	const int fd = listener(family, &port);

	if (fd < 0)
		skip();
	transport = open_udp(host, port);
	CHECK_EQ(settle(transport), 0);
	result = transport_udp.send(transport, datagrams, 2);
	CHECK_EQ(result.sent, 2);
	CHECK_EQ(result.error, 0);
	check_received(fd, "one", 3);
	check_received(fd, "three", 5);
	CHECK(!transport_udp.refusal(transport, &refusal));
	CHECK(transport_udp.remote(transport, &address) > 0);
	CHECK_EQ(address.ss_family, family);
	CHECK(transport_udp.local(transport, &address) > 0);
	CHECK_EQ(address.ss_family, family);
	transport_udp.close(transport);
	(void)close(fd);
}

TEST(datagrams_arrive_over_ipv4)
{
	check_delivery(AF_INET, "127.0.0.1");
}

TEST(datagrams_arrive_over_ipv6)
{
	check_delivery(AF_INET6, "::1");
}

enum { SEGMENTS = 40 };

/* Datagrams that differ in their first byte: all of 'size' but for number 20, which is shorter, and
 * the last two, which are longer. */
static void make_burst(uint8_t bytes[SEGMENTS][1400], struct datagram datagrams[SEGMENTS],
		       size_t size)
{
	for (size_t i = 0; i < SEGMENTS; i++) {
		memset(bytes[i], (int)i, 1400);
		datagrams[i] = (struct datagram){ bytes[i], size };
	}
	datagrams[20].size = size - 100;
	datagrams[SEGMENTS - 2].size = datagrams[SEGMENTS - 1].size = size + 100;
}

/* Send all, in as many calls as it takes; returns how many that were. */
static int send_burst(int fd, bool *can_segment, const struct datagram *datagrams, size_t count)
{
	size_t sent = 0;
	int calls = 0;

	for (; sent < count && calls < SEGMENTS; calls++) {
		struct transport_result result =
			transport_udp_send(fd, can_segment, NULL, datagrams + sent, count - sent);

		CHECK_EQ(result.error, 0);
		CHECK(result.sent > 0);
		CHECK(!result.is_one_packet || (*can_segment && result.sent > 1));
		sent += result.sent;
	}
	CHECK_EQ(sent, count);
	return calls;
}

static int connected(int family, int to)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_EQ(getsockname(to, (struct sockaddr *)&address, &size), 0);
	CHECK_EQ(connect(fd, (const struct sockaddr *)&address, size), 0);
	return fd;
}

static void check_burst(int family)
{
	static uint8_t bytes[SEGMENTS][1400];
	struct datagram datagrams[SEGMENTS];
	uint16_t port;
	const int to = listener(family, &port);
	bool can_segment;
	int fd, calls;

	if (to < 0 || is_byte_order_emulated())
		skip();
	make_burst(bytes, datagrams, 1000);
	fd = connected(family, to);
	can_segment = transport_udp_can_segment(fd);
	calls = send_burst(fd, &can_segment, datagrams, SEGMENTS);
	if (can_segment) /* 0 to 20, 21 to 37, 38 and 39 */
		CHECK_EQ(calls, 3);
	for (size_t i = 0; i < SEGMENTS; i++)
		check_received(to, datagrams[i].bytes, datagrams[i].size);
	(void)close(fd);
	(void)close(to);
}

TEST(a_burst_of_one_size_arrives_as_the_datagrams_it_is)
{
	check_burst(AF_INET);
}

TEST(a_burst_over_ipv6_does_too)
{
	check_burst(AF_INET6);
}

TEST(datagrams_of_all_sizes_go_one_by_one)
{
	static uint8_t bytes[SEGMENTS][1400];
	struct datagram datagrams[SEGMENTS];
	uint16_t port;
	const int to = listener(AF_INET, &port);
	const int fd = connected(AF_INET, to);
	bool can_segment = transport_udp_can_segment(fd);

	make_burst(bytes, datagrams, 1000);
	for (size_t i = 0; i < SEGMENTS; i++) /* growing: none is like the one before */
		datagrams[i].size = 100 + i;
	CHECK_EQ(send_burst(fd, &can_segment, datagrams, SEGMENTS), 1);
	for (size_t i = 0; i < SEGMENTS; i++)
		check_received(to, datagrams[i].bytes, datagrams[i].size);
	(void)close(fd);
	(void)close(to);
}

TEST(a_packet_holds_no_more_than_udp_can)
{
	static uint8_t large[9][9000];
	struct datagram datagrams[9];
	uint16_t port;
	const int to = listener(AF_INET6, &port);
	bool can_segment;
	int fd;

	if (to < 0)
		skip();
	fd = connected(AF_INET6, to);
	can_segment = transport_udp_can_segment(fd);
	for (size_t i = 0; i < 9; i++)
		datagrams[i] = (struct datagram){ large[i], sizeof(large[i]) };
	if (can_segment) /* 7 of 9000 bytes, then 2 */
		CHECK_EQ(send_burst(fd, &can_segment, datagrams, 9), 2);
	(void)close(fd);
	(void)close(to);
}

/* The kernel refuses to cut where it may not compute checksums, as it does with some devices. */
TEST(where_cutting_is_refused_they_go_one_by_one)
{
	static uint8_t bytes[SEGMENTS][1400];
	struct datagram datagrams[SEGMENTS];
	const int on = 1;
	uint16_t port;
	const int to = listener(AF_INET, &port);
	const int fd = connected(AF_INET, to);
	bool can_segment = transport_udp_can_segment(fd);

	if (!can_segment)
		skip();
	make_burst(bytes, datagrams, 1000);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	CHECK_EQ(send_burst(fd, &can_segment, datagrams, SEGMENTS), 2);
	CHECK(!can_segment);
	for (size_t i = 0; i < SEGMENTS; i++)
		check_received(to, datagrams[i].bytes, datagrams[i].size);
	CHECK_EQ(send_burst(fd, &can_segment, datagrams, SEGMENTS), 1);
	(void)close(fd);
	(void)close(to);
}

TEST(a_closed_port_refuses_a_burst_by_its_first_datagram)
{
	static uint8_t bytes[SEGMENTS][1400];
	struct datagram datagrams[SEGMENTS];
	struct transport_refusal refusal;
	struct transport_result result;
	struct transport *transport;
	uint16_t port;

	(void)close(listener(AF_INET, &port)); /* nobody listens there */
	make_burst(bytes, datagrams, 1000);
	transport = open_config(&(struct transport_config){
		.host = "127.0.0.1", .port = port, .may_segment = true });
	CHECK_EQ(settle(transport), 0);
	result = transport_udp.send(transport, datagrams, 10);
	CHECK_EQ(result.sent, 10);
	CHECK(transport_udp.refusal(transport, &refusal));
	CHECK_EQ(refusal.error, ECONNREFUSED);
	CHECK_EQ(refusal.size, sizeof(refusal.bytes));
	CHECK_BYTES(refusal.bytes, bytes[0], sizeof(refusal.bytes));
	/* The others are known to have gone with it. */
	CHECK(result.is_one_packet || transport_udp.refusal(transport, &refusal));
	/* A report that waits fails the next burst as a whole. */
	CHECK_EQ(transport_udp.send(transport, datagrams, 10).sent, 10);
	result = transport_udp.send(transport, datagrams, 10);
	CHECK_EQ(result.sent, 0);
	CHECK_EQ(result.error, -ECONNREFUSED);
	transport_udp.close(transport);
}

TEST(localhost_means_the_ipv4_address_first)
{
	check_delivery(AF_INET, "localhost");
}

static void check_refusal(int family, const char *host)
{
	uint8_t bytes[100];
	const struct datagram datagram = { bytes, sizeof(bytes) };
	struct transport_refusal refusal;
	struct transport *transport;
	uint16_t port;
	const int fd = listener(family, &port);
	int reports = 0;

	if (fd < 0)
		skip();
	(void)close(fd); /* now nobody listens there */
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	transport = open_udp(host, port);
	CHECK_EQ(settle(transport), 0);
	for (int i = 0; i < 3; i++) {
		bytes[15] = (uint8_t)(200 + i);
		/* Loopback reports at once; a report that waits fails the send in its way. */
		while (transport_udp.send(transport, &datagram, 1).sent == 0)
			;
		while (transport_udp.refusal(transport, &refusal)) {
			CHECK_EQ(refusal.error, ECONNREFUSED);
			CHECK(refusal.is_own);
			CHECK_EQ(refusal.size, sizeof(refusal.bytes));
			CHECK_BYTES(refusal.bytes, bytes, sizeof(refusal.bytes));
			reports++;
		}
	}
	CHECK_EQ(reports, 3);
	transport_udp.close(transport);
}

TEST(a_closed_port_is_reported_with_the_datagram_it_refused)
{
	check_refusal(AF_INET, "127.0.0.1");
}

TEST(a_closed_ipv6_port_is_reported_too)
{
	check_refusal(AF_INET6, "::1");
}

TEST(a_name_whose_first_address_refuses_goes_on_with_the_next)
{
	const struct datagram datagram = { (const uint8_t *)"x", 1 };
	struct transport_refusal refusal;
	struct sockaddr_storage address;
	struct transport *transport;
	uint16_t port;
	const int fd = listener(AF_INET6, &port);
	bool is_ipv6 = false;

	if (fd < 0)
		skip();
	transport = open_udp("localhost", port);
	CHECK_EQ(settle(transport), 0);
	for (int64_t now = 10000; now < 15000 && !is_ipv6; now += 1000) {
		(void)transport_udp.send(transport, &datagram, 1);
		while (transport_udp.refusal(transport, &refusal))
			;
		CHECK_EQ(transport_udp.poll(transport, now), 0);
		(void)transport_udp.remote(transport, &address);
		is_ipv6 = address.ss_family == AF_INET6;
	}
	if (!is_ipv6) { /* /etc/hosts has no ::1 for it */
		transport_udp.close(transport);
		(void)close(fd);
		skip();
	}
	CHECK_EQ(transport_udp.send(transport, &datagram, 1).sent, 1);
	check_received(fd, "x", 1);
	transport_udp.close(transport);
	(void)close(fd);
}

TEST(what_is_too_large_for_udp_is_not_sent)
{
	static const uint8_t bytes[65508];
	const struct datagram datagram = { bytes, sizeof(bytes) };
	struct transport_result result;
	struct transport_refusal refusal;
	struct transport *transport;
	uint16_t port;
	const int fd = listener(AF_INET, &port);

	transport = open_udp("127.0.0.1", port);
	CHECK_EQ(settle(transport), 0);
	result = transport_udp.send(transport, &datagram, 1);
	CHECK_EQ(result.sent, 0);
	CHECK_EQ(result.error, -EMSGSIZE);
	/* Its sender knows: there is no report beside. */
	CHECK(!transport_udp.refusal(transport, &refusal));
	transport_udp.close(transport);
	(void)close(fd);
}

TEST(what_the_collector_sends_back_does_not_disturb)
{
	const struct datagram datagram = { (const uint8_t *)"x", 1 };
	struct transport_refusal refusal;
	struct sockaddr_storage address;
	struct transport *transport;
	socklen_t size;
	uint16_t port;
	const int fd = listener(AF_INET, &port);

	transport = open_udp("127.0.0.1", port);
	CHECK_EQ(settle(transport), 0);
	size = transport_udp.local(transport, &address);
	for (int i = 0; i < 1000; i++)
		(void)sendto(fd, "noise", 5, 0, (struct sockaddr *)&address, size);
	(void)close(fd);
	while (transport_udp.send(transport, &datagram, 1).sent == 0)
		;
	CHECK(transport_udp.refusal(transport, &refusal));
	transport_udp.close(transport);
}

TEST(a_name_without_address_is_reported_and_looked_up_again_later)
{
	/* An empty label: fails without asking a server. */
	struct transport *transport = open_udp("no..such.name", 2055);
	struct sockaddr_storage address;
	int64_t later = now_ms();

	CHECK_EQ(settle(transport), -ENOENT);
	CHECK_EQ(transport_udp.remote(transport, &address), 0);
	CHECK_EQ(transport_udp.local(transport, &address), 0);
	CHECK_EQ(transport_udp.send(transport, &(struct datagram){ NULL, 0 }, 1).error, -ENOTCONN);
	/* Still the same answer while the second look-up runs, and after it. */
	later += 20000;
	CHECK_EQ(transport_udp.poll(transport, later), -ENOENT);
	CHECK_EQ(transport_udp.poll(transport, later + 1), -ENOENT);
	transport_udp.close(transport);
}

TEST(closing_during_a_look_up_is_safe)
{
	for (int i = 0; i < 20; i++)
		transport_udp.close(open_udp("localhost", 2055));
}

TEST(the_source_address_is_used_and_checked)
{
	struct transport_config config = { .host = "127.0.0.1",
					   .port = 2055,
					   .source_address = "127.0.0.2" };
	struct transport *transport;
	struct sockaddr_storage address;
	struct error_text error;
	char text[TRANSPORT_ADDRESS_TEXT_SIZE];
	socklen_t size;

	CHECK_EQ(transport_udp.open(&config, &transport, &error), 0);
	CHECK_EQ(settle(transport), 0);
	size = transport_udp.local(transport, &address);
	(void)transport_address_format(&address, size, text);
	CHECK(strncmp(text, "127.0.0.2:", 10) == 0);
	transport_udp.close(transport);

	config.source_address = "eth0";
	CHECK_EQ(transport_udp.open(&config, &transport, &error), -EINVAL);
	CHECK(strstr(error.text, "eth0") != NULL);
	config.source_address = "::1";
	CHECK_EQ(transport_udp.open(&config, &transport, &error), -EINVAL);
	CHECK(strstr(error.text, "IP version") != NULL);
	/* Not an address of this host now; it may become one. */
	config.source_address = "192.0.2.77";
	CHECK_EQ(transport_udp.open(&config, &transport, &error), 0);
	CHECK_EQ(settle(transport), -EADDRNOTAVAIL);
	transport_udp.close(transport);
}

/* The port that it sends from; 'wanted' is asked for, 'source' may be NULL. */
static uint16_t port_of(uint16_t to, const char *source, uint16_t wanted)
{
	struct transport *transport = open_config(&(struct transport_config){
		.host = "127.0.0.1", .port = to, .source_address = source });
	struct sockaddr_storage local;

	transport_udp.set_port(transport, wanted);
	if (settle(transport)) /* the port is taken: the next poll goes without */
		CHECK_EQ(settle(transport), 0);
	CHECK(transport_udp.local(transport, &local) > 0);
	transport_udp.close(transport);
	return transport_address_port(&local);
}

TEST(the_port_of_an_earlier_agent_is_used_if_it_is_free)
{
	static const char *const sources[] = { NULL, "127.0.0.1" };
	uint16_t to, free_port, taken;
	const int sink = listener(AF_INET, &to);
	const int other = listener(AF_INET, &taken);
	const int freed = listener(AF_INET, &free_port);

	(void)close(freed);
	for (size_t i = 0; i < 2; i++) {
		CHECK_EQ(port_of(to, sources[i], free_port), free_port);
		CHECK(port_of(to, sources[i], taken) != taken);
		CHECK(port_of(to, sources[i], 0) != 0);
	}
	(void)close(sink);
	(void)close(other);
}

TEST(addresses_are_written_with_their_port)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
	char text[TRANSPORT_ADDRESS_TEXT_SIZE];

	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(2055) };
	in->sin_addr.s_addr = htonl(0xc0000201);
	CHECK_TEXT(transport_address_format(&address, sizeof(*in), text), "192.0.2.1:2055");
	CHECK_TEXT(transport_address_format(&address, 0, text), "");
	*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(4739) };
	CHECK_EQ(inet_pton(AF_INET6, "2001:db8::1", &in6->sin6_addr), 1);
	CHECK_TEXT(transport_address_format(&address, sizeof(*in6), text), "[2001:db8::1]:4739");
}

TEST(an_address_of_a_link_is_written_with_its_zone)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
	char text[TRANSPORT_ADDRESS_TEXT_SIZE];

	*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(2055) };
	CHECK_EQ(inet_pton(AF_INET6, "fe80::1", &in6->sin6_addr), 1);
	in6->sin6_scope_id = if_nametoindex("lo");
	CHECK_TEXT(transport_address_format(&address, sizeof(*in6), text), "[fe80::1%lo]:2055");
	in6->sin6_scope_id = 2000000000;
	CHECK_TEXT(transport_address_format(&address, sizeof(*in6), text),
		   "[fe80::1%2000000000]:2055");
}

TEST(without_its_interface_nothing_is_sent)
{
	const struct datagram datagram = { (const uint8_t *)"x", 1 };
	struct transport_config config = { .host = "127.0.0.1", .port = 2055 };
	struct transport *transport;

	strcpy(config.socket.interface, "no-such-one");
	transport = open_config(&config);
	CHECK_EQ(settle(transport), -ENODEV);
	CHECK_EQ(transport_udp.send(transport, &datagram, 1).error, -ENOTCONN);
	transport_udp.close(transport);
}

TEST(zones_that_contradict_are_refused)
{
	struct transport_config config = { .host = "fe80::1%one", .port = 2055 };
	struct transport *transport;
	struct error_text error;

	strcpy(config.socket.interface, "two");
	CHECK_EQ(transport_udp.open(&config, &transport, &error), -EXDEV);
	CHECK_TEXT(error.text, "address fe80::1%one is of another interface than two");
	config.socket.interface[0] = '\0';
	config.source_address = "fe80::2%two";
	CHECK_EQ(transport_udp.open(&config, &transport, &error), -EXDEV);
}

TEST(transports_are_found_by_name)
{
	CHECK(transport_find("udp") == &transport_udp);
	CHECK(transport_find("dccp") == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_arrive_over_ipv4),
		cmocka_unit_test(datagrams_arrive_over_ipv6),
		cmocka_unit_test(a_burst_of_one_size_arrives_as_the_datagrams_it_is),
		cmocka_unit_test(a_burst_over_ipv6_does_too),
		cmocka_unit_test(datagrams_of_all_sizes_go_one_by_one),
		cmocka_unit_test(a_packet_holds_no_more_than_udp_can),
		cmocka_unit_test(where_cutting_is_refused_they_go_one_by_one),
		cmocka_unit_test(a_closed_port_refuses_a_burst_by_its_first_datagram),
		cmocka_unit_test(localhost_means_the_ipv4_address_first),
		cmocka_unit_test(a_closed_port_is_reported_with_the_datagram_it_refused),
		cmocka_unit_test(a_closed_ipv6_port_is_reported_too),
		cmocka_unit_test(a_name_whose_first_address_refuses_goes_on_with_the_next),
		cmocka_unit_test(what_is_too_large_for_udp_is_not_sent),
		cmocka_unit_test(what_the_collector_sends_back_does_not_disturb),
		cmocka_unit_test(a_name_without_address_is_reported_and_looked_up_again_later),
		cmocka_unit_test(closing_during_a_look_up_is_safe),
		cmocka_unit_test(the_source_address_is_used_and_checked),
		cmocka_unit_test(the_port_of_an_earlier_agent_is_used_if_it_is_free),
		cmocka_unit_test(addresses_are_written_with_their_port),
		cmocka_unit_test(an_address_of_a_link_is_written_with_its_zone),
		cmocka_unit_test(without_its_interface_nothing_is_sent),
		cmocka_unit_test(zones_that_contradict_are_refused),
		cmocka_unit_test(transports_are_found_by_name),
	};

	return RUN_TESTS(tests);
}
