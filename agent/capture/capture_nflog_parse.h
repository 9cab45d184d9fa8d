/* capture_nflog_parse.h - datagrams of the netfilter log -> packet views.
 *
 * Place: kernel -> capture_nflog.c -> here -> packet_view. Pure: bytes and time in, no socket.
 * One datagram holds up to some thousand packets; the parser stands somewhere in it and gives them
 * out in batches, so that nothing is copied.
 * Source: linux/netfilter/nfnetlink_log.h. Netlink headers are in host order, values are not. */
#ifndef CAPTURE_NFLOG_PARSE_H
#define CAPTURE_NFLOG_PARSE_H

#include "bytes.h"
#include "capture_rate_prefix.h"
#include "packet.h"

/* One per group, for the time it is bound. Start with all zero and 'snaplen' set. */
struct capture_nflog_parser {
	uint32_t snaplen;        /* copy range asked for */
	bool takes_link_headers; /* views get them: it costs something */
	struct packet_owner
		*owners;        /* of the views, filled as they are; borrowed; NULL: nobody asks */
	uint32_t next_sequence; /* NFULA_SEQ of the next packet; the kernel starts with 0 */
	bool is_sequence_unknown; /* that is what the next packet has: an earlier reader has died */
	struct reader datagram;   /* what is left of it; borrowed by the views */
	unix_ms received_ms;      /* when it was read */
	uint32_t user;            /* of the last packet, as in packet_owner, if somebody asks */
	uint64_t packets_lost;    /* gaps in NFULA_SEQ */
	uint64_t packets_at_range;  /* copy as long as 'snaplen': cut, or just that long */
	uint64_t packets_unstamped; /* have received_ms for a time stamp */
	uint64_t messages_malformed;
	struct capture_rate_prefix prefix; /* of a rule, the last one that may have a rate */
};

/* Begin with a datagram. What was left of the one before is forgotten.
 *
 * bytes        borrowed until the next call, by the parser and by its views.
 * received_ms  given to packets that the kernel did not stamp (hooks output and postrouting). */
void capture_nflog_parse_begin(struct capture_nflog_parser *parser, const uint8_t *bytes,
			       size_t size, unix_ms received_ms);

/* Give out the next packets of the datagram: up to 'capacity' views, borrowed from it. Other
 * netlink messages (acknowledgement, end of batch) are skipped; malformed ones are counted and
 * skipped, and where a length makes no sense, with all that follows.
 *
 * A loss is seen, and counted exactly, when the next packet arrives: what was lost after the last
 * packet ever received cannot be known.
 * Returns how many; 0 when the datagram is used up. About 25 ns per packet
 * of 12 attributes. */
size_t capture_nflog_parse(struct capture_nflog_parser *parser, struct packet_view *views,
			   size_t capacity);

#endif
