/* test_capture_bpf_kept.c - the descriptors of a BPF source in a socket, and out of it. */
#include "capture_bpf_kept.h"

#include "capture_bpf_record.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct capture_bpf_facts facts = {
	.layout = CAPTURE_BPF_LAYOUT,
	.index = 7,
	.ring_bytes = 4096,
	.cpus = 2,
};

static void close_all(struct capture_bpf_kernel *kernel)
{
	(void)close(kernel->ring);
	(void)close(kernel->counters);
	(void)close(kernel->control);
	for (int side = 0; side < 2; side++)
		(void)close(kernel->links[side]);
}

/* A socket with any five descriptors. */
static int make(void)
{
	struct capture_bpf_kernel kernel = CAPTURE_BPF_KERNEL_NONE;
	int kept;

	kernel.ring = open("/dev/null", O_RDONLY);
	kernel.counters = dup(kernel.ring);
	kernel.control = dup(kernel.ring);
	kernel.links[0] = dup(kernel.ring);
	kernel.links[1] = dup(kernel.ring);
	kept = capture_bpf_kept_make(&kernel, &facts);
	CHECK(kept >= 0);
	close_all(&kernel);
	return kept;
}

TEST(it_can_be_opened_again_and_again)
{
	struct capture_bpf_kernel kernel;
	struct capture_bpf_facts read;
	const int kept = make();

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(capture_bpf_kept_open(kept, &kernel, &read), 0);
		CHECK_BYTES(&read, &facts, sizeof(facts));
		CHECK_EQ(kernel.index, 7);
		CHECK(kernel.links[1] >= 0);
		close_all(&kernel);
	}
	(void)close(kept);
}

/* That is not another version. */
TEST(a_process_that_may_not_open_more_says_so)
{
	struct capture_bpf_kernel kernel;
	struct capture_bpf_facts read;
	struct rlimit before, few;
	const int kept = make();
	const int next = dup(kept);
	int result;

	(void)close(next);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)next + 2; /* of five */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	result = capture_bpf_kept_open(kept, &kernel, &read);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_EQ(result, -EMFILE);
	CHECK_EQ(kernel.ring, -1);
	CHECK_EQ(dup(kept), next); /* what has come is closed */
	(void)close(next);
	(void)close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_can_be_opened_again_and_again),
		cmocka_unit_test(a_process_that_may_not_open_more_says_so),
	};

	return RUN_TESTS(tests);
}
