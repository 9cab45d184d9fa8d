/* capture_ulog_parse.h - datagrams of the old netfilter log (ULOG, Linux up to 3.16) -> packet
 * views.
 *
 * Place: kernel -> capture_ulog.c -> here -> packet_view. Pure: bytes, time and interface numbers
 * come in, no socket. One datagram holds up to 50 packets; the parser stands somewhere in it and
 * gives them out in batches, so that nothing is copied.
 * Source: linux/netfilter_ipv4/ipt_ULOG.h of Linux 3.16. All numbers are in host order; the layout
 * is that of the kernel's "long", of 32 or 64 bits, whatever ours is. */
#ifndef CAPTURE_ULOG_PARSE_H
#define CAPTURE_ULOG_PARSE_H

#include "bytes.h"
#include "capture_rate_prefix.h"
#include "packet.h"

#define ULOG_NAME_SIZE 16 /* IFNAMSIZ; a name of 15 characters has its NUL */

/* One per socket. Start with all zero, and 'index_of' set. */
struct capture_ulog_parser {
	/* The number of the interface that is called so; 0 if there is none. 'name' has its NUL. */
	uint32_t (*index_of)(void *context, const char *name);
	void *context;
	struct reader datagram; /* what is left of it; borrowed by the views */
	unix_ms received_ms;    /* when it was read */
	uint32_t next_sequence; /* of the next message in the datagram */
	bool is_counted;        /* its first message has said where the numbers begin */
	struct capture_rate_prefix prefix;
	uint64_t packets_lost;      /* gaps in the numbers of a datagram's messages */
	uint64_t packets_unstamped; /* have received_ms for a time stamp */
	uint64_t messages_malformed;
};

/* Begin with a datagram. What was left of the one before is forgotten.
 *
 * bytes        borrowed until the next call, by the parser and by its views.
 * received_ms  given to packets without a time stamp. */
void capture_ulog_parse_begin(struct capture_ulog_parser *parser, const uint8_t *bytes, size_t size,
			      unix_ms received_ms);

/* Give out the next packets of the datagram: up to 'capacity' views, borrowed from it. Other
 * netlink messages are skipped; malformed ones are counted and skipped, and where a length makes no
 * sense, with all that follows. Returns how many; 0 when the datagram is used up. */
size_t capture_ulog_parse(struct capture_ulog_parser *parser, struct packet_view *views,
			  size_t capacity);

#endif
