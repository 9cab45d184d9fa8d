/* transport.c - the list of transports, and addresses as text. */
#include "transport.h"

#include "address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const struct transport_type *const transports[] = { &transport_udp, &transport_tcp,
							   &transport_tls, &transport_writer,
							   &transport_unix };

const struct transport_type *transport_find(const char *name)
{
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (strcmp(transports[i]->name, name) == 0)
			return transports[i];
	return NULL;
}

const char *transport_names(void)
{
	return "udp, tcp, tls, file or unix";
}

/* "%eth0"; "" without a scope, "%3" if there is no such interface any more. */
static const char *zone_format(uint32_t scope, char zone[static 1 + IF_NAMESIZE])
{
	zone[0] = '\0';
	if (!scope)
		return zone;
	zone[0] = '%';
	if (!if_indextoname(scope, zone + 1))
		(void)snprintf(zone + 1, IF_NAMESIZE, "%u", scope);
	return zone;
}

const char *transport_address_format(const struct sockaddr_storage *address, socklen_t size,
				     char text[static TRANSPORT_ADDRESS_TEXT_SIZE])
{
	char zone[1 + IF_NAMESIZE];
	char ip[ADDRESS_TEXT_SIZE];

	text[0] = '\0';
	if (size >= sizeof(struct sockaddr_in) && address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		(void)address_format(4, (const uint8_t *)&in->sin_addr, ip);
		(void)snprintf(text, TRANSPORT_ADDRESS_TEXT_SIZE, "%s:%u", ip, ntohs(in->sin_port));
	} else if (size >= sizeof(struct sockaddr_in6) && address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		(void)address_format(6, in6->sin6_addr.s6_addr, ip);
		(void)snprintf(text, TRANSPORT_ADDRESS_TEXT_SIZE, "[%s%s]:%u", ip,
			       zone_format(in6->sin6_scope_id, zone), ntohs(in6->sin6_port));
	}
	return text;
}
