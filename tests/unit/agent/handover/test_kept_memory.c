/* test_kept_memory.c - what one process writes, the next one finds, if it is of its kind. */
#include "kept_memory.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

TEST(another_process_finds_what_was_written)
{
	struct kept_memory one;
	struct kept_memory other;

	CHECK_EQ(kept_memory_create(&one, "a b", 10000), 0);
	CHECK_EQ(one.bytes[9999], 0);
	one.bytes[9999] = 7;
	CHECK_EQ(kept_memory_open(&other, fcntl(one.descriptor, F_DUPFD_CLOEXEC, 0), "a b", 10000),
		 0);
	CHECK_EQ(other.bytes[9999], 7);
	kept_memory_clear(&one);
	CHECK_EQ(other.bytes[9999], 7);
	CHECK_EQ(ftruncate(other.descriptor, 1), -1); /* sealed */
	kept_memory_clear(&other);
	CHECK(!other.bytes);
	kept_memory_clear(&other);
}

TEST(another_layout_or_size_and_other_files_are_refused)
{
	const int pipe = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct kept_memory one;
	struct kept_memory other;

	CHECK_EQ(kept_memory_create(&one, "a b", 10000), 0);
	CHECK_EQ(kept_memory_open(&other, dup(one.descriptor), "a c", 10000), -EINVAL);
	CHECK_EQ(kept_memory_open(&other, dup(one.descriptor), "a b", 10001), -EINVAL);
	CHECK(!other.bytes);
	CHECK_EQ(kept_memory_open(&other, dup(one.descriptor), "a b", 0), 0); /* of any size */
	CHECK_EQ(other.size, 10000);
	kept_memory_clear(&other);
	CHECK_EQ(ftruncate(pipe, 10000 + 4096), 0);
	CHECK_EQ(kept_memory_open(&other, pipe, "a b", 10000), -EINVAL); /* taken */
	CHECK_EQ(fcntl(pipe, F_GETFD), -1);
	kept_memory_clear(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_process_finds_what_was_written),
		cmocka_unit_test(another_layout_or_size_and_other_files_are_refused),
	};

	return RUN_TESTS(tests);
}
