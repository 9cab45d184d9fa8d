/* decode.h - packet_view -> packet_info: which flow a packet belongs to and what it adds to it.
 *
 * Place: capture source -> decode -> flow cache. Pure; reads captured bytes only, in bounded time:
 * every loop is bounded by the captured length. decode_link.c finds the network layer;
 * decode_ip.h and decode_network.c take IPv4 and IPv6, and ports. */
#ifndef DECODE_H
#define DECODE_H

#include "bytes.h"
#include "drop_reason.h"
#include "flow.h"
#include "packet.h"
#include "packet_note.h"

#include <stdbool.h>

/* Whether the packet is a fragment (RFC 791 section 3.2, RFC 8200 section 4.5). Atomic fragments
 * count as FRAGMENT_none. */
enum fragment_kind { FRAGMENT_none, FRAGMENT_first, FRAGMENT_later };

struct packet_info {
	struct flow_key key;
	uint64_t octets; /* layer-3 length: RFC 791 Total Length; 40 + RFC 8200 Payload Length; RFC
			    2675 jumbo */
	unix_ms time_ms;
	cache_ms clock_ms;    /* set by the worker: now, on the cache's clock */
	uint32_t mark;        /* netfilter mark, 0 if none; for key.mark if the key asks for it */
	uint32_t fragment_id; /* identification, for fragments */
	uint8_t fragment;     /* enum fragment_kind */
	bool has_unknown_length; /* neither header nor source tell: octets are what was captured */
	uint8_t fragment_protocol; /* protocol that names the datagram: IPv4 protocol, IPv6 fragment
				      header's next header */
	uint8_t extension_words; /* IPv4 options, IPv6 extension headers: 4 bytes each, at most 255
				  */
	uint8_t tcp_offset;      /* header length, in the upper 4 bits, and */
	uint8_t tcp_flags;       /* flags; 0 unless TCP and the 14th byte was captured */
	uint16_t packets_added;  /* by superpacket_split(): it stands for 1 + packets_added */
};

/* Some 10 million of them a second: two lines of a processor's cache hold not much more. */
_Static_assert(sizeof(struct packet_info) == 96, "packet_info has not grown");

/* Decode one packet.
 *
 * packet   borrowed; bytes may be NULL only if captured_bytes is 0.
 * info     out; complete when DROP_NONE is returned, undefined otherwise. Members clock_ms
 * excepted. Returns DROP_NONE or why the packet is not accounted. Never allocates. */
enum drop_reason decode_packet(const struct packet_view *packet, struct packet_info *info);

/* The same, for who needs more of the packet. Both are complete when DROP_NONE is returned.
 *
 * note     out: what the optional data of a flow need; may be NULL.
 * ip       out: the outermost IP packet from its header on, as far as it was captured, without what
 *          follows it in the frame; borrowed as packet->bytes is; may be NULL. */
enum drop_reason decode_packet_noted(const struct packet_view *packet, struct packet_info *info,
				     struct packet_note *note, struct reader *ip);

#endif
