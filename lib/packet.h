/* packet.h - one captured packet as a capture source hands it over.
 *
 * Place: capture source -> packet_view -> decode. Holds only what the source knows without looking
 * into the packet. */
#ifndef PACKET_H
#define PACKET_H

#include "clock.h"

#include <stdint.h>

/* What the first captured byte belongs to. */
enum link_type {
	LINK_ETHERNET,
	LINK_LINUX_SLL,  /* "cooked" capture, version 1 */
	LINK_LINUX_SLL2, /* "cooked" capture, version 2 */
	LINK_RAW,        /* IPv4 or IPv6: the version nibble says which */
	LINK_IPV4,
	LINK_IPV6,
	LINK_NULL,  /* BSD loopback, family in the byte order of the capturing host */
	LINK_LOOP,  /* OpenBSD loopback, family in network byte order */
	LINK_NFLOG, /* netfilter log messages in a capture file */
	LINK_PPP,   /* PPP, with or without HDLC-like framing */
	LINK_PPPOE, /* starts at the PPPoE header */
	LINK_CISCO_HDLC,
	LINK_ETHERTYPE, /* starts after the ethertype, which is in packet_view.ethertype
			   (netfilter: netdev, bridge) */
	LINK_UNKNOWN,
};

/* On which side of the server a packet was seen; part of the flow key, and what flowDirection (61)
 * is made of. */
enum flow_side {
	SIDE_ingress = 0,   /* hooks ingress, prerouting, input, forward; pcap: sent to this host */
	SIDE_egress = 1,    /* hooks output, postrouting, egress; pcap: sent by this host */
	SIDE_unknown = 255, /* a capture file that does not say */
};

/* Whose socket sent or got a packet, as far as its source knows. */
struct packet_owner {
	uint64_t cgroup; /* number of its control group; 0: not known */
	uint32_t user;   /* user ID + 1; 0: not known */
};

/* In place of microseconds: its source does not know when it passed, and time_ms is when it was
 * read. */
#define PACKET_UNSTAMPED UINT16_MAX
/* Likewise, and another host has sent it: this one forwards it. */
#define PACKET_UNSTAMPED_FORWARDED (UINT16_MAX - 1)

struct packet_view {
	const uint8_t *bytes; /* borrowed from the source for one batch */
	/* Ethernet header of a packet that is given without it: 14 bytes, borrowed likewise. NULL:
	 * there is none, or nobody has asked for it. */
	const uint8_t *link_header;
	uint32_t captured_bytes;  /* valid bytes at 'bytes' */
	uint32_t original_bytes;  /* length of the frame before it was cut; 0 if the source does not
				     know */
	unix_ms time_ms;          /* truncated to milliseconds */
	uint32_t input_interface; /* interface index, 0 if none */
	uint32_t output_interface;
	uint32_t physical_input;  /* bridge port by which it came in, 0 if the source names
				     none */
	uint32_t physical_output; /* likewise, by which it leaves */
	uint32_t mark;            /* netfilter mark, 0 if none */
	uint32_t rule_interval;   /* the firewall's rule hands over one packet in this many; 0 if it
				     does not say so */
	uint16_t segment_bytes;   /* payload of each of the segments that it stands for; 0: not a
				     superpacket, or the source does not know */
	uint16_t vlan_id;         /* 802.1Q id that the source gave beside the packet, 0 if none */
	union {
		uint16_t ethertype;    /* for LINK_ETHERTYPE */
		uint16_t microseconds; /* for all others: of the time beside time_ms, 0 to 999; 0 if
					  they are not known; PACKET_UNSTAMPED */
	};
	uint8_t link; /* enum link_type */
	uint8_t side; /* enum flow_side */
};

/* Length of the frame before it was cut, as far as the source knows. */
static inline uint32_t packet_wire_bytes(const struct packet_view *view)
{
	return view->original_bytes ? view->original_bytes : view->captured_bytes;
}

_Static_assert(sizeof(struct packet_view) <= 64, "a packet_view is not longer than a cache line");

#endif
