/* outbox_send.h - hands what waits to the transport, in order, as far as pacing allows.
 *
 * Place: datagram_queue -> here -> transport. */
#ifndef OUTBOX_SEND_H
#define OUTBOX_SEND_H

#include "outbox_parts.h"

#include <poll.h>

/* How long others wait for a collector whose name is looked up or whose socket is full. */
#define OUTBOX_PATIENCE_US 5000000

/* Send as far as pacing allows. Returns in how many microseconds there is more to do, -1 if nothing
 * waits. */
int64_t outbox_send(struct outbox *outbox);

/* Fill in the descriptors that end the wait which outbox_send() returned. Returns how many. */
size_t outbox_descriptors(const struct outbox *outbox,
			  struct pollfd descriptors[static OUTBOX_DESCRIPTORS]);

/* Whether it is down, and was a second ago already. */
bool outbox_is_known_down(const struct outbox *outbox);

#endif
