/* collector_datagram.h - when a datagram of a collector begins and ends.
 *
 * Place: collector_records -> here -> outbox. */
#ifndef COLLECTOR_DATAGRAM_H
#define COLLECTOR_DATAGRAM_H

#include "collector_parts.h"

/* Begin a datagram with what is due in it: templates, options. There must be none open. */
void collector_datagram_open(struct collector *collector);
/* Finish the open datagram and queue it. */
void collector_datagram_close(struct collector *collector);

#endif
