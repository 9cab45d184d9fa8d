/* transport_dns.c - questions to name servers, by glibc's resolver with a state of its own for
 * each: so it reads resolv.conf anew each time. */
#include "transport_dns.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>

#define ANSWER_SIZE 65535

/* Ask for records of a type. Returns the size of the answer, 0 if there is none. */
static size_t ask(const char *name, int type, uint8_t answer[static ANSWER_SIZE])
{
	struct __res_state state = { .options = 0 };
	int size;

	if (res_ninit(&state))
		return 0;
	size = res_nsearch(&state, name, ns_c_in, type, answer, ANSWER_SIZE);
	res_nclose(&state);
	return size < 0 ? 0 : size > ANSWER_SIZE ? ANSWER_SIZE : (size_t)size;
}

size_t transport_dns_services(const char *name,
			      struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX],
			      uint32_t *ttl_s)
{
	uint8_t answer[ANSWER_SIZE];

	return transport_dns_parse_services(answer, ask(name, ns_t_srv, answer), services, ttl_s);
}

uint32_t transport_dns_ttl(const char *name, const struct sockaddr *address)
{
	const int type = address->sa_family == AF_INET ? ns_t_a : ns_t_aaaa;
	uint8_t answer[ANSWER_SIZE];

	return transport_dns_parse_ttl(answer, ask(name, type, answer), address);
}
