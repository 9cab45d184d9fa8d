/* test_capture_nflog_memory.c - a process is killed while it receives: the next one has the
 * datagram if it has left the kernel's queue, and has it once. */
#include "capture_nflog_memory.h"

#include "check.h"

static struct capture_nflog_memory memory;
static struct capture_nflog_parser parser;

/* A message that is no packet, of 'size' bytes: netlink's length comes first, in host order. */
static void arrive(uint32_t size)
{
	memset(memory.datagram, 0xee, size);
	memcpy(memory.datagram, &size, sizeof(size));
}

/* As the next process: how many bytes are left to parse. */
static size_t left_for_next(const struct capture_position *position)
{
	struct capture_nflog_parser next = { .snaplen = 128 };

	capture_nflog_memory_resume(&memory, &next, position);
	CHECK_EQ(next.next_sequence, position->next_sequence);
	return reader_left(&next.datagram);
}

static void begin(struct capture_position *position)
{
	memset(&memory, 0, sizeof(memory));
	parser = (struct capture_nflog_parser){ .snaplen = 128, .next_sequence = 5 };
	capture_nflog_memory_expect(&memory, 100, 1);
	arrive(100);
	capture_nflog_memory_receive(&memory, 100, 1);
	capture_nflog_parse_begin(&parser, memory.datagram, 100, 1);
	(void)reader_take(&parser.datagram, 60);
	*position = (struct capture_position){ 0 };
	capture_nflog_memory_position(&memory, &parser, position);
}

TEST(the_rest_of_a_datagram_is_read_again)
{
	struct capture_position position;

	begin(&position);
	CHECK_EQ(position.offset, 60);
	CHECK_EQ(position.next_sequence, 5);
	CHECK_EQ(left_for_next(&position), 40);
	CHECK_EQ(left_for_next(&position), 40); /* and again */
}

TEST(killed_before_the_kernel_gives_it)
{
	struct capture_position position;

	begin(&position);
	capture_nflog_memory_expect(&memory, 80, 2);
	CHECK_EQ(left_for_next(&position), 0);
	CHECK_EQ(left_for_next(&position), 0);
}

TEST(killed_before_it_is_noted)
{
	struct capture_position position;

	begin(&position);
	capture_nflog_memory_expect(&memory, 80, 2);
	arrive(80);
	CHECK_EQ(left_for_next(&position), 80); /* not what the older one has left behind it */
	CHECK_EQ(left_for_next(&position), 80);
}

TEST(killed_after_it_is_noted)
{
	struct capture_position position;

	begin(&position);
	capture_nflog_memory_expect(&memory, 80, 2);
	arrive(80);
	capture_nflog_memory_receive(&memory, 80, 2);
	CHECK_EQ(left_for_next(&position), 80);
}

TEST(damaged_numbers_do_no_harm)
{
	struct capture_position position;

	begin(&position);
	position.offset = 101;
	CHECK_EQ(left_for_next(&position), 0);
	begin(&position);
	memory.size = UINT32_MAX;
	CHECK_EQ(left_for_next(&position), 0);
	begin(&position);
	memory.expected = UINT32_MAX;
	CHECK_EQ(left_for_next(&position), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rest_of_a_datagram_is_read_again),
		cmocka_unit_test(killed_before_the_kernel_gives_it),
		cmocka_unit_test(killed_before_it_is_noted),
		cmocka_unit_test(killed_after_it_is_noted),
		cmocka_unit_test(damaged_numbers_do_no_harm),
	};

	return RUN_TESTS(tests);
}
