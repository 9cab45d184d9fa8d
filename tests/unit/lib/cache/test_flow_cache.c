/* test_flow_cache.c - the flow cache against literal cases, and against a plain model under seeded
 * random packets. */
#include "flow_cache.h"

#include "check.h"
#include "flow_cache_fixture.h"
#include "kept_records.h"

#include <errno.h>
#include <stdlib.h>

TEST(a_superpacket_stands_for_several)
{
	struct flow_cache *cache = new_cache(10);
	struct flow_cache_statistics statistics;
	struct packet_info info = packet(2, TCP, 1000);

	info.packets_added = 44;
	add(cache, info);
	add(cache, info);
	info.packets_added = 0;
	add(cache, info);
	flow_cache_statistics(cache, &statistics);
	CHECK_EQ(statistics.packets_added, 91);
	CHECK(flow_cache_is_consistent(cache));
	CHECK_EQ(flow_cache_flush(cache, 1000, 10, &sink), 1);
	CHECK_EQ(kept.records[0].packets, 91);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(packets_of_one_key_make_one_record)
{
	struct flow_cache *cache = new_cache(10);
	struct packet_info info = packet(2, TCP, 1000);

	info.tcp_flags = 0x02;
	add(cache, info);
	info.time_ms = 900; /* out of order */
	info.tcp_flags = 0x10;
	add(cache, info);
	info.time_ms = 1500;
	info.octets = 0x100000000;
	add(cache, info);

	CHECK_EQ(flow_cache_flush(cache, 2000, 100, &sink), 1);
	CHECK_EQ(kept.records[0].packets, 3);
	CHECK_EQ(kept.records[0].octets, 0x1000000c8);
	CHECK_EQ(kept.records[0].first_ms, 900);
	CHECK_EQ(kept.records[0].last_ms, 1500);
	CHECK_EQ(kept.records[0].tcp_flags, 0x12);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_forcedEnd);
	CHECK_EQ(kept.records[0].expired_ms, 2000);
	CHECK_BYTES(&kept.records[0].key, &info.key, sizeof(info.key));
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(a_flow_that_is_asked_for_leaves_next_and_no_other)
{
	struct flow_cache *cache = new_cache(10);
	const struct packet_info wanted = packet(2, TCP, 1000);
	const struct packet_info never = packet(7, TCP, 1000);

	add(cache, wanted);
	add(cache, packet(3, TCP, 1000));
	CHECK(!flow_cache_end(cache, &never.key, FLOW_END_forcedEnd));
	CHECK(flow_cache_end(cache, &wanted.key, FLOW_END_forcedEnd));
	CHECK(flow_cache_is_consistent(cache));
	CHECK_EQ(flow_cache_expire(cache, 1200, 100, &sink), 1);
	CHECK_BYTES(&kept.records[0].key, &wanted.key, sizeof(wanted.key));
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_forcedEnd);
	CHECK(!flow_cache_end(cache, &wanted.key, FLOW_END_forcedEnd));
	CHECK_EQ(flow_cache_expire(cache, 1400, 100, &sink), 0);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(a_flow_that_is_to_be_forgotten_leaves_with_that_reason)
{
	struct flow_cache *cache = new_cache(10);
	const struct packet_info unwanted = packet(2, TCP, 1000);
	struct flow_cache_statistics statistics;

	add(cache, unwanted);
	add(cache, packet(3, TCP, 1000));
	CHECK(flow_cache_end(cache, &unwanted.key, FLOW_END_dropped));
	CHECK_EQ(flow_cache_expire(cache, 1200, 100, &sink), 1);
	CHECK_BYTES(&kept.records[0].key, &unwanted.key, sizeof(unwanted.key));
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_dropped);
	flow_cache_statistics(cache, &statistics);
	CHECK_EQ(statistics.records_expired[FLOW_END_dropped], 1);
	CHECK_EQ(statistics.flows_created, 1 + statistics.flows_cached);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(a_packet_of_a_flow_that_is_to_leave_begins_another_record)
{
	struct flow_cache *cache = new_cache(10);
	struct packet_info info = packet(2, TCP, 1000);

	add(cache, info);
	CHECK(flow_cache_end(cache, &info.key, FLOW_END_forcedEnd));
	info.clock_ms = info.time_ms = 1001;
	flow_cache_add(cache, &info, 1, &sink);
	CHECK_EQ(kept.records[0].packets, 1);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_forcedEnd);
	CHECK_EQ(flow_cache_expire(cache, 1400, 100, &sink), 0); /* the new one may stay */
	CHECK_EQ(flow_cache_flush(cache, 1400, 100, &sink), 1);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(full_cache_gives_up_the_longest_idle_flow)
{
	struct flow_cache *cache = new_cache(4);

	for (uint32_t flow = 0; flow < 4; flow++)
		add(cache, packet(flow, UDP, 1000 + 1000 * (cache_ms)flow));
	add(cache, packet(0, UDP, 6000));
	add(cache, packet(1, UDP, 6100));
	add(cache, packet(9, UDP, 7000));
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(kept.records[0].key.source_port, 2);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_lackOfResources);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(longest_idle_is_found_also_among_flows_that_never_rest)
{
	struct flow_cache *cache = new_cache(3);
	cache_ms now = 1000;

	/* Two flows go on and on, the third one only sometimes; long after they were armed the idle
	 * one is still found. */
	add(cache, packet(2, UDP, now));
	for (int i = 0; i < 500; i++) {
		now += 100;
		add(cache, packet(0, UDP, now));
		add(cache, packet(1, UDP, now));
		if (i % 100 == 0)
			add(cache, packet(2, UDP, now));
	}
	kept.count = 0;
	add(cache, packet(7, UDP, now + 50));
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(kept.records[0].key.source_port, 2);
	flow_cache_destroy(cache);
}

TEST(budget_holds_and_the_rest_comes_later)
{
	struct flow_cache *cache = new_cache(1000);
	size_t sum = 0;

	for (uint32_t flow = 0; flow < 1000; flow++)
		add(cache, packet(flow, UDP, 1000));
	CHECK_EQ(flow_cache_expire(cache, 20000, 300, &sink), 300);
	CHECK(flow_cache_is_consistent(cache));
	for (size_t got; (got = flow_cache_expire(cache, 20000, 300, &sink)) > 0;)
		sum += got;
	CHECK_EQ(sum, 700);
	CHECK_EQ(flow_cache_next_expiry(cache), INT64_MAX);
	flow_cache_destroy(cache);
}

TEST(snapshot_gives_each_live_flow_once)
{
	struct flow_cache *cache = new_cache(1000);
	struct flow_record records[64];
	uint64_t cursor = 0;
	uint64_t packets = 0;
	size_t flows = 0;
	size_t got;

	for (uint32_t flow = 0; flow < 500; flow++)
		for (uint32_t i = 0; i <= flow % 3; i++)
			add(cache, packet(flow, UDP, 1000 + flow * 10));
	(void)flow_cache_expire(cache, 1000 + 15000 + 1000 + 128, 1000,
				&sink); /* the first hundred leave */
	while (cursor != FLOW_CACHE_CURSOR_END) {
		got = flow_cache_snapshot(cache, &cursor, records, 64);
		flows += got;
		for (size_t i = 0; i < got; i++)
			packets += records[i].packets;
	}
	for (size_t i = 0; i < kept.count; i++)
		packets += kept.records[i].packets;
	CHECK_EQ(flows, 500 - kept.count);
	CHECK(kept.count >= 100);
	CHECK_EQ(packets, 500 + 167 + 2 * 166); /* flow % 3: 167 zeros, 167 ones, 166 twos */
	flow_cache_destroy(cache);
}

TEST(a_snapshot_looks_at_a_bounded_number_of_places)
{
	const uint32_t many = 5 * FLOW_CACHE_SNAPSHOT_LOOKS;
	struct flow_cache *cache = new_cache(many);
	struct flow_record record;
	uint64_t cursor = 0;
	size_t calls = 0;
	size_t got = 0;

	for (uint32_t flow = 0; flow < many; flow++)
		add(cache, packet(flow, UDP, 1000));
	kept.count = 0;
	for (uint32_t left = many; left > 0; left -= 100, kept.count = 0)
		if (flow_cache_flush(cache, 2000, 100, &sink) < 100)
			break;
	for (; cursor != FLOW_CACHE_CURSOR_END; calls++)
		got += flow_cache_snapshot(cache, &cursor, &record, 1);
	CHECK_EQ(got, 0);
	CHECK(calls >= many / FLOW_CACHE_SNAPSHOT_LOOKS);
	CHECK_EQ(flow_cache_snapshot(cache, &cursor, &record, 1), 0); /* the end stays the end */
	flow_cache_destroy(cache);
}

/* The model: an array of what each flow should hold. Small clock steps and large ones, timeouts of
 * all levels of the wheel. */
#define MODEL_FLOWS 3000

struct model_flow {
	uint64_t packets, octets;
};

static void run_model(unsigned int seed, uint32_t max_flows, const struct expiry_policy *policy,
		      cache_ms max_step)
{
	static struct model_flow expected[MODEL_FLOWS];
	static struct model_flow seen[MODEL_FLOWS];
	struct flow_cache_config config = { .max_flows = max_flows,
					    .expiry = *policy,
					    .hash_key = { (uint8_t)seed } };
	struct flow_cache *cache = flow_cache_create(&config);
	struct flow_cache_statistics statistics;
	cache_ms now = 1700000000000;
	uint64_t packets = 0;

	CHECK(cache != NULL);
	memset(expected, 0, sizeof(expected));
	memset(seen, 0, sizeof(seen));
	srandom(seed);
	for (int round = 0; round < 4000; round++) {
		struct packet_info batch[FLOW_CACHE_BATCH];
		size_t count = 1 + (size_t)random() % FLOW_CACHE_BATCH;

		kept.count = 0;
		for (size_t i = 0; i < count; i++) {
			/* Some flows are busy, most are rare. */
			uint32_t flow = (uint32_t)random() % (random() % 4 ? 100 : MODEL_FLOWS);

			now += random() % 50 == 0 ? random() % max_step : 0;
			batch[i] = packet(flow, flow % 3 ? TCP : UDP, now);
			batch[i].octets = (uint64_t)random() % 1500;
			if (flow % 3 && random() % 20 == 0)
				batch[i].tcp_flags = random() % 2 ? 0x01 : 0x04;
			expected[flow].packets++;
			expected[flow].octets += batch[i].octets;
		}
		packets += count;
		flow_cache_add(cache, batch, count, &sink);
		CHECK(kept.count <= count * FLOW_CACHE_RECORDS_AT_ONCE);
		(void)flow_cache_expire(cache, now, (size_t)random() % 50, &sink);
		if (round % 100 == 0)
			CHECK(flow_cache_is_consistent(cache));
		if (round == 3999)
			(void)flow_cache_flush(cache, now, max_flows, &sink);
		for (size_t i = 0; i < kept.count; i++) {
			const struct flow_record *record = &kept.records[i];
			uint32_t flow = 0;

			memcpy(&flow, record->key.addresses, sizeof(flow));
			seen[flow].packets += record->packets;
			seen[flow].octets += record->octets;
			CHECK(record->first_ms <= record->last_ms &&
			      record->last_ms <= record->expired_ms);
			/* No record spans more than the active timeout. */
			CHECK(record->last_ms - record->first_ms < (cache_ms)policy->active_ms);
			CHECK(record->end_reason != FLOW_END_none);
		}
	}
	flow_cache_statistics(cache, &statistics);
	CHECK_EQ(statistics.packets_added, packets);
	CHECK_EQ(statistics.packets_expired, packets);
	CHECK_EQ(statistics.flows_cached, 0);
	CHECK(statistics.flows_cached_peak <= max_flows);
	CHECK_BYTES(seen, expected, sizeof(seen));
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

/* 128 bytes of address space a flow and more: on a machine of 32 bits there are not that many,
 * which a size that wraps hides until the first flow beyond the mapping. */
TEST(more_flows_than_the_address_space_holds_are_refused)
{
	const struct flow_cache_config config = {
		.max_flows = FLOW_CACHE_MAX_FLOWS,
		.columns = FLOW_COLUMN_BIT(FLOW_COLUMN_COUNT) - 1,
	};

	if (sizeof(size_t) == sizeof(uint64_t))
		skip();
	errno = 0;
	CHECK(!flow_cache_create(&config));
	CHECK_EQ(errno, ENOMEM);
}

TEST(random_packets_are_all_in_records_exactly_once)
{
	const struct expiry_policy defaults = {
		.active_ms = 60000, .idle_ms = { 15000, 2000, 2000, 15000, 15000, 15000 }
	};
	const struct expiry_policy mixed = { .active_ms = 3600000,
					     .idle_ms = { 1800000, 5000, 2000, 300000, 1, 60000 } };
	const struct expiry_policy longest = {
		.active_ms = EXPIRY_TIMEOUT_MAX_MS,
		.idle_ms = { EXPIRY_TIMEOUT_MAX_MS, 1, 2000, 40000000, 1, 1 },
	};

	run_model(1, MODEL_FLOWS, &defaults, 3000);
	run_model(2, 50, &defaults, 3000);
	run_model(3, 1, &defaults, 3000);
	run_model(4, MODEL_FLOWS, &mixed, 100000);
	run_model(5, 500, &mixed, 1000000);
	run_model(6, MODEL_FLOWS, &longest, 100000000);
	run_model(7, 200, &longest, 100000000);
	run_model(8, 200, &defaults, 20);
}

TEST(many_flows_grow_the_index_and_are_found)
{
	struct flow_cache *cache = new_cache(200000);
	struct flow_cache_statistics statistics;

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t flow = 0; flow < 200000; flow++)
			add(cache, packet(flow, UDP, 1000));
	flow_cache_statistics(cache, &statistics);
	CHECK_EQ(statistics.flows_cached, 200000);
	CHECK_EQ(statistics.flows_created, 200000);
	CHECK(statistics.memory_bytes < 200000ull * 128);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_superpacket_stands_for_several),
		cmocka_unit_test(a_flow_that_is_asked_for_leaves_next_and_no_other),
		cmocka_unit_test(a_flow_that_is_to_be_forgotten_leaves_with_that_reason),
		cmocka_unit_test(a_packet_of_a_flow_that_is_to_leave_begins_another_record),
		cmocka_unit_test(packets_of_one_key_make_one_record),
		cmocka_unit_test(full_cache_gives_up_the_longest_idle_flow),
		cmocka_unit_test(longest_idle_is_found_also_among_flows_that_never_rest),
		cmocka_unit_test(budget_holds_and_the_rest_comes_later),
		cmocka_unit_test(snapshot_gives_each_live_flow_once),
		cmocka_unit_test(a_snapshot_looks_at_a_bounded_number_of_places),
		cmocka_unit_test(more_flows_than_the_address_space_holds_are_refused),
		cmocka_unit_test(random_packets_are_all_in_records_exactly_once),
		cmocka_unit_test(many_flows_grow_the_index_and_are_found),
	};

	return RUN_TESTS(tests);
}
