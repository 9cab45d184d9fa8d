/* test_owner_lookup.c - sockets of this process, as this kernel knows them. */
#include "owner_lookup.h"

#include "check.h"
#include "ip_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t loopback[4] = { 127, 0, 0, 1 };

static struct owner_lookup lookup;

static int open_lookup(void **state)
{
	struct error_text error;

	(void)state;
	if (is_emulated() || owner_lookup_open(&lookup, "flows", false, &error) != 0)
		return 0;
	owner_lookup_set_time(&lookup, 1000000);
	return 0;
}

static int close_lookup(void **state)
{
	(void)state;
	owner_lookup_close(&lookup);
	return 0;
}

/* Whether the kernel can be asked at all: not in every container. */
#define NEEDS_KERNEL      \
	if (!lookup.diag) \
	skip()

static struct sockaddr_in name_of(int descriptor)
{
	struct sockaddr_in name;
	socklen_t size = sizeof(name);

	CHECK_EQ(getsockname(descriptor, (struct sockaddr *)&name, &size), 0);
	return name;
}

static int bound(int kind)
{
	const struct sockaddr_in any = { .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int descriptor = socket(AF_INET, kind | SOCK_CLOEXEC, 0);

	CHECK(descriptor >= 0);
	CHECK_EQ(bind(descriptor, (const struct sockaddr *)&any, sizeof(any)), 0);
	return descriptor;
}

/* What the socket at 'local_port' sends or gets. */
static struct flow_record flow_of(uint8_t protocol, uint16_t local_port, uint16_t remote_port,
				  uint8_t side)
{
	const bool is_out = side == SIDE_egress;
	struct flow_record flow = {
		.key = { .protocol = protocol,
			 .ip_version = 4,
			 .side = side,
			 .source_port = is_out ? local_port : remote_port,
			 .destination_port = is_out ? remote_port : local_port },
	};

	memcpy(flow.key.addresses, loopback, 4);
	memcpy(flow.key.addresses + 4, loopback, 4);
	return flow;
}

static uint32_t user_of(uint8_t protocol, uint16_t local_port, uint16_t remote_port, uint8_t side)
{
	const struct flow_record flow = flow_of(protocol, local_port, remote_port, side);

	return owner_lookup_find(&lookup, &flow).socket.user;
}

TEST(socket_of_either_direction_is_ours)
{
	const int datagrams = bound(SOCK_DGRAM);
	const int listening = bound(SOCK_STREAM);
	const uint16_t udp = ntohs(name_of(datagrams).sin_port);
	const uint16_t tcp = ntohs(name_of(listening).sin_port);
	const uint32_t we = getuid() + 1;

	NEEDS_KERNEL;
	CHECK_EQ(listen(listening, 1), 0);
	/* The one that listens answers for a connection that is gone. */
	CHECK_EQ(user_of(PROTOCOL_TCP, tcp, 9, SIDE_ingress), we);
	CHECK_EQ(user_of(PROTOCOL_TCP, tcp, 9, SIDE_egress), we);
	CHECK_EQ(user_of(PROTOCOL_UDP, udp, 9, SIDE_egress), we);
	CHECK_EQ(user_of(PROTOCOL_UDP, udp, 9, SIDE_ingress), we);
	CHECK_EQ(lookup.questions, 2);
	CHECK_EQ(lookup.failed, 0);
	(void)close(datagrams);
	(void)close(listening);
	/* Remembered, and then not. */
	CHECK_EQ(user_of(PROTOCOL_UDP, udp, 9, SIDE_ingress), we);
	owner_lookup_set_time(&lookup, 1000000 + OWNER_ANSWER_MS);
	CHECK_EQ(user_of(PROTOCOL_UDP, udp, 9, SIDE_ingress), 0);
}

TEST(no_socket_has_no_owner)
{
	const int unused = bound(SOCK_STREAM);
	const uint16_t port = ntohs(name_of(unused).sin_port);
	struct flow_record flow = flow_of(PROTOCOL_TCP, port, 9, SIDE_egress);

	NEEDS_KERNEL;
	(void)close(unused);
	CHECK_EQ(owner_lookup_find(&lookup, &flow).socket.user, 0);
	CHECK_EQ(lookup.failed, 0);
	CHECK_EQ(lookup.questions, 1);
	/* What nobody can be asked about: forwarded, without side, without ports, ICMP. */
	flow.key.input_interface = flow.key.output_interface = 1;
	CHECK_EQ(owner_lookup_find(&lookup, &flow).socket.user, 0);
	flow.key.input_interface = 0;
	flow.key.side = SIDE_unknown;
	CHECK_EQ(owner_lookup_find(&lookup, &flow).socket.user, 0);
	flow = flow_of(PROTOCOL_UDP, 0, 9, SIDE_egress);
	CHECK_EQ(owner_lookup_find(&lookup, &flow).socket.user, 0);
	flow = flow_of(PROTOCOL_ICMP, 7, 9, SIDE_egress);
	CHECK_EQ(owner_lookup_find(&lookup, &flow).socket.user, 0);
	CHECK_EQ(lookup.questions, 1);
}

/* What packets say needs no question, and holds for the other direction as well once it was asked
 * about that. */
TEST(what_packets_say_comes_first)
{
	struct flow_record flow = flow_of(PROTOCOL_TCP, 7, 9, SIDE_egress);

	flow.user = 1002;
	CHECK_EQ(owner_lookup_find(&lookup, &flow).socket.user, 1002);
	CHECK_EQ(owner_lookup_find(&lookup, &flow).unit, 0);
	CHECK_EQ(lookup.questions, 0);
}

TEST(questions_have_a_bound)
{
	NEEDS_KERNEL;
	lookup.questions = OWNER_QUESTIONS - 5;
	CHECK_EQ(owner_lookup_room(&lookup), 5);
	for (uint16_t port = 1; port <= 8; port++)
		(void)user_of(PROTOCOL_UDP, 7, port, SIDE_ingress);
	CHECK_EQ(owner_lookup_room(&lookup), 0);
	CHECK_EQ(lookup.unasked, 3);
	owner_lookup_set_time(&lookup, 1001000);
	(void)user_of(PROTOCOL_UDP, 7, 8, SIDE_ingress);
	CHECK_EQ(lookup.questions, 1);
	CHECK_EQ(lookup.unasked, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(socket_of_either_direction_is_ours, open_lookup,
						close_lookup),
		cmocka_unit_test_setup_teardown(no_socket_has_no_owner, open_lookup, close_lookup),
		cmocka_unit_test_setup_teardown(what_packets_say_comes_first, open_lookup,
						close_lookup),
		cmocka_unit_test_setup_teardown(questions_have_a_bound, open_lookup, close_lookup),
	};

	return RUN_TESTS(tests);
}
