/* test_capture_ring_parse.c - a block as a kernel has filled it, and blocks that are built here:
 * what becomes of their packets, and what of a block that lies. */
#include "capture_ring_parse.h"
#include "check.h"

#include <endian.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>

#define BLOCK_BYTES  4096
#define INDEX        7
#define FIRST_OFFSET 48 /* as kernels have it: V3_ALIGNMENT after the head */
#define MAC_OFFSET   86
#define NEXT_OFFSET  144
#define FRAME_BYTES  46

struct block {
	_Alignas(8) uint8_t bytes[BLOCK_BYTES];
	size_t end; /* where the next packet begins */
	struct tpacket3_hdr *last;
};

static struct capture_ring_parser parser_of(uint8_t link)
{
	return (struct capture_ring_parser){ .interface_index = INDEX, .link = link };
}

static struct tpacket_block_desc *head_of(struct block *block)
{
	return (void *)block->bytes;
}

static void begin(struct block *block)
{
	memset(block, 0, sizeof(*block));
	block->end = FIRST_OFFSET;
	head_of(block)->hdr.bh1.offset_to_first_pkt = FIRST_OFFSET;
}

/* Add a packet of 46 bytes, all of them 'fill'. */
static struct tpacket3_hdr *put(struct block *block, uint8_t packet_type, uint8_t fill)
{
	struct tpacket3_hdr *header = (void *)(block->bytes + block->end);
	struct sockaddr_ll *address = (void *)(header + 1);

	if (block->last)
		block->last->tp_next_offset = NEXT_OFFSET;
	*header = (struct tpacket3_hdr){
		.tp_sec = 1700000000,
		.tp_nsec = 5999999,
		.tp_snaplen = FRAME_BYTES,
		.tp_len = FRAME_BYTES,
		.tp_mac = MAC_OFFSET,
	};
	address->sll_pkttype = packet_type;
	memset((uint8_t *)header + MAC_OFFSET, fill, FRAME_BYTES);
	block->last = header;
	block->end += NEXT_OFFSET;
	head_of(block)->hdr.bh1.num_pkts++;
	return header;
}

static size_t parse(struct capture_ring_parser *parser, struct block *block,
		    struct packet_view *views, size_t capacity)
{
	capture_ring_parse_begin(parser, block->bytes, sizeof(block->bytes));
	return capture_ring_parse(parser, views, capacity);
}

TEST(a_block_of_the_kernel_gives_its_frames)
{
	static const struct {
		uint32_t captured, original;
		uint8_t side, type[8]; /* what stands after the addresses */
	} expected[] = {
		{ 46, 46, SIDE_ingress, { 8, 0, 0x45 } },
		{ 50, 50, SIDE_ingress, { 0x81, 0, 0x60, 5, 8, 0, 0x45 } },
		{ 54, 54, SIDE_ingress, { 0x88, 0xa8, 0x60, 20, 0x81, 0, 0x60, 30 } },
		{ 46, 46, SIDE_unknown, { 8, 0, 0x45 } },
		{ 46, 46, SIDE_ingress, { 8, 0, 0x45 } },
		{ 46, 46, SIDE_egress, { 8, 0, 0x45 } },
		{ 128, 200, SIDE_egress, { 8, 0, 0x45 } },
		{ 50, 50, SIDE_ingress, { 0x81, 0, 0x60, 0, 8, 0, 0x45 } },
	};
	struct capture_ring_parser parser = parser_of(LINK_ETHERNET);
	static struct block block;
	struct packet_view views[16];
	FILE *file;
	size_t size;

	if (htole16(1) != 1)
		skip(); /* recorded on a little-endian machine */
	file = fopen(SOURCE_DIRECTORY "/tests/wire/ring_block.bin", "rb");
	assert_non_null(file);
	size = fread(block.bytes, 1, sizeof(block.bytes), file);
	(void)fclose(file);
	capture_ring_parse_begin(&parser, block.bytes, size);
	CHECK_EQ(capture_ring_parse(&parser, views, 16), 8);
	CHECK_EQ(parser.left, 0);
	CHECK_EQ(parser.truncated, 1);
	CHECK_EQ(parser.malformed, 0);
	for (size_t i = 0; i < 8; i++) {
		const bool is_egress = expected[i].side == SIDE_egress;

		CHECK_EQ(views[i].captured_bytes, expected[i].captured);
		CHECK_EQ(views[i].original_bytes, expected[i].original);
		CHECK_EQ(views[i].side, expected[i].side);
		CHECK_EQ(views[i].input_interface, is_egress ? 0 : INDEX);
		CHECK_EQ(views[i].output_interface, is_egress ? INDEX : 0);
		CHECK_EQ(views[i].bytes[2 * ETH_ALEN - 1], is_egress ? 0x0a : 0x0b);
		CHECK_BYTES(views[i].bytes + 2 * ETH_ALEN, expected[i].type, 3);
		CHECK_EQ(views[i].time_ms, 1796022108178);
	}
}

TEST(packets_come_once_in_batches_of_any_size)
{
	static struct block block;
	struct packet_view views[8];

	begin(&block);
	for (uint8_t i = 0; i < 20; i++)
		(void)put(&block, PACKET_HOST, i);
	for (size_t capacity = 1; capacity <= 8; capacity++) {
		struct capture_ring_parser parser = parser_of(LINK_ETHERNET);
		size_t seen = 0, count = parse(&parser, &block, views, capacity);

		for (; count; count = capture_ring_parse(&parser, views, capacity))
			for (size_t i = 0; i < count; i++, seen++) {
				CHECK_EQ(views[i].bytes[0], seen);
				CHECK_EQ(views[i].captured_bytes, FRAME_BYTES);
				CHECK_EQ(views[i].time_ms, 1700000000005);
			}
		CHECK_EQ(seen, 20);
		CHECK_EQ(parser.malformed + parser.lost, 0);
	}
}

TEST(a_tag_needs_ethernet_and_room)
{
	static struct block block;
	struct capture_ring_parser parser = parser_of(LINK_RAW);
	struct packet_view view;
	struct tpacket3_hdr *header;

	begin(&block);
	header = put(&block, PACKET_HOST, 0x45);
	header->tp_status = TP_STATUS_VLAN_VALID;
	header->hv1.tp_vlan_tci = 5;
	CHECK_EQ(parse(&parser, &block, &view, 1), 1); /* bare IP has no place for it */
	CHECK_EQ(view.captured_bytes, FRAME_BYTES);
	parser.link = LINK_ETHERNET;
	CHECK_EQ(parse(&parser, &block, &view, 1), 1); /* without TPID it is 802.1Q */
	CHECK_BYTES(view.bytes + 2 * ETH_ALEN, "\x81\0\0\x05", 4);
	header->tp_mac = sizeof(struct tpacket3_hdr) + sizeof(struct sockaddr_ll) + 3;
	CHECK_EQ(parse(&parser, &block, &view, 1), 1); /* no room: the header stays whole */
	CHECK_EQ(view.captured_bytes, FRAME_BYTES);
	header->tp_mac = MAC_OFFSET;
	header->tp_snaplen = 2 * ETH_ALEN - 1;
	CHECK_EQ(parse(&parser, &block, &view, 1), 1);
	CHECK_EQ(view.captured_bytes, 2 * ETH_ALEN - 1);
}

TEST(what_leaves_by_the_loopback_interface_comes_in_again)
{
	static struct block block;
	struct capture_ring_parser parser = parser_of(LINK_ETHERNET);
	struct packet_view views[8];

	parser.is_loopback = true;
	begin(&block);
	(void)put(&block, PACKET_OUTGOING, 1);
	(void)put(&block, PACKET_HOST, 2);
	(void)put(&block, PACKET_OUTGOING, 3);
	(void)put(&block, PACKET_OTHERHOST, 4);
	(void)put(&block, PACKET_OUTGOING, 5);
	CHECK_EQ(parse(&parser, &block, views, 1), 1);
	CHECK_EQ(views[0].bytes[0], 2);
	CHECK_EQ(capture_ring_parse(&parser, views, 8), 1);
	CHECK_EQ(views[0].bytes[0], 4);
	CHECK_EQ(views[0].side, SIDE_ingress);
	CHECK_EQ(parser.left, 0);
}

/* Two good packets, one that lies, one more: how many of the last two are counted as lost. */
static void check_lie(void (*lie)(struct tpacket3_hdr *header))
{
	static struct block block;
	struct capture_ring_parser parser = parser_of(LINK_ETHERNET);
	struct packet_view views[8];
	struct tpacket3_hdr *header;

	begin(&block);
	(void)put(&block, PACKET_HOST, 1);
	(void)put(&block, PACKET_HOST, 2);
	header = put(&block, PACKET_HOST, 3);
	(void)put(&block, PACKET_HOST, 4);
	lie(header);
	CHECK_EQ(parse(&parser, &block, views, 8), 2);
	CHECK_EQ(parser.left, 0);
	CHECK_EQ(parser.malformed, 1);
	CHECK_EQ(parser.lost, 2);
}

static void lie_mac_in_header(struct tpacket3_hdr *header)
{
	header->tp_mac = 67;
}

static void lie_mac_beyond(struct tpacket3_hdr *header)
{
	header->tp_mac = UINT16_MAX;
}

static void lie_length(struct tpacket3_hdr *header)
{
	header->tp_snaplen = BLOCK_BYTES;
}

static void lie_length_wraps(struct tpacket3_hdr *header)
{
	header->tp_snaplen = UINT32_MAX;
}

static void lie_no_next(struct tpacket3_hdr *header)
{
	header->tp_next_offset = 0;
}

static void lie_next_in_header(struct tpacket3_hdr *header)
{
	header->tp_next_offset = 64;
}

TEST(what_a_block_says_is_not_believed)
{
	check_lie(lie_mac_in_header);
	check_lie(lie_mac_beyond);
	check_lie(lie_length);
	check_lie(lie_length_wraps);
	check_lie(lie_no_next);
	check_lie(lie_next_in_header);
}

/* With this many packets, at this place. */
static void check_head(uint32_t count, uint32_t first, size_t size, uint64_t lost)
{
	static struct block block;
	struct capture_ring_parser parser = parser_of(LINK_ETHERNET);
	struct packet_view views[8];

	begin(&block);
	(void)put(&block, PACKET_HOST, 1);
	head_of(&block)->hdr.bh1.num_pkts = count;
	head_of(&block)->hdr.bh1.offset_to_first_pkt = first;
	capture_ring_parse_begin(&parser, block.bytes, size);
	CHECK_EQ(capture_ring_parse(&parser, views, 8), 0);
	CHECK_EQ(parser.malformed, 1);
	CHECK_EQ(parser.lost, lost);
}

TEST(nor_its_head)
{
	static struct block block;
	struct capture_ring_parser parser = parser_of(LINK_ETHERNET);
	struct packet_view views[8];

	check_head(UINT32_MAX, FIRST_OFFSET, BLOCK_BYTES, 0);
	check_head(1, FIRST_OFFSET + 4, BLOCK_BYTES, 1);
	check_head(1, BLOCK_BYTES, BLOCK_BYTES, 1);
	check_head(1, UINT32_MAX, BLOCK_BYTES, 1);
	check_head(2, BLOCK_BYTES - 64, BLOCK_BYTES, 2);
	check_head(1, FIRST_OFFSET, 16, 0);
	check_head(1, FIRST_OFFSET, FIRST_OFFSET + MAC_OFFSET + FRAME_BYTES - 1, 1);
	begin(&block);
	CHECK_EQ(parse(&parser, &block, views, 8), 0); /* closed without a packet */
	CHECK_EQ(parser.malformed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_of_the_kernel_gives_its_frames),
		cmocka_unit_test(packets_come_once_in_batches_of_any_size),
		cmocka_unit_test(a_tag_needs_ethernet_and_room),
		cmocka_unit_test(what_leaves_by_the_loopback_interface_comes_in_again),
		cmocka_unit_test(what_a_block_says_is_not_believed),
		cmocka_unit_test(nor_its_head),
	};

	return RUN_TESTS(tests);
}
