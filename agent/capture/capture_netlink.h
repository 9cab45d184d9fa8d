/* capture_netlink.h - what the sources have in common that read a netlink socket.
 *
 * Place: beside capture_nflog.c and capture_ulog.c. */
#ifndef CAPTURE_NETLINK_H
#define CAPTURE_NETLINK_H

#include <stdint.h>

#define CAPTURE_NETLINK_BUFFER (32u * 1024 * 1024) /* 170,000 packets: 0.2 s of the highest rate \
						    */

/* Grow a socket's receive buffer to 'wanted' bytes: beyond the system's limit if we may, up to it
 * else. Returns how many it is now, as comparable to 'wanted': the kernel doubles what it is given,
 * for its own overhead. 0: it is not known. */
uint32_t capture_netlink_grow(int descriptor, uint32_t wanted);

#endif
