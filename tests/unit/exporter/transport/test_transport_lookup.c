/* test_transport_lookup.c - a name whose addresses change while it is in use. The resolver is the
 * test's own: getaddrinfo(), and what asks name servers, is defined here. */
#include "transport_lookup.h"

#include "check.h"
#include "transport_dns.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 10000

/* What the name has: a list that ends with NULL, or NULL: the look-up fails. */
static const char *const *_Atomic answer;
static _Atomic int look_ups;
static _Atomic int infos; /* given out and not freed */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **result)
{
	const char *const numeric[] = { node, NULL };
	const bool is_numeric = (hints->ai_flags & AI_NUMERICHOST) != 0;
	const char *const *texts = is_numeric ? numeric : atomic_load(&answer);
	struct addrinfo **end = result;

	*result = NULL;
	look_ups += !is_numeric;
	for (size_t i = 0; texts && texts[i]; i++) {
		struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in));
		struct sockaddr_in *address = (struct sockaddr_in *)(void *)(info + 1);

		CHECK(info != NULL);
		infos++;
		*info = (struct addrinfo){ .ai_family = AF_INET,
					   .ai_addr = (struct sockaddr *)address,
					   .ai_addrlen = sizeof(*address) };
		address->sin_family = AF_INET;
		address->sin_port = htons((uint16_t)atoi(service));
		*end = info;
		end = &info->ai_next;
		if (inet_pton(AF_INET, texts[i], &address->sin_addr) != 1) {
			freeaddrinfo(*result);
			*result = NULL;
			return EAI_NONAME;
		}
	}
	return *result ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list);
		infos--;
		list = next;
	}
}

static _Atomic uint32_t ttl_s = UINT32_MAX;
static const struct transport_dns_service *services; /* ends with port 0 */

uint32_t transport_dns_ttl(const char *name, const struct sockaddr *address)
{
	(void)name;
	(void)address;
	return ttl_s;
}

size_t transport_dns_services(const char *name,
			      struct transport_dns_service found[TRANSPORT_DNS_SERVICES_MAX],
			      uint32_t *ttl)
{
	size_t count = 0;

	CHECK_TEXT(name, "_netflow._udp.example.net");
	for (; services[count].port; count++)
		found[count] = services[count];
	*ttl = 300;
	return count;
}

static const char *const one[] = { "192.0.2.1", NULL };
static const char *const two[] = { "192.0.2.1", "192.0.2.2", NULL };
static const char *const turned[] = { "192.0.2.2", "192.0.2.1", NULL };
static const char *const other[] = { "192.0.2.3", NULL };
static const char *const many[] = {
	"198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.5",
	"198.51.100.6", "198.51.100.7", "198.51.100.8", "192.0.2.2",    NULL
};
static const char *const loopback[] = { "127.0.0.1", NULL };
static const char *const loopback_2[] = { "127.0.0.2", NULL };

static void begin(struct transport_lookup *lookup)
{
	const struct transport_config config = { .host = "collector.example", .port = 2055 };
	struct error_text error;

	CHECK_EQ(transport_lookup_init(lookup, &config, &error), 0);
}

/* Poll at 'now_ms' until a look-up that runs has ended. */
static int settle(struct transport_lookup *lookup, int64_t now_ms)
{
	int result = transport_lookup_poll(lookup, now_ms);

	for (int i = 0; i < WAIT_MS && result <= 0 && lookup->job; i++) {
		(void)poll(NULL, 0, 1);
		result = transport_lookup_poll(lookup, now_ms);
	}
	CHECK(lookup->job == NULL);
	return result;
}

static void check_current(const struct transport_lookup *lookup, const char *expected)
{
	const struct transport_address *current = transport_lookup_current(lookup);
	char text[TRANSPORT_ADDRESS_TEXT_SIZE];
	char wanted[TRANSPORT_ADDRESS_TEXT_SIZE];

	(void)snprintf(wanted, sizeof(wanted), "%s:2055", expected);
	CHECK_TEXT(transport_address_format(&current->address, current->size, text), wanted);
}

TEST(a_name_is_looked_up_again_every_minute_and_its_new_address_is_used)
{
	struct transport_lookup lookup;

	atomic_store(&answer, one);
	look_ups = 0;
	begin(&lookup);
	CHECK_EQ(settle(&lookup, 1000), 1);
	check_current(&lookup, "192.0.2.1");
	CHECK_EQ(transport_lookup_poll(&lookup, 60999), 0);
	CHECK(lookup.job == NULL);
	CHECK_EQ(look_ups, 1);
	CHECK_EQ(settle(&lookup, 61000), 0); /* the same: what is connected stands */
	CHECK_EQ(look_ups, 2);
	atomic_store(&answer, other);
	CHECK_EQ(settle(&lookup, 121000), 1);
	check_current(&lookup, "192.0.2.3");
	transport_lookup_clear(&lookup);
}

TEST(the_address_in_use_stays_as_long_as_the_name_has_it)
{
	struct transport_lookup lookup;

	atomic_store(&answer, two);
	begin(&lookup);
	CHECK_EQ(settle(&lookup, 0), 1);
	CHECK(transport_lookup_next(&lookup));
	check_current(&lookup, "192.0.2.2");
	atomic_store(&answer, turned); /* name servers turn them round */
	CHECK_EQ(settle(&lookup, 60000), 0);
	check_current(&lookup, "192.0.2.2");
	atomic_store(&answer, many); /* it is the last of them */
	CHECK_EQ(settle(&lookup, 120000), 0);
	check_current(&lookup, "192.0.2.2");
	CHECK_EQ(lookup.address_count, 9);
	atomic_store(&answer, one);
	CHECK_EQ(settle(&lookup, 180000), 1);
	check_current(&lookup, "192.0.2.1");
	transport_lookup_clear(&lookup);
}

TEST(a_look_up_that_fails_leaves_the_known_address_and_is_tried_sooner)
{
	struct transport_lookup lookup;

	atomic_store(&answer, one);
	begin(&lookup);
	CHECK_EQ(settle(&lookup, 0), 1);
	atomic_store(&answer, (const char *const *)NULL);
	CHECK_EQ(settle(&lookup, 60000), 0);
	check_current(&lookup, "192.0.2.1");
	atomic_store(&answer, other);
	CHECK_EQ(transport_lookup_poll(&lookup, 69999), 0);
	CHECK(lookup.job == NULL);
	CHECK_EQ(settle(&lookup, 70000), 1);
	check_current(&lookup, "192.0.2.3");
	transport_lookup_clear(&lookup);
}

/* A socket that listens, or takes datagrams, at 'port' (0: any) of an address. */
static int server_at(const char *text, int type, uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CHECK(fd >= 0);
	CHECK_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1);
	CHECK_EQ(bind(fd, (struct sockaddr *)&address, size), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	if (type == SOCK_STREAM)
		CHECK_EQ(listen(fd, 5), 0);
	return fd;
}

static struct transport *open_name(const struct transport_type *type, uint16_t port)
{
	struct transport *transport = NULL;
	struct error_text error;
	const struct transport_config config = { .host = "collector.example", .port = port };

	CHECK_EQ(type->open(&config, &transport, &error), 0);
	return transport;
}

/* Poll, with a clock that moves, until the transport sends to 'text', ready. */
static void settle_at(const struct transport_type *type, struct transport *transport,
		      int64_t *now_ms, const char *text)
{
	char remote[TRANSPORT_ADDRESS_TEXT_SIZE] = "";
	struct sockaddr_storage address;
	int result = -1;

	for (int i = 0; i < WAIT_MS && (result || strncmp(remote, text, strlen(text)) != 0); i++) {
		result = type->poll(transport, *now_ms += 100);
		transport_address_format(&address, type->remote(transport, &address), remote);
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(result, 0);
	CHECK_EQ(strncmp(remote, text, strlen(text)), 0);
}

static void wait_readable(int fd)
{
	struct pollfd descriptor = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&descriptor, 1, WAIT_MS), 1);
}

TEST(datagrams_go_to_the_new_address_of_a_name_by_a_socket_of_their_own)
{
	const struct datagram datagram = { (const uint8_t *)"datagram", 8 };
	uint16_t port = 0;
	const int before = server_at("127.0.0.1", SOCK_DGRAM, &port);
	const int after = server_at("127.0.0.2", SOCK_DGRAM, &port);
	struct transport *transport;
	int64_t now = 0;
	char bytes[16];

	atomic_store(&answer, loopback);
	transport = open_name(&transport_udp, port);
	settle_at(&transport_udp, transport, &now, "127.0.0.1:");
	CHECK_EQ(transport_udp.openings(transport), 1);
	CHECK_EQ(transport_udp.send(transport, &datagram, 1).sent, 1);
	wait_readable(before);
	atomic_store(&answer, loopback_2);
	settle_at(&transport_udp, transport, &now, "127.0.0.2:");
	CHECK_EQ(transport_udp.openings(transport), 2);
	CHECK_EQ(transport_udp.send(transport, &datagram, 1).sent, 1);
	wait_readable(after);
	CHECK_EQ(recv(before, bytes, sizeof(bytes), 0), 8);
	CHECK(recv(before, bytes, sizeof(bytes), 0) < 0);
	transport_udp.close(transport);
	(void)close(before);
	(void)close(after);
}

/* The old connection ends when all that was handed over has arrived: nothing is lost, or twice. */
TEST(a_connection_moves_to_the_new_address_of_a_name_after_its_last_message)
{
	const struct datagram message = { (const uint8_t *)"message", 7 };
	struct transport_session session;
	uint16_t port = 0;
	const int before = server_at("127.0.0.1", SOCK_STREAM, &port);
	const int after = server_at("127.0.0.2", SOCK_STREAM, &port);
	struct transport *transport;
	int64_t now = 0;
	char bytes[16];
	int fd;

	atomic_store(&answer, loopback);
	transport = open_name(&transport_tcp, port);
	settle_at(&transport_tcp, transport, &now, "127.0.0.1:");
	wait_readable(before);
	fd = accept(before, NULL, NULL);
	CHECK(fd >= 0);
	atomic_store(&answer, loopback_2);
	CHECK_EQ(transport_tcp.send(transport, &message, 1).sent, 1);
	settle_at(&transport_tcp, transport, &now, "127.0.0.2:");
	transport_tcp.session(transport, &session);
	CHECK_EQ(session.number, 2);
	CHECK_EQ(session.unconfirmed, 0);
	CHECK_EQ(session.failures, 0);
	CHECK_EQ(recv(fd, bytes, sizeof(bytes), 0), 7);
	CHECK_EQ(recv(fd, bytes, sizeof(bytes), 0), 0); /* an orderly end */
	wait_readable(after);
	transport_tcp.close(transport);
	(void)close(fd);
	(void)close(before);
	(void)close(after);
}

/* A day of the clock: each minute the name leads elsewhere. */
TEST(a_name_that_changes_each_minute_for_a_day_takes_no_more_memory)
{
	enum { MINUTES = 24 * 60 };
	static const char *const *const answers[] = { one, other, two, many };
	struct transport_lookup lookup;

	look_ups = 0;
	infos = 0;
	atomic_store(&answer, one);
	begin(&lookup);
	for (int minute = 0; minute < MINUTES; minute++) {
		atomic_store(&answer, answers[minute % 4]);
		(void)settle(&lookup, (int64_t)minute * 60000);
		CHECK_EQ(infos, 0);
		CHECK(lookup.address_count <= TRANSPORT_LOOKUP_ADDRESSES_MAX);
		CHECK(transport_lookup_current(&lookup) != NULL);
	}
	CHECK(look_ups >= MINUTES && look_ups <= MINUTES + 1);
	transport_lookup_clear(&lookup);
	CHECK_EQ(infos, 0);
}

TEST(an_answer_is_looked_up_again_when_its_time_to_live_is_over)
{
	static const struct {
		uint32_t ttl_s;
		int64_t after_ms;
	} cases[] = { { 0, 2000 }, { 7, 7000 }, { 3601, 3600000 }, { UINT32_MAX, 60000 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct transport_lookup lookup;

		ttl_s = cases[i].ttl_s;
		atomic_store(&answer, one);
		begin(&lookup);
		CHECK_EQ(settle(&lookup, 1000), 1);
		CHECK_EQ(lookup.next_ms, 1000 + cases[i].after_ms);
		atomic_store(&answer, other);
		CHECK_EQ(transport_lookup_poll(&lookup, lookup.next_ms - 1), 0);
		CHECK(lookup.job == NULL);
		CHECK_EQ(settle(&lookup, lookup.next_ms), 1);
		check_current(&lookup, "192.0.2.3");
		transport_lookup_clear(&lookup);
	}
	ttl_s = UINT32_MAX;
}

TEST(agents_spread_over_the_addresses_and_return_to_their_first)
{
	unsigned int firsts = 0;

	for (uint32_t seed = 1; seed <= 100; seed++) {
		const struct transport_config config = { .host = "c.example",
							 .port = 2055,
							 .seed = seed };
		struct transport_address first;
		struct transport_lookup lookup;
		struct error_text error;

		atomic_store(&answer, two);
		CHECK_EQ(transport_lookup_init(&lookup, &config, &error), 0);
		CHECK_EQ(settle(&lookup, 0), 1);
		first = *transport_lookup_current(&lookup);
		firsts += ((struct sockaddr_in *)&first.address)->sin_addr.s_addr ==
			  inet_addr("192.0.2.1");
		CHECK(!transport_lookup_first(&lookup));
		CHECK(transport_lookup_next(&lookup));
		atomic_store(&answer, turned); /* the order of an answer does not matter */
		CHECK_EQ(settle(&lookup, 60000), 0);
		CHECK(transport_lookup_first(&lookup));
		CHECK(memcmp(transport_lookup_current(&lookup), &first, sizeof(first)) == 0);
		transport_lookup_clear(&lookup);
	}
	CHECK(firsts > 30 && firsts < 70);
}

TEST(a_service_names_hosts_and_ports_by_priority)
{
	static const struct transport_dns_service all[] = { { 20, 1, 4001, "backup.example" },
							    { 10, 1, 4002, "first.example" },
							    { 0 } };
	static const struct transport_dns_service none[] = { { 0 } };
	const struct transport_config config = { .host = "srv:_netflow._udp.example.net",
						 .port = 2055,
						 .seed = 7 };
	struct transport_lookup lookup;
	struct error_text error;
	const struct sockaddr_in *current;

	services = all;
	atomic_store(&answer, one);
	CHECK_EQ(transport_lookup_init(&lookup, &config, &error), 0);
	CHECK_EQ(settle(&lookup, 0), 1);
	CHECK_EQ(lookup.address_count, 2);
	current = (const struct sockaddr_in *)&transport_lookup_current(&lookup)->address;
	CHECK_EQ(ntohs(current->sin_port), 4002);
	CHECK_EQ(lookup.next_ms, 300000);
	services = none; /* what is known stays */
	CHECK_EQ(settle(&lookup, 300000), 0);
	CHECK_EQ(lookup.address_count, 2);
	CHECK_EQ(lookup.next_ms, 310000);
	CHECK(transport_lookup_next(&lookup));
	current = (const struct sockaddr_in *)&transport_lookup_current(&lookup)->address;
	CHECK_EQ(ntohs(current->sin_port), 4001);
	transport_lookup_clear(&lookup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_looked_up_again_when_its_time_to_live_is_over),
		cmocka_unit_test(agents_spread_over_the_addresses_and_return_to_their_first),
		cmocka_unit_test(a_service_names_hosts_and_ports_by_priority),
		cmocka_unit_test(
			a_name_is_looked_up_again_every_minute_and_its_new_address_is_used),
		cmocka_unit_test(the_address_in_use_stays_as_long_as_the_name_has_it),
		cmocka_unit_test(a_look_up_that_fails_leaves_the_known_address_and_is_tried_sooner),
		cmocka_unit_test(
			datagrams_go_to_the_new_address_of_a_name_by_a_socket_of_their_own),
		cmocka_unit_test(
			a_connection_moves_to_the_new_address_of_a_name_after_its_last_message),
		cmocka_unit_test(a_name_that_changes_each_minute_for_a_day_takes_no_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
