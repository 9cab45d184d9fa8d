/* test_transport_dns.c - answers of name servers, byte by byte. */
#include "transport_dns.h"

#include "check.h"

#include <netinet/in.h>

/* _nf._udp.a SRV: 30 s 10 3 4002 h1.a, 20 s 20 1 4001 h2.a, 25 s 0 0 9 "." */
static const uint8_t services_answer[] = {
	0x00, 0x01, 0x81, 0x80, 0x00, 0x01, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x03, 0x5f,
	0x6e, 0x66, 0x04, 0x5f, 0x75, 0x64, 0x70, 0x01, 0x61, 0x00, 0x00, 0x21, 0x00, 0x01,
	0xc0, 0x0c, 0x00, 0x21, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1e, 0x00, 0x0c, 0x00, 0x0a,
	0x00, 0x03, 0x0f, 0xa2, 0x02, 0x68, 0x31, 0x01, 0x61, 0x00, 0xc0, 0x0c, 0x00, 0x21,
	0x00, 0x01, 0x00, 0x00, 0x00, 0x14, 0x00, 0x0c, 0x00, 0x14, 0x00, 0x01, 0x0f, 0xa1,
	0x02, 0x68, 0x32, 0x01, 0x61, 0x00, 0xc0, 0x0c, 0x00, 0x21, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x19, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00
};
/* c.a CNAME d.a for 9 s, d.a A 192.0.2.1 for 60 s */
static const uint8_t alias_answer[] = { 0x00, 0x01, 0x81, 0x80, 0x00, 0x01, 0x00, 0x02, 0x00,
					0x00, 0x00, 0x00, 0x01, 0x63, 0x01, 0x61, 0x00, 0x00,
					0x01, 0x00, 0x01, 0xc0, 0x0c, 0x00, 0x05, 0x00, 0x01,
					0x00, 0x00, 0x00, 0x09, 0x00, 0x04, 0x01, 0x64, 0xc0,
					0x0e, 0xc0, 0x21, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00,
					0x00, 0x3c, 0x00, 0x04, 0xc0, 0x00, 0x02, 0x01 };

TEST(services_have_priority_weight_port_and_host)
{
	struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX];
	uint32_t ttl_s;

	CHECK_EQ(transport_dns_parse_services(services_answer, sizeof(services_answer), services,
					      &ttl_s),
		 2);
	CHECK_EQ(ttl_s, 20);
	CHECK_EQ(services[0].priority, 10);
	CHECK_EQ(services[0].weight, 3);
	CHECK_EQ(services[0].port, 4002);
	CHECK_TEXT(services[0].host, "h1.a");
	CHECK_TEXT(services[1].host, "h2.a");
	for (size_t size = 0; size < sizeof(services_answer); size++)
		CHECK(transport_dns_parse_services(services_answer, size, services, &ttl_s) <= 2);
}

enum { SERVICES = 20 };

/* Of 20 services, with priorities from 5 down to 1 and weights from 0 up, on port 1 + number. */
static size_t make_many(uint8_t answer[static 1024])
{
	static const uint8_t question[] = { 0x00,     0x01, 0x81, 0x80, 0x00, 0x01, 0x00,
					    SERVICES, 0x00, 0x00, 0x00, 0x00, 0x01, 0x61,
					    0x00,     0x00, 0x21, 0x00, 0x01 };
	size_t size = sizeof(question);

	memcpy(answer, question, size);
	for (uint8_t i = 0; i < SERVICES; i++) {
		const uint8_t priority = (uint8_t)(5 - i / 4);
		const uint8_t record[] = { 0xc0, 0x0c,
					   0x00, 0x21,
					   0x00, 0x01,
					   0x00, 0x00,
					   0x00, 0x3c,
					   0x00, 0x09,
					   0x00, priority,
					   0x00, (uint8_t)(i % 4),
					   0x00, (uint8_t)(1 + i),
					   0x01, 0x68,
					   0x00 };

		memcpy(answer + size, record, sizeof(record));
		size += sizeof(record);
	}
	return size;
}

TEST(of_many_services_the_best_are_taken)
{
	struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX];
	uint8_t answer[1024];
	const size_t size = make_many(answer);
	unsigned int ports = 0;
	uint32_t ttl_s;

	CHECK_EQ(transport_dns_parse_services(answer, size, services, &ttl_s),
		 TRANSPORT_DNS_SERVICES_MAX);
	for (size_t i = 0; i < TRANSPORT_DNS_SERVICES_MAX; i++) {
		CHECK(services[i].priority <= 2);
		ports |= 1u << services[i].port;
	}
	CHECK_EQ(ports, 0xffu << 13); /* the last eight */
}

TEST(an_address_holds_as_long_as_the_names_that_lead_to_it)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr.s_addr = htonl(0xc0000201);
	CHECK_EQ(transport_dns_parse_ttl(alias_answer, sizeof(alias_answer),
					 (const struct sockaddr *)&address),
		 9);
	address.sin_addr.s_addr = htonl(0xc0000202);
	CHECK_EQ(transport_dns_parse_ttl(alias_answer, sizeof(alias_answer),
					 (const struct sockaddr *)&address),
		 UINT32_MAX);
	CHECK_EQ(transport_dns_parse_ttl(NULL, 0, (const struct sockaddr *)&address), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_have_priority_weight_port_and_host),
		cmocka_unit_test(of_many_services_the_best_are_taken),
		cmocka_unit_test(an_address_holds_as_long_as_the_names_that_lead_to_it),
	};

	return RUN_TESTS(tests);
}
