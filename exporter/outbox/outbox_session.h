/* outbox_session.h - what only transports with sessions have: confirmation and a new beginning.
 *
 * Place: beside the sending. Nothing happens with a transport without sessions. */
#ifndef OUTBOX_SESSION_H
#define OUTBOX_SESSION_H

#include "outbox_parts.h"

/* See what has arrived, and whether a new session has begun. */
void outbox_session_look(struct outbox *outbox);
/* In how many microseconds to look whether what was handed over has arrived, -1 if all has. */
int64_t outbox_session_wait_us(const struct outbox *outbox);

#endif
