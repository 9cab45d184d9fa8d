/* test_transport_socket.c - what leaves by which interface and with which header, on loopback. */
#include "transport_socket.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

static struct transport_address address_of(const char *text, uint16_t port)
{
	struct transport_socket_settings settings = { .interface = "" };
	struct transport_address address = { .size = 0 };

	CHECK_EQ(transport_socket_address(&settings, text, port, &address), 0);
	return address;
}

/* A socket on a free port of an address, which is asked to tell ToS and TTL of what it gets. */
static int listener(struct transport_address *address)
{
	const bool is_ipv4 = address->address.ss_family == AF_INET;
	const int level = is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
	const int on = 1;
	const int fd = socket(address->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address->address, address->size)) {
		(void)close(fd);
		return -1;
	}
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address->address, &address->size), 0);
	CHECK_EQ(setsockopt(fd, level, is_ipv4 ? IP_RECVTOS : IPV6_RECVTCLASS, &on, sizeof(on)), 0);
	CHECK_EQ(setsockopt(fd, level, is_ipv4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on, sizeof(on)),
		 0);
	return fd;
}

/* ToS and TTL of the next datagram. IP_TOS comes as one byte, the others as int. */
static void receive_header(int fd, int *tos, int *ttl)
{
	_Alignas(struct cmsghdr) char control[256];
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct pollfd descriptor = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&descriptor, 1, 5000), 1);
	CHECK_EQ(recvmsg(fd, &message, 0), 1);
	*tos = *ttl = -1;
	for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item;
	     item = CMSG_NXTHDR(&message, item)) {
		int value = 0;

		if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TOS) {
			*tos = *CMSG_DATA(item);
			continue;
		}
		memcpy(&value, CMSG_DATA(item), sizeof(value));
		if (item->cmsg_level == IPPROTO_IP ? item->cmsg_type == IP_TTL
						   : item->cmsg_type == IPV6_HOPLIMIT)
			*ttl = value;
		else
			*tos = value;
	}
}

static void check_header(const char *host, const struct transport_socket_settings *settings,
			 int expected_tos, int expected_ttl)
{
	struct transport_address none = { .size = 0 };
	struct transport_address to = address_of(host, 0);
	const int receiver = listener(&to);
	int fd, tos, ttl;

	if (receiver < 0)
		skip(); /* no such family here */
	fd = transport_socket_open(settings, SOCK_DGRAM, &none, &to);
	CHECK(fd >= 0);
	CHECK_EQ(connect(fd, (struct sockaddr *)&to.address, to.size), 0);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	receive_header(receiver, &tos, &ttl);
	CHECK_EQ(tos, expected_tos);
	if (expected_ttl)
		CHECK_EQ(ttl, expected_ttl);
	(void)close(fd);
	(void)close(receiver);
}

TEST(an_ipv4_header_has_code_point_and_ttl)
{
	const struct transport_socket_settings settings = { .dscp = 46, .ttl = 7, .mark = 1 };

	check_header("127.0.0.1", &settings, 46 << 2, 7);
}

TEST(an_ipv6_header_has_code_point_and_hop_limit)
{
	const struct transport_socket_settings settings = { .dscp = 63, .ttl = 255 };

	if (is_byte_order_emulated())
		skip();
	check_header("::1", &settings, 63 << 2, 255);
}

TEST(without_settings_both_are_the_kernels)
{
	const struct transport_socket_settings settings = { .interface = "" };

	check_header("127.0.0.1", &settings, 0, 0);
	check_header("::1", &settings, 0, 0);
}

TEST(a_stream_socket_takes_the_same)
{
	const struct transport_socket_settings settings = { .dscp = 8, .ttl = 3 };
	struct transport_address source = address_of("127.0.0.5", 0);
	struct transport_address to = address_of("127.0.0.1", 9);
	struct sockaddr_in local;
	socklen_t size = sizeof(local);
	int value;
	const int fd = transport_socket_open(&settings, SOCK_STREAM, &source, &to);

	CHECK(fd >= 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&local, &size), 0);
	CHECK_EQ(ntohl(local.sin_addr.s_addr), 0x7f000005);
	size = sizeof(value);
	CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_TOS, &value, &size), 0);
	CHECK_EQ(value, 8 << 2);
	CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_TTL, &value, &size), 0);
	CHECK_EQ(value, 3);
	(void)close(fd);
}

TEST(packets_leave_by_the_interface_or_not_at_all)
{
	struct transport_socket_settings settings = { .interface = "lo" };
	struct transport_address none = { .size = 0 };
	struct transport_address to = address_of("127.0.0.1", 9);
	int fd = transport_socket_open(&settings, SOCK_DGRAM, &none, &to);

	if (fd == -EPERM)
		skip(); /* Linux before 5.7 */
	CHECK(fd >= 0);
	(void)close(fd);
	strcpy(settings.interface, "no-such-one");
	CHECK_EQ(transport_socket_open(&settings, SOCK_DGRAM, &none, &to), -ENODEV);
}

TEST(a_socket_of_another_interface_is_stale)
{
	struct transport_socket_settings settings = { .interface = "lo" };
	struct transport_address none = { .size = 0 };
	struct transport_address to = address_of("127.0.0.1", 9);
	int fd = transport_socket_open(&settings, SOCK_DGRAM, &none, &to);

	if (fd == -EPERM || is_emulated())
		skip(); /* Linux before 5.7; qemu does not know the name's option */
	CHECK(fd >= 0);
	CHECK(!transport_socket_is_stale(&settings, fd));
	strcpy(settings.interface, "other");
	CHECK(transport_socket_is_stale(&settings, fd));
	settings.interface[0] = '\0';
	CHECK(!transport_socket_is_stale(&settings, fd));
	(void)close(fd);
}

TEST(an_address_of_a_link_gets_the_scope_of_its_interface)
{
	struct transport_socket_settings settings = { .interface = "lo" };
	struct transport_address none = { .size = 0 };
	struct transport_address to = address_of("fe80::1", 9);
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&to.address;
	const int fd = transport_socket_open(&settings, SOCK_DGRAM, &none, &to);

	if (fd == -EAFNOSUPPORT)
		skip();
	CHECK(fd >= 0);
	CHECK_EQ(ipv6->sin6_scope_id, if_nametoindex("lo"));
	(void)close(fd);
}

TEST(a_zone_is_the_interface)
{
	struct transport_socket_settings settings = { .interface = "" };
	struct transport_address address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&address.address;

	/* It need not exist yet. */
	CHECK_EQ(transport_socket_address(&settings, "fe80::1%later0", 4739, &address), 0);
	CHECK_TEXT(settings.interface, "later0");
	CHECK_EQ(ntohs(ipv6->sin6_port), 4739);
	CHECK_EQ(ipv6->sin6_scope_id, 0);
	CHECK_EQ(transport_socket_address(&settings, "fe80::2%later0", 1, &address), 0);
	CHECK_EQ(transport_socket_address(&settings, "fe80::2%other0", 1, &address), -EXDEV);
	CHECK_TEXT(settings.interface, "later0");

	/* RFC 4007 section 11.2: a zone may be a number. */
	settings.interface[0] = '\0';
	CHECK_EQ(transport_socket_address(&settings, "fe80::1%7", 1, &address), 0);
	CHECK_TEXT(settings.interface, "");
	CHECK_EQ(ipv6->sin6_scope_id, 7);
}

TEST(what_is_no_address_is_refused)
{
	static const char *const wrong[] = {
		"",
		"localhost",
		"fe80::1%",
		"fe80::1%an-interface-name-that-is-too-long",
		"no-name%eth0",
		"2001:db8::1:2:3:4:5:6:7",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555:6666:7777",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct transport_socket_settings settings = { .interface = "" };
		struct transport_address address;

		CHECK_EQ(transport_socket_address(&settings, wrong[i], 1, &address), -EINVAL);
		CHECK_TEXT(settings.interface, "");
	}
}

TEST(multicast_is_distinguished_from_unicast)
{
	static const struct {
		const char *text;
		bool is_multicast;
	} cases[] = {
		{ "223.255.255.255", false }, { "224.0.0.0", true },
		{ "239.255.255.255", true },  { "240.0.0.0", false },
		{ "feff:ffff::1", false },    { "ff00::", true },
		{ "ff05::1", true },          { "::ffff:239.1.1.1", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct transport_address address = address_of(cases[i].text, 1);

		CHECK_EQ(transport_socket_is_multicast(&address.address), cases[i].is_multicast);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_header_has_code_point_and_ttl),
		cmocka_unit_test(an_ipv6_header_has_code_point_and_hop_limit),
		cmocka_unit_test(without_settings_both_are_the_kernels),
		cmocka_unit_test(a_stream_socket_takes_the_same),
		cmocka_unit_test(packets_leave_by_the_interface_or_not_at_all),
		cmocka_unit_test(a_socket_of_another_interface_is_stale),
		cmocka_unit_test(an_address_of_a_link_gets_the_scope_of_its_interface),
		cmocka_unit_test(a_zone_is_the_interface),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(multicast_is_distinguished_from_unicast),
	};

	return RUN_TESTS(tests);
}
