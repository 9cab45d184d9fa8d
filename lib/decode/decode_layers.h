/* decode_layers.h - what the layers of the decoder hand to one another. For decode*.c only.
 *
 * Place: between decode_link.c, decode_nflog.c, decode_ip.h and what follows them.
 *
 * Each layer takes its header off the front of frame.rest, or says why it cannot. */
#ifndef DECODE_LAYERS_H
#define DECODE_LAYERS_H

#include "bytes.h"
#include "drop_reason.h"
#include "ip_protocol.h"
#include "packet.h"
#include "packet_info.h"
#include "packet_note.h"

/* A packet on its way through the layers. */
struct frame {
	struct reader rest;               /* captured bytes after the headers taken off so far */
	const struct packet_view *packet; /* borrowed */
	struct packet_info *info;         /* borrowed: filled on the way */
	struct packet_note *note;         /* borrowed, likewise, if anything is noted */
	struct reader *ip;                /* borrowed, likewise; NULL: nobody asks for it */
	uint8_t nested;                   /* link headers that carry another link header, so far */
	unsigned int noted;               /* which of its members, a set; 0: none */
	bool is_logged_copy; /* as long as netfilter chose to log: how long it was is unknown */
	bool has_vlan_tag;   /* the outermost tag was taken: further ones do not count */
};

/* Bytes of the frame, as it was on the wire, from the next header on. A source that does not know
 * the length of the frame (0), or reports less than it captured, is not believed. */
static inline size_t frame_bytes_left(const struct frame *frame)
{
	const struct packet_view *packet = frame->packet;
	size_t captured_left = reader_left(&frame->rest);

	if (packet->original_bytes <= packet->captured_bytes)
		return captured_left;
	return captured_left + (packet->original_bytes - packet->captured_bytes);
}

/* IEEE 802 EtherTypes that the decoder knows. */
enum ethertype {
	ETHERTYPE_minimum = 0x0600, /* below: the length of an LLC frame, IEEE 802.3 clause 3.2.6 */
	ETHERTYPE_IPv4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_TRILL = 0x22f3,
	ETHERTYPE_BATMAN = 0x4305,
	ETHERTYPE_TransparentBridging = 0x6558,
	ETHERTYPE_CVLAN = 0x8100, /* IEEE 802.1Q */
	ETHERTYPE_IPv6 = 0x86dd,
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_multicast = 0x8848,
	ETHERTYPE_PPPoE_session = 0x8864,
	ETHERTYPE_SVLAN = 0x88a8, /* IEEE 802.1ad */
	ETHERTYPE_MACsec = 0x88e5,
	ETHERTYPE_PBB = 0x88e7, /* IEEE 802.1ah */
	ETHERTYPE_FabricPath = 0x8903,
	ETHERTYPE_CiscoMetaData = 0x8909,
	ETHERTYPE_VNTag = 0x8926,
	ETHERTYPE_ETag = 0x893f, /* IEEE 802.1BR */
	ETHERTYPE_NSH = 0x894f,
	ETHERTYPE_QinQ_9100 = 0x9100, /* before IEEE 802.1ad had a number of its own */
	ETHERTYPE_QinQ_9200 = 0x9200,
	ETHERTYPE_RTag = 0xf1c1, /* IEEE 802.1CB */
};

/* IEEE 802.3 clause 3.2: destination, source, type or length. */
#define ETHERNET_TYPE_OFFSET  12
#define ETHERNET_HEADER_BYTES 14

/* Each of these decodes what is at frame->rest and all that follows. */

/* Link headers as packet->link says. Notes VLAN, interfaces and side where the link header has
 * them. */
enum drop_reason decode_link(struct frame *frame);
/* decode_packet_noted() for a packet with any link header, begun. */
enum drop_reason decode_link_any(const struct packet_view *packet, struct packet_info *info,
				 struct packet_note *note, struct reader *ip);
enum drop_reason decode_ethernet(struct frame *frame);
/* A record of link type NFLOG: netfilter's attributes, one of which is the packet. */
enum drop_reason decode_nflog(struct frame *frame);

/* An IP header of the version that the link header promises, or of either. */
enum drop_reason decode_ipv4(struct frame *frame);
enum drop_reason decode_ipv6(struct frame *frame);
enum drop_reason decode_ip(struct frame *frame);

#endif
