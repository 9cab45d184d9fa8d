/* capture_ring_parse.c - packets of a block of the ring, as the kernel describes them. */
#include "capture_ring_parse.h"

#include "bytes.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>

/* Before each packet: its description, then the address by which it came. The kernel writes both
 * in the order of this machine. */
#define ADDRESS_OFFSET sizeof(struct tpacket3_hdr)
#define HEADER_SIZE    (ADDRESS_OFFSET + sizeof(struct sockaddr_ll))
#define ALIGNMENT      8 /* of each packet: V3_ALIGNMENT of net/packet/af_packet.c */
#define PREFETCHED     8 /* packets ahead, if they are as long as this one */
#define CACHE_LINE     64
#define TAG_OFFSET     (2 * ETH_ALEN)
#define TAG_SIZE       4 /* IEEE 802.1Q section 9.4: TPID and TCI */

_Static_assert(sizeof(struct tpacket3_hdr) % TPACKET_ALIGNMENT == 0, "the address follows at once");
_Static_assert(TAG_SIZE == CAPTURE_RING_RESERVE, "a tag fits into what is left free");

void capture_ring_parse_begin(struct capture_ring_parser *parser, uint8_t *block, size_t size)
{
	struct tpacket_block_desc head = { .version = 0 };

	parser->block = block;
	parser->size = size;
	parser->left = 0;
	if (size < sizeof(head)) {
		parser->malformed++;
		return;
	}
	memcpy(&head, block, sizeof(head));
	parser->next = head.hdr.bh1.offset_to_first_pkt;
	parser->left = head.hdr.bh1.num_pkts;
	if (parser->left > size / HEADER_SIZE) { /* more than can be in it */
		parser->malformed++;
		parser->left = 0;
	}
}

/* The description of the next packet; NULL: it is none, and nothing tells where others are. */
static const struct tpacket3_hdr *next_header(const struct capture_ring_parser *parser)
{
	const size_t next = parser->next;
	const struct tpacket3_hdr *header;

	if (next > parser->size || parser->size - next < HEADER_SIZE || next % ALIGNMENT)
		return NULL;
	header = (const void *)(parser->block + next);
	if (header->tp_mac < HEADER_SIZE || header->tp_mac > parser->size - next ||
	    header->tp_snaplen > parser->size - next - header->tp_mac)
		return NULL;
	if (parser->left > 1 && header->tp_next_offset < HEADER_SIZE)
		return NULL;
	return header;
}

/* The kernel keeps the outermost tag beside the packet. */
__attribute__((noinline)) static void put_tag_back(struct packet_view *view, uint8_t *bytes,
						   const struct tpacket3_hdr *header)
{
	const uint32_t type = header->tp_status & TP_STATUS_VLAN_TPID_VALID
				      ? header->hv1.tp_vlan_tpid
				      : ETHERTYPE_VLAN;

	if (view->captured_bytes < TAG_OFFSET || header->tp_mac < HEADER_SIZE + TAG_SIZE)
		return;
	memmove(bytes - TAG_SIZE, bytes, TAG_OFFSET);
	bytes -= TAG_SIZE;
	store_be16(bytes + TAG_OFFSET, (uint16_t)type);
	store_be16(bytes + TAG_OFFSET + 2, (uint16_t)header->hv1.tp_vlan_tci);
	view->bytes = bytes;
	view->captured_bytes += TAG_SIZE;
	view->original_bytes += TAG_SIZE;
}

static void set_side(struct packet_view *view, const struct capture_ring_parser *parser,
		     uint8_t packet_type)
{
	if (packet_type == PACKET_OUTGOING) {
		view->side = SIDE_egress;
		view->output_interface = parser->interface_index;
		return;
	}
	view->side = packet_type == PACKET_OTHERHOST && !parser->is_loopback ? SIDE_unknown
									     : SIDE_ingress;
	view->input_interface = parser->interface_index;
}

static void fill_view(struct packet_view *view, struct capture_ring_parser *parser,
		      const struct tpacket3_hdr *header, uint8_t packet_type)
{
	uint8_t *bytes = parser->block + parser->next + header->tp_mac;
	const uint32_t microseconds = header->tp_nsec / 1000;

	*view = (struct packet_view){
		.bytes = bytes,
		.captured_bytes = header->tp_snaplen,
		.original_bytes = header->tp_len,
		.time_ms = (unix_ms)header->tp_sec * 1000 + microseconds / 1000,
		.microseconds = (uint16_t)(microseconds % 1000),
		.link = parser->link,
	};
	set_side(view, parser, packet_type);
	parser->truncated += header->tp_snaplen < header->tp_len;
	if (header->tp_status & TP_STATUS_VLAN_VALID && parser->link == LINK_ETHERNET)
		put_tag_back(view, bytes, header);
}

/* Another CPU has written the block: each packet's description, address and headers, three lines of
 * the cache, are far away, and only the one before says where they are. (Inlined: gcc drops calls
 * without effect.) */
static inline __attribute__((always_inline)) void
prefetch_packet(const struct capture_ring_parser *parser, size_t stride)
{
	const size_t place = parser->next + PREFETCHED * stride;

	if (place > parser->size || parser->size - place < 3 * CACHE_LINE)
		return;
	for (int i = 0; i < 3; i++)
		__builtin_prefetch(parser->block + place + (size_t)i * CACHE_LINE);
}

size_t capture_ring_parse(struct capture_ring_parser *parser, struct packet_view *views,
			  size_t capacity)
{
	size_t count = 0;

	while (parser->left && count < capacity) {
		const struct tpacket3_hdr *header = next_header(parser);
		const struct sockaddr_ll *address;

		if (!header) {
			parser->malformed++;
			parser->lost += parser->left;
			parser->left = 0;
			break;
		}
		prefetch_packet(parser, header->tp_next_offset);
		address = (const void *)((const uint8_t *)header + ADDRESS_OFFSET);
		if (!parser->is_loopback || address->sll_pkttype != PACKET_OUTGOING)
			fill_view(&views[count++], parser, header, address->sll_pkttype);
		parser->next += header->tp_next_offset;
		parser->left--;
	}
	return count;
}
