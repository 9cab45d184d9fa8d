/* packet_note.h - what a packet brings for the optional data of its flow (flow_columns.def), beside
 * what every flow has of it.
 *
 * Place: filled by the decoder, beside packet_info, only where somebody has asked for columns. */
#ifndef PACKET_NOTE_H
#define PACKET_NOTE_H

#include "bytes.h"
#include "packet.h"

#include <stdint.h>

/* THE list of what is noted: NOTE(member, type). IPv4 Time to Live, IPv6 Hop Limit; ports of a
 * bridge, as in packet_view; link addresses of the outermost Ethernet header, 0 without one; user
 * and control group as in packet_owner. */
#define PACKET_NOTES(NOTE)              \
	NOTE(ttl, uint8_t)              \
	NOTE(physical_input, uint32_t)  \
	NOTE(physical_output, uint32_t) \
	NOTE(source_mac, uint64_t)      \
	NOTE(destination_mac, uint64_t) \
	NOTE(user, uint32_t)            \
	NOTE(cgroup, uint64_t)

struct packet_note {
#define PACKET_NOTE(member, type) type member;
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
	/* The header of a TCP segment that is no fragment, TCP_HEADER_BYTES at least; borrowed as
	 * the packet is. NULL: there is none. */
	const uint8_t *tcp;
	uint32_t tcp_captured; /* bytes there */
	uint32_t tcp_octets;   /* of the segment, header and payload, as the IP header has it */
	uint16_t microseconds; /* of the packet's time beside its milliseconds; PACKET_UNSTAMPED...
				*/
};

enum packet_note_member {
#define PACKET_NOTE(member, type) PACKET_NOTE_##member,
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
		PACKET_NOTE_tcp, /* all that is noted of the order of TCP */
	PACKET_NOTE_COUNT
};

/* Sets of members are bits. */
#define PACKET_NOTE_BIT(member) (1u << PACKET_NOTE_##member)
#define PACKET_NOTES_NONE       0u
#define PACKET_NOTES_TTL        PACKET_NOTE_BIT(ttl)
#define PACKET_NOTES_MACS       (PACKET_NOTE_BIT(source_mac) | PACKET_NOTE_BIT(destination_mac))
#define PACKET_NOTES_PORTS      (PACKET_NOTE_BIT(physical_input) | PACKET_NOTE_BIT(physical_output))
/* The named sets, SET(name): the loops of decoder and flow cache have copies for each, where it is
 * a constant, so that a packet pays for nothing that nobody has asked for. */
#define PACKET_NOTES_NAMED(SET) SET(TTL) SET(MACS) SET(PORTS)
#define PACKET_NOTES_OWNER      (PACKET_NOTE_BIT(user) | PACKET_NOTE_BIT(cgroup))
/* What the two directions of a flow have from each other. */
#define PACKET_NOTES_SHARED (PACKET_NOTES_OWNER | PACKET_NOTE_BIT(tcp))
#define PACKET_NOTES_ALL    ((1u << PACKET_NOTE_COUNT) - 1)

/* A link address is a number of 48 bits. This one beside it: it is that of the frame as it leaves
 * this host. A packet that is logged on its way out still has the header that it came in with. */
#define PACKET_NOTE_MAC_LEAVES (UINT64_C(1) << 48)
#define PACKET_NOTE_MAC        (PACKET_NOTE_MAC_LEAVES - 1)

static inline uint64_t packet_note_mac(const uint8_t bytes[static 6])
{
	return (uint64_t)load_be16(bytes) << 32 | load_be32(bytes + 2);
}

/* The address if it is that of a frame that leaves, else 0. */
static inline uint64_t packet_note_leaving_mac(uint64_t mac)
{
	return mac & PACKET_NOTE_MAC_LEAVES ? mac & PACKET_NOTE_MAC : 0;
}

/* Note an Ethernet header; 'leaves' is 0 or PACKET_NOTE_MAC_LEAVES. IEEE 802.3 clause 3.2. Two
 * bytes follow each address: eight are read at once. */
static inline void packet_note_ethernet(struct packet_note *note, const uint8_t header[static 14],
					uint64_t leaves)
{
	note->destination_mac = load_be64(header) >> 16 | leaves;
	note->source_mac = load_be64(header + 6) >> 16 | leaves;
}

/* For a header that was captured with the frame. */
static inline uint64_t packet_note_leaves(uint8_t side)
{
	return side == SIDE_egress ? PACKET_NOTE_MAC_LEAVES : 0;
}

/* A packet that has an EtherType in this place: of those that a bridge sends the kernel stamps
 * none. One that has come in by an interface is not this host's. */
static inline uint16_t packet_note_microseconds(const struct packet_view *packet)
{
	uint16_t microseconds = packet->side == SIDE_egress ? PACKET_UNSTAMPED : 0;

	if (packet->link != LINK_ETHERTYPE)
		microseconds = packet->microseconds;
	if (microseconds == PACKET_UNSTAMPED && packet->input_interface)
		return PACKET_UNSTAMPED_FORWARDED;
	return microseconds;
}

/* Note of 'noted' what the source knows, but for the link header; what follows may know better. */
static inline void packet_note_source(struct packet_note *note, const struct packet_view *packet,
				      unsigned int noted)
{
	if (noted & PACKET_NOTE_BIT(physical_input))
		note->physical_input = packet->physical_input;
	if (noted & PACKET_NOTE_BIT(physical_output))
		note->physical_output = packet->physical_output;
	if (noted & PACKET_NOTE_BIT(user))
		note->user = 0;
	if (noted & PACKET_NOTE_BIT(cgroup))
		note->cgroup = 0;
	if (noted & PACKET_NOTE_BIT(tcp)) {
		note->tcp = NULL;
		note->microseconds = packet_note_microseconds(packet);
	}
}

/* Note the link header that the source has beside the packet. */
static inline void packet_note_link_header(struct packet_note *note,
					   const struct packet_view *packet)
{
	note->source_mac = note->destination_mac = 0;
	if (packet->link_header)
		packet_note_ethernet(note, packet->link_header, 0);
}

/* Note what is in an IP header whose fixed part is there. RFC 791 section 3.1,
 * RFC 8200 section 3. */
static inline void packet_note_ipv4(struct packet_note *note, const uint8_t *header)
{
	note->ttl = header[8];
}

/* 'octets' follow the IP header. */
static inline void packet_note_tcp(struct packet_note *note, const uint8_t *header, size_t captured,
				   uint64_t octets)
{
	note->tcp = header;
	note->tcp_captured = (uint32_t)captured;
	note->tcp_octets = (uint32_t)octets;
}

static inline void packet_note_ipv6(struct packet_note *note, const uint8_t *header)
{
	note->ttl = header[7];
}

#endif
