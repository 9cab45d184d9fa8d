/* test_duplicate_detector.c - what is a packet seen twice, and how many of them are too many. */
#include "duplicate_detector.h"

#include "packets.h"

#include <stdlib.h>

#define PACKETS 32
#define SIZE    80

struct batch {
	struct packet_view views[PACKETS];
	uint8_t *bytes[PACKETS]; /* blocks of exactly the captured size */
	size_t count;
};

static struct duplicate_detector new_detector(void)
{
	static const uint8_t key[16] = { 1, 2, 3 };
	struct duplicate_detector detector;

	duplicate_detector_init(&detector, key);
	return detector;
}

/* An IPv4 UDP packet with this identification, logged at 'time_ms'; of one of 16 senders. */
static void put(struct batch *batch, uint16_t identification, unix_ms time_ms, uint8_t side)
{
	uint8_t *bytes = calloc(1, SIZE);

	CHECK(bytes && batch->count < PACKETS);
	bytes[0] = 0x45;
	bytes[3] = SIZE;
	bytes[4] = (uint8_t)(identification >> 8);
	bytes[5] = (uint8_t)identification;
	bytes[9] = 17;
	bytes[15] = identification % 16;
	batch->bytes[batch->count] = bytes;
	batch->views[batch->count++] = (struct packet_view){ .bytes = bytes,
							     .captured_bytes = SIZE,
							     .time_ms = time_ms,
							     .link = LINK_IPV4,
							     .side = side };
}

static void put_ipv6(struct batch *batch, uint8_t protocol, uint8_t payload, uint8_t sequence)
{
	put(batch, 0, 1000, SIDE_ingress);
	batch->views[batch->count - 1].link = LINK_IPV6;
	batch->bytes[batch->count - 1][0] = 0x60;
	batch->bytes[batch->count - 1][3] = 0;
	batch->bytes[batch->count - 1][5] = payload;
	batch->bytes[batch->count - 1][6] = protocol;
	batch->bytes[batch->count - 1][9] = 0;
	batch->bytes[batch->count - 1][15] = 0;
	batch->bytes[batch->count - 1][47] = sequence;
}

/* Look at the batch and free it. */
static bool sample(struct duplicate_detector *detector, struct batch *batch)
{
	bool begins = duplicate_detector_sample(detector, batch->views, batch->count);

	for (size_t i = 0; i < batch->count; i++)
		free(batch->bytes[i]);
	batch->count = 0;
	return begins;
}

TEST(two_rules_make_every_second_packet_a_second_one)
{
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };
	int begun = 0;

	for (uint16_t i = 1; i <= 160; i++) {
		put(&batch, i, 1000, SIDE_ingress);
		put(&batch, i, 1001, SIDE_ingress);
		if (batch.count == PACKETS)
			begun += sample(&detector, &batch);
	}
	CHECK_EQ(begun, 1);
	CHECK(detector.statistics.sources_suspected);
	CHECK_EQ(detector.statistics.packets_sampled, 320);
	CHECK_EQ(detector.statistics.packets_seen_twice, 160);

	/* It is over when one of the rules is gone. */
	for (uint16_t i = 1; i <= 4096; i++) {
		put(&batch, i, 1000, SIDE_ingress);
		if (batch.count == PACKETS)
			CHECK(!sample(&detector, &batch));
	}
	CHECK(!detector.statistics.sources_suspected);
	CHECK_EQ(detector.statistics.packets_seen_twice, 160);
}

TEST(what_differs_is_no_duplicate)
{
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };

	put(&batch, 7, 1000, SIDE_ingress);
	put(&batch, 7, 1002, SIDE_ingress); /* later */
	put(&batch, 7, 1002, SIDE_egress);  /* at another hook */
	put(&batch, 8, 1002, SIDE_egress);  /* sent again */
	put(&batch, 8, 1000, SIDE_egress);  /* earlier */
	put(&batch, 9, 1000, SIDE_egress);
	batch.bytes[5][63] = 1; /* other data */
	put(&batch, 9, 1000, SIDE_egress);
	CHECK(!sample(&detector, &batch));
	CHECK_EQ(detector.statistics.packets_sampled, 7);
	CHECK_EQ(detector.statistics.packets_seen_twice, 0);
}

TEST(identical_packets_that_nothing_tells_apart_are_not_looked_at)
{
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };

	for (int i = 0; i < 8; i++) {
		put(&batch, 0, 1000, SIDE_egress); /* IPv4 with DF and identification 0 */
		put_ipv6(&batch, 17, 41, 1);       /* UDP */
		put_ipv6(&batch, 6, 60, 1);        /* perhaps a repeated acknowledgement */
	}
	CHECK(!sample(&detector, &batch));
	CHECK_EQ(detector.statistics.packets_sampled, 0);
	put_ipv6(&batch, 6, 61, 1);
	put_ipv6(&batch, 6, 61, 1);
	put_ipv6(&batch, 6, 61, 2);
	CHECK(!sample(&detector, &batch));
	CHECK_EQ(detector.statistics.packets_sampled, 3);
	CHECK_EQ(detector.statistics.packets_seen_twice, 1);
}

TEST(one_packet_a_thousand_times_is_a_sender_and_no_rule)
{
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };

	for (int i = 0; i < 3200; i++) {
		put(&batch, 54321, 1000, SIDE_ingress);
		if (batch.count == PACKETS)
			CHECK(!sample(&detector, &batch));
	}
	CHECK_EQ(detector.statistics.packets_sampled, 3200);
	CHECK_EQ(detector.statistics.packets_seen_twice, 100);
}

/* Look at 'count' packets that come twice each. */
static void sample_pairs(struct duplicate_detector *detector, int count,
			 void (*change)(uint8_t *bytes, int index))
{
	struct batch batch = { .count = 0 };

	for (int i = 0; i < count; i++) {
		for (int copy = 0; copy < 2; copy++) {
			put(&batch, (uint16_t)(i + 1), 1000, SIDE_egress);
			change(batch.bytes[batch.count - 1], i);
		}
		if (batch.count == PACKETS)
			(void)sample(detector, &batch);
	}
}

static void of_one_sender(uint8_t *bytes, int index)
{
	(void)index;
	bytes[15] = 1;
}

static void of_two_senders(uint8_t *bytes, int index)
{
	bytes[15] = index % 20 ? 1 : 2;
}

TEST(a_sender_that_repeats_each_packet_is_no_rule)
{
	struct duplicate_detector detector = new_detector();

	sample_pairs(&detector, 4096, of_one_sender);
	CHECK_EQ(detector.statistics.packets_seen_twice, 4096);
	CHECK(!detector.statistics.sources_suspected);
	/* Of two senders one may have nearly all packets: then it is a rule. */
	sample_pairs(&detector, 4096, of_two_senders);
	CHECK(detector.statistics.sources_suspected);
}

static void to_multicast(uint8_t *bytes, int index)
{
	bytes[16] = index % 2 ? 239 : 255;
}

TEST(broadcasts_and_multicasts_are_not_looked_at)
{
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };

	sample_pairs(&detector, 1024, to_multicast);
	put_ipv6(&batch, 6, 61, 1);
	batch.bytes[0][24] = 0xff;
	CHECK(!sample(&detector, &batch));
	CHECK_EQ(detector.statistics.packets_sampled, 0);
}

TEST(packets_begin_after_any_of_the_headers_that_nflog_has)
{
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };
	uint8_t *frame = calloc(1, 14 + SIZE);

	CHECK(frame != NULL);
	put(&batch, 5, 1000, SIDE_egress);
	memcpy(frame + 14, batch.bytes[0], SIZE);
	free(batch.bytes[0]);
	batch.bytes[0] = frame;
	frame[12] = 0x08;
	batch.views[0].bytes = frame;
	batch.views[0].captured_bytes = 14 + SIZE;
	batch.views[0].link = LINK_ETHERNET;
	put(&batch, 5, 1000, SIDE_egress);
	batch.views[1].link = LINK_ETHERTYPE;
	batch.views[1].ethertype = 0x0800;
	put(&batch, 5, 1000, SIDE_egress);
	batch.views[2].link = LINK_ETHERTYPE;
	batch.views[2].ethertype = 0x0806;
	CHECK(!sample(&detector, &batch));
	CHECK_EQ(detector.statistics.packets_sampled, 2);
	CHECK_EQ(detector.statistics.packets_seen_twice, 1);
}

/* Put a header before the packet that was put last. */
static void put_before(struct batch *batch, const uint8_t *header, size_t size)
{
	const size_t last = batch->count - 1;
	uint8_t *frame = calloc(1, size + SIZE);

	CHECK(frame != NULL);
	memcpy(frame, header, size);
	memcpy(frame + size, batch->bytes[last], SIZE);
	free(batch->bytes[last]);
	batch->bytes[last] = frame;
	batch->views[last].bytes = frame;
	batch->views[last].captured_bytes = (uint32_t)size + SIZE;
	batch->views[last].link = LINK_ETHERNET;
}

/* At netdev egress the frame is whole, with the tags and sessions of the link. */
TEST(packets_in_any_link_header_are_looked_at)
{
	static const uint8_t tagged[] = { ETHERNET(0x8100), VLAN(7, 0x0800) };
	static const uint8_t session[] = { ETHERNET(0x8864), 0x11, 0,   0, 1,
					   BE16(2 + SIZE),   0x00, 0x21 };
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };

	for (int copy = 0; copy < 2; copy++) {
		put(&batch, 5, 1000, SIDE_egress);
		put_before(&batch, tagged, sizeof(tagged));
		put(&batch, 6, 1000, SIDE_egress);
		put_before(&batch, session, sizeof(session));
	}
	CHECK(!sample(&detector, &batch));
	CHECK_EQ(detector.statistics.packets_sampled, 4);
	CHECK_EQ(detector.statistics.packets_seen_twice, 2);
}

/* What a network card or a link adds after the packet may differ from copy to copy. */
TEST(what_is_after_the_packet_does_not_matter)
{
	struct duplicate_detector detector = new_detector();
	struct batch batch = { .count = 0 };

	for (uint8_t copy = 0; copy < 2; copy++) {
		put(&batch, 5, 1000, SIDE_egress);
		batch.bytes[copy][3] = 40;
		batch.bytes[copy][50] = copy;
	}
	CHECK(!sample(&detector, &batch));
	CHECK_EQ(detector.statistics.packets_seen_twice, 1);
}

TEST(any_bytes_of_any_length_are_taken)
{
	struct duplicate_detector detector = new_detector();

	srand(1);
	for (int round = 0; round < 2000; round++) {
		struct packet_view views[PACKETS];
		uint8_t *bytes[PACKETS];

		for (size_t i = 0; i < PACKETS; i++) {
			uint32_t size = (uint32_t)rand() % 90;

			bytes[i] = malloc(size ? size : 1);
			CHECK(bytes[i] != NULL);
			for (uint32_t at = 0; at < size; at++)
				bytes[i][at] = (uint8_t)rand();
			if (size && rand() % 2)
				bytes[i][0] = rand() % 2 ? 0x45 : 0x60;
			views[i] = (struct packet_view){
				.bytes = size ? bytes[i] : NULL,
				.captured_bytes = size,
				.link = (uint8_t)((unsigned int)rand() % (LINK_UNKNOWN + 1)),
				.ethertype = rand() % 2 ? 0x0800 : 0x86dd,
			};
		}
		(void)duplicate_detector_sample(&detector, views, PACKETS);
		for (size_t i = 0; i < PACKETS; i++)
			free(bytes[i]);
	}
	CHECK_EQ(detector.statistics.packets_seen_twice, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_rules_make_every_second_packet_a_second_one),
		cmocka_unit_test(what_differs_is_no_duplicate),
		cmocka_unit_test(identical_packets_that_nothing_tells_apart_are_not_looked_at),
		cmocka_unit_test(one_packet_a_thousand_times_is_a_sender_and_no_rule),
		cmocka_unit_test(a_sender_that_repeats_each_packet_is_no_rule),
		cmocka_unit_test(broadcasts_and_multicasts_are_not_looked_at),
		cmocka_unit_test(packets_begin_after_any_of_the_headers_that_nflog_has),
		cmocka_unit_test(packets_in_any_link_header_are_looked_at),
		cmocka_unit_test(what_is_after_the_packet_does_not_matter),
		cmocka_unit_test(any_bytes_of_any_length_are_taken),
	};

	return RUN_TESTS(tests);
}
