/* decode_ipv6_extensions.c - IPv6 extension headers, which few packets have: a call away from
 * decode_ip.h.
 *
 * Place: second layer of the decoder, called by decode_ip.h. Invariant: each step takes bytes off
 * the front, and none is read that was not captured. */
#include "decode_ipv6_extensions.h"

#include "decode_layers.h"

/* RFC 8200 section 4.5. */
#define IPv6_FRAGMENT_OFFSET 0xfff8
#define IPv6_MORE_FRAGMENTS  0x0001

/* RFC 8200 section 4.2, RFC 2675 section 2. */
#define IPv6_OPTION_PAD1  0x00
#define IPv6_OPTION_JUMBO 0xc2

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

/* No payload, a jumbogram, or segmentation offload, which may leave out the jumbo option. */
uint64_t decode_ipv6_extensions_octets(const uint8_t *header, size_t size)
{
	struct reader rest = reader_of(header + IPv6_HEADER_BYTES, size - IPv6_HEADER_BYTES);
	uint32_t jumbo_length;

	if (header[6] == PROTOCOL_IPv6_NoNxt)
		return IPv6_HEADER_BYTES;
	if (header[6] == PROTOCOL_HOPOPT && find_jumbo_length(rest, &jumbo_length))
		return (uint64_t)IPv6_HEADER_BYTES + jumbo_length;
	return 0;
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

/* Size of an extension header after its first 8 bytes. */
static size_t extension_header_rest(uint8_t protocol, uint8_t length)
{
	switch (protocol) {
	case PROTOCOL_IPv6_Frag: return 0; /* RFC 8200 section 4.5: the field is reserved */
	case PROTOCOL_AH: return (size_t)length * 4; /* RFC 4302 section 2.2: words less 2 */
	default: return (size_t)length * 8;          /* RFC 6564 section 4 */
	}
}

/* Note a fragment header. Of several, the first one that splits the packet names it. Returns
 * whether the headers after it are those of the datagram's start. */
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

/* In any order and number (RFC 8200 section 4.1 asks receivers to). A header that is not there in
 * full ends the walk: the protocol is the last number seen, which a header has in its first byte.
 * Each header takes 8 bytes at least, so the captured length bounds the walk. */
size_t decode_ipv6_extensions_walk(const uint8_t *bytes, size_t size, struct packet_info *info)
{
	struct reader rest = reader_of(bytes, size);

	while (is_extension_header(info->key.protocol) && reader_left(&rest)) {
		uint8_t protocol = info->key.protocol;
		const uint8_t *header;

		info->key.protocol = rest.next[0];
		header = reader_take(&rest, 8);
		if (!header)
			return size;
		note_extension(info, 8 + extension_header_rest(protocol, header[1]));
		if (protocol == PROTOCOL_IPv6_Frag && !note_ipv6_fragment(header, info))
			return size;
		if (!reader_take(&rest, extension_header_rest(protocol, header[1])))
			return size;
	}
	return size - reader_left(&rest);
}
