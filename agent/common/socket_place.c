/* socket_place.c - see socket_place.h. */
#include "socket_place.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

struct socket_place socket_place_of(const struct sockaddr_storage *storage)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
	struct socket_place place = { .ip_version = 4 };

	if (storage->ss_family == AF_INET) {
		place.port = ntohs(in->sin_port);
		memcpy(place.address, &in->sin_addr, 4);
		return place;
	}
	place.port = ntohs(in6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(place.address, in6->sin6_addr.s6_addr + 12, 4);
		return place;
	}
	place.ip_version = 6;
	memcpy(place.address, &in6->sin6_addr, 16);
	return place;
}

int socket_place_listen(const struct sockaddr *address, socklen_t size, int backlog)
{
	const int descriptor =
		socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int off = 0, on = 1;
	int fault;

	if (descriptor < 0)
		return -errno;
	(void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->sa_family == AF_INET6)
		(void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(descriptor, address, size) == 0 && listen(descriptor, backlog) == 0)
		return descriptor;
	fault = -errno;
	(void)close(descriptor);
	return fault;
}
