/* test_capture_bpf_ring.c - records of the BPF program in a ring that is built here: what becomes
 * of them, when the kernel gets the room back, and what is not ready. */
#include "capture_bpf_record.h"
#include "capture_bpf_ring.h"
#include "check.h"

#include <limits.h>
#include <linux/bpf.h>

#define RING_BYTES  4096
#define WHOLE_BYTES (BPF_RINGBUF_HDR_SZ + sizeof(struct capture_bpf_record))
#define NEVER       0xee /* what bytes are that nothing has written */

/* The kernel's side: what it maps twice is written twice. */
struct kernel {
	_Alignas(8) uint8_t memory[2 * RING_BYTES];
	unsigned long produced, consumed;
	struct capture_bpf_ring ring;
};

static const struct capture_bpf_scene scene = { .offset_ns = 1700000000000000000,
						.interface_index = 7,
						.link = LINK_ETHERNET };

static void begin(struct kernel *kernel, unsigned long position)
{
	memset(kernel, 0, sizeof(*kernel));
	memset(kernel->memory, NEVER, sizeof(kernel->memory));
	kernel->produced = kernel->consumed = position;
	kernel->ring = (struct capture_bpf_ring){
		.data = kernel->memory,
		.size = RING_BYTES,
		.produced = &kernel->produced,
		.consumed = &kernel->consumed,
		.next = position,
	};
}

static void write_bytes(struct kernel *kernel, unsigned long position, const void *bytes,
			size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const size_t place = (position + i) % RING_BYTES;

		kernel->memory[place] = kernel->memory[place + RING_BYTES] =
			((const uint8_t *)bytes)[i];
	}
}

static void put(struct kernel *kernel, const struct capture_bpf_record *record, uint32_t header)
{
	write_bytes(kernel, kernel->produced, &header, sizeof(header));
	write_bytes(kernel, kernel->produced + BPF_RINGBUF_HDR_SZ, record, sizeof(*record));
	kernel->produced += WHOLE_BYTES;
}

static struct capture_bpf_record numbered(uint32_t number)
{
	return (struct capture_bpf_record){
		.time_ns = 5000000, .length = number, .captured = 100, .bytes = { (uint8_t)number }
	};
}

TEST(a_record_becomes_a_view)
{
	const struct capture_bpf_record egress = {
		.time_ns = 1999999,
		.length = 1514,
		.mark = 5,
		.captured = 128,
		.vlan_tag = 0xe005,
		.is_egress = 1,
		.bytes = { 1, 2, 3 },
	};
	struct packet_view views[4];
	struct kernel kernel;

	begin(&kernel, 0);
	put(&kernel, &egress, sizeof(egress));
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 4), 1);
	CHECK_EQ(views[0].captured_bytes, 128);
	CHECK_EQ(views[0].original_bytes, 1514);
	CHECK_EQ(views[0].bytes[2], 3);
	CHECK_EQ(views[0].time_ms, 1700000000001);
	CHECK_EQ(views[0].mark, 5);
	CHECK_EQ(views[0].vlan_id, 5); /* without its priority */
	CHECK_EQ(views[0].link, LINK_ETHERNET);
	CHECK_EQ(views[0].side, SIDE_egress);
	CHECK_EQ(views[0].output_interface, 7);
	CHECK_EQ(views[0].input_interface, 0);
	CHECK_EQ(kernel.ring.truncated, 1);
	CHECK_EQ(kernel.consumed, 0); /* the view borrows from it */
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 4), 0);
	CHECK_EQ(kernel.consumed, WHOLE_BYTES);
}

/* What has no socket has no owner, nor has what may be the kernel's own; both kinds of records may
 * be in one ring. */
TEST(owners_are_beside_the_views)
{
	static const struct {
		uint64_t cgroup, wanted_cgroup;
		uint32_t user, wanted_user;
	} cases[] = {
		{ 4711, 4711, 0, 1 }, { 4711, 4711, 65534, 65535 }, { 1, 0, 1001, 1002 },
		{ 1, 0, 0, 0 },       { 1, 0, 65534, 0 },           { 0, 0, 0, 0 },
	};
	const size_t count = sizeof(cases) / sizeof(cases[0]);
	struct packet_owner owners[8];
	struct packet_view views[8];
	struct kernel kernel;
	const struct capture_bpf_record plain = numbered(99);

	begin(&kernel, 0);
	memset(owners, NEVER, sizeof(owners));
	kernel.ring.owners = owners;
	for (size_t i = 0; i < count; i++) {
		const struct capture_bpf_owned owned = {
			.packet = numbered((uint32_t)i + 1),
			.cgroup = cases[i].cgroup,
			.user = cases[i].user,
		};
		const uint32_t header = sizeof(owned);

		write_bytes(&kernel, kernel.produced, &header, sizeof(header));
		write_bytes(&kernel, kernel.produced + BPF_RINGBUF_HDR_SZ, &owned, sizeof(owned));
		kernel.produced += BPF_RINGBUF_HDR_SZ + sizeof(owned);
	}
	put(&kernel, &plain, sizeof(plain));
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 8), count + 1);
	for (size_t i = 0; i < count; i++) {
		CHECK_EQ(views[i].original_bytes, i + 1);
		CHECK_EQ(owners[i].user, cases[i].wanted_user);
		CHECK_EQ(owners[i].cgroup, cases[i].wanted_cgroup);
	}
	CHECK_EQ(views[count].original_bytes, 99);
	CHECK_EQ(owners[count].user, 0);
	CHECK_EQ(owners[count].cgroup, 0);
	CHECK_EQ(kernel.ring.malformed, 0);
}

/* Positions count on over the end of the ring, and of their own type. */
TEST(every_record_comes_once_round_and_round)
{
	struct packet_view views[3];
	struct kernel kernel;
	uint32_t written = 0, read = 0;

	begin(&kernel, ULONG_MAX - 3 * RING_BYTES + 1);
	while (read < 500) {
		size_t count;

		while (kernel.produced - kernel.consumed + WHOLE_BYTES <= RING_BYTES) {
			const struct capture_bpf_record record = numbered(++written);

			put(&kernel, &record, sizeof(record));
		}
		count = capture_bpf_ring_read(&kernel.ring, &scene, views, 3);
		for (size_t i = 0; i < count; i++) {
			CHECK_EQ(views[i].original_bytes, ++read);
			CHECK_EQ(views[i].bytes[0], (uint8_t)read);
			CHECK_EQ(views[i].input_interface, 7);
			CHECK_EQ(views[i].side, SIDE_ingress);
		}
	}
	CHECK(kernel.produced < RING_BYTES * 100ul); /* it has wrapped */
}

TEST(what_a_cpu_is_writing_is_waited_for)
{
	const struct capture_bpf_record record = numbered(1);
	const uint32_t length = sizeof(record);
	struct packet_view views[4];
	struct kernel kernel;

	begin(&kernel, 0);
	put(&kernel, &record, length | BPF_RINGBUF_BUSY_BIT);
	put(&kernel, &record, length);
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 4), 0);
	CHECK_EQ(capture_bpf_ring_waiting(&kernel.ring), 2 * WHOLE_BYTES);
	write_bytes(&kernel, 0, &length, sizeof(length));
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 4), 2);
	CHECK_EQ(capture_bpf_ring_waiting(&kernel.ring), 0);
}

TEST(what_is_not_ours_is_counted_or_passed_over)
{
	struct capture_bpf_record record = numbered(1);
	struct packet_view views[4];
	struct kernel kernel;

	begin(&kernel, 0);
	put(&kernel, &record, sizeof(record) | BPF_RINGBUF_DISCARD_BIT);
	record.captured = CAPTURE_BPF_HEADER_BYTES + 1;
	put(&kernel, &record, sizeof(record));
	record.captured = 0;
	put(&kernel, &record, sizeof(record) - 1); /* is rounded up to the same */
	put(&kernel, &record, sizeof(record));
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 4), 1);
	CHECK_EQ(views[0].captured_bytes, 0);
	CHECK_EQ(kernel.ring.malformed, 2);
}

/* After a kill: what the last reader was given is given again, from where its turn has begun. */
TEST(a_reader_continues_where_another_has_been)
{
	struct packet_view views[2];
	struct kernel kernel;
	uint64_t position;

	begin(&kernel, 0);
	for (uint32_t i = 1; i <= 5; i++) {
		const struct capture_bpf_record record = numbered(i);

		put(&kernel, &record, sizeof(record));
	}
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 2), 2);
	position = capture_bpf_ring_position(&kernel.ring);
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 2), 2); /* 3 and 4; killed */
	kernel.ring.next = kernel.consumed;
	CHECK(capture_bpf_ring_resume(&kernel.ring, position));
	CHECK_EQ(capture_bpf_ring_read(&kernel.ring, &scene, views, 2), 2);
	CHECK_EQ(views[0].original_bytes, 3);
	capture_bpf_ring_give_back(&kernel.ring); /* an orderly end */
	CHECK_EQ(kernel.consumed, 4 * WHOLE_BYTES);
	CHECK(!capture_bpf_ring_resume(&kernel.ring, position)); /* given back */
	CHECK(!capture_bpf_ring_resume(&kernel.ring, kernel.produced + 8));
	CHECK(!capture_bpf_ring_resume(&kernel.ring, kernel.produced - 1));
	CHECK(capture_bpf_ring_resume(&kernel.ring, kernel.produced));
}

/* What is left behind, and what a program that came later has seen as well. */
TEST(records_that_are_older_are_counted)
{
	struct capture_bpf_record record = numbered(60);
	struct kernel kernel;

	begin(&kernel, 0);
	put(&kernel, &record, sizeof(record));
	put(&kernel, &record, sizeof(record) | BPF_RINGBUF_DISCARD_BIT);
	record.is_egress = 1;
	put(&kernel, &record, sizeof(record));
	record.time_ns++;
	put(&kernel, &record, sizeof(record));
	put(&kernel, &record, sizeof(record) | BPF_RINGBUF_BUSY_BIT);
	put(&kernel, &record, sizeof(record));
	CHECK_EQ(capture_bpf_ring_count(&kernel.ring, (const uint64_t[]){ UINT64_MAX, UINT64_MAX }),
		 3);
	CHECK_EQ(capture_bpf_ring_count(&kernel.ring, (const uint64_t[]){ 5000000, 5000001 }), 1);
	CHECK_EQ(capture_bpf_ring_count(&kernel.ring, (const uint64_t[]){ 5000001, 5000002 }), 3);
	CHECK_EQ(capture_bpf_ring_position(&kernel.ring), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_becomes_a_view),
		cmocka_unit_test(owners_are_beside_the_views),
		cmocka_unit_test(every_record_comes_once_round_and_round),
		cmocka_unit_test(what_a_cpu_is_writing_is_waited_for),
		cmocka_unit_test(what_is_not_ours_is_counted_or_passed_over),
		cmocka_unit_test(a_reader_continues_where_another_has_been),
		cmocka_unit_test(records_that_are_older_are_counted),
	};

	return RUN_TESTS(tests);
}
