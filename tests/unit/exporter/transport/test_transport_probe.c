/* test_transport_probe.c - what counts as the answer to an ICMP echo, and connections to ports that
 * take them and that do not. */
#include "transport_probe.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

static const uint8_t reply[] = { 0, 0, 0xab, 0xcd, 0x12, 0x34, 0, 7 };

TEST(an_answer_is_to_the_last_question)
{
	struct transport_echo echo = { .identifier = 0x9999, .sequence = 7 };
	uint8_t other[sizeof(reply)];

	CHECK(transport_probe_is_answer(&echo, reply, sizeof(reply)));
	CHECK(!transport_probe_is_answer(&echo, reply, sizeof(reply) - 1));
	echo.sequence = 6;
	CHECK(!transport_probe_is_answer(&echo, reply, sizeof(reply)));
	echo.sequence = 7;
	echo.is_ipv6 = true;
	CHECK(!transport_probe_is_answer(&echo, reply, sizeof(reply)));
	memcpy(other, reply, sizeof(other));
	other[0] = 129;
	CHECK(transport_probe_is_answer(&echo, other, sizeof(other)));
	echo.is_raw = true;
	CHECK(!transport_probe_is_answer(&echo, other, sizeof(other)));
	echo.identifier = 0x1234;
	CHECK(transport_probe_is_answer(&echo, other, sizeof(other)));
}

TEST(a_raw_socket_has_the_ip_header)
{
	const struct transport_echo echo = { .is_raw = true, .identifier = 0x1234, .sequence = 7 };
	uint8_t packet[24 + sizeof(reply)] = { 0x46 };

	memcpy(packet + 24, reply, sizeof(reply));
	CHECK(transport_probe_is_answer(&echo, packet, sizeof(packet)));
	CHECK(!transport_probe_is_answer(&echo, packet, sizeof(packet) - 1));
	packet[0] = 0x45; /* then it begins with options */
	CHECK(!transport_probe_is_answer(&echo, packet, sizeof(packet)));
	packet[0] = 0x41;
	CHECK(!transport_probe_is_answer(&echo, packet, sizeof(packet)));
	CHECK(!transport_probe_is_answer(&echo, packet, 0));
}

/* Two questions in a row without an answer are needed, and one answer. */
TEST(a_port_that_takes_no_connection_is_noticed)
{
	const struct transport_socket_settings settings = { .interface = "" };
	const struct transport_address source = { .size = 0 };
	struct transport_address to = { .size = sizeof(struct sockaddr_in) };
	struct sockaddr_in *address = (struct sockaddr_in *)&to.address;
	struct transport_probe_config config = { .kind = PROBE_tcp };
	socklen_t size = sizeof(*address);
	struct transport_probe probe;
	struct error_text error;
	int64_t now_ms = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)address, size) == 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)address, &size), 0);
	config.port = ntohs(address->sin_port);
	CHECK_EQ(transport_probe_init(&probe, &config, &settings, "127.0.0.1", &error), 0);
	for (; now_ms < 3000; now_ms += 100)
		CHECK_EQ(transport_probe_poll(&probe, &settings, &source, &to, now_ms), 0);
	for (; now_ms < 3300; now_ms += 100)
		(void)transport_probe_poll(&probe, &settings, &source, &to, now_ms);
	CHECK_EQ(transport_probe_poll(&probe, &settings, &source, &to, now_ms), -ECONNREFUSED);
	CHECK(strstr(probe.fault, "no connection for its probe=tcp:"));
	CHECK_EQ(listen(fd, 8), 0);
	for (; now_ms < 6300; now_ms += 100)
		(void)transport_probe_poll(&probe, &settings, &source, &to, now_ms);
	CHECK_EQ(transport_probe_poll(&probe, &settings, &source, &to, now_ms), 0);
	CHECK_TEXT(probe.fault, "");
	transport_probe_clear(&probe);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_to_the_last_question),
		cmocka_unit_test(a_raw_socket_has_the_ip_header),
		cmocka_unit_test(a_port_that_takes_no_connection_is_noticed),
	};

	return RUN_TESTS(tests);
}
