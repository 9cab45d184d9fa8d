/* outbox_report.h - what only transports of datagrams have: reports of the network, and probes.
 *
 * Place: beside the sending, which asks before and after each burst. */
#ifndef OUTBOX_REPORT_H
#define OUTBOX_REPORT_H

#include "outbox_parts.h"

/* Probes without a report until it is believed that the collector is back: hosts limit their
 * reports (Linux: one a second to each address, after a burst of six), so one of two comes. Where
 * several collectors are down on one host it may be less, and that shows: then more are sent. */
#define OUTBOX_PROBES 2

/* Read all reports that have come in. */
void outbox_report_take(struct outbox *outbox);
/* See whether another address of the name is used: what the last one has refused says little of it,
 * so that one probe is enough, at once. */
void outbox_report_look_at_remote(struct outbox *outbox);
/* A probe was sent. */
void outbox_report_probed(struct outbox *outbox);
/* It is up: the usual number of probes is enough again. */
void outbox_report_trust(struct outbox *outbox);
/* Probes went, and no report of them came: the collector is back. */
void outbox_report_release(struct outbox *outbox);

#endif
