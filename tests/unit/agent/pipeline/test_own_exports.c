/* test_own_exports.c - which packets are the agent's own. */
#include "defaults.h"
#include "own_exports.h"

#include "exporter.h"
#include "ip_protocol.h"

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define OURS  "192.0.2.9"
#define PEER  "192.0.2.1"
#define OURS6 "2001:db8::9"
#define PEER6 "2001:db8::1"

struct end {
	const char *address;
	uint16_t port;
};

static struct flow_key packet(struct end from, struct end to, uint8_t protocol)
{
	struct flow_key key = { .protocol = protocol,
				.source_port = from.port,
				.destination_port = to.port };
	int family = strchr(from.address, ':') ? AF_INET6 : AF_INET;

	key.ip_version = family == AF_INET ? 4 : 6;
	CHECK_EQ(inet_pton(family, from.address, key.addresses), 1);
	CHECK_EQ(inet_pton(family, to.address, key.addresses + flow_address_size(&key)), 1);
	return key;
}

static struct sockaddr_storage socket_of(struct end end)
{
	struct sockaddr_storage storage = { .ss_family = AF_INET };
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)(void *)&storage;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)(void *)&storage;

	if (strchr(end.address, ':')) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(end.port);
		CHECK_EQ(inet_pton(AF_INET6, end.address, &ipv6->sin6_addr), 1);
	} else {
		ipv4->sin_port = htons(end.port);
		CHECK_EQ(inet_pton(AF_INET, end.address, &ipv4->sin_addr), 1);
	}
	return storage;
}

static struct export_remote remote_of(struct end local, struct end remote, uint8_t protocol)
{
	return (struct export_remote){ socket_of(remote), socket_of(local), protocol };
}

static bool is_own(const struct own_exports *exports, struct end from, struct end to,
		   uint8_t protocol, uint32_t mark)
{
	static struct own_export_list list; /* of a worker, over all tests */
	const struct flow_key key = packet(from, to, protocol);

	list.version = UINT64_MAX - 1;
	own_exports_read(exports, &list);
	return own_exports_match(&list, &key, mark);
}

/* Both ends have to be right: what others send to the same collector is traffic. */
TEST(only_packets_between_both_ends_are_own)
{
	const uint8_t protocols[] = { PROTOCOL_UDP, PROTOCOL_TCP };
	const struct end ours = { OURS, 40000 }, peer = { PEER, 2055 };
	const struct end other = { "192.0.2.77", 40000 }, other_port = { OURS, 40001 };

	for (size_t i = 0; i < 2; i++) {
		const uint8_t protocol = protocols[i];
		struct own_exports *exports = own_exports_create();
		const struct export_remote remote = remote_of(ours, peer, protocol);

		CHECK(!is_own(exports, ours, peer, protocol, 0));
		own_exports_set(exports, &remote, 1, 0);
		CHECK(is_own(exports, ours, peer, protocol, 0));
		CHECK(is_own(exports, peer, ours, protocol, 0));
		CHECK(!is_own(exports, other, peer, protocol, 0));
		CHECK(!is_own(exports, peer, other, protocol, 0));
		CHECK(!is_own(exports, other_port, peer, protocol, 0));
		CHECK(!is_own(exports, peer, other_port, protocol, 0));
		CHECK(!is_own(exports, ours, (struct end){ PEER, 2056 }, protocol, 0));
		CHECK(!is_own(exports, ours, (struct end){ PEER, 2055 + 64 }, protocol, 0));
		CHECK(!is_own(exports, ours, (struct end){ "192.0.2.2", 2055 }, protocol, 0));
		CHECK(!is_own(exports, ours, peer, protocols[1 - i], 0));
		own_exports_destroy(exports);
	}
}

TEST(ipv6_ends_are_own_as_well)
{
	const struct end ours = { OURS6, 40000 }, peer = { PEER6, 4739 };
	struct own_exports *exports = own_exports_create();
	const struct export_remote remote = remote_of(ours, peer, PROTOCOL_UDP);

	own_exports_set(exports, &remote, 1, 0);
	CHECK(is_own(exports, ours, peer, PROTOCOL_UDP, 0));
	CHECK(!is_own(exports, (struct end){ "2001:db8::8", 40000 }, peer, PROTOCOL_UDP, 0));
	CHECK(!is_own(exports, (struct end){ OURS, 40000 }, (struct end){ PEER, 4739 },
		      PROTOCOL_UDP, 0));
	own_exports_destroy(exports);
}

/* Source NAT on this host, or a socket of which nothing is known yet; never without the collector's
 * end, and never in its direction back, which no socket marks. */
TEST(the_mark_stands_for_our_end)
{
	const struct end ours = { OURS, 40000 }, peer = { PEER, 2055 };
	const struct end translated = { "198.51.100.1", 1024 };
	struct own_exports *exports = own_exports_create();
	struct export_remote remote = remote_of(ours, peer, PROTOCOL_UDP);

	remote.local = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	own_exports_set(exports, &remote, 1, 0);
	CHECK(!is_own(exports, ours, peer, PROTOCOL_UDP, 0));
	CHECK(!is_own(exports, ours, peer, PROTOCOL_UDP, 0xf10b));
	CHECK(is_own(exports, ours, peer, PROTOCOL_UDP, DEFAULT_MARK));
	CHECK(is_own(exports, translated, peer, PROTOCOL_UDP, DEFAULT_MARK));
	CHECK(!is_own(exports, translated, ours, PROTOCOL_UDP, DEFAULT_MARK));
	CHECK(!is_own(exports, peer, translated, PROTOCOL_UDP, DEFAULT_MARK));
	own_exports_destroy(exports);
}

/* The kernel still ends the connection that was given up: for a minute it is ours. */
TEST(an_end_that_was_given_up_is_own_for_a_minute)
{
	const struct end before = { OURS, 40000 }, ours = { OURS, 40001 }, peer = { PEER, 2055 };
	struct own_exports *exports = own_exports_create();
	const struct export_remote first = remote_of(before, peer, PROTOCOL_TCP);
	const struct export_remote second = remote_of(ours, peer, PROTOCOL_TCP);

	own_exports_set(exports, &first, 1, 1000);
	own_exports_set(exports, &second, 1, 2000);
	CHECK(is_own(exports, before, peer, PROTOCOL_TCP, 0));
	CHECK(is_own(exports, ours, peer, PROTOCOL_TCP, 0));
	own_exports_set(exports, &second, 1, 2000 + OWN_EXPORTS_KEEP_MS - 1);
	CHECK(is_own(exports, before, peer, PROTOCOL_TCP, 0));
	own_exports_set(exports, &second, 1, 2000 + OWN_EXPORTS_KEEP_MS);
	CHECK(!is_own(exports, before, peer, PROTOCOL_TCP, 0));
	CHECK(is_own(exports, ours, peer, PROTOCOL_TCP, 0));
	own_exports_destroy(exports);
}

/* As many changes as in a day of a name with two addresses that nobody answers at: nothing grows,
 * and the latest ends are known. */
TEST(a_hundred_thousand_changes_stay_in_fixed_storage)
{
	struct own_exports *exports = own_exports_create();
	struct end ours = { OURS, 0 };
	const struct end peer = { PEER, 2055 };

	for (uint32_t i = 0; i < 100000; i++) {
		struct export_remote remote;

		ours.port = (uint16_t)(1024 + i % 50000);
		remote = remote_of(ours, peer, PROTOCOL_UDP);
		own_exports_set(exports, &remote, 1, i / 100);
	}
	CHECK(is_own(exports, ours, peer, PROTOCOL_UDP, 0));
	ours.port = (uint16_t)(ours.port - (OWN_EXPORTS_MAX - 1));
	CHECK(is_own(exports, ours, peer, PROTOCOL_UDP, 0));
	ours.port--;
	CHECK(!is_own(exports, ours, peer, PROTOCOL_UDP, 0));
	own_exports_destroy(exports);
}

struct race {
	struct own_exports *exports;
	atomic_bool has_ended;
};

/* Lists in which all ends have the same port. */
static void *change_often(void *context)
{
	struct race *race = context;

	for (uint16_t i = 0; i < 20000; i++) {
		const struct end ours = { OURS, (uint16_t)(1 + i) }, peer = { PEER, ours.port };
		const struct export_remote one = remote_of(ours, peer, PROTOCOL_UDP);
		const struct export_remote many[4] = { one, one, one, one };

		own_exports_set(race->exports, many, 1 + i % 4, (int64_t)i * OWN_EXPORTS_KEEP_MS);
	}
	atomic_store(&race->has_ended, true);
	return NULL;
}

/* What a worker copies is a list that was whole: never an end of one and an end of another. */
TEST(a_copy_is_never_torn)
{
	struct race race = { .exports = own_exports_create() };
	struct own_export_list *list = calloc(1, sizeof(*list));
	pthread_t writer;

	CHECK_EQ(pthread_create(&writer, NULL, change_often, &race), 0);
	while (!atomic_load(&race.has_ended)) {
		own_exports_read(race.exports, list);
		for (size_t i = 0; i < list->count; i++)
			CHECK_EQ(list->items[i].local_port, list->items[i].remote_port);
	}
	(void)pthread_join(writer, NULL);
	own_exports_read(race.exports, list);
	CHECK_EQ(list->items[0].remote_port, 20000);
	free(list);
	own_exports_destroy(race.exports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_packets_between_both_ends_are_own),
		cmocka_unit_test(ipv6_ends_are_own_as_well),
		cmocka_unit_test(the_mark_stands_for_our_end),
		cmocka_unit_test(an_end_that_was_given_up_is_own_for_a_minute),
		cmocka_unit_test(a_hundred_thousand_changes_stay_in_fixed_storage),
		cmocka_unit_test(a_copy_is_never_torn),
	};

	return RUN_TESTS(tests);
}
