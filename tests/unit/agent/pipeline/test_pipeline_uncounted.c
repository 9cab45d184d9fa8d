/* test_pipeline_uncounted.c - a worker that is killed at any moment, whose memory becomes a state,
 * and workers of two agents that take this over, of which the first is killed as well: each packet
 * is counted once by either, and nothing comes out of the kernel's queue before that.
 *
 * A child counts packets, step by step. While it stands still, the test looks at a copy of its
 * memory, as the next agents would. */
#include "pipeline_uncounted.h"

#include "check.h"
#include "fake_source.c"
#include "fake_worker.h"
#include "pipeline_parts.h"
#include "pipeline_state.h"
#include "worker_kept.h"
#include "worker_turn.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUILD     "a build"
#define DATAGRAMS 2
#define PACKETS   40   /* in each of them */
#define SHORT     5    /* of these one cannot be decoded */
#define STRIDE    2999 /* instructions between two looks; a prime */

/* What a source has read into memory: that many datagrams, and the last of them is there. */
struct read_memory {
	uint32_t datagrams;
};

static struct {
	struct read_memory *memory;
	uint32_t given; /* of the packets of the datagram there */
	bool is_held;
} reader;

static int read_datagrams(struct capture *capture, struct packet_view *views, size_t capacity,
			  struct error_text *error)
{
	size_t count = 0;

	(void)error;
	if (!reader.memory->datagrams || reader.given == PACKETS) {
		if (reader.is_held)
			return -ENODATA;
		if (reader.memory->datagrams == DATAGRAMS)
			return 0;
		reader.memory->datagrams++;
		reader.given = 0;
	}
	while (count < capacity && reader.given < PACKETS) {
		fake_fill(&views[count], capture->bytes[count], reader.given, FAKE_START_MS);
		if (reader.given++ % SHORT == 0)
			views[count].captured_bytes = 10;
		count++;
	}
	return (int)count;
}

static void use_memory(struct capture *capture, bool is_noted, void *memory)
{
	(void)capture;
	CHECK(is_noted);
	reader.memory = memory;
	reader.given = 0;
	reader.is_held = false;
}

static void hold(struct capture *capture, bool is_held)
{
	(void)capture;
	reader.is_held = is_held;
}

static void position(const struct capture *capture, struct capture_position *position)
{
	(void)capture;
	position->message = reader.memory->datagrams;
	position->offset = reader.given;
}

static bool resume(struct capture *capture, const struct capture_position *position)
{
	(void)capture;
	reader.given = position->message == reader.memory->datagrams ? position->offset : 0;
	return true;
}

static struct capture_type type;
static struct fake_surroundings around;
static struct source_config source;

static struct worker_config config_with(struct kept_memory *memory)
{
	static char name[] = "a";

	type = fake_source_live;
	type.read = read_datagrams;
	type.hold = hold;
	type.can_resume = true;
	type.memory_size = sizeof(struct read_memory);
	type.use_memory = use_memory;
	type.position = position;
	type.resume = resume;
	source = (struct source_config){ .type = &type, .name = name };
	return (struct worker_config){
		.source = &source,
		.cache = { .max_flows = 200,
			   .has_ports = true,
			   .expiry = { .active_ms = 3600000,
				       .idle_ms = { 3600000, 3600000, 3600000, 3600000, 3600000,
						    3600000 } } },
		.fragment_lifetime_ms = FRAGMENT_LIFETIME_MS,
		.memory = memory,
		.samplers = around.samplers,
		.mtus = &around.mtus,
		.export_wake = &around.export_wake,
	};
}

/* ---- the process that is killed ---- */

static void count_packets(struct kept_memory *memory)
{
	const struct worker_config config = config_with(memory);
	static struct worker worker;
	struct error_text error;

	CHECK_EQ(worker_init(&worker, &config, &error), 0);
	worker_kept_begin(&worker);
	(void)raise(SIGSTOP);
	while (worker.ledger.packets_read < DATAGRAMS * PACKETS)
		worker_turn(&worker);
	(void)raise(SIGSTOP);
	_exit(0);
}

/* ---- those that continue ---- */

static uint64_t read_counter(const struct handover_state *state)
{
	struct worker_ledger ledger;
	uint64_t *counters = (uint64_t *)(void *)&ledger;
	struct reader body;

	CHECK(handover_state_find(state->bytes, state->size, HANDOVER_worker, "a", &body));
	for (size_t i = 0; i < PIPELINE_STATE_COUNTERS_OF(struct worker_ledger); i++)
		counters[i] = reader_u64(&body);
	CHECK(worker_ledger_closes(&ledger));
	return ledger.packets_read;
}

/* What becomes of its memory; for the caller to clear. */
static struct handover_state make_state(const struct kept_memory *memory)
{
	struct worker_config config = config_with(NULL);
	struct worker left = { .own.name = NULL };
	struct error_text error;
	struct pipeline pipeline = { .samplers = around.samplers, .kept.build = BUILD };
	struct pipeline_state_source part = { .name = "a", .left = &left };
	struct handover_state state;
	int descriptor;

	left.wake.descriptor = left.call.done = -1;
	CHECK_EQ(kept_memory_create(&left.memory, BUILD, memory->size), 0);
	memcpy(left.memory.bytes, memory->bytes, memory->size);
	CHECK_EQ(worker_kept_recover(&left, &config), 0);
	worker_kept_left(&left, &part.ledger);
	part.cache = left.cache;
	part.ring = left.ring;
	part.ring_next = record_ring_consumed(left.ring);
	part.ring_end = record_ring_pushed(left.ring);
	pipeline.export.config.exporter = exporter_create(
		&(struct exporter_config){ .choice = { .has_biflows = false } }, &error);
	CHECK(pipeline.export.config.exporter != NULL);
	descriptor = pipeline_state_write(&pipeline, "shape", "layout", &part, 1);
	CHECK(descriptor >= 0);
	CHECK_EQ(handover_state_map(&state, descriptor), 0);
	(void)close(descriptor);
	exporter_destroy(pipeline.export.config.exporter);
	worker_clear(&left);
	return state;
}

/* An agent of this build takes it over, and reads on. Returns how many packets that makes. */
static uint64_t take_over(const struct handover_state *state, const char *build, uint32_t datagrams)
{
	static struct worker worker;
	struct worker *workers[] = { &worker };
	struct pipeline pipeline = { .workers = workers,
				     .worker_count = 1,
				     .handover.state = *state };
	struct worker_config config = config_with(NULL);
	struct kept_memory memory;
	struct error_text error;
	uint64_t packets;
	int count;

	(void)snprintf(pipeline.kept.build, sizeof(pipeline.kept.build), "%s", build);
	CHECK_EQ(kept_memory_create(&memory, BUILD, worker_kept_size(&config)), 0);
	config.memory = &memory;
	CHECK_EQ(worker_init(&worker, &config, &error), 0);
	pipeline_uncounted_give(&pipeline);
	CHECK_EQ(reader.memory->datagrams, datagrams); /* none came out of the queue */
	CHECK(!reader.is_held);
	packets = read_counter(state) + worker.ledger.packets_read + worker.view_count -
		  worker.view_next;
	while ((count = capture_source_read(&worker.source, worker.views, FLOW_CACHE_BATCH,
					    &error)) > 0)
		packets += (uint64_t)count;
	CHECK_EQ(count, 0);
	worker_clear(&worker);
	return packets;
}

static uint32_t datagrams_in(const struct kept_memory *memory)
{
	const struct worker_config config = config_with(NULL);
	struct worker worker = { .memory = *memory };

	CHECK_EQ(worker_kept_recover(&worker, &config), 0);
	return ((const struct read_memory *)worker.source_memory)->datagrams;
}

/* Returns how many datagrams the memory says that were read. */
static uint32_t look(const struct kept_memory *memory)
{
	struct kept_memory copy;
	struct handover_state state;
	uint32_t datagrams;

	CHECK_EQ(kept_memory_create(&copy, BUILD, memory->size), 0);
	memcpy(copy.bytes, memory->bytes, memory->size);
	state = make_state(&copy);
	datagrams = datagrams_in(&copy);
	for (int agent = 0; agent < 2; agent++)
		CHECK_EQ(take_over(&state, BUILD, datagrams), DATAGRAMS * PACKETS);
	handover_state_clear(&state);
	kept_memory_clear(&copy);
	return datagrams;
}

/* To the next instruction. Returns whether the child goes on. */
static bool step(pid_t child)
{
	int status;

	CHECK_EQ(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status));
	return WSTOPSIG(status) != SIGSTOP;
}

static pid_t begin_child(struct kept_memory *memory)
{
	const pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		/* It must not stand still when a check of the test has failed. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		count_packets(memory);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status));
	return child;
}

static void end_child(pid_t child)
{
	int status;

	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
}

TEST(a_kill_at_any_step_and_another_one_lose_no_packet)
{
	struct worker_config config;
	struct kept_memory memory;
	unsigned int seen = 0;
	bool goes_on = true;
	pid_t child;

	if (is_emulated()) /* no process can be traced there */
		return;
	fake_surroundings_init(&around);
	config = config_with(NULL);
	CHECK_EQ(kept_memory_create(&memory, BUILD, worker_kept_size(&config)), 0);
	child = begin_child(&memory);
	while (goes_on) {
		seen |= 1u << look(&memory);
		for (int i = 0; goes_on && i < STRIDE; i++)
			goes_on = step(child);
	}
	CHECK_EQ(seen | 1u, (1u << (DATAGRAMS + 1)) - 1);
	end_child(child);
	kept_memory_clear(&memory);
	fake_surroundings_clear(&around);
}

/* Its notes mean something else there. */
TEST(what_another_build_has_read_is_left_alone)
{
	struct worker_config config;
	struct handover_state left;
	struct kept_memory memory;
	pid_t child;

	if (is_emulated())
		return;
	fake_surroundings_init(&around);
	config = config_with(NULL);
	CHECK_EQ(kept_memory_create(&memory, BUILD, worker_kept_size(&config)), 0);
	child = begin_child(&memory);
	for (int i = 0; datagrams_in(&memory) == 0 && i < 1000000; i++)
		(void)step(child);
	end_child(child);
	left = make_state(&memory);
	CHECK_EQ(take_over(&left, "another build", 0), DATAGRAMS * PACKETS);
	CHECK_EQ(take_over(&left, BUILD, 1), DATAGRAMS * PACKETS);
	handover_state_clear(&left);
	kept_memory_clear(&memory);
	fake_surroundings_clear(&around);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_at_any_step_and_another_one_lose_no_packet),
		cmocka_unit_test(what_another_build_has_read_is_left_alone),
	};

	return RUN_TESTS(tests);
}
