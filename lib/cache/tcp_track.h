/* tcp_track.h - how good the connection of a TCP flow is: what its packets say one after another.
 *
 * Place: a column of the flow cache, for whom has asked for it. Pure; of fixed size.
 *
 * A flow is one direction. Of its packets with data, SYN or FIN, a track knows which sequence
 * number comes next, and the gaps before it that no packet has filled. A packet before that number
 * is
 *
 *     retransmitted   if what it brings has passed already; or if it fills a gap, and its sender
 *                     stamped it later than the packet that made the gap: the first copy was lost
 *                     on the way here
 *     out of order    if it fills a gap, and was stamped no later: it has been overtaken. Without
 *                     stamps (RFC 7323) if it comes less than TCP_TRACK_REORDERED_MS after that
 *
 * Keep-alives and probes of a closed window are neither. A superpacket counts as the packets that
 * it stands for, of which only those that bring nothing new are retransmitted.
 *
 * The round-trip time is that of the handshake: from the SYN to the ACK that ends it, both of the
 * side that opens the connection. The SYN-ACK, which is of the other flow, divides it
 * (tcp_track_pair()). If one of these packets was sent twice, nobody can say which was answered
 * (RFC 6298 section 3): then it is not known. Where the source does not know when packets that
 * leave were sent, it is the difference of their stamps, which are the kernel's clock in
 * milliseconds; not so of packets that another host has sent.
 *
 * Where a record has no handshake, time stamps tell (tcp_track_pair_stamps()): from a packet with
 * data to the first that echoes its stamp, of which the shortest of a few counts. That is one part
 * of the round trip; the whole is known where both sides have sent data. */
#ifndef TCP_TRACK_H
#define TCP_TRACK_H

#include "flow.h"
#include "packet_info.h"
#include "packet_note.h"
#include "tcp_echo.h"

#define TCP_TRACK_GAPS         4
#define TCP_TRACK_REORDERED_MS 3

/* Sequence numbers from 'start' up to 'end' have not passed, 'end' has. */
struct tcp_gap {
	uint32_t start, end;
	uint32_t stamp; /* of the packet that made it; where stamps are missing when it came, ms */
};

/* All 0: no packet was seen. */
struct tcp_track {
	struct tcp_quality quality;
	uint32_t next;          /* after the highest sequence number; if TCP_TRACK_next */
	uint32_t opened;        /* sequence number of the SYN */
	uint32_t answered;      /* acknowledgement of the handshake's ACK */
	uint32_t syn_stamp;     /* of the SYN; if TCP_TRACK_syn_stamp */
	int64_t syn_us, ack_us; /* when SYN, and ACK, passed, since 1970 */
	struct tcp_gap gaps[TCP_TRACK_GAPS]; /* in order of sequence numbers */
	struct tcp_echo sent, echoed; /* stamps of packets with data; stamps of the other side */
	uint8_t gap_count;
	uint16_t state; /* TCP_TRACK_... */
};

enum {
	TCP_TRACK_next = 1,
	TCP_TRACK_opener = 2,      /* its SYN has passed */
	TCP_TRACK_answerer = 4,    /* its SYN-ACK has */
	TCP_TRACK_again = 8,       /* more than once */
	TCP_TRACK_open = 16,       /* what follows its SYN has passed: the handshake is over */
	TCP_TRACK_syn_stamp = 32,  /* RFC 7323 */
	TCP_TRACK_syn_time = 64,   /* 'syn_us' is when it passed, not when it was read */
	TCP_TRACK_ack_time = 128,  /* likewise */
	TCP_TRACK_by_stamps = 512, /* times are those of tcp_track_pair_stamps() */
	TCP_TRACK_forwarded =
		256, /* of SYN or ACK nobody knows when it passed, nor what it is stamped in */
};

/* A record begins; 'is_new': of a flow that was not there before. Else the order of its packets
 * goes on. */
void tcp_track_begin(struct tcp_track *track, bool is_new);
/* The next packet; one without a TCP header changes nothing. */
void tcp_track_add(struct tcp_track *track, const struct packet_info *packet,
		   const struct packet_note *note);
/* Both directions have the round-trip time that they know together. Any order. */
void tcp_track_pair(struct tcp_track *one, struct tcp_track *other);
/* After that, where it brought nothing: the same from time stamps. Who has opened the connection is
 * 'client', if its SYN has not been seen: the caller's guess. */
void tcp_track_pair_stamps(struct tcp_track *client, struct tcp_track *server);

#endif
