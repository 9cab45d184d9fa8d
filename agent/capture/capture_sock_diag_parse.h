/* capture_sock_diag_parse.h - answer of the kernel to the question whose a socket is.
 *
 * Place: kernel -> capture_sock_diag.c -> here. Pure: bytes in, no socket.
 * Source: linux/inet_diag.h, linux/sock_diag.h. Netlink headers, user and inode are in host order.
 */
#ifndef CAPTURE_SOCK_DIAG_PARSE_H
#define CAPTURE_SOCK_DIAG_PARSE_H

#include "packet.h"

#include <stdbool.h>
#include <stddef.h>

/* Read a datagram that may hold the answer to question 'sequence'. Returns 1 with 'owner' filled as
 * far as it is known; 0 if it is no answer to that question; or a negative errno: -ENOENT, there is
 * no such socket, -EBADMSG, the datagram makes no sense, or another one that the kernel gives.
 *
 * What the kernel itself holds of a connection (TIME_WAIT, a SYN that is not accepted yet) has no
 * inode: then user and control group are not known, and are not those of root. */
int capture_sock_diag_parse(const uint8_t *bytes, size_t size, uint32_t sequence,
			    struct packet_owner *owner);

#endif
