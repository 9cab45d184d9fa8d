/* test_handover_state.c - what one agent writes, the next one reads; anything else is refused. */
#include "handover_state.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* "fa-hand\n", version 1, 1 section, 50 bytes; section of kind 1, a name of 6 bytes, 4 bytes. */
static const uint8_t whole[] = {
	'f', 'a', '-', 'h', 'a', 'n', 'd', '\n', 0,   0,   0,   1,   0, 0, 0, 1, 0,
	0,   0,   0,   0,   0,   0,   50,  0,    1,   0,   6,   0,   0, 0, 0, 0, 0,
	0,   0,   0,   0,   0,   4,   'n', 'f',  'l', ':', '4', '0', 0, 0, 1, 2,
};

static int write_two(void)
{
	static const uint8_t first[] = { 0, 0, 1, 2 };
	static const uint8_t second[] = { 9 };
	struct handover_writer writer;

	handover_write_begin(&writer);
	handover_write_section(&writer, HANDOVER_sequence, "nflog:40", first, sizeof(first));
	handover_write_section(&writer, HANDOVER_sequence, "nflog:41", second, sizeof(second));
	return handover_write_end(&writer);
}

TEST(what_is_written_is_found)
{
	const int descriptor = write_two();
	struct handover_state left;
	struct reader body;

	CHECK(descriptor >= 0);
	CHECK_EQ(handover_state_map(&left, descriptor), 0);
	CHECK(handover_state_find(left.bytes, left.size, HANDOVER_sequence, "nflog:40", &body));
	CHECK_EQ(reader_u32(&body), 258);
	CHECK_EQ(reader_left(&body), 0);
	CHECK(handover_state_find(left.bytes, left.size, HANDOVER_sequence, "nflog:41", &body));
	CHECK_EQ(reader_u8(&body), 9);
	CHECK(!handover_state_find(left.bytes, left.size, HANDOVER_sequence, "nflog:4", &body));
	CHECK(!handover_state_find(left.bytes, left.size, (enum handover_kind)99, "nflog:40",
				   &body));
	handover_state_clear(&left);
	(void)close(descriptor);
}

TEST(the_file_cannot_be_changed)
{
	const int descriptor = write_two();

	CHECK_EQ(pwrite(descriptor, "x", 1, 0), -1);
	CHECK_EQ(ftruncate(descriptor, 0), -1);
	CHECK(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) == MAP_FAILED);
	(void)close(descriptor);
}

TEST(the_bytes_are_those_of_the_format)
{
	struct reader body;

	CHECK(handover_state_check(whole, sizeof(whole)));
	CHECK(handover_state_find(whole, sizeof(whole), HANDOVER_sequence, "nfl:40", &body));
	CHECK_EQ(reader_u32(&body), 258);
}

TEST(a_cut_state_is_refused)
{
	for (size_t size = 0; size < sizeof(whole); size++) {
		uint8_t *bytes = malloc(size ? size : 1);

		memcpy(bytes, whole, size);
		CHECK(!handover_state_check(bytes, size));
		free(bytes);
	}
}

TEST(another_version_or_number_of_sections_is_refused)
{
	static const size_t places[] = { 0, 11, 15, 23, 27, 39 };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint8_t bytes[sizeof(whole)];

		memcpy(bytes, whole, sizeof(bytes));
		bytes[places[i]]++;
		CHECK(!handover_state_check(bytes, sizeof(bytes)));
	}
}

TEST(a_file_that_is_not_sealed_or_not_finished_is_refused)
{
	const int open_file = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct handover_state left;
	struct handover_writer writer;

	CHECK_EQ(write(open_file, whole, sizeof(whole)), sizeof(whole));
	CHECK_EQ(handover_state_map(&left, open_file), -EINVAL);
	CHECK_EQ(fcntl(open_file, F_ADD_SEALS,
		       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
		 0);
	CHECK_EQ(handover_state_map(&left, open_file), 0);
	handover_state_clear(&left);
	(void)close(open_file);

	handover_write_begin(&writer);
	handover_write_section(&writer, HANDOVER_sequence, "nflog:40", whole, 4);
	CHECK_EQ(handover_state_map(&left, writer.descriptor), -EINVAL);
	CHECK(left.bytes == NULL);
	(void)close(writer.descriptor);
}

TEST(a_seal_more_is_no_harm)
{
	const int file = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct handover_state left;

	CHECK_EQ(write(file, whole, sizeof(whole)), sizeof(whole));
	CHECK_EQ(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	CHECK_EQ(fcntl(file, F_ADD_SEALS,
		       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
		 0);
	CHECK_EQ(handover_state_map(&left, file), 0);
	handover_state_clear(&left);
	(void)close(file);
}

TEST(what_has_no_seals_is_refused)
{
	struct handover_state left;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(handover_state_map(&left, ends[0]), -EINVAL);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_found),
		cmocka_unit_test(the_file_cannot_be_changed),
		cmocka_unit_test(the_bytes_are_those_of_the_format),
		cmocka_unit_test(a_cut_state_is_refused),
		cmocka_unit_test(another_version_or_number_of_sections_is_refused),
		cmocka_unit_test(a_file_that_is_not_sealed_or_not_finished_is_refused),
		cmocka_unit_test(a_seal_more_is_no_harm),
		cmocka_unit_test(what_has_no_seals_is_refused),
	};

	return RUN_TESTS(tests);
}
