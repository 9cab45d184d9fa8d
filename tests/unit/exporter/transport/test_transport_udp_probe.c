/* test_transport_udp_probe.c - a name with several addresses whose hosts are asked whether they are
 * there: by connections to a TCP port, which some of them take. The resolver is the test's own. */
#include "transport.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP_MS 250

static const char *const addresses[] = { "127.0.1.1", "127.0.1.2", "127.0.1.3", NULL };

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

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0)
		(void)close(fd);
}

static unsigned int openings; /* of sockets of any kind */

static void count_opening(int fd, uint32_t mark)
{
	(void)fd;
	(void)mark;
	openings++;
}

struct site {
	struct transport *transport;
	int hosts[3]; /* bound to the port that is asked; those that listen answer */
	int64_t now_ms;
	int result; /* of the last poll */
};

/* Number of the address in use. */
static size_t current(const struct site *site)
{
	struct sockaddr_storage address;
	struct sockaddr_in *in = (struct sockaddr_in *)&address;

	CHECK(transport_udp.remote(site->transport, &address) > 0);
	return (ntohl(in->sin_addr.s_addr) & 0xff) - 1;
}

/* An answer on loopback is there when the question was sent. */
static void step(struct site *site, int64_t ms)
{
	for (int64_t i = 0; i < ms; i += STEP_MS) {
		site->now_ms += STEP_MS;
		site->result = transport_udp.poll(site->transport, site->now_ms);
	}
}

static void begin(struct site *site)
{
	struct transport_config config = { .host = "collector.example",
					   .port = 2055,
					   .probe.kind = PROBE_tcp,
					   .socket = { .mark = 1, .set_mark = count_opening } };
	struct error_text error;

	*site = (struct site){ .now_ms = 1000 };
	for (size_t i = 0; i < 3; i++)
		site->hosts[i] = bound(i, &config.probe.port);
	CHECK_EQ(transport_udp.open(&config, &site->transport, &error), 0);
	CHECK(!transport_udp.is_proven(site->transport));
	for (int i = 0; i < 20000; i++) { /* until the name is looked up */
		site->result = transport_udp.poll(site->transport, site->now_ms);
		if (site->result != -EINPROGRESS)
			break;
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(current(site), 0);
}

static void end(struct site *site)
{
	transport_udp.close(site->transport);
	for (size_t i = 0; i < 3; i++)
		(void)close(site->hosts[i]);
}

TEST(the_address_that_answers_is_found_whichever_it_is)
{
	struct site site;

	for (size_t answers = 0; answers < 3; answers++) {
		begin(&site);
		CHECK_EQ(site.result, 0); /* until it is known better */
		CHECK(!transport_udp.is_proven(site.transport));
		step(&site, 4000);
		CHECK_EQ(site.result, -ECONNREFUSED);
		CHECK(transport_udp.fault(site.transport) != NULL);
		CHECK_EQ(listen(site.hosts[answers], 8), 0);
		for (int i = 0; i < 40 && site.result; i++)
			step(&site, STEP_MS);
		CHECK_EQ(site.result, 0);
		CHECK_EQ(current(&site), answers);
		CHECK(transport_udp.is_proven(site.transport));
		step(&site, 20000);
		CHECK_EQ(current(&site), answers);
		end(&site);
	}
}

TEST(the_first_address_is_used_again_when_it_answers_and_not_before)
{
	struct site site;

	begin(&site);
	CHECK_EQ(listen(site.hosts[1], 64), 0);
	step(&site, 10000);
	CHECK_EQ(current(&site), 1);
	for (int i = 0; i < 100; i++) {
		step(&site, 2000);
		accept_all(site.hosts[1]);
		CHECK_EQ(site.result, 0);
		CHECK_EQ(current(&site), 1);
	}
	CHECK_EQ(listen(site.hosts[0], 64), 0);
	step(&site, 4000);
	CHECK_EQ(current(&site), 0);
	CHECK_EQ(site.result, 0);
	CHECK(transport_udp.is_proven(site.transport));
	end(&site);
}

/* Turns of the export thread, which may come each millisecond or more often. */
static unsigned int openings_of_turns(struct site *site)
{
	openings = 0;
	for (int i = 0; i < 500; i++)
		(void)transport_udp.poll(site->transport, site->now_ms + i);
	site->now_ms += 500;
	return openings;
}

TEST(a_silence_does_not_cost_a_socket_a_turn)
{
	struct site site;

	begin(&site);
	step(&site, 4000);
	CHECK(site.result != 0);
	CHECK(openings_of_turns(&site) <= 10);
	end(&site);
}

TEST(nor_does_a_failure_to_connect)
{
	struct transport_config config = { .host = "127.0.0.1",
					   .source_address = "192.0.2.77", /* not ours */
					   .port = 2055,
					   .socket = { .mark = 1, .set_mark = count_opening } };
	struct site site = { .now_ms = 1000 };
	struct error_text error;

	CHECK_EQ(transport_udp.open(&config, &site.transport, &error), 0);
	CHECK(openings_of_turns(&site) <= 10);
	CHECK_EQ(transport_udp.poll(site.transport, site.now_ms), -EADDRNOTAVAIL);
	transport_udp.close(site.transport);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_that_answers_is_found_whichever_it_is),
		cmocka_unit_test(the_first_address_is_used_again_when_it_answers_and_not_before),
		cmocka_unit_test(a_silence_does_not_cost_a_socket_a_turn),
		cmocka_unit_test(nor_does_a_failure_to_connect),
	};

	return RUN_TESTS(tests);
}
