/* socket_place.h - where a socket is or where it came from, as bytes; and TCP sockets that listen.
 *
 * Place: under agentctl_listen_sockets.c and bmp_listen.c. */
#ifndef SOCKET_PLACE_H
#define SOCKET_PLACE_H

#include <stdint.h>
#include <sys/socket.h>

struct socket_place {
	uint8_t ip_version; /* 4 or 6; IPv4 that came by a socket of IPv6 is IPv4 */
	uint8_t address[16];
	uint16_t port;
};

/* 'storage' is of AF_INET or AF_INET6. */
struct socket_place socket_place_of(const struct sockaddr_storage *storage);

/* Listen on an address of AF_INET or AF_INET6, at which a socket may have listened just before; on
 * one of IPv6 for IPv4 as well, if it is any. Returns a descriptor that does not block, or a
 * negative errno. */
int socket_place_listen(const struct sockaddr *address, socklen_t size, int backlog);

#endif
