/* transport_socket.c - socket options that are the same for every network transport.
 *
 * Place: transport_udp.c, transport_tcp.c -> here -> kernel. Nothing needs a capability but the
 * mark: since Linux 5.7 anyone may bind a socket that has no interface yet to one, and before that
 * CAP_NET_RAW does, which the daemon keeps. */
#include "transport_socket.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Where the port stands; NULL for an address that has none. */
static uint16_t *port_of(struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return &((struct sockaddr_in *)(void *)address)->sin_port;
	if (address->ss_family == AF_INET6)
		return &((struct sockaddr_in6 *)(void *)address)->sin6_port;
	return NULL;
}

size_t transport_address_bytes(const struct sockaddr_storage *address, uint8_t bytes[static 16])
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	switch (address->ss_family) {
	case AF_INET:
		memcpy(&ipv4, address, sizeof(ipv4));
		memcpy(bytes, &ipv4.sin_addr, 4);
		return 4;
	case AF_INET6:
		memcpy(&ipv6, address, sizeof(ipv6));
		memcpy(bytes, &ipv6.sin6_addr, 16);
		return 16;
	default: return 0;
	}
}

bool transport_address_is_same_host(const struct sockaddr_storage *one,
				    const struct sockaddr_storage *other)
{
	uint8_t bytes[2][16];
	const size_t size = transport_address_bytes(one, bytes[0]);

	return size && size == transport_address_bytes(other, bytes[1]) &&
	       memcmp(bytes[0], bytes[1], size) == 0;
}

uint16_t transport_address_port(const struct sockaddr_storage *address)
{
	struct sockaddr_storage copy = *address;
	const uint16_t *port = port_of(&copy);

	return port ? ntohs(*port) : 0;
}

void transport_address_set_port(struct sockaddr_storage *address, uint16_t port)
{
	uint16_t *const place = port_of(address);

	if (place)
		*place = htons(port);
}

/* Take a zone that is a name off the end of 'host'. Returns 0, -EINVAL or -EXDEV. */
static int zone_take(struct transport_socket_settings *settings, char *host)
{
	char *zone = strchr(host, '%');

	if (!zone || isdigit((unsigned char)zone[1]))
		return 0;
	*zone++ = '\0';
	if (!*zone || strlen(zone) >= sizeof(settings->interface))
		return -EINVAL;
	if (settings->interface[0] && strcmp(settings->interface, zone) != 0)
		return -EXDEV;
	memcpy(settings->interface, zone, strlen(zone) + 1);
	return 0;
}

int transport_socket_address(struct transport_socket_settings *settings, const char *text,
			     uint16_t port, struct transport_address *address)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct transport_socket_settings zoned = *settings;
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	struct addrinfo *list;
	char service[6];
	int result;

	if (strlen(text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, strlen(text) + 1);
	result = zone_take(&zoned, host);
	if (result == -EINVAL)
		return result;
	(void)snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list))
		return -EINVAL;
	memcpy(&address->address, list->ai_addr, list->ai_addrlen);
	address->size = list->ai_addrlen;
	freeaddrinfo(list);
	if (result == 0)
		*settings = zoned;
	return result;
}

static struct sockaddr_in6 *ipv6_of(struct transport_address *address)
{
	return address->size && address->address.ss_family == AF_INET6
		       ? (struct sockaddr_in6 *)&address->address
		       : NULL;
}

/* Addresses that mean something else on each link (RFC 4007 section 5). */
static bool needs_scope(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MC_LINKLOCAL(address) ||
	       IN6_IS_ADDR_MC_NODELOCAL(address);
}

/* Returns whether the address has a scope now. */
static bool scope_set(struct transport_address *address, unsigned int index)
{
	struct sockaddr_in6 *ipv6 = ipv6_of(address);

	if (!ipv6 || !needs_scope(&ipv6->sin6_addr))
		return false;
	ipv6->sin6_scope_id = index;
	return true;
}

/* Up and with a carrier. Without one the kernel throws packets away and says nothing. */
static bool is_running(int fd, const char *name)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, name, sizeof(request.ifr_name));
	return ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_UP &&
	       request.ifr_flags & IFF_RUNNING;
}

/* A scope binds a socket to the interface as well, and on every kernel without capability. */
static int interface_set(int fd, const char *name, struct transport_address *source,
			 struct transport_address *to)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, name, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCGIFINDEX, &request))
		return -errno;
	if (!is_running(fd, name))
		return -ENETDOWN;
	(void)scope_set(source, (unsigned int)request.ifr_ifindex);
	if (scope_set(to, (unsigned int)request.ifr_ifindex))
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)))
		return -errno;
	return 0;
}

static int option_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* The DS field is the upper six bits of the ToS byte or traffic class (RFC 2474 section 3). */
static int header_set(int fd, const struct transport_socket_settings *settings,
		      const struct sockaddr_storage *to)
{
	const bool is_ipv4 = to->ss_family == AF_INET;
	const bool is_multicast = transport_socket_is_multicast(to);
	const int level = is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
	int ttl = is_ipv4 ? IP_TTL : IPV6_UNICAST_HOPS;
	int result = 0;

	if (is_multicast)
		ttl = is_ipv4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS;
	if (settings->dscp)
		result = option_set(fd, level, is_ipv4 ? IP_TOS : IPV6_TCLASS, settings->dscp << 2);
	if (!result && settings->ttl)
		result = option_set(fd, level, ttl, settings->ttl);
	return result;
}

static int source_bind(int fd, const struct transport_address *source)
{
	if (!source->size)
		return 0;
	return bind(fd, (const struct sockaddr *)&source->address, source->size) ? -errno : 0;
}

int transport_socket_prepare(int fd, const struct transport_socket_settings *settings,
			     struct transport_address *source, struct transport_address *to)
{
	int result = 0;

	if (settings->mark && settings->set_mark)
		settings->set_mark(fd, settings->mark);
	if (settings->interface[0])
		result = interface_set(fd, settings->interface, source, to);
	if (!result)
		result = header_set(fd, settings, &to->address);
	if (!result)
		result = source_bind(fd, source);
	return result;
}

int transport_socket_open(const struct transport_socket_settings *settings, int type,
			  struct transport_address *source, struct transport_address *to)
{
	const int fd = socket(to->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return -errno;
	result = transport_socket_prepare(fd, settings, source, to);
	if (!result)
		return fd;
	(void)close(fd);
	return result;
}

bool transport_socket_is_stale(const struct transport_socket_settings *settings, int fd)
{
	char name[IF_NAMESIZE] = "";
	socklen_t size = sizeof(name);

	return settings->interface[0] &&
	       (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size) ||
		strncmp(name, settings->interface, sizeof(name)) != 0);
}

bool transport_socket_has_source(const struct transport_socket_settings *settings, int fd)
{
	struct transport_address source = { .size = sizeof(source.address) };
	struct transport_address to = { .size = sizeof(to.address) };
	int probe;

	if (getsockname(fd, (struct sockaddr *)&source.address, &source.size) ||
	    getpeername(fd, (struct sockaddr *)&to.address, &to.size))
		return true;
	transport_address_set_port(&source.address, 0);
	probe = transport_socket_open(settings, SOCK_DGRAM, &source, &to);
	if (probe >= 0)
		(void)close(probe);
	return probe != -EADDRNOTAVAIL;
}

bool transport_socket_is_running(const struct transport_socket_settings *settings, int fd)
{
	return !settings->interface[0] || is_running(fd, settings->interface);
}

bool transport_socket_is_multicast(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return IN_MULTICAST(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
	return address->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_MULTICAST(&((const struct sockaddr_in6 *)address)->sin6_addr);
}
