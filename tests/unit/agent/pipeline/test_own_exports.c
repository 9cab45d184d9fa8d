/* test_own_exports.c - which packets are the agent's own. */
#include "own_exports.h"

#include "exporter.h"
#include "ip_protocol.h"

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct flow_key to(const char *address, uint16_t port, uint8_t protocol)
{
	struct flow_key key = { .protocol = protocol, .destination_port = port };

	key.ip_version = strchr(address, ':') ? 6 : 4;
	CHECK_EQ(inet_pton(key.ip_version == 4 ? AF_INET : AF_INET6, address,
			   key.addresses + flow_address_size(&key)),
		 1);
	return key;
}

static struct flow_key from(const char *address, uint16_t port, uint8_t protocol)
{
	struct flow_key key = to(address, 0, protocol);

	memcpy(key.addresses, key.addresses + flow_address_size(&key), flow_address_size(&key));
	memset(key.addresses + flow_address_size(&key), 0, flow_address_size(&key));
	key.source_port = port;
	return key;
}

TEST(only_datagrams_to_a_collector_match)
{
	struct own_exports *exports = own_exports_create();
	struct export_remote remotes[3] = { { .ip_protocol = PROTOCOL_UDP },
					    { .ip_protocol = PROTOCOL_UDP },
					    { .ip_protocol = PROTOCOL_TCP } };
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)(void *)&remotes[0].address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)(void *)&remotes[1].address;
	const struct own_export_list *before = own_exports_get(exports);
	struct flow_key key = to("192.0.2.1", 2055, PROTOCOL_UDP);

	CHECK(!own_exports_match(before, &key));
	ipv4->sin_family = AF_INET;
	ipv4->sin_port = htons(2055);
	CHECK_EQ(inet_pton(AF_INET, "192.0.2.1", &ipv4->sin_addr), 1);
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons(4739);
	CHECK_EQ(inet_pton(AF_INET6, "2001:db8::1", &ipv6->sin6_addr), 1);
	remotes[2].address = remotes[0].address;
	own_exports_set(exports, remotes, 2);
	own_exports_set(exports, remotes, 2);

	CHECK(own_exports_match(own_exports_get(exports), &key));
	CHECK(!own_exports_match(before, &key)); /* still valid, still the old list */
	key = to("192.0.2.1", 2056, PROTOCOL_UDP);
	CHECK(!own_exports_match(own_exports_get(exports), &key));
	key = to("192.0.2.1", 2055, PROTOCOL_TCP);
	CHECK(!own_exports_match(own_exports_get(exports), &key));
	key = to("192.0.2.2", 2055, PROTOCOL_UDP);
	CHECK(!own_exports_match(own_exports_get(exports), &key));
	key = to("2001:db8::1", 4739, PROTOCOL_UDP);
	CHECK(own_exports_match(own_exports_get(exports), &key));
	/* What a collector acknowledges over TCP comes back. */
	own_exports_set(exports, remotes, 3);
	key = to("192.0.2.1", 2055, PROTOCOL_TCP);
	CHECK(own_exports_match(own_exports_get(exports), &key));
	key = from("192.0.2.1", 2055, PROTOCOL_TCP);
	CHECK(own_exports_match(own_exports_get(exports), &key));
	key = from("192.0.2.1", 2055, PROTOCOL_UDP);
	CHECK(!own_exports_match(own_exports_get(exports), &key));
	own_exports_destroy(exports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_datagrams_to_a_collector_match),
	};

	return RUN_TESTS(tests);
}
