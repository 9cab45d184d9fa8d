/* decode_network.c - IPv4 and IPv6: addresses, length, fragments, IPv6 extension headers.
 *
 * Stage: second layer of the decoder, behind decode_link.c. The octets of a packet are what its IP
 * header says, whether captured or not and whatever the link layer padded. Only a packet whose
 * header cannot say it, because segmentation offload made it longer than 16 bits, is as long as its
 * frame. */
#include "decode_layers.h"

#include <string.h>

#define IPv4_HEADER_BYTES 20 /* RFC 791 section 3.1, without options */
#define IPv6_HEADER_BYTES 40 /* RFC 8200 section 3 */

/* RFC 791 section 3.1, flags and fragment offset. */
#define IPv4_MORE_FRAGMENTS  0x2000
#define IPv4_FRAGMENT_OFFSET 0x1fff

/* RFC 8200 section 4.5. */
#define IPv6_FRAGMENT_OFFSET 0xfff8
#define IPv6_MORE_FRAGMENTS  0x0001

/* RFC 8200 section 4.2, RFC 2675 section 2. */
#define IPv6_OPTION_PAD1  0x00
#define IPv6_OPTION_JUMBO 0xc2

/* Whether the next header has this version; so it may, if nothing of it was captured. */
static bool is_version(const struct reader *rest, uint8_t ip_version)
{
	return reader_left(rest) == 0 || rest->next[0] >> 4 == ip_version;
}

/* Note what a fragment's header says (RFC 791 section 3.1). Returns whether the transport header is
 * behind it. */
static bool note_ipv4_fragment(const uint8_t *header, struct packet_info *info)
{
	bool is_first = (load_be16(header + 6) & IPv4_FRAGMENT_OFFSET) == 0;

	info->fragment_id = load_be16(header + 4);
	info->fragment_protocol = header[9];
	info->fragment = is_first ? FRAGMENT_first : FRAGMENT_later;
	return is_first;
}

/* Octets of a packet whose header does not say them: as long as its frame. NFLOG tells only what it
 * copied. */
static inline size_t octets_of_frame(const struct frame *frame)
{
	frame->info->has_unknown_length =
		frame->is_logged_copy || frame->packet->original_bytes == 0;
	return frame_bytes_left(frame);
}

/* RFC 791 section 3.1. */
enum drop_reason decode_ipv4(struct frame *frame)
{
	struct packet_info *info = frame->info;
	struct reader rest = reader_of(frame->rest.next, reader_left(&frame->rest));
	size_t total_bytes, header_bytes;
	const uint8_t *header;

	if (!is_version(&rest, 4))
		return DROP_IP_VERSION;
	header = reader_take(&rest, IPv4_HEADER_BYTES);
	if (!header)
		return DROP_IP_TRUNCATED;
	header_bytes = (size_t)(header[0] & 0x0f) * 4;
	if (header_bytes < IPv4_HEADER_BYTES)
		return DROP_IP_HEADER_LENGTH;
	total_bytes = load_be16(header + 2);
	if (total_bytes < header_bytes) {
		if (total_bytes != 0)
			return DROP_IP_TOTAL_LENGTH;
		total_bytes = octets_of_frame(frame); /* segmentation offload */
	}

	info->octets = total_bytes;
	info->key.ip_version = 4;
	info->key.tos = header[1];
	info->key.protocol = header[9];
	memcpy(info->key.addresses, header + 12, 8);
	memset(info->key.addresses + 8, 0, sizeof(info->key.addresses) - 8);

	if ((load_be16(header + 6) & (IPv4_MORE_FRAGMENTS | IPv4_FRAGMENT_OFFSET)) &&
	    !note_ipv4_fragment(header, info))
		return DROP_NONE;
	reader_limit(&rest, total_bytes - IPv4_HEADER_BYTES);
	if (!reader_take(&rest, header_bytes - IPv4_HEADER_BYTES))
		return DROP_NONE; /* options are cut off: no ports */
	info->extension_words = (uint8_t)((header[0] & 0x0f) - IPv4_HEADER_BYTES / 4);
	return decode_transport(rest.next, reader_left(&rest), info);
}

/* Look for a jumbo payload option (RFC 2675 section 2) in the hop-by-hop options header at 'rest'.
 * One that was cut off by the capture is not found. */
static bool find_jumbo_length(struct reader rest, uint32_t *jumbo_length)
{
	const uint8_t *header = reader_take(&rest, 2);

	if (!header)
		return false;
	reader_limit(&rest, (size_t)header[1] * 8 + 6); /* RFC 8200 section 4.3 */
	while (reader_left(&rest) && !rest.failed) {
		uint8_t option = reader_u8(&rest);
		uint8_t size;

		if (option == IPv6_OPTION_PAD1)
			continue;
		size = reader_u8(&rest);
		if (option == IPv6_OPTION_JUMBO && size == 4) {
			*jumbo_length = reader_u32(&rest);
			return !rest.failed;
		}
		(void)reader_take(&rest, size);
	}
	return false;
}

/* Octets of a packet whose payload length is 0: no payload, a jumbogram, or segmentation offload,
 * which may leave out the jumbo option. The fixed header at frame->rest is complete. Rare, so kept
 * out of the way of other packets. */
__attribute__((noinline)) static uint64_t octets_without_payload_length(const struct frame *frame)
{
	struct reader rest = frame->rest;
	const uint8_t *header = reader_take(&rest, IPv6_HEADER_BYTES);
	uint32_t jumbo_length;

	if (header[6] == PROTOCOL_IPv6_NoNxt)
		return IPv6_HEADER_BYTES;
	if (header[6] == PROTOCOL_HOPOPT && find_jumbo_length(rest, &jumbo_length))
		return (uint64_t)IPv6_HEADER_BYTES + jumbo_length;
	return octets_of_frame(frame);
}

static bool is_extension_header(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_HOPOPT:
	case PROTOCOL_IPv6_Route:
	case PROTOCOL_IPv6_Frag:
	case PROTOCOL_AH:
	case PROTOCOL_IPv6_Opts:
	case PROTOCOL_Mobility:
	case PROTOCOL_HIP:
	case PROTOCOL_Shim6: return true;
	default: return false;
	}
}

/* Size of an extension header behind its first 8 bytes. */
static size_t extension_header_rest(uint8_t protocol, uint8_t length)
{
	switch (protocol) {
	case PROTOCOL_IPv6_Frag: return 0; /* RFC 8200 section 4.5: the field is reserved */
	case PROTOCOL_AH: return (size_t)length * 4; /* RFC 4302 section 2.2: words less 2 */
	default: return (size_t)length * 8;          /* RFC 6564 section 4 */
	}
}

/* Note a fragment header. Of several, the first one that splits the packet names it. Returns
 * whether the headers behind it are those of the datagram's start. */
static bool note_ipv6_fragment(const uint8_t *header, struct packet_info *info)
{
	uint16_t fragment = load_be16(header + 2);

	if ((fragment & (IPv6_FRAGMENT_OFFSET | IPv6_MORE_FRAGMENTS)) == 0)
		return true; /* atomic, RFC 6946 */
	if (info->fragment == FRAGMENT_none) {
		info->fragment_id = load_be32(header + 4);
		info->fragment_protocol = header[0];
		info->fragment = fragment & IPv6_FRAGMENT_OFFSET ? FRAGMENT_later : FRAGMENT_first;
	}
	return (fragment & IPv6_FRAGMENT_OFFSET) == 0;
}

static void note_extension(struct packet_info *info, size_t bytes)
{
	size_t words = info->extension_words + bytes / 4;

	info->extension_words = words < UINT8_MAX ? (uint8_t)words : UINT8_MAX;
}

/* Walk extension headers in any order and number (RFC 8200 section 4.1 asks receivers to), then the
 * transport header. A header that is not there in full ends the walk: the protocol is the last
 * number seen, which a header has in its first byte. Each header takes 8 bytes at least, so the
 * captured length bounds the walk. */
static enum drop_reason walk_ipv6(struct reader *rest, struct packet_info *info)
{
	while (is_extension_header(info->key.protocol) && reader_left(rest)) {
		uint8_t protocol = info->key.protocol;
		const uint8_t *header;

		info->key.protocol = rest->next[0];
		header = reader_take(rest, 8);
		if (!header)
			return DROP_NONE;
		note_extension(info, 8 + extension_header_rest(protocol, header[1]));
		if (protocol == PROTOCOL_IPv6_Frag && !note_ipv6_fragment(header, info))
			return DROP_NONE;
		if (!reader_take(rest, extension_header_rest(protocol, header[1])))
			return DROP_NONE;
	}
	return decode_transport(rest->next, reader_left(rest), info);
}

/* RFC 8200 section 3. */
enum drop_reason decode_ipv6(struct frame *frame)
{
	struct packet_info *info = frame->info;
	struct reader rest = reader_of(frame->rest.next, reader_left(&frame->rest));
	uint16_t payload_length;
	const uint8_t *header;

	if (!is_version(&rest, 6))
		return DROP_IP_VERSION;
	header = reader_take(&rest, IPv6_HEADER_BYTES);
	if (!header)
		return DROP_IP_TRUNCATED;
	payload_length = load_be16(header + 4);
	info->octets = payload_length ? (uint64_t)IPv6_HEADER_BYTES + payload_length
				      : octets_without_payload_length(frame);
	info->key.ip_version = 6;
	info->key.tos = (uint8_t)(load_be16(header) >> 4); /* traffic class: bits 4 to 11 */
	info->key.protocol = header[6];
	memcpy(info->key.addresses, header + 8, 32);

	reader_limit(&rest, info->octets - IPv6_HEADER_BYTES);
	return walk_ipv6(&rest, info);
}

enum drop_reason decode_ip(struct frame *frame)
{
	if (reader_left(&frame->rest) == 0)
		return DROP_IP_TRUNCATED;
	return frame->rest.next[0] >> 4 == 4 ? decode_ipv4(frame) : decode_ipv6(frame);
}
