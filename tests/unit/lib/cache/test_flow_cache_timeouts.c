/* test_flow_cache_timeouts.c - when flows leave the flow cache: timeouts, ends of connections, and
 * clocks that step. */
#include "flow_cache.h"

#include "check.h"
#include "flow_cache_fixture.h"
#include "flow_cache_layout.h"
#include "kept_records.h"

TEST(idle_flow_leaves_within_a_tick_of_its_timeout)
{
	struct flow_cache *cache = new_cache(10);

	add(cache, packet(2, UDP, 1000));
	CHECK_EQ(flow_cache_expire(cache, 15999, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 16000 + 128, 100, &sink), 1);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_idleTimeout);
	flow_cache_destroy(cache);
}

TEST(packet_past_a_timeout_starts_a_new_record_even_if_nothing_ran_expiry)
{
	struct flow_cache *cache = new_cache(10);

	add(cache, packet(2, UDP, 1000));
	add(cache, packet(2, UDP, 15999));
	CHECK_EQ(kept.count, 0);
	add(cache, packet(2, UDP, 30999));
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(kept.records[0].packets, 2);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_idleTimeout);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(active_flow_is_cut_at_its_timeout)
{
	struct flow_cache *cache = new_cache(10);

	for (cache_ms now = 0; now <= 60000; now += 10000)
		add(cache, packet(2, UDP, now));
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(kept.records[0].packets, 6);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_activeTimeout);
	/* The same by the clock alone: to the millisecond. */
	for (cache_ms now = 70000; now < 120000; now += 10000)
		add(cache, packet(2, UDP, now));
	CHECK_EQ(flow_cache_expire(cache, 119999, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 120000, 100, &sink), 1);
	CHECK_EQ(kept.records[1].packets, 6);
	CHECK_EQ(kept.records[1].end_reason, FLOW_END_activeTimeout);
	flow_cache_destroy(cache);
}

TEST(flow_with_fin_takes_the_last_ack_and_leaves_after_the_linger_time)
{
	struct flow_cache *cache = new_cache(10);
	struct packet_info info = packet(2, TCP, 1000);

	add(cache, info);
	info.tcp_flags = 0x11;
	info.clock_ms = 2000;
	add(cache, info);
	info.tcp_flags = 0x10;
	info.clock_ms = 3000;
	add(cache, info);
	CHECK_EQ(flow_cache_expire(cache, 4999, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 5000 + 128, 100, &sink), 1);
	CHECK_EQ(kept.records[0].packets, 3);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_endOfFlowDetected);
	flow_cache_destroy(cache);
}

TEST(fin_of_one_connection_does_not_end_a_flow_of_many)
{
	struct flow_cache *cache = new_cache(10);
	struct expiry_policy policy = { .active_ms = 60000,
					.idle_ms = { 15000, 2000, 2000, 15000, 15000, 15000 },
					.ignored_flags = 0xff };
	struct packet_info info = packet(2, TCP, 1000);

	flow_cache_set_expiry(cache, &policy);
	info.tcp_flags = 0x11;
	add(cache, info);
	info.tcp_flags = 0x14;
	info.clock_ms = 2000;
	add(cache, info);
	CHECK_EQ(flow_cache_expire(cache, 16999, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 17000 + 128, 100, &sink), 1);
	CHECK_EQ(kept.records[0].packets, 2);
	CHECK_EQ(kept.records[0].tcp_flags, 0x15);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_idleTimeout);
	flow_cache_destroy(cache);
}

/* Live, the clock of timeouts is monotonic, and only the packets' stamps follow the real one. */
TEST(a_real_clock_that_steps_moves_stamps_and_no_timeout)
{
	static const unix_ms day = 86400000;
	static const unix_ms stamps[] = { 1700000000000, 1700000000000 - 365 * day,
					  1700000000000 + 365 * day, -1, 4102444800000 };
	struct flow_cache *cache = new_cache(10);
	struct packet_info info = packet(2, UDP, 1000);

	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		info.clock_ms = 1000 + (cache_ms)i;
		info.time_ms = stamps[i];
		add(cache, info);
		CHECK_EQ(flow_cache_expire(cache, info.clock_ms, 100, &sink), 0);
	}
	CHECK_EQ(flow_cache_expire(cache, 16003, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 16004 + 128, 100, &sink), 1);
	CHECK_EQ(kept.records[0].packets, 5);
	CHECK_EQ(kept.records[0].first_ms, -1);
	CHECK_EQ(kept.records[0].last_ms, 4102444800000);
	flow_cache_destroy(cache);
}

/* The longest active timeout is 23 days: counters beyond 32 bits, and no wrap of any clock. */
TEST(a_flow_may_be_active_for_weeks_and_count_beyond_32_bits)
{
	const struct expiry_policy policy = {
		.active_ms = EXPIRY_TIMEOUT_MAX_MS,
		.idle_ms = { 15000, 2000, 2000, EXPIRY_TIMEOUT_MAX_MS, 15000, 15000 },
	};
	const cache_ms step = 3600000; /* a packet an hour */
	struct flow_cache *cache = new_cache(10);
	struct packet_info info = packet(2, UDP, 0);
	struct flow_cache_statistics statistics;
	uint64_t packets = 0;

	flow_cache_set_expiry(cache, &policy);
	info.octets = 40 + 4294967295u; /* the largest jumbogram */
	for (cache_ms now = 4000000000; now < 4000000000 + EXPIRY_TIMEOUT_MAX_MS; now += step) {
		info.clock_ms = info.time_ms = now;
		add(cache, info);
		CHECK_EQ(flow_cache_expire(cache, now, 100, &sink), 0);
		packets++;
	}
	CHECK_EQ(packets, 556);
	CHECK_EQ(flow_cache_expire(cache, 4000000000 + EXPIRY_TIMEOUT_MAX_MS, 100, &sink), 1);
	CHECK_EQ(kept.records[0].packets, packets);
	CHECK_EQ(kept.records[0].octets, packets * (40 + 4294967295u));
	CHECK_EQ(kept.records[0].last_ms - kept.records[0].first_ms, 555 * step);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_activeTimeout);
	flow_cache_statistics(cache, &statistics);
	CHECK_EQ(statistics.octets_expired, kept.records[0].octets);
	flow_cache_destroy(cache);
}

/* Ages have 32 bits, and wrap after 49.7 days. */
TEST(without_an_active_timeout_a_flow_may_be_active_for_ever)
{
	const struct expiry_policy policy = {
		.active_ms = EXPIRY_ACTIVE_OFF,
		.idle_ms = { 15000, 2000, 2000, 7200000, 15000, 15000 },
	};
	const cache_ms step = 3600000; /* a packet an hour, for 120 days */
	struct flow_cache *cache = new_cache(10);
	struct packet_info info = packet(2, UDP, 0);
	cache_ms now = 4000000000;

	flow_cache_set_expiry(cache, &policy);
	for (int i = 0; i < 120 * 24; i++) {
		info.clock_ms = info.time_ms = now += step;
		add(cache, info);
		CHECK_EQ(flow_cache_expire(cache, now + step / 2, 100, &sink), 0);
		CHECK(flow_cache_next_expiry(cache) > now + step / 2);
	}
	CHECK_EQ(flow_cache_expire(cache, now + 7200128, 100, &sink), 1);
	CHECK_EQ(kept.records[0].packets, 120 * 24);
	CHECK_EQ(kept.records[0].end_reason, FLOW_END_idleTimeout);
	flow_cache_destroy(cache);
}

/* 2^32 packets take too long to add, so most of them are put into the cache's own memory. */
TEST(a_flow_counts_beyond_32_bits_of_packets)
{
	struct flow_cache *cache = new_cache(10);
	const uint64_t put_in = UINT32_MAX - 2;

	add(cache, packet(2, UDP, 1000));
	flow_at(cache, cache->age.head)->packets += put_in;
	cache->statistics.packets_added += put_in;
	cache->statistics.packets_cached += put_in;
	for (int i = 0; i < 4; i++)
		add(cache, packet(2, UDP, 1001));
	CHECK(flow_cache_is_consistent(cache));
	CHECK_EQ(flow_cache_flush(cache, 2000, 100, &sink), 1);
	CHECK_EQ(kept.records[0].packets, 0x100000002);
	CHECK_EQ(cache->statistics.packets_expired, 0x100000002);
	flow_cache_destroy(cache);
}

/* A capture file may hold times of any sign, and cross 0. */
TEST(timeouts_before_1970_are_those_of_any_time)
{
	struct flow_cache *cache = new_cache(10);
	const cache_ms starts[] = { -4503599627370496, -2208988800000, -20000, -1 };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		kept.count = 0;
		add(cache, packet(2, UDP, starts[i]));
		add(cache, packet(2, UDP, starts[i] + 14999));
		CHECK_EQ(kept.count, 0);
		add(cache, packet(2, UDP, starts[i] + 14999 + 15000));
		CHECK_EQ(kept.count, 1);
		CHECK_EQ(kept.records[0].packets, 2);
		CHECK_EQ(kept.records[0].first_ms, starts[i]);
		CHECK(flow_cache_next_expiry(cache) <= starts[i] + 44999 + 256);
		CHECK_EQ(flow_cache_expire(cache, starts[i] + 44998, 100, &sink), 0);
		CHECK_EQ(flow_cache_expire(cache, starts[i] + 44999 + 128, 100, &sink), 1);
		CHECK_EQ(kept.records[1].end_reason, FLOW_END_idleTimeout);
		CHECK(flow_cache_is_consistent(cache));
		flow_cache_destroy(cache);
		cache = new_cache(10);
	}
	flow_cache_destroy(cache);
}

TEST(clock_that_jumps_by_years_makes_flows_old)
{
	struct flow_cache *cache = new_cache(10);
	cache_ms later = 1000 + 0x100000000; /* a multiple of 2^32 ms: age 0 in 32 bits */

	add(cache, packet(2, UDP, 1000));
	add(cache, packet(3, UDP, 1000));
	add(cache, packet(2, UDP, later));
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(flow_cache_expire(cache, later, 100, &sink), 1);
	CHECK_EQ(flow_cache_expire(cache, later + 10 * 0x100000000, 100, &sink), 1);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(shorter_timeouts_reach_flows_already_cached)
{
	struct flow_cache *cache = new_cache(10);
	struct expiry_policy policy = { .active_ms = 60000,
					.idle_ms = { 1000, 1000, 1000, 1000, 1000, 1000 } };

	add(cache, packet(2, UDP, 1000));
	flow_cache_set_expiry(cache, &policy);
	CHECK_EQ(flow_cache_expire(cache, 2200, 10, &sink), 1);
	flow_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_flow_leaves_within_a_tick_of_its_timeout),
		cmocka_unit_test(
			packet_past_a_timeout_starts_a_new_record_even_if_nothing_ran_expiry),
		cmocka_unit_test(active_flow_is_cut_at_its_timeout),
		cmocka_unit_test(flow_with_fin_takes_the_last_ack_and_leaves_after_the_linger_time),
		cmocka_unit_test(fin_of_one_connection_does_not_end_a_flow_of_many),
		cmocka_unit_test(a_real_clock_that_steps_moves_stamps_and_no_timeout),
		cmocka_unit_test(a_flow_may_be_active_for_weeks_and_count_beyond_32_bits),
		cmocka_unit_test(without_an_active_timeout_a_flow_may_be_active_for_ever),
		cmocka_unit_test(a_flow_counts_beyond_32_bits_of_packets),
		cmocka_unit_test(timeouts_before_1970_are_those_of_any_time),
		cmocka_unit_test(clock_that_jumps_by_years_makes_flows_old),
		cmocka_unit_test(shorter_timeouts_reach_flows_already_cached),
	};

	return RUN_TESTS(tests);
}
