/* test_flow_offload.c - flows whose packets a kernel counts, which here is a model: random packets,
 * cycles, timeouts, kills between two steps, CPUs that add late. Each packet is in one record. */
#include "flow_offload.h"

#include "check.h"
#include "fake_offload.h"
#include "flow_cache_recover.h"
#include "flow_columns.h"
#include "tcp_flags.h"

#include <string.h>

#define SLOTS     12
#define MAX_FLOWS 16
#define THRESHOLD 3

struct world {
	struct flow_cache_config config;
	uint8_t *memory; /* of the cache */
	struct flow_cache *cache;
	struct flow_offload_slot slots[SLOTS];
	struct flow_offload_entry entries[SLOTS];
	struct flow_offload *offload;
	struct fake_kernel kernel;
	cache_ms now;
	bool has_cycle;
	uint64_t random;
	uint64_t sent[FAKE_FLOWS], found[FAKE_FLOWS],
		octets[FAKE_FLOWS]; /* packets; octets found */
	uint64_t counted;           /* packets that did not come up */
	uint64_t records;
	struct flow_record last;  /* that left */
	struct flow_record given; /* the sink's, until the next */
};

static uint32_t chance(struct world *world, uint32_t bound)
{
	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(world->random >> 33) % bound;
}

static void collect(struct world *world)
{
	const struct flow_record *record = &world->given;

	if (!record->packets)
		return;
	world->found[record->key.source_port] += record->packets;
	world->octets[record->key.source_port] += record->octets;
	world->records++;
	world->last = *record;
	world->given.packets = 0;
}

static struct flow_record *place(void *context)
{
	struct world *world = context;

	collect(world);
	return &world->given;
}

static struct flow_sink sink_of(struct world *world)
{
	return (struct flow_sink){ place, world };
}

static void begin_offload(struct world *world, bool is_continued)
{
	const struct flow_offload_config config = {
		.slot_count = SLOTS,
		.threshold = THRESHOLD,
		.slots = world->slots,
		.entries = world->entries,
		.is_continued = is_continued,
	};

	world->offload = flow_offload_create(&config, world->cache);
	CHECK(world->offload != NULL);
	world->has_cycle = false;
}

static struct world *begin(bool is_bidirectional, unsigned int columns)
{
	struct world *world = calloc(1, sizeof(*world));
	size_t size;

	world->config = (struct flow_cache_config){
		.max_flows = MAX_FLOWS,
		.expiry = { .active_ms = 3000, .idle_ms = { 700, 300, 300, 500, 500, 500 } },
		.hash_key = { 3 },
		.is_bidirectional = is_bidirectional,
		.has_ports = true,
		.columns = columns,
	};
	size = (flow_cache_size(&world->config) + 4095) / 4096 * 4096;
	world->memory = aligned_alloc(4096, size);
	memset(world->memory, 0, size);
	world->cache = flow_cache_create_in(&world->config, world->memory);
	fake_kernel_init(&world->kernel, world->slots, world->entries);
	world->now = 1000;
	begin_offload(world, false);
	return world;
}

static void end(struct world *world)
{
	flow_offload_destroy(world->offload);
	flow_cache_destroy(world->cache);
	free(world->memory);
	free(world);
}

static void come_up(struct world *world, uint32_t flow, uint8_t tcp_flags)
{
	const struct packet_info info = fake_packet(flow, world->now, tcp_flags);
	const struct packet_note note = { .ttl = 64 };
	const struct flow_sink sink = sink_of(world);
	const struct flow_offload_candidate *candidates;
	const size_t count =
		flow_cache_add_offered(world->cache, &info, &note, 1, &sink, &candidates);
	const uint8_t key[20] = { (uint8_t)flow };

	for (size_t i = 0; i < count && !(tcp_flags & 7); i++)
		(void)flow_offload_offer(world->offload, &candidates[i], &info, key, sizeof(key),
					 64);
}

static void send(struct world *world, uint32_t flow, uint8_t tcp_flags)
{
	const uint64_t now_ns = (uint64_t)world->now * NS_PER_MS;
	const uint32_t slot = fake_find(&world->kernel, flow, now_ns);
	struct fake_late *late = &world->kernel.late[chance(world, FAKE_LATE)];

	world->sent[flow]++;
	if (slot == FAKE_NOBODY || tcp_flags & 7) {
		come_up(world, flow, tcp_flags);
		return;
	}
	world->counted++;
	if (late->slot == FAKE_NOBODY && !chance(world, 4))
		*late = (struct fake_late){ slot, now_ns };
	else
		fake_add(&world->kernel, slot, now_ns);
}

static void finish_one(struct world *world)
{
	struct fake_late *late = &world->kernel.late[chance(world, FAKE_LATE)];

	if (late->slot != FAKE_NOBODY)
		fake_add(&world->kernel, late->slot, late->now_ns);
	late->slot = FAKE_NOBODY;
}

/* One step of a cycle: begin, or the kernel's work, or the end. */
static void turn_cycle(struct world *world)
{
	const struct flow_sink sink = sink_of(world);

	if (!world->has_cycle) {
		world->has_cycle =
			flow_offload_begin_cycle(world->offload, 5, &world->kernel.cycle);
		return;
	}
	fake_cycle(&world->kernel, &world->kernel.cycle);
	while (flow_offload_end_cycle(world->offload, world->now, 1, &sink)) {
	}
	world->has_cycle = false;
}

/* The process ends here, and another one continues. A cycle that it had given may be done or not,
 * or its keys half. */
static void die(struct world *world)
{
	struct flow_cache_statistics statistics;

	if (world->has_cycle && chance(world, 2)) {
		if (chance(world, 2))
			world->kernel.cycle.installed_count /= 2;
		fake_cycle(&world->kernel, &world->kernel.cycle);
	}
	flow_offload_destroy(world->offload);
	collect(world);
	flow_cache_statistics(world->cache, &statistics);
	world->cache = flow_cache_recover(&world->config, world->memory);
	CHECK(world->cache != NULL);
	flow_cache_recover_statistics(world->cache, &statistics);
	begin_offload(world, true);
}

static void step(struct world *world)
{
	const struct flow_sink sink = sink_of(world);

	switch (chance(world, 40)) {
	case 0: turn_cycle(world); break;
	case 1: turn_cycle(world); break;
	case 2: flow_offload_take_all(world->offload, world->now); break;
	case 3:
		(void)flow_cache_expire(world->cache, world->now, 1 + chance(world, 3), &sink);
		break;
	case 4:
		if (!chance(world, 20))
			(void)flow_cache_flush(world->cache, world->now, 3, &sink);
		break;
	case 5: finish_one(world); break;
	case 6: world->now += chance(world, 100); break;
	case 7:
		if (!chance(world, 30))
			world->now += 1000;
		break;
	case 8:
		if (!chance(world, 60))
			die(world);
		break;
	case 9: {
		const uint32_t flow = chance(world, FAKE_FLOWS) & ~2u;

		send(world, flow, chance(world, 2) ? TCP_FLAG_FIN : TCP_FLAG_RST);
		break;
	}
	/* Half of the packets are of a few flows. */
	default: send(world, chance(world, chance(world, 2) ? 4 : FAKE_FLOWS), 0); break;
	}
	CHECK(flow_offload_is_consistent(world->offload));
}

static void check_all(struct world *world)
{
	const struct flow_sink sink = sink_of(world);
	uint64_t sum = 0;

	if (world->has_cycle) {
		fake_cycle(&world->kernel, &world->kernel.cycle);
		while (flow_offload_end_cycle(world->offload, world->now, 32, &sink)) {
		}
	}
	fake_grace(&world->kernel);
	flow_offload_finish(world->offload, world->now, 1000, &sink);
	CHECK(flow_cache_is_consistent(world->cache));
	while (flow_cache_flush(world->cache, world->now, 100, &sink)) {
	}
	collect(world);
	for (uint32_t i = 0; i < FAKE_FLOWS; i++) {
		CHECK_EQ(world->found[i], world->sent[i]);
		CHECK_EQ(world->octets[i], FAKE_OCTETS * world->sent[i]);
		sum += world->sent[i];
	}
	CHECK(world->counted > sum / 10);
}

static void play(uint64_t seed, bool is_bidirectional, unsigned int columns, unsigned int steps)
{
	struct world *world = begin(is_bidirectional, columns);

	world->random = seed;
	for (unsigned int i = 0; i < steps; i++)
		step(world);
	check_all(world);
	end(world);
}

TEST(each_packet_is_in_one_record_whatever_happens)
{
	for (uint64_t seed = 0; seed < 60; seed++)
		play(seed, false, 0, 4000);
}

TEST(with_pairs_and_columns_too)
{
	for (uint64_t seed = 0; seed < 20; seed++)
		play(seed, true, FLOW_COLUMN_BIT(FLOW_COLUMN_minimum_ttl), 4000);
}

/* ---- what is decided about a flow is decided with what was counted ---- */

static void install(struct world *world, uint32_t flow)
{
	for (int i = 0; i < THRESHOLD; i++) {
		world->sent[flow]++;
		come_up(world, flow, 0);
	}
	turn_cycle(world);
	turn_cycle(world);
	CHECK(world->kernel.table[flow] != FAKE_NOBODY);
}

TEST(a_flow_that_is_counted_is_not_idle)
{
	struct world *world = begin(false, 0);
	const struct flow_sink sink = sink_of(world);

	install(world, 4);
	for (int i = 0; i < 20; i++) {
		world->now += 100;
		send(world, 4, 0);
		fake_grace(&world->kernel);
		CHECK_EQ(flow_cache_expire(world->cache, world->now, 9, &sink), 0);
	}
	CHECK_EQ(world->counted, 20);
	world->now += 1000;
	CHECK_EQ(flow_cache_expire(world->cache, world->now, 9, &sink), 1);
	collect(world);
	CHECK_EQ(world->last.packets, THRESHOLD + 20);
	CHECK_EQ(world->last.octets, FAKE_OCTETS * (THRESHOLD + 20));
	CHECK_EQ(world->last.end_reason, FLOW_END_idleTimeout);
	CHECK_EQ(world->last.first_ms, 1000);
	CHECK_EQ(world->last.last_ms, 3000);
	end(world);
}

TEST(a_gap_ends_the_record_and_the_next_one_is_counted_too)
{
	struct world *world = begin(false, 0);

	install(world, 4);
	send(world, 4, 0);
	fake_grace(&world->kernel);
	world->now += 700;
	send(world, 4, 0); /* comes up */
	CHECK_EQ(world->counted, 1);
	collect(world);
	CHECK_EQ(world->last.packets, THRESHOLD + 1);
	CHECK_EQ(world->last.end_reason, FLOW_END_idleTimeout);
	send(world, 4, 0);
	CHECK_EQ(world->counted, 2);
	check_all(world);
	end(world);
}

TEST(the_active_timeout_ends_the_record_at_its_time)
{
	struct world *world = begin(false, 0);

	install(world, 4);
	for (int i = 0; i < 29; i++) {
		world->now += 100;
		send(world, 4, 0);
		fake_grace(&world->kernel);
	}
	CHECK_EQ(world->counted, 29);
	world->now += 100;
	send(world, 4, 0); /* comes up: its deadline is over */
	CHECK_EQ(world->counted, 29);
	collect(world);
	CHECK_EQ(world->last.packets, THRESHOLD + 29);
	CHECK_EQ(world->last.end_reason, FLOW_END_activeTimeout);
	send(world, 4, 0);
	CHECK_EQ(world->counted, 30);
	check_all(world);
	end(world);
}

TEST(a_fin_ends_the_counting)
{
	struct world *world = begin(false, 0);

	install(world, 4);
	send(world, 4, 0);
	fake_grace(&world->kernel);
	send(world, 4, TCP_FLAG_FIN);
	send(world, 4, 0);
	CHECK_EQ(world->counted, 1);
	turn_cycle(world);
	turn_cycle(world);
	CHECK_EQ(world->kernel.table[4], FAKE_NOBODY);
	CHECK_EQ(flow_cache_offloaded(world->cache).packets, 1);
	check_all(world);
	end(world);
}

TEST(what_a_cpu_adds_late_is_a_record_of_its_own)
{
	struct world *world = begin(false, 0);
	const struct flow_sink sink = sink_of(world);

	install(world, 4);
	world->kernel.late[0] =
		(struct fake_late){ world->kernel.table[4], (uint64_t)world->now * NS_PER_MS };
	world->sent[4]++;
	CHECK_EQ(flow_cache_flush(world->cache, world->now, 9, &sink), 1);
	turn_cycle(world);
	turn_cycle(world); /* its grace period lets the CPU add */
	CHECK_EQ(world->kernel.table[4], FAKE_NOBODY);
	CHECK_EQ(flow_cache_flush(world->cache, world->now, 9, &sink), 1);
	collect(world);
	CHECK_EQ(world->last.packets, 1);
	CHECK_EQ(world->last.octets, FAKE_OCTETS);
	CHECK_EQ(world->last.key.source_port, 4);
	end(world);
}

TEST(flags_of_a_record_are_of_its_packets)
{
	struct world *world = begin(false, 0);

	install(world, 4);
	world->slots[world->kernel.table[4]].tcp_flags = TCP_FLAG_PSH;
	send(world, 4, 0);
	fake_grace(&world->kernel);
	world->now += 700;
	send(world, 4, 0);
	collect(world);
	CHECK_EQ(world->last.tcp_flags, TCP_FLAG_PSH);
	send(world, 4, 0);
	fake_grace(&world->kernel);
	check_all(world);
	CHECK_EQ(world->last.tcp_flags, 0);
	end(world);
}

TEST(a_full_table_leaves_the_rest_to_the_agent)
{
	struct world *world = begin(false, 0);
	struct flow_offload_statistics statistics;

	for (uint32_t flow = 0; flow < SLOTS + 2; flow++)
		for (int i = 0; i < THRESHOLD; i++) {
			world->sent[flow]++;
			come_up(world, flow, 0);
		}
	flow_offload_statistics(world->offload, &statistics);
	CHECK_EQ(statistics.slots_used, SLOTS);
	CHECK_EQ(statistics.full, 2); /* of two flows, the packet that was to be it */
	for (int i = 0; i < 12; i++)
		turn_cycle(world);
	for (uint32_t flow = 0; flow < SLOTS + 2; flow++)
		send(world, flow, 0);
	CHECK_EQ(world->counted, SLOTS);
	check_all(world);
	end(world);
}

TEST(a_key_that_cannot_be_deleted_is_tried_again)
{
	struct world *world = begin(false, 0);
	const struct flow_sink sink = sink_of(world);
	struct flow_offload_cycle cycle;
	uint32_t slot;

	install(world, 4);
	slot = world->kernel.table[4];
	send(world, 4, TCP_FLAG_FIN);
	CHECK(flow_offload_begin_cycle(world->offload, 5, &cycle));
	CHECK_EQ(cycle.deleted_count, 1);
	world->entries[slot].result = -1;
	CHECK(!flow_offload_end_cycle(world->offload, world->now, 9, &sink));
	CHECK(flow_offload_is_consistent(world->offload));
	CHECK(flow_offload_begin_cycle(world->offload, 5, &cycle));
	CHECK_EQ(cycle.deleted_count, 1);
	CHECK_EQ(cycle.deleted[0], slot);
	end(world);
}

TEST(another_agents_flow_goes_on_and_an_unknown_one_ends)
{
	struct world *world = begin(false, 0);
	const struct flow_sink sink = sink_of(world);

	install(world, 4);
	install(world, 6);
	send(world, 4, 0);
	send(world, 6, 0);
	fake_grace(&world->kernel);
	flow_offload_destroy(world->offload);
	CHECK_EQ(flow_cache_flush(world->cache, world->now, 9, &sink), 2);
	for (int i = 0; i < THRESHOLD; i++) {
		world->sent[4]++;
		const struct packet_info info = fake_packet(4, world->now, 0);

		flow_cache_add(world->cache, &info, 1, &sink);
	}
	begin_offload(world, true);
	send(world, 4, 0);
	send(world, 6, 0); /* comes up */
	CHECK_EQ(world->counted, 3);
	turn_cycle(world);
	turn_cycle(world);
	CHECK(world->kernel.table[4] != FAKE_NOBODY);
	CHECK_EQ(world->kernel.table[6], FAKE_NOBODY);
	check_all(world);
	end(world);
}

TEST(segments_are_told_apart)
{
	struct world *world = begin(false, 0);
	const struct flow_sink sink = sink_of(world);
	struct flow_offload_sums sums;
	struct flow_offload_slot *slot;

	install(world, 4);
	slot = &world->slots[world->kernel.table[4]];
	slot->octets += 1000;
	slot->packets += 10;
	slot->superpackets += 1;
	slot->segments += 9;
	slot->segment_octets += 360;
	flow_offload_take_all(world->offload, world->now);
	sums = flow_cache_offloaded(world->cache);
	CHECK_EQ(sums.packets, 10);
	CHECK_EQ(sums.segments, 9);
	CHECK_EQ(sums.segment_octets, 360);
	CHECK_EQ(sums.superpackets, 1);
	CHECK_EQ(flow_cache_flush(world->cache, world->now, 9, &sink), 1);
	collect(world);
	CHECK_EQ(world->last.packets, THRESHOLD + 10);
	end(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_packet_is_in_one_record_whatever_happens),
		cmocka_unit_test(with_pairs_and_columns_too),
		cmocka_unit_test(a_flow_that_is_counted_is_not_idle),
		cmocka_unit_test(a_gap_ends_the_record_and_the_next_one_is_counted_too),
		cmocka_unit_test(the_active_timeout_ends_the_record_at_its_time),
		cmocka_unit_test(a_fin_ends_the_counting),
		cmocka_unit_test(what_a_cpu_adds_late_is_a_record_of_its_own),
		cmocka_unit_test(flags_of_a_record_are_of_its_packets),
		cmocka_unit_test(a_full_table_leaves_the_rest_to_the_agent),
		cmocka_unit_test(a_key_that_cannot_be_deleted_is_tried_again),
		cmocka_unit_test(another_agents_flow_goes_on_and_an_unknown_one_ends),
		cmocka_unit_test(segments_are_told_apart),
	};

	return RUN_TESTS(tests);
}
