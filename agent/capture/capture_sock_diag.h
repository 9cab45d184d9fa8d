/* capture_sock_diag.h - whose the socket at this host's end of a flow is, as the kernel says.
 *
 * Place: flow key -> here -> kernel (NETLINK_SOCK_DIAG) -> owner. Needs no capability. A question
 * costs about 4 us: it is for records, never for packets. Of the network namespace that it was
 * opened in. */
#ifndef CAPTURE_SOCK_DIAG_H
#define CAPTURE_SOCK_DIAG_H

#include "error_text.h"
#include "flow.h"
#include "packet.h"

#include <stdbool.h>

struct capture_sock_diag; /* opaque: defined in capture_sock_diag.c */

/* Returns NULL with 'error' filled. */
struct capture_sock_diag *capture_sock_diag_open(struct error_text *error);
void capture_sock_diag_close(struct capture_sock_diag *diag);

/* Whether the kernel can be asked about a flow: TCP or UDP, of which one end is this host's. */
bool capture_sock_diag_is_for(const struct flow_key *key);

/* Ask about such a flow. A connection that is gone has the owner of the socket that listens at its
 * end, if one does. Returns 1 with 'owner' filled as far as it is known, 0 if there is no such
 * socket, or a negative errno: the kernel does not answer. Does not block. */
int capture_sock_diag_ask(struct capture_sock_diag *diag, const struct flow_key *key,
			  struct packet_owner *owner);

#endif
