/* bmp_listen.h - listening sockets, and who has connected.
 *
 * Place: below bmp_server.c. */
#ifndef BMP_LISTEN_H
#define BMP_LISTEN_H

#include "address.h"
#include "bmp_arguments.h"
#include "error_text.h"

/* Listen on one address and port, for IPv4 as well where the address is any. Returns a descriptor
 * that does not block, or a negative errno with 'error' filled. */
int bmp_listen_open(const struct bmp_listen *listen, struct error_text *error);

/* The port that a socket listens on: of port 0 the one that the kernel chose. */
unsigned int bmp_listen_port(int descriptor);

/* Take the next connection, as a descriptor that does not block and whose peer is looked after
 * (keepalive: BMP itself has none); 'from' is its address of 32 or 128 bits. Returns a negative
 * errno, -EAGAIN if there is none. */
int bmp_listen_accept(int descriptor, struct prefix *from);

#endif
