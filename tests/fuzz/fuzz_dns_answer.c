/* fuzz_dns_answer.c - what a name server answers. */
#include "transport_dns.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(0xc0000201) };
	struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX];
	uint32_t ttl_s;
	size_t count;

	if (size > 65535)
		return 0;
	count = transport_dns_parse_services(data, size, services, &ttl_s);
	for (size_t i = 0; i < count; i++)
		if (!services[i].port ||
		    strnlen(services[i].host, TRANSPORT_DNS_NAME_SIZE) == TRANSPORT_DNS_NAME_SIZE)
			abort();
	(void)transport_dns_parse_ttl(data, size, (const struct sockaddr *)&address);
	return 0;
}
