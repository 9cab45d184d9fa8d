/* transport_socket.h - what the sockets of all network transports have in common: by which
 * interface and from which address packets leave, and what their IP headers say.
 *
 * Internal to transport_*.c, but for the settings, which are part of transport_config. */
#ifndef TRANSPORT_SOCKET_H
#define TRANSPORT_SOCKET_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* All 0 is what the kernel does by itself. */
struct transport_socket_settings {
	char interface[IF_NAMESIZE]; /* packets leave by it and no other; "": the route's */
	uint32_t mark; /* SO_MARK for the own packets, 0: none; left out without the capability */
	/* Sets the mark of a new socket with the capability that it takes (CAP_NET_ADMIN); NULL:
	 * without. */
	void (*set_mark)(int fd, uint32_t mark);
	/* Open a raw socket with the capability that it takes (CAP_NET_RAW), as socket() does; it
	 * never blocks and is not inherited. NULL: there is none. */
	int (*open_raw)(int family, int protocol);
	uint8_t dscp; /* Differentiated Services field (RFC 2474), 0 to 63 */
	uint8_t ttl;  /* or hop limit; 0: the kernel's, and 1 to a multicast group (RFC 1112) */
};

/* Address and port of a collector or of this host. */
struct transport_address {
	struct sockaddr_storage address;
	socklen_t size; /* 0: none */
};

/* The IP address itself, as on the wire. Returns its size: 4, 16, or 0 if it is none. */
size_t transport_address_bytes(const struct sockaddr_storage *address, uint8_t bytes[static 16]);
/* Whether both are the same IP address; their ports and scopes do not matter. */
bool transport_address_is_same_host(const struct sockaddr_storage *one,
				    const struct sockaddr_storage *other);
/* The port of an IPv4 or IPv6 address, host order. */
uint16_t transport_address_port(const struct sockaddr_storage *address);
void transport_address_set_port(struct sockaddr_storage *address, uint16_t port);

/* Parse an IPv4 or IPv6 address, never a name. The zone of "fe80::1%eth0" becomes the interface of
 * the settings, so that the interface may come later; a zone that is a number stays in the address.
 * Returns 0, -EINVAL for what is no address, or -EXDEV if the settings have another interface. */
int transport_socket_address(struct transport_socket_settings *settings, const char *text,
			     uint16_t port, struct transport_address *address);

/* Open a socket of 'type' (SOCK_DGRAM or SOCK_STREAM) for packets to 'to', ready for connect(): it
 * never blocks, is not inherited, has the settings, and is bound to 'source' if that is of a size.
 * Where an address needs a scope, the interface becomes that. Returns the descriptor, or a negative
 * errno: -ENODEV without the interface, -ENETDOWN while it is down or has no carrier. */
int transport_socket_open(const struct transport_socket_settings *settings, int type,
			  struct transport_address *source, struct transport_address *to);

/* The same with a socket that is there, and stays the caller's. Returns 0 or a negative errno. */
int transport_socket_prepare(int fd, const struct transport_socket_settings *settings,
			     struct transport_address *source, struct transport_address *to);

/* Whether the interface of a connected socket is gone, or another one has its name now. A socket
 * holds on to the interface that it knew: open a new one. */
bool transport_socket_is_stale(const struct transport_socket_settings *settings, int fd);

/* Whether the address that a connected socket sends from is still one of this host (or nobody
 * can say). A socket holds on to the address that it was connected with: when that has gone, IPv4
 * sends fail and IPv6 continues with an address that is not ours. Opens and closes a socket: three
 * system calls. */
bool transport_socket_has_source(const struct transport_socket_settings *settings, int fd);

/* Whether the interface is up and has a carrier; true without one in the settings. */
bool transport_socket_is_running(const struct transport_socket_settings *settings, int fd);

bool transport_socket_is_multicast(const struct sockaddr_storage *address);

#endif
