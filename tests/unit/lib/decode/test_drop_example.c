/* test_drop_example.c - every reason to ignore a packet is reached, and its example is a copy. */
#include "check.h"
#include "decode.h"
#include "drop_example.h"

#include <stdlib.h>

static struct packet_view view_of(const uint8_t *bytes, uint32_t size)
{
	return (struct packet_view){ .bytes = bytes,
				     .captured_bytes = size,
				     .original_bytes = size + 7,
				     .time_ms = -1234,
				     .link = LINK_ETHERNET };
}

TEST(an_example_outlives_its_packet)
{
	struct drop_example example = { .size = 0 };
	uint8_t *bytes = malloc(200);
	struct packet_view view = view_of(bytes, 200);

	for (size_t i = 0; i < 200; i++)
		bytes[i] = (uint8_t)i;
	drop_example_keep(&example, &view);
	free(bytes);
	CHECK_EQ(example.size, DROP_EXAMPLE_BYTES);
	CHECK_EQ(example.bytes[0], 0);
	CHECK_EQ(example.bytes[95], 95);
	CHECK_EQ(example.captured_bytes, 200);
	CHECK_EQ(example.original_bytes, 207);
	CHECK_EQ(example.time_ms, -1234);
	CHECK_EQ(example.link, LINK_ETHERNET);
}

/* The block is exactly as long as the packet: reading more is a fault that sanitizers see. */
TEST(short_and_empty_packets_are_kept_as_they_are)
{
	struct drop_example example = { .size = 0 };
	uint8_t *bytes = malloc(3);
	struct packet_view view = view_of(bytes, 3);

	memcpy(bytes, "\x01\x02\x03", 3);
	drop_example_keep(&example, &view);
	CHECK_EQ(example.size, 3);
	CHECK_EQ(example.bytes[2], 3);
	view = view_of(NULL, 0);
	drop_example_keep(&example, &view);
	CHECK_EQ(example.size, 0);
	free(bytes);
}

/* One Ethernet frame for each reason that a decoder gives. DROP_OWN_EXPORT and DROP_NOT_SAMPLED are
 * the worker's, see tests/integration/test_drops.py and test_sampling.py. */
TEST(every_reason_is_reached)
{
	static const struct {
		enum drop_reason reason;
		uint16_t type;
		uint8_t size; /* after the Ethernet header, which is cut off with size 255 */
		uint8_t bytes[20];
	} frames[] = {
		{ DROP_NOT_IP, 0x0806, 8, { 0, 1, 8, 0, 6, 4, 0, 1 } },
		{ DROP_LINK_UNKNOWN, 0x8926, 6, { 0, 0, 0, 0, 8, 0 } },
		{ DROP_LINK_TRUNCATED, 0x0800, 255, { 0 } },
		{ DROP_LINK_MALFORMED, 0x8864, 8, { 0x21, 0, 0, 1, 0, 2, 0, 0x21 } },
		{ DROP_IP_TRUNCATED, 0x0800, 5, { 0x45, 0, 0, 20, 0 } },
		{ DROP_IP_VERSION, 0x0800, 20, { 0x55, 0, 0, 20 } },
		{ DROP_IP_HEADER_LENGTH, 0x0800, 20, { 0x44, 0, 0, 20 } },
		{ DROP_IP_TOTAL_LENGTH, 0x0800, 20, { 0x45, 0, 0, 19 } },
	};
	bool is_reached[DROP_REASON_COUNT] = {
		[DROP_NONE] = true, [DROP_OWN_EXPORT] = true, [DROP_NOT_SAMPLED] = true
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		uint32_t size = frames[i].size == 255 ? 13 : 14u + frames[i].size;
		uint8_t *bytes = calloc(1, size);
		struct packet_view view = view_of(bytes, size);
		struct packet_info info;

		bytes[12] = (uint8_t)(frames[i].type >> 8);
		if (size > 13) {
			bytes[13] = (uint8_t)frames[i].type;
			memcpy(bytes + 14, frames[i].bytes, frames[i].size);
		}
		CHECK_EQ(decode_packet(&view, &info), frames[i].reason);
		is_reached[frames[i].reason] = true;
		free(bytes);
	}
	for (size_t i = 0; i < DROP_REASON_COUNT; i++)
		CHECK(is_reached[i]);
}

TEST(link_types_have_names)
{
	CHECK_TEXT(link_type_name(LINK_ETHERNET), "ethernet");
	CHECK_TEXT(link_type_name(LINK_UNKNOWN), "unknown");
	for (int link = 0; link < LINK_UNKNOWN; link++)
		CHECK(strcmp(link_type_name((enum link_type)link), "unknown") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_example_outlives_its_packet),
		cmocka_unit_test(short_and_empty_packets_are_kept_as_they_are),
		cmocka_unit_test(every_reason_is_reached),
		cmocka_unit_test(link_types_have_names),
	};

	return RUN_TESTS(tests);
}
