/* packet_note.h - what a packet brings for the optional data of its flow (flow_columns.def), beside
 * what every flow has of it.
 *
 * Place: filled by the decoder, beside packet_info, only where somebody has asked for columns. */
#ifndef PACKET_NOTE_H
#define PACKET_NOTE_H

#include <stdint.h>

/* THE list of what is noted: NOTE(member, type). */
#define PACKET_NOTES(NOTE) NOTE(ttl, uint8_t) /* IPv4 Time to Live, IPv6 Hop Limit */

struct packet_note {
#define PACKET_NOTE(member, type) type member;
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
};

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
