/* packet_info.h - what a packet adds to its flow, and which flow that is.
 *
 * Place: decode -> packet_info -> flow cache. */
#ifndef PACKET_INFO_H
#define PACKET_INFO_H

#include "clock.h"
#include "flow.h"

#include <stdbool.h>
#include <stdint.h>

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
	bool has_unknown_length; /* neither header nor source knows it: octets are what was captured
				  */
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

#endif
