/* outbox_parts.h - what the files outbox*.c share. Internal to them.
 *
 * outbox.c has the pace and whether the collector is up; outbox_wait.c what waits, in queue and
 * spool; outbox_report.c what only transports of datagrams have: reports of the network and probes;
 * outbox_session.c what only those with sessions have: confirmation and a new beginning. */
#ifndef OUTBOX_PARTS_H
#define OUTBOX_PARTS_H

#include "outbox.h"

#define OUTBOX_MILLIONTHS         1000000
#define OUTBOX_TEMPLATES_AHEAD_US 1000000
/* How long after a probe a report may come: a round trip, or as long as the kernel asks for a link
 * address in vain. */
#define OUTBOX_PROBE_REFUSED_US     500000
#define OUTBOX_PROBE_UNREACHABLE_US 4000000
/* Probes without a report until it is believed that the collector is back: hosts limit their
 * reports (Linux: one a second to each address, after a burst of six), so one of two comes. Where
 * several collectors are down on one host it may be less, and that shows: then more are sent. */
#define OUTBOX_PROBES     2
#define OUTBOX_PROBES_MAX 16
#define OUTBOX_DOUBT_US   3000000 /* after that it is believed that it was back */

/* outbox.c */
enum loss_reason outbox_loss_of(int error);
/* Note a failure; call before its loss is counted. */
void outbox_go_down(struct outbox *outbox, enum loss_reason reason, int error);
/* How many datagrams pacing allows now. */
size_t outbox_budget(const struct outbox *outbox);
/* Hand up to 'count' datagrams over, in order, the first that was not yet first. */
struct transport_result outbox_send_batch(struct outbox *outbox, size_t count);
/* The first datagram of the queue is sent: count it and take it out. */
void outbox_count_sent(struct outbox *outbox);

/* outbox_wait.c */
/* How many datagrams of the queue were not handed over yet. */
static inline size_t outbox_unsent(const struct outbox *outbox)
{
	return outbox->queue.count - outbox->queue.handed;
}
/* Give up datagram 'index' of the queue. */
void outbox_drop(struct outbox *outbox, size_t index, enum loss_reason reason, int error);
/* Move what waits in the spool to the queue, as far as that has room. */
void outbox_fill_up(struct outbox *outbox);

/* Datagrams that must be free for one more record. */
static inline size_t outbox_reserved(const struct outbox *outbox)
{
	return OUTBOX_RESERVED + outbox->config.ahead_datagrams +
	       2 * (outbox->config.template_datagrams - 1);
}

/* outbox_report.c */
bool outbox_is_probe_next(const struct outbox *outbox);
void outbox_take_reports(struct outbox *outbox);
/* Probes went, and no report of them came: the collector is back. */
void outbox_release(struct outbox *outbox);
/* While the network reports that nothing arrives: send the probe if it is time. */
void outbox_send_probe(struct outbox *outbox);

/* outbox_session.c */
/* See what has arrived, and whether a new session has begun. */
void outbox_look_at_session(struct outbox *outbox);
/* In how many microseconds to look whether what was handed over has arrived, -1 if all has. */
int64_t outbox_confirm_wait_us(const struct outbox *outbox);

#endif
