/* decode_link.c - link headers in any stacking: finds the IP header.
 *
 * Place: first layer of the decoder. Recursive descent: one function per kind of header, which
 * takes it off and calls the one that the header announces. Recursion passes decode_ethertype(),
 * which bounds it; VLAN tags and MPLS labels are loops that take 4 bytes at each turn.
 *
 * What announces no IP is NOT_IP; what may carry IP in a form that is not decoded is LINK_UNKNOWN.
 * A frame that ends within a header fails the reader, which the next header then finds. */
#include "decode_layers.h"

/* Link headers that carry one another. Real frames have 3 or 4: Ethernet, MPLS, Ethernet, PPPoE. */
#define LINK_NESTING_MAX 32

#define VLAN_ID_MASK         0x0fff /* IEEE 802.1Q clause 9.6 */
#define MPLS_BOTTOM_OF_STACK 0x100  /* RFC 3032 section 2.1 */
#define PPPoE_VERSION_TYPE   0x11   /* RFC 2516 section 4 */

/* RFC 3032 section 2.1. */
enum mpls_label { MPLS_IPv4_EXPLICIT_NULL = 0, MPLS_IPv6_EXPLICIT_NULL = 2 };

/* IEEE 802.2: service access points and the control field of an unnumbered information frame. */
enum llc { LLC_IP = 0x06, LLC_SNAP = 0xaa, LLC_UI = 0x03 };

/* IEEE 802 organization codes of SNAP headers. */
enum snap_oui {
	SNAP_ethertype = 0x000000,     /* RFC 1042 */
	SNAP_bridge_tunnel = 0x0000f8, /* IEEE 802.1H: an EtherType as well */
	SNAP_bridged_frame = 0x0080c2, /* RFC 2427 section 4.2 */
};

/* IANA "PPP DLL Protocol Numbers". */
enum ppp_protocol {
	PPP_IPv4 = 0x0021,
	PPP_VJ_compressed = 0x002d,
	PPP_VJ_uncompressed = 0x002f,
	PPP_bridging = 0x0031,
	PPP_multilink = 0x003d,
	PPP_encrypted_link = 0x0055,
	PPP_encrypted = 0x0053,
	PPP_IPv6 = 0x0057,
	PPP_IPHC_full_header = 0x0061,
	PPP_IPHC_TCP = 0x0063,
	PPP_IPHC_non_TCP = 0x0065,
	PPP_IPHC_UDP_8 = 0x0067,
	PPP_IPHC_RTP_8 = 0x0069,
	PPP_compressed_link = 0x00fb,
	PPP_compressed = 0x00fd,
	PPP_MPLS = 0x0281,
	PPP_MPLS_multicast = 0x0283,
	PPP_ROHC_small = 0x0003,
	PPP_ROHC_large = 0x0005,
};

/* First bytes of HDLC-like frames: RFC 1662 section 3.1, and what Cisco made of it. */
enum hdlc {
	HDLC_all_stations = 0xff,
	HDLC_unnumbered = 0x03,
	HDLC_Cisco_unicast = 0x0f,
	HDLC_Cisco_multicast = 0x8f
};

/* Linux cooked captures: packet types of linux/if_packet.h; hardware types of linux/if_arp.h:
 * Ethernet, and those whose protocol field is not an EtherType. */
enum sll_packet_type { SLL_host, SLL_broadcast, SLL_multicast, SLL_other_host, SLL_outgoing };
enum arphrd {
	ARPHRD_Ethernet = 1,
	ARPHRD_IEEE80211 = 801,
	ARPHRD_IEEE80211_radiotap = 803,
	ARPHRD_netlink = 824
};

/* Protocols of linux/if_ether.h below the EtherTypes. */
enum linux_protocol { LINUX_802_2 = 0x0004 };

/* Address families of BSD loopback: 2 everywhere, IPv6 has a number of its own in each system. */
enum address_family {
	FAMILY_IPv4 = 2,
	FAMILY_IPv6_Linux = 10,
	FAMILY_IPv6_Windows = 23,
	FAMILY_IPv6_NetBSD = 24, /* and OpenBSD */
	FAMILY_IPv6_FreeBSD = 28,
	FAMILY_IPv6_Darwin = 30,
};

static enum drop_reason decode_ethertype(struct frame *frame, uint16_t type);

/* SNAP (IEEE 802): organization code and protocol. */
static enum drop_reason decode_snap(struct frame *frame)
{
	uint32_t oui = (uint32_t)reader_u8(&frame->rest) << 16 | reader_u16(&frame->rest);
	uint16_t protocol = reader_u16(&frame->rest);

	if (frame->rest.failed)
		return DROP_LINK_TRUNCATED;
	switch (oui) {
	case SNAP_ethertype:
	case SNAP_bridge_tunnel: return decode_ethertype(frame, protocol);
	case SNAP_bridged_frame: return DROP_LINK_UNKNOWN;
	default: return DROP_NOT_IP;
	}
}

/* IEEE 802.2 logical link control, with RFC 1042 section "Header Format". */
static enum drop_reason decode_llc(struct frame *frame)
{
	const uint8_t *header = reader_take(&frame->rest, 3);

	if (!header)
		return DROP_LINK_TRUNCATED;
	if (header[2] == LLC_UI && header[0] == LLC_SNAP && header[1] == LLC_SNAP)
		return decode_snap(frame);
	if (header[2] == LLC_UI && header[0] == LLC_IP && header[1] == LLC_IP)
		return decode_ipv4(frame);
	return DROP_NOT_IP;
}

/* Whether an Ethernet frame that carries IP, ARP or another link header starts 'skipped' bytes
 * ahead. */
static bool looks_like_ethernet(struct reader rest, size_t skipped)
{
	uint8_t ip_version;
	uint16_t type;

	(void)reader_take(&rest, skipped + ETHERNET_HEADER_BYTES - 2);
	type = reader_u16(&rest);
	ip_version = reader_u8(&rest) >> 4;
	if (rest.failed)
		return false;
	switch (type) {
	case ETHERTYPE_IPv4: return ip_version == 4;
	case ETHERTYPE_IPv6: return ip_version == 6;
	case ETHERTYPE_ARP:
	case ETHERTYPE_CVLAN:
	case ETHERTYPE_SVLAN:
	case ETHERTYPE_QinQ_9100:
	case ETHERTYPE_QinQ_9200:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_multicast:
	case ETHERTYPE_PPPoE_session: return true;
	default: return false;
	}
}

/* Whether the length in what may be an IP header fits the frame. */
static bool ip_length_fits(const struct frame *frame)
{
	struct reader rest = frame->rest;
	const uint8_t *header = reader_take(&rest, 6);

	if (!header)
		return true;
	if (header[0] >> 4 == 4)
		return (header[0] & 0x0f) >= 5 && load_be16(header + 2) <= frame_bytes_left(frame);
	return load_be16(header + 4) + (size_t)40 <= frame_bytes_left(frame);
}

/* What follows the label stack is not announced: RFC 4928 section 3 and RFC 4385 section 3 go by
 * the first nibble. Ethernet without control word begins with an address that may start with any
 * nibble, so look whether an Ethernet frame is there: at once with 0, the first nibble of most
 * addresses and of the control word, and with 1, that of the associated channel (RFC 4385 section
 * 5); and with 4 or 6 if it is no IP packet of this length (RFC 8469 reports that confusion). */
static enum drop_reason decode_mpls_payload(struct frame *frame)
{
	uint8_t nibble;

	if (reader_left(&frame->rest) == 0)
		return DROP_LINK_TRUNCATED;
	nibble = frame->rest.next[0] >> 4;
	switch (nibble) {
	case 4:
	case 6:
		if (ip_length_fits(frame) || !looks_like_ethernet(frame->rest, 0))
			return decode_ip(frame);
		break;
	case 1:
		if (!looks_like_ethernet(frame->rest, 0))
			return DROP_NOT_IP;
		break;
	case 0:
		if (!looks_like_ethernet(frame->rest, 0))
			(void)reader_take(&frame->rest, 4); /* control word, RFC 4448 section 4.6 */
		break;
	default: break;
	}
	return decode_ethernet(frame);
}

/* RFC 3032 section 2.1. */
static enum drop_reason decode_mpls(struct frame *frame)
{
	uint32_t entry;

	do {
		entry = reader_u32(&frame->rest);
		if (frame->rest.failed)
			return frame_bytes_left(frame) > reader_left(&frame->rest)
				       ? DROP_LINK_TRUNCATED
				       : DROP_LINK_MALFORMED; /* nothing was cut: no bottom */
	} while (!(entry & MPLS_BOTTOM_OF_STACK));
	switch (entry >> 12) {
	case MPLS_IPv4_EXPLICIT_NULL: return decode_ipv4(frame);
	case MPLS_IPv6_EXPLICIT_NULL: return decode_ipv6(frame);
	default: return decode_mpls_payload(frame);
	}
}

/* PPP (RFC 1661 section 2) from its protocol field on. A low byte is odd and a high byte even, so
 * an odd first byte is a compressed field (section 6.5). */
static enum drop_reason decode_ppp(struct frame *frame)
{
	uint16_t protocol = reader_u8(&frame->rest);

	if (!(protocol & 1))
		protocol = (uint16_t)(protocol << 8 | reader_u8(&frame->rest));
	if (frame->rest.failed)
		return DROP_LINK_TRUNCATED;
	switch (protocol) {
	case PPP_IPv4: return decode_ipv4(frame);
	case PPP_IPv6: return decode_ipv6(frame);
	case PPP_MPLS:
	case PPP_MPLS_multicast: return decode_mpls(frame);
	case PPP_ROHC_small:
	case PPP_ROHC_large:
	case PPP_VJ_compressed:
	case PPP_VJ_uncompressed:
	case PPP_bridging:
	case PPP_multilink:
	case PPP_encrypted:
	case PPP_encrypted_link:
	case PPP_IPHC_full_header:
	case PPP_IPHC_TCP:
	case PPP_IPHC_non_TCP:
	case PPP_IPHC_UDP_8:
	case PPP_IPHC_RTP_8:
	case PPP_compressed_link:
	case PPP_compressed: return DROP_LINK_UNKNOWN;
	default: return DROP_NOT_IP;
	}
}

/* RFC 2516 section 4: version and type, code, session, length. */
static enum drop_reason decode_pppoe(struct frame *frame)
{
	const uint8_t *header = reader_take(&frame->rest, 6);

	if (!header)
		return DROP_LINK_TRUNCATED;
	if (header[0] != PPPoE_VERSION_TYPE)
		return DROP_LINK_MALFORMED;
	return header[1] == 0 ? decode_ppp(frame) : DROP_NOT_IP; /* else discovery, section 5 */
}

/* Take a VLAN tag (IEEE 802.1Q clause 9.3). Returns the type after it, 0 if it was cut off. */
static uint16_t take_vlan_tag(struct frame *frame)
{
	uint16_t control = reader_u16(&frame->rest);

	/* A tag that the source took off was outside of this one. */
	if (!frame->has_vlan_tag && frame->packet->vlan_id == 0)
		frame->info->key.vlan_id = control & VLAN_ID_MASK;
	frame->has_vlan_tag = true;
	return reader_u16(&frame->rest);
}

static bool is_vlan_type(uint16_t type)
{
	return type == ETHERTYPE_CVLAN || type == ETHERTYPE_SVLAN || type == ETHERTYPE_QinQ_9100 ||
	       type == ETHERTYPE_QinQ_9200;
}

/* Decode what follows 'type', which is an EtherType or the length of an LLC frame. */
static enum drop_reason decode_ethertype(struct frame *frame, uint16_t type)
{
	/* Nearly every packet is one of these. */
	if (type == ETHERTYPE_IPv4)
		return decode_ipv4(frame);
	if (type == ETHERTYPE_IPv6)
		return decode_ipv6(frame);
	while (is_vlan_type(type))
		type = take_vlan_tag(frame);
	if (++frame->nested > LINK_NESTING_MAX)
		return DROP_LINK_MALFORMED;
	switch (type) {
	case ETHERTYPE_IPv4: return decode_ipv4(frame);
	case ETHERTYPE_IPv6: return decode_ipv6(frame);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_multicast: return decode_mpls(frame);
	case ETHERTYPE_PPPoE_session: return decode_pppoe(frame);
	case ETHERTYPE_PPP: return decode_ppp(frame);
	case ETHERTYPE_TransparentBridging: return decode_ethernet(frame);
	case ETHERTYPE_TRILL:
	case ETHERTYPE_BATMAN:
	case ETHERTYPE_MACsec:
	case ETHERTYPE_PBB:
	case ETHERTYPE_FabricPath:
	case ETHERTYPE_CiscoMetaData:
	case ETHERTYPE_VNTag:
	case ETHERTYPE_ETag:
	case ETHERTYPE_NSH:
	case ETHERTYPE_RTag: return DROP_LINK_UNKNOWN;
	default: return type < ETHERTYPE_minimum ? decode_llc(frame) : DROP_NOT_IP;
	}
}

enum drop_reason decode_ethernet(struct frame *frame)
{
	const uint8_t *header = reader_take(&frame->rest, ETHERNET_HEADER_BYTES);

	if (header && frame->noted && !frame->nested)
		packet_note_ethernet(frame->note, header,
				     packet_note_leaves(frame->info->key.side));
	return header ? decode_ethertype(frame, load_be16(header + ETHERNET_TYPE_OFFSET))
		      : DROP_LINK_TRUNCATED;
}

/* 'protocol' as Linux keeps it with a packet: an EtherType, or below 0x0600 a number of its own. */
static enum drop_reason decode_linux_protocol(struct frame *frame, uint16_t protocol)
{
	if (protocol >= ETHERTYPE_minimum)
		return decode_ethertype(frame, protocol);
	return protocol == LINUX_802_2 ? decode_llc(frame) : DROP_NOT_IP;
}

/* Cisco HDLC: address, control, EtherType. */
static enum drop_reason decode_cisco_hdlc(struct frame *frame)
{
	const uint8_t *header = reader_take(&frame->rest, 4);
	uint16_t type;

	if (!header)
		return DROP_LINK_TRUNCATED;
	type = load_be16(header + 2);
	return type < ETHERTYPE_minimum ? DROP_NOT_IP : decode_ethertype(frame, type);
}

/* A serial line: PPP in HDLC-like framing (RFC 1662 section 3.1), PPP that left address and control
 * out (RFC 1661 section 6.6), or Cisco HDLC. Capture files mix them under one link type, so look at
 * the first bytes; without a known address it is what the link type says. */
static enum drop_reason decode_serial(struct frame *frame, bool is_cisco)
{
	struct reader ahead = frame->rest;
	uint8_t address = reader_u8(&ahead);
	uint8_t control = reader_u8(&ahead);

	if (ahead.failed)
		return DROP_LINK_TRUNCATED;
	if (address == HDLC_all_stations && control == HDLC_unnumbered) {
		frame->rest = ahead;
		return decode_ppp(frame);
	}
	if (is_cisco || address == HDLC_Cisco_unicast || address == HDLC_Cisco_multicast)
		return decode_cisco_hdlc(frame);
	return decode_ppp(frame);
}

/* The side, where the source does not know it, from a cooked capture's packet type. */
static void note_packet_type(struct frame *frame, uint16_t packet_type)
{
	struct flow_key *key = &frame->info->key;

	if (key->side != SIDE_unknown)
		return;
	if (packet_type == SLL_outgoing)
		key->side = SIDE_egress;
	else if (packet_type <= SLL_multicast)
		key->side = SIDE_ingress;
}

/* Whether the next bytes are what 'protocol' announces, and as long as the frame. */
static bool is_as_announced(const struct frame *frame, uint16_t protocol)
{
	struct reader ahead = frame->rest;
	const uint8_t *header = reader_take(&ahead, 6);
	size_t left = frame_bytes_left(frame);

	if (!header)
		return false;
	switch (protocol) {
	case ETHERTYPE_IPv4: return header[0] >> 4 == 4 && load_be16(header + 2) == left;
	case ETHERTYPE_IPv6: return header[0] >> 4 == 6 && load_be16(header + 4) + 40U == left;
	case ETHERTYPE_PPPoE_session: return header[0] == PPPoE_VERSION_TYPE;
	default: return false;
	}
}

/* Whether tags stand before the payload although 'protocol' announces what follows them. Linux
 * does this in cooked captures of frames with two tags or more: it takes off the outermost tag and
 * names the innermost type. A tag can look like the begin of an IP header (priority 2 like version
 * 4), so a payload of exactly the frame's length is taken for what is announced. */
static bool has_hidden_tags(const struct frame *frame, uint16_t protocol)
{
	struct reader ahead = frame->rest;
	uint16_t type;
	uint8_t first;

	do {
		(void)reader_u16(&ahead);
		type = reader_u16(&ahead);
	} while (is_vlan_type(type));
	first = reader_u8(&ahead);
	if (ahead.failed || type != protocol || is_as_announced(frame, protocol))
		return false;
	switch (protocol) {
	case ETHERTYPE_IPv4: return first >> 4 == 4;
	case ETHERTYPE_IPv6: return first >> 4 == 6;
	case ETHERTYPE_PPPoE_session: return first == PPPoE_VERSION_TYPE;
	/* A label that looks like a tag has the same bytes after it. */
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_multicast: return true;
	default: return false;
	}
}

/* Whether there are hidden tags after those that are announced, if any: libpcap puts the outermost
 * one back into frames of version 1. */
static bool has_tags_after_tags(const struct frame *frame, uint16_t protocol)
{
	struct frame ahead = *frame;

	while (is_vlan_type(protocol)) {
		(void)reader_u16(&ahead.rest);
		protocol = reader_u16(&ahead.rest);
	}
	return has_hidden_tags(&ahead, protocol);
}

/* Take the tags of a cooked frame if some of them are hidden. Returns the type that follows.
 * Without hidden ones the announced tags are left: what follows them is as in Ethernet, where a
 * type may be the length of an LLC frame. */
static uint16_t take_hidden_tags(struct frame *frame, uint16_t protocol)
{
	if (!has_tags_after_tags(frame, protocol))
		return protocol;
	while (is_vlan_type(protocol))
		protocol = take_vlan_tag(frame);
	do
		protocol = take_vlan_tag(frame);
	while (is_vlan_type(protocol));
	return protocol;
}

static enum drop_reason decode_cooked_protocol(struct frame *frame, uint16_t hardware,
					       uint16_t protocol)
{
	if (hardware == ARPHRD_netlink)
		return DROP_NOT_IP;
	if (hardware >= ARPHRD_IEEE80211 && hardware <= ARPHRD_IEEE80211_radiotap)
		return DROP_LINK_UNKNOWN; /* the payload starts with a radio header */
	return decode_linux_protocol(frame, take_hidden_tags(frame, protocol));
}

/* A cooked header has the sender's address alone. */
static void note_cooked_address(struct frame *frame, uint16_t hardware, size_t size,
				const uint8_t address[static 6])
{
	if (frame->noted && hardware == ARPHRD_Ethernet && size == 6)
		frame->note->source_mac =
			packet_note_mac(address) | packet_note_leaves(frame->info->key.side);
}

/* LINKTYPE_LINUX_SLL: packet type, hardware type, address length, address, protocol. */
static enum drop_reason decode_sll(struct frame *frame)
{
	const uint8_t *header = reader_take(&frame->rest, 16);

	if (!header)
		return DROP_LINK_TRUNCATED;
	note_packet_type(frame, load_be16(header));
	note_cooked_address(frame, load_be16(header + 2), load_be16(header + 4), header + 6);
	return decode_cooked_protocol(frame, load_be16(header + 2), load_be16(header + 14));
}

/* LINKTYPE_LINUX_SLL2: protocol, reserved, interface, hardware type, packet type, address length,
 * address. */
static enum drop_reason decode_sll2(struct frame *frame)
{
	struct flow_key *key = &frame->info->key;
	const uint8_t *header = reader_take(&frame->rest, 20);

	if (!header)
		return DROP_LINK_TRUNCATED;
	note_packet_type(frame, header[10]);
	note_cooked_address(frame, load_be16(header + 8), header[11], header + 12);
	if (key->input_interface == 0 && key->output_interface == 0) {
		if (key->side == SIDE_egress)
			key->output_interface = load_be32(header + 4);
		else
			key->input_interface = load_be32(header + 4);
	}
	return decode_cooked_protocol(frame, load_be16(header + 8), load_be16(header));
}

/* LINKTYPE_NULL and LINKTYPE_LOOP: address family. The number is small, so the order of its bytes
 * is where the zeros are. */
static enum drop_reason decode_loopback(struct frame *frame)
{
	const uint8_t *header = reader_take(&frame->rest, 4);
	uint32_t family;

	if (!header)
		return DROP_LINK_TRUNCATED;
	family = load_be32(header);
	if (family > 0xffff)
		family = load_le32(header);
	switch (family) {
	case FAMILY_IPv4: return decode_ipv4(frame);
	case FAMILY_IPv6_Linux:
	case FAMILY_IPv6_Windows:
	case FAMILY_IPv6_NetBSD:
	case FAMILY_IPv6_FreeBSD:
	case FAMILY_IPv6_Darwin: return decode_ipv6(frame);
	default: return DROP_NOT_IP;
	}
}

enum drop_reason decode_link(struct frame *frame)
{
	switch (frame->packet->link) {
	case LINK_ETHERNET: return decode_ethernet(frame);
	case LINK_RAW: return decode_ip(frame);
	case LINK_IPV4: return decode_ipv4(frame);
	case LINK_IPV6: return decode_ipv6(frame);
	case LINK_ETHERTYPE: return decode_linux_protocol(frame, frame->packet->ethertype);
	case LINK_LINUX_SLL: return decode_sll(frame);
	case LINK_LINUX_SLL2: return decode_sll2(frame);
	case LINK_NULL:
	case LINK_LOOP: return decode_loopback(frame);
	case LINK_NFLOG: return decode_nflog(frame);
	case LINK_PPP: return decode_serial(frame, false);
	case LINK_PPPOE: return decode_pppoe(frame);
	case LINK_CISCO_HDLC: return decode_serial(frame, true);
	default: return DROP_LINK_UNKNOWN;
	}
}

enum drop_reason decode_link_any(const struct packet_view *packet, struct packet_info *info,
				 struct packet_note *note, struct reader *ip)
{
	static const uint8_t nothing[1];
	struct frame frame = {
		.rest = reader_of(packet->bytes ? packet->bytes : nothing, packet->captured_bytes),
		.packet = packet,
		.info = info,
		.note = note,
		.ip = ip,
		.noted = note ? PACKET_NOTES_ALL : PACKET_NOTES_NONE,
	};

	return decode_link(&frame);
}
