/* bmp_listen.c - see bmp_listen.h. */
#include "bmp_listen.h"

#include "fault_text.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static int open_socket(const struct addrinfo *found)
{
	const int descriptor =
		socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;
	const int zero = 0;
	int result = 0;

	if (descriptor < 0)
		return -errno;
	(void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (found->ai_family == AF_INET6)
		(void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(descriptor, found->ai_addr, found->ai_addrlen) != 0 ||
	    listen(descriptor, BACKLOG) != 0)
		result = -errno;
	if (result == 0)
		return descriptor;
	(void)close(descriptor);
	return result;
}

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
	result = open_socket(found);
	freeaddrinfo(found);
	/* A kernel without IPv6. */
	any4_hints.ai_family = AF_INET;
	if (result == -EAFNOSUPPORT && !listen->address[0] &&
	    getaddrinfo(NULL, listen->port, &any4_hints, &found) == 0) {
		result = open_socket(found);
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
	if (address.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&address)->sin_port);
	return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
}

static void read_address(const struct sockaddr_storage *address, struct prefix *from)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	*from = (struct prefix){ .ip_version = 4, .length = 32 };
	if (address->ss_family == AF_INET) {
		memcpy(from->address, &in4->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(from->address, in6->sin6_addr.s6_addr + 12, 4);
	} else {
		from->ip_version = 6;
		from->length = 128;
		memcpy(from->address, &in6->sin6_addr, 16);
	}
}

int bmp_listen_accept(int descriptor, struct prefix *from)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	const int accepted = accept4(descriptor, (struct sockaddr *)&address, &size,
				     SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (accepted < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(keepalive) / sizeof(keepalive[0]); i++)
		(void)setsockopt(accepted, keepalive[i].level, keepalive[i].option,
				 &keepalive[i].value, sizeof(keepalive[i].value));
	read_address(&address, from);
	return accepted;
}
