/* superpacket.h - what one packet of segmentation offload was on the wire.
 *
 * Place: between decode and flow cache, if configured. The kernel logs a packet before it is cut
 * into segments, or after several were put together: one header stands for those of all. From the
 * MTU that is an estimate; a source that knows the segments makes it exact. */
#ifndef SUPERPACKET_H
#define SUPERPACKET_H

#include "decode.h"

#include <stdbool.h>

/* An estimate: each segment but the last one fills the MTU. Segments that the packet makes at 'mtu'
 * (layer-3 bytes), each with the headers of the packet:
 *
 *     segments = ceil(payload / (mtu - headers))
 *     octets   = octets of the packet + (segments - 1) * headers
 *
 * headers  IP header with its options or extension headers, and the TCP header (20 bytes where its
 *          length was not captured) or the UDP header (UDP_SEGMENT).
 *
 * Sets info->packets_added and info->octets. Leaves alone what fits, IP fragments, protocols other
 * than TCP and UDP, and what no superpacket can be: more than 65536 segments (Linux makes 512 KiB
 * at most), or a kilobyte of extension headers. */
void superpacket_split(struct packet_info *info, uint32_t mtu);

/* Exactly: the kernel cuts the payload into pieces of 'segment_bytes' (not 0), the last one may be
 * shorter, and each gets the headers. Returns false, and leaves the packet alone, where that is not
 * so: the segments of a tunnel are those of a connection inside, with headers that were not read.
 * Source: skb_segment() and __udp_gso_segment() of Linux. */
bool superpacket_count(struct packet_info *info, uint32_t segment_bytes);

#endif
