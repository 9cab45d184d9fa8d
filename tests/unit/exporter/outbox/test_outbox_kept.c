/* test_outbox_kept.c - an exporter whose process is killed at any instruction, and another one that
 * continues from the memory: each record arrives once, in order, and none is in doubt.
 *
 * A child sends to a socket, one instruction after the other. Now and then, while it stands still,
 * the test looks what has arrived so far, and continues from a copy of the memory. */
#include "exporter_kept.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATAGRAM_SIZE 512 /* NetFlow v5: 10 records */
#define RECORDS       36
#define AT_ONCE       12 /* records of a turn */
#define HEADER        24
#define RECORD        48
#define WATCHED_TURN  2
#define STRIDE        61 /* instructions between two looks; a prime */
#define BURST_US      1000000

/* What the export thread's own memory is here. */
struct shared {
	_Atomic uint32_t turn;
	uint32_t taken[2]; /* records, of the note of a turn */
	_Alignas(64) uint8_t memory[];
};

/* Records by their numbers, from 1, as they arrived. */
struct arrived {
	uint32_t count;
	uint32_t numbers[2 * RECORDS];
};

static int receiver_open(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* Sequence numbers of v5 count records. */
static void receive(int fd, struct arrived *arrived)
{
	uint8_t bytes[DATAGRAM_SIZE];
	ssize_t size;

	while ((size = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		CHECK_EQ(load_be32(bytes + 16), arrived->count);
		for (ssize_t at = HEADER; at < size; at += RECORD) {
			CHECK(arrived->count < 2 * RECORDS);
			arrived->numbers[arrived->count++] = load_be32(bytes + at + 16);
		}
	}
}

static struct exporter *create(uint16_t port, uint32_t rate)
{
	const struct collector_config collector = {
		.name = "collector",
		.transport = "udp",
		.version = 5,
		.address = { .host = "127.0.0.1", .port = port, .may_segment = rate != 0 },
		.datagram_size = DATAGRAM_SIZE,
		.datagrams_per_second = rate,
	};
	struct error_text error;
	struct exporter *exporter = exporter_create(
		&(struct exporter_config){ .collectors = &collector, .collector_count = 1 },
		&error);

	CHECK(exporter != NULL);
	return exporter;
}

static void add(struct exporter *exporter, uint32_t number)
{
	const struct export_time time = { .unix_ms = 1700000000000 + number, .uptime_ms = number };
	const struct export_record record = {
		.flow = { .key = { .ip_version = 4 }, .packets = number, .octets = 100 }
	};

	exporter_add(exporter, &record, &time);
}

static void finish(struct exporter *exporter)
{
	exporter_finish(exporter,
			&(struct export_time){ 1700000000000 + RECORDS + 1, RECORDS + 1 });
}

/* As the export thread does: take, note, send. */
static void run(struct exporter *exporter, struct shared *shared)
{
	uint32_t taken = 0;

	for (uint32_t turn = 1; taken < RECORDS; turn++) {
		if (turn == WATCHED_TURN || turn == WATCHED_TURN + 1)
			(void)raise(SIGSTOP);
		for (int i = 0; i < AT_ONCE && taken < RECORDS; i++)
			add(exporter, ++taken);
		if (taken == RECORDS)
			finish(exporter);
		exporter_note(exporter, turn);
		shared->taken[turn & 1] = taken;
		atomic_signal_fence(memory_order_seq_cst);
		atomic_store(&shared->turn, turn);
		if (turn >= WATCHED_TURN) /* before it all waits */
			(void)exporter_send(exporter, turn * BURST_US);
	}
	(void)exporter_send(exporter, RECORDS * BURST_US);
}

/* Another process continues from what has been left. */
static void check_continued(const struct shared *left, struct shared *copy, uint64_t size,
			    const struct arrived *before)
{
	struct arrived arrived = *before;
	uint16_t port;
	const int fd = receiver_open(&port);
	struct exporter *exporter = create(port, 0);
	const struct collector_ledger *ledger;
	uint32_t turn, taken;

	memcpy(copy, left, sizeof(*left) + size);
	turn = atomic_load(&copy->turn);
	taken = turn ? copy->taken[turn & 1] : 0;
	CHECK_EQ(exporter_keep(exporter, 0, copy->memory, turn), 0);
	while (taken < RECORDS)
		add(exporter, ++taken);
	finish(exporter);
	exporter_note(exporter, turn + 1);
	(void)exporter_send(exporter, BURST_US);
	receive(fd, &arrived);

	CHECK_EQ(arrived.count, RECORDS);
	for (uint32_t i = 0; i < RECORDS; i++)
		CHECK_EQ(arrived.numbers[i], i + 1);
	ledger = exporter_collector_ledger(exporter, 0);
	CHECK(collector_ledger_closes(ledger));
	CHECK_EQ(ledger->sent.records, RECORDS);
	CHECK_EQ(ledger->lost[LOSS_IN_DOUBT].records, 0);
	exporter_destroy(exporter);
	CHECK_EQ(close(fd), 0);
}

static struct shared *map_shared(uint64_t size)
{
	void *memory = mmap(NULL, sizeof(struct shared) + size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static pid_t begin(struct exporter *exporter, struct shared *shared)
{
	const pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		run(exporter, shared);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status));
	return child;
}

/* One instruction. Returns whether the turn goes on. */
static bool step(pid_t child)
{
	int status;

	CHECK_EQ(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status));
	return WSTOPSIG(status) != SIGSTOP;
}

static void run_to_end(pid_t child)
{
	int status;

	CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* 'rate': datagrams a second. */
static void check_kills(uint32_t rate)
{
	struct arrived arrived = { 0 };
	uint16_t port;
	const int fd = receiver_open(&port);
	struct exporter *exporter = create(port, rate);
	const uint64_t size = exporter_kept_size(exporter, 0);
	struct shared *shared = map_shared(size);
	struct shared *copy = map_shared(size);
	unsigned int looks = 0;
	pid_t child;

	CHECK_EQ(exporter_keep(exporter, 0, shared->memory, 0), 0);
	child = begin(exporter, shared);
	for (unsigned int steps = 0; step(child); steps++) {
		if (steps % STRIDE)
			continue;
		receive(fd, &arrived);
		check_continued(shared, copy, size, &arrived);
		looks++;
	}
	CHECK(looks > 100);
	run_to_end(child);
	receive(fd, &arrived);
	check_continued(shared, copy, size, &arrived);
	exporter_destroy(exporter);
	CHECK_EQ(munmap(shared, sizeof(*shared) + size), 0);
	CHECK_EQ(munmap(copy, sizeof(*copy) + size), 0);
	CHECK_EQ(close(fd), 0);
}

TEST(a_kill_at_any_instruction_doubles_and_loses_nothing)
{
	if (is_emulated()) /* no process can be traced there */
		return;
	check_kills(1000);
}

/* A transport that does not know what went: what was handed over is in doubt, the rest waits. */
TEST(what_nobody_knows_of_is_in_doubt)
{
	struct transport_type blind = transport_udp;
	struct collector_config config = {
		.name = "collector",
		.transport_type = &blind,
		.version = 5,
		.address = { .host = "127.0.0.1" },
		.datagram_size = DATAGRAM_SIZE,
		.datagrams_per_second = 8,
	};
	const struct exporter_config all = { .collectors = &config, .collector_count = 1 };
	struct arrived arrived = { 0 };
	struct error_text error;
	const int fd = receiver_open(&config.address.port);
	struct exporter *one, *other;
	struct shared *shared, *copy;
	uint64_t size, in_doubt;

	blind.keep = NULL;
	blind.kept_sent = NULL;
	one = exporter_create(&all, &error);
	CHECK(one != NULL);
	size = exporter_kept_size(one, 0);
	shared = map_shared(size);
	copy = map_shared(size);
	CHECK_EQ(exporter_keep(one, 0, shared->memory, 0), 0);
	for (uint32_t number = 1; number <= RECORDS; number++)
		add(one, number);
	exporter_note(one, 1);
	memcpy(copy, shared, sizeof(*copy) + size);
	(void)exporter_send(one, BURST_US);
	receive(fd, &arrived);
	CHECK(arrived.count > 0 && arrived.count < RECORDS);

	/* All that was to be sent may have been, or nothing of it. */
	other = exporter_create(&all, &error);
	CHECK_EQ(exporter_keep(other, 0, copy->memory, 1), 0);
	CHECK_EQ(exporter_collector_ledger(other, 0)->waiting.records, RECORDS);
	exporter_destroy(other);

	/* After the note that follows each hand-over, it is known. */
	other = exporter_create(&all, &error);
	in_doubt = exporter_keep(other, 0, shared->memory, 1);
	CHECK_EQ(in_doubt, 0);
	CHECK_EQ(exporter_collector_ledger(other, 0)->waiting.records, RECORDS - arrived.count);
	exporter_destroy(other);
	exporter_destroy(one);
	CHECK_EQ(munmap(shared, sizeof(*shared) + size), 0);
	CHECK_EQ(munmap(copy, sizeof(*copy) + size), 0);
	CHECK_EQ(close(fd), 0);
}

TEST(what_waits_moves_to_other_memory)
{
	struct arrived arrived = { 0 };
	uint16_t port;
	const int fd = receiver_open(&port);
	struct exporter *one = create(port, 8);
	const uint64_t size = exporter_kept_size(one, 0);
	struct shared *first = map_shared(size);
	struct shared *second = map_shared(size);
	struct exporter *other;

	CHECK_EQ(exporter_keep(one, 0, first->memory, 0), 0);
	for (uint32_t number = 1; number <= RECORDS / 2; number++)
		add(one, number);
	exporter_note(one, 1);
	(void)exporter_send(one, BURST_US);
	receive(fd, &arrived);
	CHECK(arrived.count > 0 && arrived.count < RECORDS / 2);
	for (uint32_t number = RECORDS / 2 + 1; number <= RECORDS; number++)
		add(one, number);
	finish(one);
	CHECK_EQ(exporter_keep(one, 0, second->memory, 0), 0);
	memset(first->memory, 0xff, size);
	exporter_note(one, 1);
	exporter_destroy(one);

	other = create(port, 0);
	CHECK_EQ(exporter_keep(other, 0, second->memory, 1), 0);
	(void)exporter_send(other, BURST_US);
	receive(fd, &arrived);
	CHECK_EQ(arrived.count, RECORDS);
	for (uint32_t i = 0; i < RECORDS; i++)
		CHECK_EQ(arrived.numbers[i], i + 1);
	exporter_destroy(other);

	/* Without counters it is sent as well. */
	other = create(port, 0);
	memset(first->memory, 0, size);
	CHECK_EQ(exporter_keep(other, 0, first->memory, 0), 0);
	for (uint32_t number = 1; number <= RECORDS; number++)
		add(other, number);
	finish(other);
	exporter_uncount(other);
	CHECK_EQ(exporter_collector_ledger(other, 0)->waiting.records, 0);
	arrived = (struct arrived){ 0 };
	(void)exporter_send(other, BURST_US);
	receive(fd, &arrived);
	CHECK_EQ(arrived.count, RECORDS);
	CHECK_EQ(exporter_collector_ledger(other, 0)->sent.records, 0);
	exporter_destroy(other);
	CHECK_EQ(munmap(first, sizeof(*first) + size), 0);
	CHECK_EQ(munmap(second, sizeof(*second) + size), 0);
	CHECK_EQ(close(fd), 0);
}

/* What a collector leaves of which some records have arrived, and others wait. */
static struct shared *leave_behind(const struct exporter_config *config, int fd,
				   struct arrived *arrived, uint64_t *size)
{
	struct error_text error;
	struct exporter *exporter = exporter_create(config, &error);
	struct shared *shared;

	CHECK(exporter != NULL);
	*size = exporter_kept_size(exporter, 0);
	shared = map_shared(*size);
	CHECK_EQ(exporter_keep(exporter, 0, shared->memory, 0), 0);
	for (uint32_t number = 1; number <= RECORDS; number++) {
		add(exporter, number);
		exporter_note(exporter, number);
		if (number == RECORDS / 2)
			(void)exporter_send(exporter, BURST_US);
	}
	finish(exporter);
	exporter_note(exporter, RECORDS + 1);
	exporter_destroy(exporter);
	receive(fd, arrived);
	CHECK(arrived->count > 0 && arrived->count < RECORDS);
	return shared;
}

/* By one with datagrams of another size: its numbers go on, and so does what it can send. */
static void check_successor(bool takes_datagrams)
{
	struct collector_config config = {
		.name = "collector",
		.transport = "udp",
		.version = 5,
		.address = { .host = "127.0.0.1" },
		.datagram_size = DATAGRAM_SIZE,
	};
	const struct exporter_config all = { .collectors = &config, .collector_count = 1 };
	const int fd = receiver_open(&config.address.port);
	struct arrived arrived = { 0 };
	struct exporter_left left = { .hands_sequence = true,
				      .hands_ledger = true,
				      .hands_datagrams = takes_datagrams };
	struct shared *shared = leave_behind(&all, fd, &arrived, &left.size);
	const struct collector_ledger *ledger;
	struct exporter *exporter;
	struct error_text error;

	left.memory = shared->memory;
	config.datagram_size = 2 * DATAGRAM_SIZE;
	exporter = exporter_create(&all, &error);
	CHECK(exporter != NULL);
	CHECK_EQ(exporter_take_left(exporter, &left, RECORDS + 1),
		 takes_datagrams ? 0 : RECORDS - arrived.count);
	(void)exporter_send(exporter, BURST_US);
	receive(fd, &arrived); /* without a gap */
	ledger = exporter_collector_ledger(exporter, 0);
	CHECK(collector_ledger_closes(ledger));
	CHECK_EQ(ledger->taken.records, RECORDS);
	CHECK_EQ(ledger->sent.records, arrived.count);
	CHECK_EQ(ledger->sent.records + ledger->lost[LOSS_IN_DOUBT].records, RECORDS);
	exporter_destroy(exporter);
	CHECK_EQ(munmap(shared, sizeof(*shared) + left.size), 0);
	CHECK_EQ(close(fd), 0);
}

TEST(what_waits_goes_on_in_another_collector)
{
	check_successor(true);
	check_successor(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_at_any_instruction_doubles_and_loses_nothing),
		cmocka_unit_test(what_nobody_knows_of_is_in_doubt),
		cmocka_unit_test(what_waits_moves_to_other_memory),
		cmocka_unit_test(what_waits_goes_on_in_another_collector),
	};

	return RUN_TESTS(tests);
}
