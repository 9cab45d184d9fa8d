/* capture_conntrack_parse.h - datagrams of ctnetlink -> connections that begin and end.
 *
 * Place: kernel -> capture_conntrack.c -> here -> nat_table. Pure: bytes and time in, no socket.
 * Source: linux/netfilter/nfnetlink_conntrack.h. Netlink headers are in host order, values are not.
 */
#ifndef CAPTURE_CONNTRACK_PARSE_H
#define CAPTURE_CONNTRACK_PARSE_H

#include "nat_table.h"

/* What a datagram was, beside what the table has taken of it. */
enum capture_conntrack_result {
	CAPTURE_CONNTRACK_ok,
	CAPTURE_CONNTRACK_list_ended,  /* all connections of the list have come */
	CAPTURE_CONNTRACK_list_failed, /* it ended before */
	CAPTURE_CONNTRACK_malformed,
};

/* Read a datagram. Connections whose addresses nobody can see, such as those of a protocol without
 * IP, are passed over.
 *
 * list    sequence number of the request for a list that is under way, 0: none is.
 * now_ms  when it was read: for those that end. */
enum capture_conntrack_result capture_conntrack_parse(struct nat_table *table, const uint8_t *bytes,
						      size_t size, uint32_t list, int64_t now_ms);

#endif
