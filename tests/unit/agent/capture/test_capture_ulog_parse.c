/* test_capture_ulog_parse.c - datagrams of the old netfilter log that are built here, in both
 * layouts: members, several messages, losses, and what is cut. */
#include "capture_ulog_parse.h"
#include "check.h"

#include <stdlib.h>

enum {
	RECEIVED_MS = 777000,
	EVENT = 111,
	DONE = 3,
	MULTI = 2, /* flag */
	OUTPUT = 3,
	MAX_VIEWS = 64,
	COPY = 28,
};

/* A datagram under construction; all numbers are in host order. */
struct datagram {
	uint8_t bytes[8192];
	size_t size;
};

struct message {
	unsigned int word; /* bytes of the kernel's "long" */
	uint16_t type, flags;
	uint32_t sequence;
	uint64_t mark, seconds, microseconds;
	uint32_t hook;
	const char *input, *output, *prefix;
	size_t length; /* of the copy, all bytes of which are its last one */
};

static const struct message plain = {
	.word = 8, .type = EVENT, .seconds = 1700000000, .microseconds = 999999, .length = COPY
};

static void put(struct datagram *datagram, const void *bytes, size_t size)
{
	memcpy(datagram->bytes + datagram->size, bytes, size);
	datagram->size += size;
}

static void put_word(struct datagram *datagram, uint64_t value, unsigned int word)
{
	const uint32_t half = (uint32_t)value;

	if (word == 8)
		put(datagram, &value, 8);
	else
		put(datagram, &half, 4);
}

static void put_text(struct datagram *datagram, const char *text, size_t size)
{
	char bytes[32] = "";

	memcpy(bytes, text ? text : "", text ? strnlen(text, size) : 0);
	put(datagram, bytes, size);
}

/* ulog_packet_msg_t as a compiler lays it out for a kernel with this "long". */
static void put_message(struct datagram *datagram, const struct message *message)
{
	const size_t struct_size = message->word == 8 ? 192 : 168;
	const uint32_t size = (uint32_t)(16 + struct_size + message->length);
	const size_t start = datagram->size;
	static const uint8_t zeros[81];

	put(datagram, &size, 4);
	put(datagram, &message->type, 2);
	put(datagram, &message->flags, 2);
	put(datagram, &message->sequence, 4);
	put(datagram, zeros, 4); /* port */
	put_word(datagram, message->mark, message->word);
	put_word(datagram, message->seconds, message->word);
	put_word(datagram, message->microseconds, message->word);
	put(datagram, &message->hook, 4);
	put_text(datagram, message->input, 16);
	put_text(datagram, message->output, 16);
	if (message->word == 8)
		put(datagram, zeros, 4); /* alignment */
	put_word(datagram, message->length, message->word);
	put_text(datagram, message->prefix, 32);
	put(datagram, zeros, 1 + 80); /* length of the link header, its bytes */
	memset(datagram->bytes + datagram->size, (int)message->length, message->length);
	datagram->size = start + (size + 3) / 4 * 4;
}

static uint32_t index_of(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "eth0") == 0 ? 7 : strcmp(name, "fifteen-charact") == 0 ? 15 : 0;
}

struct parsed {
	struct packet_view views[MAX_VIEWS];
	size_t count;
	uint8_t *bytes; /* of just the size, so that a sanitizer sees what is read beyond */
};

static struct parsed parse(struct capture_ulog_parser *parser, const struct datagram *datagram,
			   size_t size)
{
	struct parsed parsed = { .bytes = malloc(size + !size) };

	memcpy(parsed.bytes, datagram->bytes, size);
	parser->index_of = index_of;
	capture_ulog_parse_begin(parser, parsed.bytes, size, RECEIVED_MS);
	parsed.count = capture_ulog_parse(parser, parsed.views, MAX_VIEWS);
	CHECK_EQ(capture_ulog_parse(parser, parsed.views, 0), 0);
	return parsed;
}

TEST(every_member_goes_into_the_view)
{
	for (unsigned int word = 4; word <= 8; word += 4) {
		const struct message message = {
			.word = word,
			.type = EVENT,
			.mark = 0xf10a,
			.seconds = 1700000000,
			.microseconds = 999999,
			.hook = OUTPUT,
			.input = "fifteen-charact",
			.output = "eth0",
			.prefix = "web s=10 x",
			.length = COPY,
		};
		struct capture_ulog_parser parser = { .context = NULL };
		struct datagram datagram = { .size = 0 };
		struct parsed parsed;

		put_message(&datagram, &message);
		parsed = parse(&parser, &datagram, datagram.size);
		CHECK_EQ(parsed.count, 1);
		CHECK_EQ(parsed.views[0].mark, 0xf10a);
		CHECK_EQ(parsed.views[0].time_ms, 1700000000999);
		CHECK_EQ(parsed.views[0].side, SIDE_egress);
		CHECK_EQ(parsed.views[0].input_interface, 15);
		CHECK_EQ(parsed.views[0].output_interface, 7);
		CHECK_EQ(parsed.views[0].rule_interval, 10);
		CHECK_EQ(parsed.views[0].link, LINK_IPV4);
		CHECK_EQ(parsed.views[0].captured_bytes, COPY);
		CHECK_EQ(parsed.views[0].bytes[0], COPY);
		CHECK_EQ(parsed.views[0].bytes[COPY - 1], COPY);
		CHECK_EQ(parser.packets_unstamped, 0);
		CHECK_EQ(parser.messages_malformed, 0);
		free(parsed.bytes);
	}
}

/* With a copy of 24 bytes and no prefix the layout of 32 bits has the length of that of 64 and no
 * copy; each length of a packet is tried in both. */
TEST(the_layout_is_found_for_each_length)
{
	for (unsigned int word = 4; word <= 8; word += 4) {
		for (size_t length = 20; length < 256; length++) {
			struct message message = plain;
			struct capture_ulog_parser parser = { .context = NULL };
			struct datagram datagram = { .size = 0 };
			struct parsed parsed;

			message.word = word;
			message.length = length;
			put_message(&datagram, &message);
			parsed = parse(&parser, &datagram, datagram.size);
			CHECK_EQ(parsed.count, 1);
			CHECK_EQ(parsed.views[0].captured_bytes, length);
			CHECK_EQ(parsed.views[0].bytes[length - 1], length);
			free(parsed.bytes);
		}
	}
}

TEST(the_last_message_of_several_is_a_packet_too)
{
	struct capture_ulog_parser parser = { .context = NULL };
	struct datagram datagram = { .size = 0 };
	struct message message = plain;
	struct parsed parsed;

	message.flags = MULTI;
	for (uint32_t i = 0; i < 3; i++) {
		message.sequence = i;
		message.length = COPY + i;
		message.type = i == 2 ? DONE : EVENT;
		put_message(&datagram, &message);
	}
	parsed = parse(&parser, &datagram, datagram.size);
	CHECK_EQ(parsed.count, 3);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(parsed.views[i].captured_bytes, COPY + i);
	CHECK_EQ(parser.packets_lost, 0);
	free(parsed.bytes);
}

TEST(messages_of_other_types_and_an_empty_end_are_skipped)
{
	static const uint32_t end[4] = { 16, DONE };
	struct capture_ulog_parser parser = { .context = NULL };
	struct datagram datagram = { .size = 0 };
	struct message message = plain;
	struct parsed parsed;

	message.type = 2; /* NLMSG_ERROR */
	put_message(&datagram, &message);
	put_message(&datagram, &plain);
	put(&datagram, end, sizeof(end));
	parsed = parse(&parser, &datagram, datagram.size);
	CHECK_EQ(parsed.count, 1);
	CHECK_EQ(parser.messages_malformed, 0);
	free(parsed.bytes);
}

TEST(packets_without_a_time_have_that_of_receipt)
{
	static const struct {
		uint64_t seconds, microseconds;
	} cases[] = { { 0, 0 }, { 1700000000, 1000000 }, { UINT64_MAX, 0 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture_ulog_parser parser = { .context = NULL };
		struct datagram datagram = { .size = 0 };
		struct message message = plain;
		struct parsed parsed;

		message.seconds = cases[i].seconds;
		message.microseconds = cases[i].microseconds;
		put_message(&datagram, &message);
		parsed = parse(&parser, &datagram, datagram.size);
		CHECK_EQ(parsed.count, 1);
		CHECK_EQ(parsed.views[0].time_ms, RECEIVED_MS);
		CHECK_EQ(parser.packets_unstamped, 1);
		free(parsed.bytes);
	}
}

TEST(a_time_that_is_the_moment_of_receipt_is_a_time)
{
	struct capture_ulog_parser parser = { .context = NULL };
	struct datagram datagram = { .size = 0 };
	struct message message = plain;
	struct parsed parsed;

	message.seconds = RECEIVED_MS / 1000;
	message.microseconds = RECEIVED_MS % 1000 * 1000 + 321;
	put_message(&datagram, &message);
	parsed = parse(&parser, &datagram, datagram.size);
	CHECK_EQ(parsed.views[0].time_ms, RECEIVED_MS);
	CHECK_EQ(parsed.views[0].microseconds, 321);
	CHECK_EQ(parser.packets_unstamped, 0);
	free(parsed.bytes);
}

TEST(gaps_in_the_numbers_are_losses)
{
	static const uint32_t numbers[] = { 5, 6, 9, 10, 10 };
	struct capture_ulog_parser parser = { .context = NULL };
	struct datagram datagram = { .size = 0 };
	struct message message = plain;
	struct parsed parsed;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		message.sequence = numbers[i];
		put_message(&datagram, &message);
	}
	parsed = parse(&parser, &datagram, datagram.size);
	CHECK_EQ(parsed.count, 5);
	CHECK_EQ(parser.packets_lost, 2);
	CHECK_EQ(parser.messages_malformed, 1); /* the number that came twice */
	free(parsed.bytes);
	parsed = parse(&parser, &datagram, datagram.size); /* each datagram begins anew */
	CHECK_EQ(parser.packets_lost, 4);
	free(parsed.bytes);
}

TEST(lengths_that_make_no_sense_are_malformed)
{
	static const size_t lengths[] = {
		0,         15, 16, 17, 16 + 167, 16 + 191, 16 + 192 + COPY - 8, 16 + 192 + COPY + 4,
		UINT32_MAX
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct capture_ulog_parser parser = { .context = NULL };
		struct datagram datagram = { .size = 0 };
		const uint32_t length = (uint32_t)lengths[i];
		struct parsed parsed;

		put_message(&datagram, &plain);
		memcpy(datagram.bytes, &length, 4);
		parsed = parse(&parser, &datagram, datagram.size);
		CHECK_EQ(parsed.count, 0);
		CHECK(parser.messages_malformed >= 1);
		free(parsed.bytes);
	}
}

TEST(any_cut_of_a_datagram_is_survived)
{
	struct datagram datagram = { .size = 0 };
	struct message message = plain;

	put_message(&datagram, &plain);
	message.word = 4;
	message.sequence = 1;
	put_message(&datagram, &message);
	for (size_t size = 0; size <= datagram.size; size++) {
		struct capture_ulog_parser parser = { .context = NULL };
		struct parsed parsed = parse(&parser, &datagram, size);
		const bool is_whole = size == 0 || size == 236 || size == datagram.size;

		CHECK_EQ(parsed.count, (size >= 236) + (size == datagram.size));
		CHECK_EQ(parser.messages_malformed, !is_whole);
		free(parsed.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_goes_into_the_view),
		cmocka_unit_test(the_layout_is_found_for_each_length),
		cmocka_unit_test(the_last_message_of_several_is_a_packet_too),
		cmocka_unit_test(messages_of_other_types_and_an_empty_end_are_skipped),
		cmocka_unit_test(packets_without_a_time_have_that_of_receipt),
		cmocka_unit_test(a_time_that_is_the_moment_of_receipt_is_a_time),
		cmocka_unit_test(gaps_in_the_numbers_are_losses),
		cmocka_unit_test(lengths_that_make_no_sense_are_malformed),
		cmocka_unit_test(any_cut_of_a_datagram_is_survived),
	};

	return RUN_TESTS(tests);
}
