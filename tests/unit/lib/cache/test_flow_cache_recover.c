/* test_flow_cache_recover.c - a process is killed at every instruction of what a cache does, and
 * another one continues: each packet is in one flow or record, and in one only.
 *
 * A child works, instruction by instruction (ptrace(2)); after each the parent takes a copy of the
 * memory that both share, which is what a kill would leave, and recovers the copy. */
#include "flow_cache_recover.h"

#include "check.h"
#include "flow_cache_layout.h"
#include "tcp_flags.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_FLOWS   6
#define RECORDS_MAX 256
#define HEAD_SIZE   (((sizeof(struct head) + 4095) / 4096) * 4096)

/* What one process leaves to the next. */
struct head {
	struct flow_record records[RECORDS_MAX];
};

/* A packet of a flow; or, with 'flow' 0, the time for flow_cache_expire(). */
struct step {
	cache_ms now;
	uint32_t flow;
	bool is_reverse;
	uint8_t tcp_flags;
	uint16_t more; /* packets_added */
};

static const struct step steps[] = {
	{ 1000, 1, false, TCP_FLAG_SYN, 0 },
	{ 1000, 1, true, TCP_FLAG_SYN | TCP_FLAG_ACK, 0 },
	{ 1001, 2, false, 0, 0 },
	{ 1002, 1, false, 0, 3 },           /* a superpacket */
	{ 1003, 2, true, TCP_FLAG_FIN, 0 }, /* armed anew */
	{ 1004, 3, false, 0, 0 },
	{ 70000, 3, false, 0, 0 }, /* its record is over: a new one begins */
	{ 70001, 4, false, 0, 0 },
	{ 70002, 5, false, 0, 0 },
	{ 70003, 6, false, 0, 0 }, /* the cache is full: evictions */
	{ 70004, 7, false, 0, 0 },
	{ 70005, 8, true, 0, 0 },
	{ 99000, 0, false, 0, 0 }, /* all that is idle leaves */
	{ 99001, 9, false, 0, 0 }, /* in a place that was another's */
	{ 99002, 1, true, 0, 0 },
};
#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

static uint8_t *shared, *copy; /* head, then the cache */
static uint32_t placed;        /* records given out by this process */
static uint64_t cuts;

static struct flow_record *place(void *context)
{
	struct head *head = context;

	return &head->records[placed++ % RECORDS_MAX];
}

static struct flow_cache_config config_of(bool is_bidirectional, bool has_columns)
{
	return (struct flow_cache_config){
		.max_flows = MAX_FLOWS,
		.expiry = { .active_ms = 60000,
			    .idle_ms = { 15000, 2000, 2000, 15000, 15000, 15000 } },
		.hash_key = { 7 },
		.is_bidirectional = is_bidirectional,
		.has_ports = true,
		.columns = has_columns ? FLOW_COLUMN_BIT(FLOW_COLUMN_COUNT) - 1 : 0,
	};
}

static struct packet_info info_of(const struct step *step)
{
	struct packet_info info = {
		.octets = 100 + step->flow,
		.time_ms = 7000000 + step->now,
		.clock_ms = step->now,
		.tcp_flags = step->tcp_flags,
		.packets_added = step->more,
	};
	const uint8_t ends[2] = { (uint8_t)step->flow, 200 };
	const size_t size = step->flow & 1 ? 16 : 4;

	info.key.ip_version = step->flow & 1 ? 6 : 4;
	info.key.protocol = 6;
	info.key.source_port = step->is_reverse ? 80 : (uint16_t)(1000 + step->flow);
	info.key.destination_port = step->is_reverse ? (uint16_t)(1000 + step->flow) : 80;
	info.key.addresses[0] = ends[step->is_reverse];
	info.key.addresses[size] = ends[!step->is_reverse];
	return info;
}

static void take(struct flow_cache *cache, const struct step *step, struct head *head)
{
	const struct flow_sink sink = { place, head };
	const struct packet_info info = info_of(step);
	uint8_t header[20] = { [12] = 0x50, [13] = TCP_FLAG_ACK }; /* nothing twice, in order */
	const struct packet_note note = {
		.ttl = (uint8_t)step->now,
		.tcp = header,
		.tcp_captured = sizeof(header),
		.tcp_octets = sizeof(header) + 10,
	};

	store_be32(header + 4, (uint32_t)(10 * (step - steps)));

	if (!step->flow)
		(void)flow_cache_expire(cache, step->now, 64, &sink);
	else if (cache->columns.set)
		flow_cache_add_noted(cache, &info, &note, 1, &sink);
	else
		flow_cache_add(cache, &info, 1, &sink);
}

/* What flow 'flow' should have of the first 'packets' packets, and has in records and cache. */
static void check_flow(const struct flow_cache *cache, const struct head *head, uint32_t records,
		       uint32_t packets, const struct step *of)
{
	const struct packet_info wanted = info_of(of);
	struct flow_record live[MAX_FLOWS];
	uint64_t cursor = 0;
	uint64_t expected = 0;
	uint64_t found = 0;
	uint64_t octets = 0;
	size_t count;

	for (size_t i = 0; i < STEP_COUNT && packets; i++) {
		if (!steps[i].flow)
			continue;
		packets--;
		if (steps[i].flow == of->flow && steps[i].is_reverse == of->is_reverse)
			expected += 1 + steps[i].more;
		octets += steps[i].flow == of->flow && steps[i].is_reverse == of->is_reverse
				  ? wanted.octets
				  : 0;
	}
	while (cursor != FLOW_CACHE_CURSOR_END) {
		count = flow_cache_snapshot(cache, &cursor, live, MAX_FLOWS);
		for (size_t i = 0; i < count; i++)
			if (!memcmp(&live[i].key, &wanted.key, sizeof(wanted.key))) {
				found += live[i].packets;
				CHECK_EQ(live[i].tcp.retransmitted, 0);
				octets -= live[i].octets;
			}
	}
	for (uint32_t i = 0; i < records; i++)
		if (!memcmp(&head->records[i].key, &wanted.key, sizeof(wanted.key))) {
			found += head->records[i].packets;
			CHECK_EQ(head->records[i].tcp.retransmitted, 0);
			octets -= head->records[i].octets;
		}
	CHECK_EQ(found, expected);
	CHECK_EQ(octets, 0);
}

static void check_all(const struct flow_cache *cache, const struct head *head, uint32_t packets)
{
	for (size_t i = 0; i < STEP_COUNT; i++)
		if (steps[i].flow)
			check_flow(cache, head, flow_cache_progress(cache).records, packets,
				   &steps[i]);
}

/* The next process: it recovers what is in the copy, and goes on to the end. */
static void recover_copy(const struct flow_cache_config *config)
{
	struct head *head = (struct head *)(void *)copy;
	struct flow_cache *cache;
	struct flow_cache_statistics before = { 0 };
	struct flow_cache_progress progress;
	uint32_t packets;

	memcpy(copy, shared, HEAD_SIZE + flow_cache_size(config));
	cache = flow_cache_recover(config, copy + HEAD_SIZE);
	CHECK(cache != NULL);
	progress = flow_cache_progress(cache);
	packets = progress.packets - 1;
	for (uint32_t i = 0; i < progress.records; i++)
		flow_cache_recover_record(&before, &head->records[i]);
	flow_cache_recover_statistics(cache, &before);
	CHECK(flow_cache_is_consistent(cache));
	check_all(cache, head, packets);
	placed = progress.records;
	for (size_t i = 0, packet = 0; i < STEP_COUNT; i++)
		if (!steps[i].flow || packet++ >= packets)
			take(cache, &steps[i], head);
	CHECK(flow_cache_is_consistent(cache));
	check_all(cache, head, STEP_COUNT);
	(void)flow_cache_flush(cache, 99002, 64, &(struct flow_sink){ place, head });
	cuts++;
}

/* Between two stops the child works; it is traced there. */
static void work(const struct flow_cache_config *config)
{
	struct flow_cache *cache = flow_cache_create_in(config, shared + HEAD_SIZE);

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(77);
	(void)raise(SIGSTOP);
	for (size_t i = 0; i < STEP_COUNT; i++)
		take(cache, &steps[i], (struct head *)(void *)shared);
	(void)raise(SIGSTOP);
	_exit(0);
}

/* Recover whenever the memory has changed. Returns false where nobody may trace. */
static bool trace(pid_t child, const struct flow_cache_config *config)
{
	const size_t size = HEAD_SIZE + flow_cache_size(config);
	uint8_t *last = malloc(size);
	bool can_trace = true;
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status)) {
		free(last);
		return false;
	}
	memcpy(last, shared, size);
	for (;;) {
		can_trace = ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0;
		if (!can_trace)
			break;
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			break;
		if (!memcmp(last, shared, size))
			continue;
		memcpy(last, shared, size);
		recover_copy(config);
	}
	(void)kill(child, SIGKILL);
	(void)waitpid(child, &status, 0);
	free(last);
	return can_trace;
}

static void cut_everywhere(bool is_bidirectional, bool has_columns)
{
	const struct flow_cache_config config = config_of(is_bidirectional, has_columns);
	const size_t size = HEAD_SIZE + flow_cache_size(&config);
	pid_t child;

	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED && copy != MAP_FAILED);
	placed = 0;
	cuts = 0;
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		work(&config);
	if (trace(child, &config))
		CHECK(cuts > 500);
	else
		(void)printf("not shown: this machine does not let us step through a process\n");
	(void)munmap(shared, size);
	(void)munmap(copy, size);
}

TEST(killed_anywhere_each_packet_is_counted_once)
{
	cut_everywhere(false, true);
}

TEST(killed_anywhere_both_directions_leave_together)
{
	cut_everywhere(true, false);
}

TEST(another_bound_or_other_columns_are_refused)
{
	struct flow_cache_config config = config_of(false, false);
	uint8_t *memory = aligned_alloc(4096, (flow_cache_size(&config) / 4096 + 1) * 4096);

	memset(memory, 0, flow_cache_size(&config));
	(void)flow_cache_create_in(&config, memory);
	config.max_flows++;
	CHECK(!flow_cache_recover(&config, memory));
	config.max_flows--;
	config.columns = 1;
	CHECK(!flow_cache_recover(&config, memory));
	config.columns = 0;
	CHECK(flow_cache_recover(&config, memory) != NULL);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_anywhere_each_packet_is_counted_once),
		cmocka_unit_test(killed_anywhere_both_directions_leave_together),
		cmocka_unit_test(another_bound_or_other_columns_are_refused),
	};

	return RUN_TESTS(tests);
}
