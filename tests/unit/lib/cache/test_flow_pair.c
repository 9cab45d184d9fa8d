/* test_flow_pair.c - a bidirectional flow cache: which flows leave together, when, why, and in
 * which order; against literal cases, and against a plain model under seeded random packets. */
#include "flow_cache.h"

#include "check.h"
#include "flow_cache_layout.h"
#include "flow_reverse.h"
#include "kept_records.h"

#include <stdlib.h>

#define ICMP    1
#define TCP     6
#define UDP     17
#define FIN     0x11
#define SYN     0x02
#define RST     0x04
#define ACK     0x10
#define SYN_ACK 0x12

static const struct expiry_policy defaults = {
	.active_ms = 60000, .idle_ms = { 15000, 2000, 2000, 15000, 15000, 15000 }
};

static struct flow_cache *new_cache(uint32_t max_flows, const struct expiry_policy *policy)
{
	struct flow_cache_config config = {
		.max_flows = max_flows,
		.expiry = *policy,
		.hash_key = { 1, 2, 3 },
		.is_bidirectional = true,
		.has_ports = true,
	};
	struct flow_cache *cache = flow_cache_create(&config);

	CHECK(cache != NULL);
	kept_records_reset();
	return cache;
}

/* The number of a connection is in three bytes of an address, whatever the machine's byte order. */
static void put_number(uint8_t *bytes, uint32_t number)
{
	for (int i = 0; i < 3; i++)
		bytes[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t get_number(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

/* A packet of connection 'number', 100 bytes: from the client, whose port is the higher, or back.
 */
static struct packet_info packet(uint32_t number, bool is_back, uint8_t protocol, cache_ms now)
{
	struct packet_info info = { .octets = 100, .time_ms = now, .clock_ms = now };
	const size_t size = number & 1 ? 16 : 4;

	info.key.ip_version = number & 1 ? 6 : 4;
	info.key.protocol = protocol;
	info.key.side = is_back ? 1 : 0;
	info.key.source_port = is_back ? 443 : 40000;
	info.key.destination_port = is_back ? 40000 : 443;
	info.key.addresses[is_back ? size + 3 : 3] = 1; /* the client */
	put_number(info.key.addresses + (is_back ? 0 : size), number);
	return info;
}

static void add(struct flow_cache *cache, uint32_t number, bool is_back, uint8_t protocol,
		cache_ms now, uint8_t flags)
{
	struct packet_info info = packet(number, is_back, protocol, now);

	info.tcp_flags = flags;
	flow_cache_add(cache, &info, 1, &sink);
	CHECK(flow_cache_is_consistent(cache));
}

static void check_pair(size_t at, bool is_back, enum flow_end_reason forward,
		       enum flow_end_reason reverse)
{
	CHECK(kept.count >= at + 2);
	CHECK_EQ(kept.records[at].pairing, FLOW_forward);
	CHECK_EQ(kept.records[at].key.source_port, is_back ? 443 : 40000);
	CHECK_EQ(kept.records[at].end_reason, forward);
	CHECK_EQ(kept.records[at + 1].pairing, FLOW_reverse);
	CHECK_EQ(kept.records[at + 1].key.source_port, is_back ? 40000 : 443);
	CHECK_EQ(kept.records[at + 1].end_reason, reverse);
}

static void check_empty(struct flow_cache *cache)
{
	struct flow_cache_statistics statistics;
	uint64_t expired = 0;

	flow_cache_statistics(cache, &statistics);
	for (int i = 0; i < FLOW_END_COUNT; i++)
		expired += statistics.records_expired[i];
	CHECK_EQ(statistics.flows_cached, 0);
	CHECK_EQ(statistics.flows_created, expired);
	CHECK_EQ(expired, kept.count);
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(both_directions_leave_when_the_later_is_idle)
{
	struct flow_cache *cache = new_cache(10, &defaults);

	for (uint32_t number = 2; number < 4; number++) {
		add(cache, number, false, UDP, 1000, 0);
		add(cache, number, true, UDP, 1100, 0);
		add(cache, number, true, UDP, 9000, 0);
	}
	CHECK_EQ(flow_cache_expire(cache, 23999, 100, &sink), 0);
	CHECK(flow_cache_next_expiry(cache) <= 24000 + 256);
	CHECK_EQ(flow_cache_expire(cache, 24000 + 128, 100, &sink), 4);
	check_pair(0, false, FLOW_END_idleTimeout, FLOW_END_idleTimeout);
	check_pair(2, false, FLOW_END_idleTimeout, FLOW_END_idleTimeout);
	CHECK_EQ(kept.records[0].packets, 1);
	CHECK_EQ(kept.records[1].packets, 2);
	CHECK_EQ(kept.records[0].biflow_direction, BIFLOW_arbitrary);
	check_empty(cache);
}

TEST(a_flow_without_reverse_leaves_alone_at_its_timeout)
{
	struct flow_cache *cache = new_cache(10, &defaults);

	add(cache, 2, false, UDP, 1000, 0);
	add(cache, 3, true, UDP, 1000, 0);
	add(cache, 4, false, UDP, 1000, 0);
	add(cache, 4, true, TCP, 1000, 0); /* another protocol */
	CHECK_EQ(flow_cache_expire(cache, 15999, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 16128, 100, &sink), 4);
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(kept.records[i].pairing, FLOW_alone);
	check_empty(cache);
}

/* One direction is idle for a minute less 2 s, and goes on in the same record. */
TEST(an_idle_direction_waits_for_a_busy_one_and_goes_on)
{
	struct flow_cache *cache = new_cache(10, &defaults);

	add(cache, 2, false, UDP, 1000, 0);
	for (cache_ms now = 1000; now < 59000; now += 1000) {
		add(cache, 2, true, UDP, now, 0);
		CHECK_EQ(flow_cache_expire(cache, now, 100, &sink), 0);
	}
	add(cache, 2, false, UDP, 59000, 0);
	CHECK_EQ(kept.count, 0);
	CHECK_EQ(flow_cache_expire(cache, 61000, 100, &sink), 2);
	check_pair(0, false, FLOW_END_activeTimeout, FLOW_END_activeTimeout);
	CHECK_EQ(kept.records[0].packets, 2);
	CHECK_EQ(kept.records[1].packets, 58);
	check_empty(cache);
}

/* The active timeout is that of the older direction. */
TEST(the_older_direction_cuts_both)
{
	struct flow_cache *cache = new_cache(10, &defaults);

	add(cache, 2, true, UDP, 1000, 0);
	for (cache_ms now = 2000; now <= 61000; now += 1000)
		add(cache, 2, now != 2000 && now % 2000 == 0, UDP, now, 0);
	/* A packet of the younger direction comes to its record, as expiry has not run. */
	CHECK_EQ(kept.count, 0);
	CHECK_EQ(flow_cache_expire(cache, 61000, 1, &sink), 2);
	check_pair(0, true, FLOW_END_activeTimeout, FLOW_END_activeTimeout);
	check_empty(cache);
}

TEST(a_packet_past_the_timeouts_of_both_closes_both)
{
	struct flow_cache *cache = new_cache(10, &defaults);
	struct flow_cache_statistics statistics;

	add(cache, 2, false, UDP, 1000, 0);
	add(cache, 2, true, UDP, 5000, 0);
	add(cache, 2, false, UDP, 19999, 0); /* its reverse is there for 1 ms more */
	CHECK_EQ(kept.count, 0);
	add(cache, 2, false, UDP, 34999, 0);
	check_pair(0, false, FLOW_END_idleTimeout, FLOW_END_idleTimeout);
	CHECK_EQ(kept.records[0].packets, 2);
	flow_cache_statistics(cache, &statistics);
	CHECK_EQ(statistics.flows_cached, 1);
	CHECK_EQ(flow_cache_flush(cache, 35000, 10, &sink), 1);
	CHECK_EQ(kept.records[2].pairing, FLOW_alone);
	CHECK_EQ(kept.records[2].packets, 1);
	check_empty(cache);
}

TEST(fin_of_both_ends_the_biflow_after_the_later_linger)
{
	struct flow_cache *cache = new_cache(10, &defaults);

	add(cache, 2, false, TCP, 1000, SYN);
	add(cache, 2, true, TCP, 1000, SYN_ACK);
	add(cache, 2, false, TCP, 1001, FIN);
	add(cache, 2, true, TCP, 2500, FIN);
	CHECK_EQ(flow_cache_expire(cache, 4499, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 4500 + 128, 100, &sink), 2);
	check_pair(0, false, FLOW_END_endOfFlowDetected, FLOW_END_endOfFlowDetected);
	CHECK_EQ(kept.records[0].biflow_direction, BIFLOW_initiator);
	check_empty(cache);
}

/* Half closed: the other direction may go on for long. */
TEST(fin_of_one_waits_for_the_other)
{
	struct flow_cache *cache = new_cache(10, &defaults);

	add(cache, 2, false, TCP, 1000, FIN);
	add(cache, 2, true, TCP, 1000, ACK);
	for (cache_ms now = 2000; now <= 10000; now += 500)
		add(cache, 2, true, TCP, now, ACK);
	CHECK_EQ(flow_cache_expire(cache, 24999, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 25000 + 128, 100, &sink), 2);
	check_pair(0, false, FLOW_END_endOfFlowDetected, FLOW_END_idleTimeout);
	check_empty(cache);
}

TEST(rst_of_one_ends_both)
{
	struct flow_cache *cache = new_cache(10, &defaults);

	add(cache, 2, false, TCP, 1000, SYN);
	add(cache, 2, true, TCP, 1200, RST | ACK);
	add(cache, 2, false, TCP, 3000, 0);
	CHECK_EQ(flow_cache_expire(cache, 3199, 100, &sink), 0);
	CHECK_EQ(flow_cache_expire(cache, 3200 + 128, 100, &sink), 2);
	check_pair(0, false, FLOW_END_endOfFlowDetected, FLOW_END_endOfFlowDetected);
	CHECK_EQ(kept.records[0].biflow_direction, BIFLOW_initiator);
	check_empty(cache);
}

TEST(who_has_begun_is_forward)
{
	const struct {
		uint8_t protocol;
		uint8_t flags[2]; /* of the client, of the server */
		bool is_server_first;
		bool is_server_forward;
		uint8_t direction;
	} cases[] = {
		{ TCP, { SYN, SYN_ACK }, false, false, BIFLOW_initiator },
		/* Both with all flags of a connection: SYN, ACK, FIN. */
		{ TCP, { SYN | FIN, SYN | FIN }, false, false, BIFLOW_initiator },
		{ TCP, { SYN | FIN, SYN | FIN }, true, true, BIFLOW_initiator },
		/* A SYN that was not accepted, in whatever order they came. */
		{ TCP, { SYN, SYN_ACK }, true, false, BIFLOW_initiator },
		{ TCP, { SYN_ACK, SYN }, false, true, BIFLOW_initiator },
		{ TCP, { SYN, RST | ACK }, true, false, BIFLOW_initiator },
		/* The SYN was before we began: nobody knows. */
		{ TCP, { ACK, SYN_ACK }, true, true, BIFLOW_arbitrary },
		/* From the middle: who came first. */
		{ TCP, { ACK, ACK }, false, false, BIFLOW_arbitrary },
		{ TCP, { ACK, ACK }, true, true, BIFLOW_arbitrary },
		{ TCP, { SYN, SYN }, true, true, BIFLOW_initiator },
		{ UDP, { 0, 0 }, false, false, BIFLOW_arbitrary },
		{ UDP, { 0, 0 }, true, true, BIFLOW_arbitrary },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (cache_ms apart_ms = 0; apart_ms < 2; apart_ms++) {
			struct flow_cache *cache = new_cache(10, &defaults);

			for (int j = 0; j < 2; j++) {
				const bool is_back = cases[i].is_server_first ^ j;
				struct packet_info info =
					packet(2, is_back, cases[i].protocol, 2000 + j * apart_ms);

				info.tcp_flags = cases[i].flags[is_back];
				/* Stamps do not count. */
				info.time_ms -= 5 * j;
				flow_cache_add(cache, &info, 1, &sink);
			}
			CHECK_EQ(flow_cache_flush(cache, 3000, 100, &sink), 2);
			check_pair(0, cases[i].is_server_forward, FLOW_END_forcedEnd,
				   FLOW_END_forcedEnd);
			CHECK_EQ(kept.records[0].biflow_direction, cases[i].direction);
			CHECK_EQ(kept.records[1].biflow_direction, BIFLOW_arbitrary);
			check_empty(cache);
		}
	}
}

/* Many flows of one millisecond between the two: then the higher port is the client's. */
TEST(the_higher_port_is_forward_where_nothing_else_tells)
{
	for (uint32_t between = 0; between < 200; between += 20) {
		struct flow_cache *cache = new_cache(1000, &defaults);
		const bool is_near = between < 64;

		add(cache, 2, true, UDP, 1000, 0);
		for (uint32_t i = 0; i < between; i++)
			add(cache, 10 + i, false, UDP, 1000, 0);
		add(cache, 2, false, UDP, 1000, 0);
		CHECK_EQ(flow_cache_flush(cache, 1000, 1, &sink), 2);
		check_pair(0, is_near, FLOW_END_forcedEnd, FLOW_END_forcedEnd);
		flow_cache_destroy(cache);
	}
}

TEST(who_asks_by_icmp_is_forward)
{
	struct flow_cache *cache = new_cache(10, &defaults);
	struct packet_info request = packet(2, false, ICMP, 1000);
	struct packet_info reply = packet(2, true, ICMP, 1000);

	request.key.source_port = reply.key.source_port = 0;
	request.key.destination_port = 8 << 8;
	reply.key.destination_port = 0;
	flow_cache_add(cache, &reply, 1, &sink);
	flow_cache_add(cache, &request, 1, &sink);
	CHECK_EQ(flow_cache_expire(cache, 17000, 100, &sink), 2);
	CHECK_EQ(kept.records[0].pairing, FLOW_forward);
	CHECK_EQ(kept.records[0].key.destination_port, 8 << 8);
	CHECK_EQ(kept.records[0].biflow_direction, BIFLOW_initiator);
	CHECK_EQ(kept.records[1].pairing, FLOW_reverse);
	check_empty(cache);
}

/* Under a key in which nothing has a direction a flow is its own reverse. */
TEST(a_flow_that_is_its_own_reverse_leaves_alone)
{
	struct flow_cache *cache = new_cache(10, &defaults);
	struct packet_info info = { .clock_ms = 1000, .key = { .side = 255, .ip_version = 4 } };

	flow_cache_add(cache, &info, 1, &sink);
	CHECK_EQ(flow_cache_expire(cache, 16128, 100, &sink), 1);
	CHECK_EQ(kept.records[0].pairing, FLOW_alone);
	check_empty(cache);
}

TEST(full_cache_gives_up_both_directions)
{
	struct flow_cache *cache = new_cache(4, &defaults);

	add(cache, 2, false, UDP, 1000, 0);
	add(cache, 4, false, UDP, 1100, 0);
	add(cache, 4, true, UDP, 1200, 0);
	add(cache, 2, true, UDP, 9000, 0);
	add(cache, 6, false, UDP, 9001, 0);
	check_pair(0, false, FLOW_END_lackOfResources, FLOW_END_lackOfResources);
	CHECK_EQ(kept.count, 2);
	add(cache, 6, true, UDP, 9002, 0);
	CHECK_EQ(kept.count, 2);
	CHECK_EQ(flow_cache_flush(cache, 9003, 1, &sink), 2);
	CHECK_EQ(flow_cache_flush(cache, 9003, 1, &sink), 2);
	check_pair(2, false, FLOW_END_forcedEnd, FLOW_END_forcedEnd);
	check_pair(4, false, FLOW_END_forcedEnd, FLOW_END_forcedEnd);
	check_empty(cache);
}

/* A flow that waits for its reverse is the one that has been idle for longest. */
TEST(full_cache_finds_a_flow_that_waits)
{
	struct flow_cache *cache = new_cache(3, &defaults);

	add(cache, 2, false, UDP, 1000, 0);
	add(cache, 2, true, UDP, 12000, 0);
	CHECK_EQ(flow_cache_expire(cache, 17000, 100, &sink), 0);
	add(cache, 4, false, UDP, 17000, 0);
	add(cache, 6, false, UDP, 17001, 0);
	CHECK_EQ(kept.count, 2);
	check_pair(0, false, FLOW_END_lackOfResources, FLOW_END_lackOfResources);
	CHECK_EQ(flow_cache_flush(cache, 17002, 10, &sink), 2);
	check_empty(cache);
}

/* A cache of one can hold no pair. */
TEST(a_cache_of_one_flow_gives_it_up_for_its_reverse)
{
	struct flow_cache *cache = new_cache(1, &defaults);

	add(cache, 2, false, UDP, 1000, 0);
	add(cache, 2, true, UDP, 1001, 0);
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(kept.records[0].pairing, FLOW_alone);
	CHECK_EQ(flow_cache_flush(cache, 9003, 1, &sink), 1);
	CHECK_EQ(kept.records[1].pairing, FLOW_alone);
	check_empty(cache);
}

TEST(the_budget_is_passed_by_one_reverse_and_no_more)
{
	struct flow_cache *cache = new_cache(100, &defaults);

	for (uint32_t number = 0; number < 20; number++) {
		add(cache, number, false, UDP, 1000, 0);
		add(cache, number, true, UDP, 1000, 0);
	}
	for (size_t left = 20; left > 0; left--) {
		kept.room = kept.count + 2;
		CHECK_EQ(flow_cache_expire(cache, 20000, 1, &sink), 2);
		CHECK(flow_cache_is_consistent(cache));
	}
	CHECK_EQ(flow_cache_expire(cache, 20000, 1, &sink), 0);
	CHECK_EQ(flow_cache_next_expiry(cache), INT64_MAX);
	check_empty(cache);
}

TEST(two_directions_of_a_batch_that_both_are_over)
{
	struct flow_cache *cache = new_cache(10, &defaults);
	struct packet_info batch[4];

	add(cache, 2, false, UDP, 1000, 0);
	add(cache, 2, true, UDP, 1000, 0);
	for (int i = 0; i < 4; i++)
		batch[i] = packet(2, i % 2, UDP, 50000);
	flow_cache_add(cache, batch, 4, &sink);
	CHECK_EQ(kept.count, 2);
	CHECK(flow_cache_is_consistent(cache));
	CHECK_EQ(flow_cache_flush(cache, 50000, 10, &sink), 2);
	check_pair(2, false, FLOW_END_forcedEnd, FLOW_END_forcedEnd);
	CHECK_EQ(kept.records[2].packets, 2);
	CHECK_EQ(kept.records[3].packets, 2);
	check_empty(cache);
}

TEST(shorter_timeouts_reach_a_flow_that_waits)
{
	const struct expiry_policy shorter = { .active_ms = 60000,
					       .idle_ms = { 1000, 1000, 1000, 1000, 1000, 1000 } };
	struct flow_cache *cache = new_cache(10, &defaults);

	add(cache, 2, false, UDP, 1000, 0);
	add(cache, 2, true, UDP, 15000, 0);
	CHECK_EQ(flow_cache_expire(cache, 17000, 100, &sink), 0);
	flow_cache_set_expiry(cache, &shorter);
	CHECK_EQ(flow_cache_expire(cache, 17128, 100, &sink), 2);
	check_empty(cache);
}

/* The model: what each direction should hold, and what must be true of each record that leaves. */
#define MODEL_FLOWS 1500

struct model_flow {
	uint64_t packets, octets;
};

/* Records come as pairs of a forward direction and the reverse of exactly its key. */
static void check_records(const struct expiry_policy *policy)
{
	for (size_t i = 0; i < kept.count; i++) {
		const struct flow_record *record = &kept.records[i];
		struct flow_key keys[FLOW_REVERSE_KEYS_MAX];

		CHECK(record->end_reason != FLOW_END_none);
		CHECK(record->first_ms <= record->last_ms && record->last_ms <= record->expired_ms);
		CHECK(record->last_ms - record->first_ms < (cache_ms)policy->active_ms);
		CHECK_EQ(record->pairing == FLOW_reverse,
			 i > 0 && kept.records[i - 1].pairing == FLOW_forward);
		if (record->pairing != FLOW_forward)
			continue;
		CHECK(i + 1 < kept.count);
		CHECK(flow_reverse_keys(&record->key, true, keys) > 0);
		CHECK_BYTES(&kept.records[i + 1].key, &keys[0], sizeof(keys[0]));
		CHECK_EQ(record[1].expired_ms, record->expired_ms);
	}
}

static void run_model(unsigned int seed, uint32_t max_flows, const struct expiry_policy *policy,
		      cache_ms max_step)
{
	static struct model_flow expected[MODEL_FLOWS][2];
	static struct model_flow seen[MODEL_FLOWS][2];
	struct flow_cache *cache = new_cache(max_flows, policy);
	struct flow_cache_statistics statistics;
	cache_ms now = 1700000000000;
	uint64_t packets = 0;
	uint64_t pairs = 0;

	memset(expected, 0, sizeof(expected));
	memset(seen, 0, sizeof(seen));
	srandom(seed);
	for (int round = 0; round < 4000; round++) {
		struct packet_info batch[FLOW_CACHE_BATCH];
		size_t count = 1 + (size_t)random() % FLOW_CACHE_BATCH;
		size_t budget = (size_t)random() % 50;

		kept.count = 0;
		for (size_t i = 0; i < count; i++) {
			uint32_t number = (uint32_t)random() % (random() % 4 ? 100 : MODEL_FLOWS);
			bool is_back = random() % 3 == 0;

			now += random() % 50 == 0 ? random() % max_step : 0;
			batch[i] = packet(number, is_back, number % 3 ? TCP : UDP, now);
			batch[i].octets = (uint64_t)random() % 1500;
			if (number % 3 && random() % 20 == 0)
				batch[i].tcp_flags = random() % 2 ? FIN : RST;
			expected[number][is_back].packets++;
			expected[number][is_back].octets += batch[i].octets;
		}
		packets += count;
		kept.room = count * FLOW_CACHE_RECORDS_AT_ONCE;
		flow_cache_add(cache, batch, count, &sink);
		kept.room = kept.count + budget + 1;
		(void)flow_cache_expire(cache, now, budget, &sink);
		kept.room = 20000;
		if (round % 100 == 0)
			CHECK(flow_cache_is_consistent(cache));
		if (round == 3999)
			(void)flow_cache_flush(cache, now, max_flows, &sink);
		check_records(policy);
		for (size_t i = 0; i < kept.count; i++) {
			const struct flow_record *record = &kept.records[i];
			const bool is_back = record->key.side;
			const uint32_t number =
				get_number(is_back ? flow_source_address(&record->key)
						   : flow_destination_address(&record->key));

			seen[number][is_back].packets += record->packets;
			seen[number][is_back].octets += record->octets;
			pairs += record->pairing == FLOW_forward;
		}
	}
	flow_cache_statistics(cache, &statistics);
	CHECK_EQ(statistics.packets_added, packets);
	CHECK_EQ(statistics.packets_expired, packets);
	CHECK_EQ(statistics.flows_cached, 0);
	CHECK(statistics.flows_cached_peak <= max_flows);
	CHECK(pairs > 0 || max_flows == 1);
	CHECK_BYTES(seen, expected, sizeof(seen));
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_destroy(cache);
}

TEST(random_packets_are_all_in_records_exactly_once)
{
	const struct expiry_policy mixed = { .active_ms = 3600000,
					     .idle_ms = { 1800000, 5000, 2000, 300000, 1, 60000 } };
	const struct expiry_policy longest = {
		.active_ms = EXPIRY_TIMEOUT_MAX_MS,
		.idle_ms = { EXPIRY_TIMEOUT_MAX_MS, 1, 2000, 40000000, 1, 1 },
	};

	run_model(1, 2 * MODEL_FLOWS, &defaults, 3000);
	run_model(2, 50, &defaults, 3000);
	run_model(3, 1, &defaults, 3000);
	run_model(4, 2, &defaults, 3000);
	run_model(5, 2 * MODEL_FLOWS, &mixed, 100000);
	run_model(6, 500, &mixed, 1000000);
	run_model(7, 2 * MODEL_FLOWS, &longest, 100000000);
	run_model(8, 200, &longest, 100000000);
	run_model(9, 200, &defaults, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_leave_when_the_later_is_idle),
		cmocka_unit_test(a_flow_without_reverse_leaves_alone_at_its_timeout),
		cmocka_unit_test(an_idle_direction_waits_for_a_busy_one_and_goes_on),
		cmocka_unit_test(the_older_direction_cuts_both),
		cmocka_unit_test(a_packet_past_the_timeouts_of_both_closes_both),
		cmocka_unit_test(fin_of_both_ends_the_biflow_after_the_later_linger),
		cmocka_unit_test(fin_of_one_waits_for_the_other),
		cmocka_unit_test(rst_of_one_ends_both),
		cmocka_unit_test(who_has_begun_is_forward),
		cmocka_unit_test(the_higher_port_is_forward_where_nothing_else_tells),
		cmocka_unit_test(who_asks_by_icmp_is_forward),
		cmocka_unit_test(a_flow_that_is_its_own_reverse_leaves_alone),
		cmocka_unit_test(full_cache_gives_up_both_directions),
		cmocka_unit_test(full_cache_finds_a_flow_that_waits),
		cmocka_unit_test(a_cache_of_one_flow_gives_it_up_for_its_reverse),
		cmocka_unit_test(the_budget_is_passed_by_one_reverse_and_no_more),
		cmocka_unit_test(two_directions_of_a_batch_that_both_are_over),
		cmocka_unit_test(shorter_timeouts_reach_a_flow_that_waits),
		cmocka_unit_test(random_packets_are_all_in_records_exactly_once),
	};

	return RUN_TESTS(tests);
}
