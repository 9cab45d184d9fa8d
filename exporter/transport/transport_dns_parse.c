/* transport_dns_parse.c - answers of name servers, by glibc's parser: it checks the bounds of each
 * record, and of names in it.
 *
 * Place: transport_dns.c -> here. */
#include "transport_dns.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#define SERVICE_HEAD 6 /* priority, weight and port, before the name of the host */

static bool begin(const uint8_t *answer, size_t size, ns_msg *message)
{
	return size && ns_initparse(answer, (int)size, message) == 0;
}

/* A host named "." says that there is no such service. */
static bool take_service(const ns_msg *message, const ns_rr *record,
			 struct transport_dns_service *service)
{
	const uint8_t *bytes = ns_rr_rdata(*record);

	if (ns_rr_rdlen(*record) <= SERVICE_HEAD ||
	    ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), bytes + SERVICE_HEAD,
			       service->host, sizeof(service->host)) < 0)
		return false;
	service->priority = (uint16_t)ns_get16(bytes);
	service->weight = (uint16_t)ns_get16(bytes + 2);
	service->port = (uint16_t)ns_get16(bytes + 4);
	return service->port && *service->host && strcmp(service->host, ".") != 0;
}

/* Whether 'one' is to be used before 'other'. Names decide in the end: an answer is in another
 * order each time. */
static bool is_better(const struct transport_dns_service *one,
		      const struct transport_dns_service *other)
{
	if (one->priority != other->priority)
		return one->priority < other->priority;
	if (one->weight != other->weight)
		return one->weight > other->weight;
	return strcmp(one->host, other->host) < 0;
}

/* Add a service, in the place of the worst where there is no room. Returns how many there are. */
static size_t keep_best(struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX],
			size_t count, const struct transport_dns_service *service)
{
	size_t worst = 0;

	if (count < TRANSPORT_DNS_SERVICES_MAX) {
		services[count] = *service;
		return count + 1;
	}
	for (size_t i = 1; i < count; i++)
		if (is_better(&services[worst], &services[i]))
			worst = i;
	if (is_better(service, &services[worst]))
		services[worst] = *service;
	return count;
}

size_t
transport_dns_parse_services(const uint8_t *answer, size_t size,
			     struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX],
			     uint32_t *ttl_s)
{
	struct transport_dns_service service;
	size_t count = 0;
	ns_msg message;
	ns_rr record;

	*ttl_s = UINT32_MAX;
	if (!begin(answer, size, &message))
		return 0;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record))
			break;
		*ttl_s = transport_dns_shorter(*ttl_s, ns_rr_ttl(record));
		if (ns_rr_type(record) == ns_t_srv && take_service(&message, &record, &service))
			count = keep_best(services, count, &service);
	}
	return count;
}

static bool has_address(const ns_rr *record, const struct sockaddr *address)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)address;

	if (address->sa_family == AF_INET)
		return ns_rr_type(*record) == ns_t_a && ns_rr_rdlen(*record) == 4 &&
		       memcmp(ns_rr_rdata(*record), &ipv4->sin_addr, 4) == 0;
	return ns_rr_type(*record) == ns_t_aaaa && ns_rr_rdlen(*record) == 16 &&
	       memcmp(ns_rr_rdata(*record), &ipv6->sin6_addr, 16) == 0;
}

/* Of all records up to the address: those of names that stand for others end, too. */
uint32_t transport_dns_parse_ttl(const uint8_t *answer, size_t size, const struct sockaddr *address)
{
	uint32_t ttl_s = UINT32_MAX;
	bool is_there = false;
	ns_msg message;
	ns_rr record;

	if (!begin(answer, size, &message))
		return UINT32_MAX;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record))
			break;
		ttl_s = transport_dns_shorter(ttl_s, ns_rr_ttl(record));
		is_there |= has_address(&record, address);
	}
	return is_there ? ttl_s : UINT32_MAX;
}
