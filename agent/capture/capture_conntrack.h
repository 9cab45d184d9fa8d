/* capture_conntrack.h - the connections that the kernel translates, as it reports them.
 *
 * Place: ctnetlink -> here -> nat_table -> export thread. Used by the control thread before the
 * export thread starts, then by the export thread alone. Opened only where a collector gets fields
 * of translation: with a listener the kernel reports every connection that begins or ends.
 *
 * The kernel reports no end of a connection that began before there was a listener, and a full
 * queue loses reports: so all connections are listed at the start, after a loss, and every ten
 * minutes. */
#ifndef CAPTURE_CONNTRACK_H
#define CAPTURE_CONNTRACK_H

#include "error_text.h"
#include "nat_table.h"

struct capture_conntrack; /* opaque: defined in capture_conntrack.c */

/* 'table' is borrowed for life. Returns NULL with 'error' filled: needs CAP_NET_ADMIN, and a kernel
 * with nf_conntrack_netlink. */
struct capture_conntrack *capture_conntrack_open(struct nat_table *table, struct error_text *error);
void capture_conntrack_close(struct capture_conntrack *conntrack);

/* How long a connection that has ended is remembered. */
void capture_conntrack_set_keep(struct capture_conntrack *conntrack, int64_t keep_ms);

/* Take in what has been reported: call it before records are taken, and at least every
 * CAPTURE_CONNTRACK_READ_MS. Never blocks, and takes some milliseconds at most, also while a
 * million connections are listed. Returns whether more is there: call it again soon then. */
#define CAPTURE_CONNTRACK_READ_MS 100
bool capture_conntrack_read(struct capture_conntrack *conntrack, int64_t now_ms);
/* Read until all connections are listed, at most for 'timeout_ms': at the start. */
void capture_conntrack_read_all(struct capture_conntrack *conntrack, int64_t timeout_ms);

/* Whether the kernel has refused the last list; it is asked again each second. */
bool capture_conntrack_is_failing(const struct capture_conntrack *conntrack);
/* How many times the kernel could not report: connections of that time may be unknown for a while.
 */
uint64_t capture_conntrack_losses(const struct capture_conntrack *conntrack);

#endif
