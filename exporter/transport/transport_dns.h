/* transport_dns.h - what getaddrinfo() does not tell: services (SRV records, RFC 2782), and for how
 * long an answer holds.
 *
 * Place: transport_lookup.c, in the thread of a look-up -> here. It waits for name servers. glibc's
 * own resolver asks them: look-ups have a thread already, so an asynchronous one would be a library
 * more for nothing. */
#ifndef TRANSPORT_DNS_H
#define TRANSPORT_DNS_H

#include "transport_socket.h"

#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_DNS_SERVICES_MAX 8
#define TRANSPORT_DNS_NAME_SIZE    256

struct transport_dns_service {
	uint16_t priority; /* lower ones first */
	uint16_t weight;   /* share among those of one priority */
	uint16_t port;
	char host[TRANSPORT_DNS_NAME_SIZE];
};

/* Look up the services of a name such as "_netflow._udp.example.net".
 *
 * services  out; in any order, the best TRANSPORT_DNS_SERVICES_MAX: those of the lowest
 *           priorities, among these of the largest weights.
 * ttl_s     out; seconds for which the answer holds.
 * Returns how many there are; 0 also when name servers do not answer. */
size_t transport_dns_services(const char *name,
			      struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX],
			      uint32_t *ttl_s);

/* The shorter of two times to live, in seconds. */
static inline uint32_t transport_dns_shorter(uint32_t one, uint32_t other)
{
	return one < other ? one : other;
}

/* How many seconds an address of a name holds; UINT32_MAX: the DNS does not have that address, it
 * is of /etc/hosts or the like. */
uint32_t transport_dns_ttl(const char *name, const struct sockaddr *address);

/* The same from the bytes of an answer. */
size_t
transport_dns_parse_services(const uint8_t *answer, size_t size,
			     struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX],
			     uint32_t *ttl_s);
uint32_t transport_dns_parse_ttl(const uint8_t *answer, size_t size,
				 const struct sockaddr *address);

#endif
