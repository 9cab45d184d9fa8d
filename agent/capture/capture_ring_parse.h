/* capture_ring_parse.h - walks a block of a packet socket's ring (TPACKET_V3).
 *
 * Place: block that the kernel has handed over -> here -> capture_tap_ring.c. Views borrow from the
 * block. Invariant: no view reaches out of its block, whatever is in it.
 * Source: linux/if_packet.h, Documentation/networking/packet_mmap.rst of Linux. */
#ifndef CAPTURE_RING_PARSE_H
#define CAPTURE_RING_PARSE_H

#include "packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that the kernel is to leave free before each packet: a VLAN tag that the device took off is
 * put back there (PACKET_RESERVE). */
#define CAPTURE_RING_RESERVE 4

struct capture_ring_parser {
	/* What all packets have in common; set by the owner. */
	uint32_t interface_index;
	uint8_t link; /* enum link_type */
	bool is_loopback;

	/* Counters. */
	uint64_t malformed; /* blocks that do not hold what they say */
	uint64_t lost;      /* packets in the rest of those */
	uint64_t truncated; /* packets longer than their copy */

	/* The block under way. */
	uint8_t *block; /* borrowed until the last view of it is given back */
	size_t size;
	size_t next;   /* offset of the next packet */
	uint32_t left; /* packets that were not looked at yet */
};

/* Begin with a block of 'size' bytes, which is aligned to 8. It is written to where a VLAN tag is
 * put back. */
void capture_ring_parse_begin(struct capture_ring_parser *parser, uint8_t *block, size_t size);

/* Take the next packets of the block: up to 'capacity'. Returns how many views were filled; fewer
 * than 'capacity' when the block is at its end ('left' is 0). Packets that leave by the loopback
 * interface are passed over: they come in again. */
size_t capture_ring_parse(struct capture_ring_parser *parser, struct packet_view *views,
			  size_t capacity);

#endif
