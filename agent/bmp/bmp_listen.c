/* bmp_listen.c - see bmp_listen.h. */
#include "bmp_listen.h"

#include "fault_text.h"
#include "socket_place.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 64

/* A router that is gone is noticed after two to three minutes. */
static const struct {
	int level, option, value;
} keepalive[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 20 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 5 },
};

int bmp_listen_open(const struct bmp_listen *listen, struct error_text *error)
{
	const struct addrinfo hints = { .ai_family = listen->address[0] ? AF_UNSPEC : AF_INET6,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo any4_hints = hints;
	struct addrinfo *found = NULL;
	int result;

	result = getaddrinfo(listen->address[0] ? listen->address : NULL, listen->port, &hints,
			     &found);
	if (result != 0) {
		error_text_set(error, "--listen [%s]:%s: %s", listen->address, listen->port,
			       gai_strerror(result));
		return -EINVAL;
	}
	result = socket_place_listen(found->ai_addr, found->ai_addrlen, BACKLOG);
	freeaddrinfo(found);
	/* A kernel without IPv6. */
	any4_hints.ai_family = AF_INET;
	if (result == -EAFNOSUPPORT && !listen->address[0] &&
	    getaddrinfo(NULL, listen->port, &any4_hints, &found) == 0) {
		result = socket_place_listen(found->ai_addr, found->ai_addrlen, BACKLOG);
		freeaddrinfo(found);
	}
	if (result < 0)
		error_text_set(error, "--listen [%s]:%s: %s", listen->address, listen->port,
			       fault_text(-result));
	return result;
}

unsigned int bmp_listen_port(int descriptor)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(address);

	if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
		return 0;
	return socket_place_of(&address).port;
}

int bmp_listen_accept(int descriptor, struct prefix *from)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	struct socket_place place;
	const int accepted = accept4(descriptor, (struct sockaddr *)&address, &size,
				     SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (accepted < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(keepalive) / sizeof(keepalive[0]); i++)
		(void)setsockopt(accepted, keepalive[i].level, keepalive[i].option,
				 &keepalive[i].value, sizeof(keepalive[i].value));
	place = socket_place_of(&address);
	*from = (struct prefix){ .ip_version = place.ip_version,
				 .length = place.ip_version == 4 ? 32 : 128 };
	memcpy(from->address, place.address, sizeof(from->address));
	return accepted;
}
