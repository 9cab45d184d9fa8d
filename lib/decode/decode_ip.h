/* decode_ip.h - the headers that nearly every packet has: IPv4 or IPv6, and what follows it. For
 * decode*.c only; inlined, since handing a frame from function to function costs as much as
 * decoding it.
 *
 * Place: second and third layer of the decoder. The octets of a packet are what its IP header says,
 * whether captured or not and whatever the link layer padded. Only a packet whose header cannot say
 * it, because segmentation offload made it longer than 16 bits, is as long as its frame. */
#ifndef DECODE_IP_H
#define DECODE_IP_H

#include "decode_ipv6_extensions.h"
#include "decode_layers.h"
#include "tcp_segment.h"

#define IPv4_HEADER_BYTES 20   /* RFC 791 section 3.1, without options */
#define IPv4_FIRST_BYTE   0x45 /* version 4, 5 words */

/* RFC 791 section 3.1, flags and fragment offset. */
#define IPv4_MORE_FRAGMENTS  0x2000
#define IPv4_FRAGMENT_OFFSET 0x1fff

/* Why there is no IP header of this version in the 'size' bytes that are left. */
static inline enum drop_reason ip_header_missing(const uint8_t *bytes, size_t size,
						 uint8_t ip_version)
{
	return size == 0 || bytes[0] >> 4 == ip_version ? DROP_IP_TRUNCATED : DROP_IP_VERSION;
}

/* Octets of a packet whose header does not say them: as long as its frame. NFLOG reports only what
 * it copied. */
static inline size_t octets_of_frame(const struct frame *frame)
{
	frame->info->has_unknown_length =
		frame->is_logged_copy || frame->packet->original_bytes == 0;
	return frame_bytes_left(frame);
}

/* Note what a fragment's header says (RFC 791 section 3.1). Returns whether the transport header
 * follows. */
static inline bool note_ipv4_fragment(const uint8_t *header, struct packet_info *info)
{
	bool is_first = (load_be16(header + 6) & IPv4_FRAGMENT_OFFSET) == 0;

	info->fragment_id = load_be16(header + 4);
	info->fragment_protocol = header[9];
	info->fragment = is_first ? FRAGMENT_first : FRAGMENT_later;
	return is_first;
}

/* RFC 791 section 3.1. Leaves in frame->rest what may be read of the transport layer. */
__attribute__((always_inline)) static inline enum drop_reason take_ipv4_header(struct frame *frame)
{
	struct packet_info *info = frame->info;
	const uint8_t *header = frame->rest.next;
	const size_t captured_bytes = reader_left(&frame->rest);
	size_t header_bytes = IPv4_HEADER_BYTES;
	size_t total_bytes;

	if (captured_bytes < IPv4_HEADER_BYTES)
		return ip_header_missing(header, captured_bytes, 4);
	if (__builtin_expect(header[0] != IPv4_FIRST_BYTE, 0)) {
		if (header[0] >> 4 != 4)
			return DROP_IP_VERSION;
		header_bytes = (size_t)(header[0] & 0x0f) * 4;
		if (header_bytes < IPv4_HEADER_BYTES)
			return DROP_IP_HEADER_LENGTH;
	}
	total_bytes = load_be16(header + 2);
	if (total_bytes < header_bytes) {
		if (total_bytes != 0)
			return DROP_IP_TOTAL_LENGTH;
		total_bytes = octets_of_frame(frame); /* segmentation offload */
	}

	if (frame->noted & PACKET_NOTE_BIT(ttl))
		packet_note_ipv4(frame->note, header);
	info->octets = total_bytes;
	info->key.ip_version = 4;
	info->key.tos = header[1];
	info->key.protocol = header[9];
	memcpy(info->key.addresses, header + 12, 8);
	memset(info->key.addresses + 8, 0, sizeof(info->key.addresses) - 8);

	reader_limit(&frame->rest, total_bytes);
	if (frame->ip)
		*frame->ip = frame->rest;
	if ((load_be16(header + 6) & (IPv4_MORE_FRAGMENTS | IPv4_FRAGMENT_OFFSET)) &&
	    !note_ipv4_fragment(header, info)) {
		frame->rest.next = frame->rest.end;
	} else if (reader_left(&frame->rest) < header_bytes) {
		frame->rest.next = frame->rest.end; /* options are cut off: no ports */
	} else {
		frame->rest.next += header_bytes;
		info->extension_words = (uint8_t)((header_bytes - IPv4_HEADER_BYTES) / 4);
	}
	return DROP_NONE;
}

/* RFC 8200 section 3. Leaves in frame->rest what may be read of the transport layer. */
__attribute__((always_inline)) static inline enum drop_reason take_ipv6_header(struct frame *frame)
{
	struct packet_info *info = frame->info;
	const uint8_t *header = frame->rest.next;
	const size_t captured_bytes = reader_left(&frame->rest);
	uint16_t payload_length;

	if (captured_bytes < IPv6_HEADER_BYTES || header[0] >> 4 != 6)
		return ip_header_missing(header, captured_bytes, 6);
	payload_length = load_be16(header + 4);
	info->octets = (uint64_t)IPv6_HEADER_BYTES + payload_length;
	if (payload_length == 0) {
		info->octets = decode_ipv6_extensions_octets(header, captured_bytes);
		if (info->octets == 0)
			info->octets = octets_of_frame(frame);
	}
	if (frame->noted & PACKET_NOTE_BIT(ttl))
		packet_note_ipv6(frame->note, header);
	info->key.ip_version = 6;
	info->key.tos = (uint8_t)(load_be16(header) >> 4); /* traffic class: bits 4 to 11 */
	info->key.protocol = header[6];
	memcpy(info->key.addresses, header + 8, 32);

	reader_limit(&frame->rest, info->octets);
	if (frame->ip)
		*frame->ip = frame->rest;
	frame->rest.next += IPv6_HEADER_BYTES;
	if (header[6] != PROTOCOL_TCP && header[6] != PROTOCOL_UDP)
		frame->rest.next += decode_ipv6_extensions_walk(frame->rest.next,
								reader_left(&frame->rest), info);
	return DROP_NONE;
}

/* Source and destination port are the first 4 bytes of TCP (RFC 9293), UDP (RFC 768), DCCP (RFC
 * 4340), SCTP (RFC 9260) and UDP-Lite (RFC 3828). */
static inline void note_ports(const uint8_t *header, struct packet_info *info)
{
	info->key.source_port = load_be16(header);
	info->key.destination_port = load_be16(header + 2);
}

/* What follows the IP header, if all of it is there and its length is known. */
static inline void note_tcp(const struct frame *frame)
{
	const struct packet_info *info = frame->info;
	const uint64_t network =
		(info->key.ip_version == 4 ? IPv4_HEADER_BYTES : IPv6_HEADER_BYTES) +
		4u * info->extension_words;

	if (info->fragment == FRAGMENT_none && !info->has_unknown_length &&
	    info->extension_words != UINT8_MAX && /* or more */
	    info->octets >= network + TCP_HEADER_BYTES)
		packet_note_tcp(frame->note, frame->rest.next, reader_left(&frame->rest),
				info->octets - network);
}

/* Ports, ICMP type and code, TCP flags of info->key.protocol, as far as they are in what is
 * captured and within the IP packet: so Ethernet padding is never taken for ports. What is not
 * there stays 0. */
__attribute__((always_inline)) static inline void note_transport(const struct frame *frame)
{
	struct packet_info *info = frame->info;
	const uint8_t *bytes = frame->rest.next;
	const size_t size = reader_left(&frame->rest);

	if (info->key.protocol == PROTOCOL_TCP && size >= 14) { /* RFC 9293 section 3.1 */
		note_ports(bytes, info);
		info->tcp_offset = bytes[12];
		info->tcp_flags = bytes[13];
		if ((frame->noted & PACKET_NOTE_BIT(tcp)) && size >= TCP_HEADER_BYTES)
			note_tcp(frame);
		return;
	}
	switch (info->key.protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_DCCP:
	case PROTOCOL_SCTP:
	case PROTOCOL_UDPLite:
		if (size >= 4)
			note_ports(bytes, info);
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_IPv6_ICMP:
		if (size >= 2) /* type and code: RFC 792, RFC 4443 section 2.1 */
			info->key.destination_port = load_be16(bytes);
		break;
	default: break;
	}
}

#endif
