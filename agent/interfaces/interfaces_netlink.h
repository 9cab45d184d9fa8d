/* interfaces_netlink.h - the socket on which the kernel reports network interfaces; what it says
 * is understood in interfaces.c.
 *
 * Place: kernel -> here -> interfaces. Never blocks but in interfaces_netlink_read_all(). Needs no
 * privileges. */
#ifndef INTERFACES_NETLINK_H
#define INTERFACES_NETLINK_H

#include "interfaces.h"

struct interfaces_netlink; /* opaque: defined in interfaces_netlink.c */

/* Listen for notifications and ask for all interfaces. 'interfaces' is borrowed for life. Returns
 * NULL with 'error' filled. */
struct interfaces_netlink *interfaces_netlink_open(struct interfaces *interfaces,
						   struct error_text *error);
void interfaces_netlink_close(struct interfaces_netlink *netlink);

/* To poll for reading; it may be another one after interfaces_netlink_read(). */
int interfaces_netlink_descriptor(const struct interfaces_netlink *netlink);

/* Take what has come, some datagrams at most, and ask for a dump where one is needed. Call it when
 * the descriptor is readable, and once a second. Returns whether there may be more at once. */
bool interfaces_netlink_read(struct interfaces_netlink *netlink, int64_t now_ms);

/* Before start: wait until all interfaces are known, or 'timeout_ms' is over. */
void interfaces_netlink_read_all(struct interfaces_netlink *netlink, int64_t timeout_ms);

#endif
