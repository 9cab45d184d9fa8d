/* test_flow_offload_kill.c - a process is killed at every instruction at which it changes what
 * outlives it, while a kernel counts for it; another one continues. Each packet is somewhere, once:
 * in a record, in a flow, or in a slot and not taken.
 *
 * As test_flow_cache_recover.c: the parent steps through a child, instruction by instruction, and
 * recovers a copy of the memory that both share. */
#include "check.h"
#include "fake_offload.h"
#include "flow_cache_layout.h"
#include "flow_cache_recover.h"
#include "tcp_flags.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS       4
#define MAX_FLOWS   4
#define RECORDS_MAX 64
#define THRESHOLD   2

/* What one process leaves to the next, before the cache. */
struct head {
	struct flow_record records[RECORDS_MAX];
	struct flow_offload_slot slots[SLOTS];
	struct flow_offload_entry entries[SLOTS];
};
#define HEAD_SIZE (((sizeof(struct head) + 4095) / 4096) * 4096)

static const struct flow_cache_config config = {
	.max_flows = MAX_FLOWS,
	.expiry = { .active_ms = 3000, .idle_ms = { 700, 300, 300, 500, 500, 500 } },
	.hash_key = { 3 },
};
static uint8_t *shared, *copy;
static uint32_t placed; /* records given out by this process */
static uint64_t cuts;

static struct flow_record *place(void *context)
{
	struct head *head = context;

	return &head->records[placed++ % RECORDS_MAX];
}

static struct flow_offload *begin(struct head *head, struct flow_cache *cache, bool is_continued)
{
	const struct flow_offload_config offload = {
		.slot_count = SLOTS,
		.threshold = THRESHOLD,
		.slots = head->slots,
		.entries = head->entries,
		.is_continued = is_continued,
	};

	return flow_offload_create(&offload, cache);
}

/* ---- the child ---- */

static void come_up(struct flow_cache *cache, struct head *head, uint32_t flow, cache_ms now,
		    uint8_t tcp_flags)
{
	const struct flow_sink sink = { place, head };
	const struct packet_info info = fake_packet(flow, now, tcp_flags);
	const struct packet_note note = { 0 };
	const struct flow_offload_candidate *candidates;
	const size_t count = flow_cache_add_offered(cache, &info, &note, 1, &sink, &candidates);
	const uint8_t key[20] = { (uint8_t)flow };

	for (size_t i = 0; i < count && !tcp_flags; i++)
		(void)flow_offload_offer(cache->offload, &candidates[i], &info, key, sizeof(key),
					 0);
}

static void turn_cycle(struct flow_cache *cache, struct head *head, struct fake_kernel *kernel,
		       cache_ms now)
{
	const struct flow_sink sink = { place, head };
	struct flow_offload_cycle cycle;

	if (flow_offload_begin_cycle(cache->offload, SLOTS, &cycle)) {
		fake_cycle(kernel, &cycle);
		while (flow_offload_end_cycle(cache->offload, now, 1, &sink)) {
		}
	}
}

static void install(struct flow_cache *cache, struct head *head, struct fake_kernel *kernel,
		    uint32_t flow, cache_ms now)
{
	come_up(cache, head, flow, now, 0);
	come_up(cache, head, flow, now, 0);
	turn_cycle(cache, head, kernel, now);
}

/* Everything that is taken: from a flow that lives, that ends, is renewed, has left, and from late
 * CPUs. */
static void play(struct flow_cache *cache, struct head *head)
{
	const struct flow_sink sink = { place, head };
	struct fake_kernel kernel;

	fake_kernel_init(&kernel, head->slots, head->entries);
	install(cache, head, &kernel, 1, 1000);
	install(cache, head, &kernel, 4, 1001);
	fake_add(&kernel, kernel.table[1], 1100u * NS_PER_MS);
	fake_add(&kernel, kernel.table[4], 1101u * NS_PER_MS);
	flow_offload_take_all(cache->offload, 1102);
	fake_add(&kernel, kernel.table[1], 1103u * NS_PER_MS);
	come_up(cache, head, 1, 1900, 0); /* its record is over */
	fake_add(&kernel, kernel.table[4], 1400u * NS_PER_MS);
	kernel.late[0] = (struct fake_late){ kernel.table[4], 1401u * NS_PER_MS };
	(void)flow_cache_expire(cache, 2400, 9, &sink);
	turn_cycle(cache, head, &kernel, 2401);
	install(cache, head, &kernel, 5, 2402);
	fake_add(&kernel, kernel.table[5], 2403u * NS_PER_MS);
	come_up(cache, head, 5, 2404, TCP_FLAG_FIN);
	fake_add(&kernel, kernel.table[5], 2403u * NS_PER_MS);
	turn_cycle(cache, head, &kernel, 2405);
	install(cache, head, &kernel, 8, 2406);
	fake_add(&kernel, kernel.table[8], 2407u * NS_PER_MS);
	(void)flow_cache_flush(cache, 2408, 9, &sink);
	fake_add(&kernel, kernel.table[8], 2407u * NS_PER_MS);
	flow_offload_finish(cache->offload, 2409, 9, &sink);
	(void)flow_cache_flush(cache, 2410, 9, &sink);
}

/* ---- the parent ---- */

static struct flow_offload_sums sum_of(struct flow_cache *cache, const struct head *head)
{
	struct flow_offload_sums sum = flow_offload_left(head->slots, head->entries, SLOTS);
	struct flow_record live[MAX_FLOWS];
	uint64_t cursor = 0;

	while (cursor != FLOW_CACHE_CURSOR_END) {
		const size_t count = flow_cache_snapshot(cache, &cursor, live, MAX_FLOWS);

		for (size_t i = 0; i < count; i++) {
			sum.packets += live[i].packets;
			sum.octets += live[i].octets;
		}
	}
	for (uint32_t i = 0; i < flow_cache_progress(cache).records; i++) {
		sum.packets += head->records[i].packets;
		sum.octets += head->records[i].octets;
	}
	return sum;
}

/* Of packets that came up, and what the slots hold. */
static void check_sums(struct flow_cache *cache, const struct head *head)
{
	const struct flow_offload_sums sum = sum_of(cache, head);
	const uint64_t packets = flow_cache_progress(cache).packets - 1;
	struct flow_offload_sums expected = { .packets = packets, .octets = FAKE_OCTETS * packets };

	for (int i = 0; i < SLOTS; i++) {
		expected.packets += head->slots[i].packets;
		expected.octets += head->slots[i].octets;
	}
	CHECK_EQ(sum.packets, expected.packets);
	CHECK_EQ(sum.octets, expected.octets);
}

/* The next process. Where the last one was adding as the kernel, its packet is not whole: that is
 * no instruction of ours. */
static void recover_copy(void)
{
	const struct flow_sink sink = { place, copy };
	struct head *head = (struct head *)(void *)copy;
	struct flow_offload_sums offloaded;
	struct flow_cache *cache;
	struct flow_offload *offload;

	memcpy(copy, shared, HEAD_SIZE + flow_cache_size(&config));
	for (int i = 0; i < SLOTS; i++)
		if (head->slots[i].octets != FAKE_OCTETS * head->slots[i].packets)
			return;
	cache = flow_cache_recover(&config, copy + HEAD_SIZE);
	CHECK(cache != NULL);
	placed = flow_cache_progress(cache).records;
	offload = begin(head, cache, true);
	CHECK(offload != NULL);
	CHECK(flow_offload_is_consistent(offload));
	check_sums(cache, head);
	flow_offload_take_all(offload, 2500);
	check_sums(cache, head);
	flow_offload_finish(offload, 2500, 9, &sink);
	(void)flow_cache_flush(cache, 2501, 9, &sink);
	CHECK_EQ(flow_offload_left(head->slots, head->entries, SLOTS).packets, 0);
	check_sums(cache, head);
	offloaded = flow_cache_offloaded(cache);
	for (int i = 0; i < SLOTS; i++)
		offloaded.packets -= head->slots[i].packets;
	CHECK_EQ(offloaded.packets, 0);
	flow_offload_destroy(offload);
	cuts++;
}

static void work(void)
{
	struct flow_cache *cache = flow_cache_create_in(&config, shared + HEAD_SIZE);
	struct head *head = (struct head *)(void *)shared;

	if (!begin(head, cache, false) || ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(77);
	(void)raise(SIGSTOP);
	play(cache, head);
	(void)raise(SIGSTOP);
	_exit(0);
}

/* Recover whenever the memory has changed. Returns false where nobody may trace. */
static bool trace(pid_t child, uint8_t *last, size_t size)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status))
		return false;
	memcpy(last, shared, size);
	for (;;) {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL))
			return false;
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			return true;
		if (!memcmp(last, shared, size))
			continue;
		memcpy(last, shared, size);
		recover_copy();
	}
}

TEST(killed_anywhere_each_packet_is_counted_once)
{
	const size_t size = HEAD_SIZE + flow_cache_size(&config);
	uint8_t *last = malloc(size);
	pid_t child;
	int status;

	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(last && shared != MAP_FAILED && copy != MAP_FAILED);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		work();
	if (trace(child, last, size))
		CHECK(cuts > 500);
	else
		(void)printf("not shown: this machine does not let us step through a process\n");
	(void)kill(child, SIGKILL);
	(void)waitpid(child, &status, 0);
	free(last);
	(void)munmap(shared, size);
	(void)munmap(copy, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_anywhere_each_packet_is_counted_once),
	};

	return RUN_TESTS(tests);
}
