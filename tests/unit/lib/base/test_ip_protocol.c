/* test_ip_protocol.c - numbers and names. */
#include "check.h"
#include "ip_protocol.h"

#include <string.h>

TEST(every_name_leads_to_its_number_and_back)
{
	CHECK_EQ(ip_protocol_find("tcp"), PROTOCOL_TCP);
	CHECK_EQ(ip_protocol_find("ICMPv6"), PROTOCOL_IPv6_ICMP);
	CHECK_EQ(ip_protocol_find("tcpx"), -1);
	CHECK_EQ(ip_protocol_find(""), -1);
	CHECK(strcmp(ip_protocol_name(PROTOCOL_IPv6_ICMP), "icmp6") == 0);
	CHECK(ip_protocol_name(PROTOCOL_IPv6_NoNxt) == NULL);
	for (unsigned int protocol = 0; protocol <= UINT8_MAX; protocol++) {
		const char *name = ip_protocol_name((uint8_t)protocol);

		if (name)
			CHECK_EQ(ip_protocol_find(name), protocol);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_leads_to_its_number_and_back),
	};

	return RUN_TESTS(tests);
}
