/* packet_note.h - what a packet brings for the optional data of its flow (flow_columns.def), beside
 * what every flow has of it.
 *
 * Place: filled by the decoder, beside packet_info, only where somebody has asked for columns. */
#ifndef PACKET_NOTE_H
#define PACKET_NOTE_H

#include "packet.h"

#include <stdint.h>

/* THE list of what is noted: NOTE(member, type). IPv4 Time to Live, IPv6 Hop Limit; ports of a
 * bridge, as in packet_view. */
#define PACKET_NOTES(NOTE)             \
	NOTE(ttl, uint8_t)             \
	NOTE(physical_input, uint32_t) \
	NOTE(physical_output, uint32_t)

struct packet_note {
#define PACKET_NOTE(member, type) type member;
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
};

/* Note what the source knows; a link header may know better. */
static inline void packet_note_source(struct packet_note *note, const struct packet_view *packet)
{
	note->physical_input = packet->physical_input;
	note->physical_output = packet->physical_output;
}

/* Note what is in an IP header whose fixed part is there. RFC 791 section 3.1,
 * RFC 8200 section 3. */
static inline void packet_note_ipv4(struct packet_note *note, const uint8_t *header)
{
	note->ttl = header[8];
}

static inline void packet_note_ipv6(struct packet_note *note, const uint8_t *header)
{
	note->ttl = header[7];
}

#endif
