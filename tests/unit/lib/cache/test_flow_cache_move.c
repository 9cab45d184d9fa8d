/* test_flow_cache_move.c - a cache whose flows have moved to another one goes on as if nothing had
 * happened. */
#include "flow_cache_move.h"

#include "check.h"
#include "flow_cache_layout.h"
#include "kept_records.h"

#define COLUMNS (FLOW_COLUMN_BIT(FLOW_COLUMN_COUNT) - 1)

static struct flow_cache *new_cache(uint32_t max_flows, uint8_t hash_key)
{
	const struct flow_cache_config config = {
		.max_flows = max_flows,
		.expiry = { .active_ms = 60000,
			    .idle_ms = { 15000, 2000, 2000, 15000, 15000, 15000 } },
		.hash_key = { hash_key },
		.columns = COLUMNS,
	};
	struct flow_cache *cache = flow_cache_create(&config);

	CHECK(cache != NULL);
	return cache;
}

static void add(struct flow_cache *cache, uint32_t flow, cache_ms now)
{
	struct packet_info info = { .octets = 100, .time_ms = 7000000 + now, .clock_ms = now };
	const struct packet_note note = { .ttl = (uint8_t)(now % 60), .physical_input = flow };

	info.key.ip_version = flow & 1 ? 6 : 4;
	info.key.protocol = 17;
	memcpy(info.key.addresses, &flow, sizeof(flow));
	flow_cache_add_noted(cache, &info, &note, 1, &sink);
}

static size_t move_all(const struct flow_cache *from, struct flow_cache *to, cache_ms now)
{
	struct moved_flow flows[3];
	uint64_t cursor = 0;
	size_t moved = 0;
	size_t count;

	while ((count = flow_cache_move_out(from, &cursor, flows, 3)) > 0) {
		for (size_t i = 0; i < count; i++)
			flow_cache_move_in(to, &flows[i], now, &sink);
		moved += count;
	}
	return moved;
}

static int compare(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct flow_record));
}

/* Those that are due at one moment may leave in any order, and that moment is one within a tick of
 * the wheel. */
static void sort(struct flow_record *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		records[i].expired_ms = 0;
	qsort(records, count, sizeof(*records), compare);
}

/* The same random packets to a cache that stays, and to caches that take over from each other. */
TEST(records_are_those_of_a_cache_that_has_stayed)
{
	struct flow_cache *stays = new_cache(500, 1);
	struct flow_cache *moves = new_cache(500, 2);
	struct flow_record expected[4000];
	size_t expected_count;
	cache_ms now = 1000;

	srand(7);
	kept_records_reset();
	for (int i = 0; i < 4000; i++) {
		now += rand() % 40;
		add(stays, (uint32_t)rand() % 200, now);
		flow_cache_expire(stays, now, SIZE_MAX, &sink);
	}
	flow_cache_flush(stays, now, SIZE_MAX, &sink);
	expected_count = kept.count;
	sort(kept.records, kept.count);
	memcpy(expected, kept.records, sizeof(expected[0]) * kept.count);

	srand(7);
	kept_records_reset();
	now = 1000;
	for (int i = 0; i < 4000; i++) {
		now += rand() % 40;
		if (i % 500 == 499) {
			struct flow_cache *next = new_cache(500, (uint8_t)i);
			struct flow_cache_statistics before;
			struct flow_cache_statistics after;

			flow_cache_statistics(moves, &before);
			flow_cache_continue(next, &before);
			CHECK_EQ(move_all(moves, next, now), before.flows_cached);
			flow_cache_statistics(next, &after);
			before.memory_bytes = after.memory_bytes = 0;
			CHECK_BYTES(&after, &before, sizeof(before));
			CHECK(flow_cache_is_consistent(next));
			flow_cache_destroy(moves);
			moves = next;
		}
		add(moves, (uint32_t)rand() % 200, now);
		flow_cache_expire(moves, now, SIZE_MAX, &sink);
	}
	flow_cache_flush(moves, now, SIZE_MAX, &sink);
	CHECK_EQ(kept.count, expected_count);
	sort(kept.records, kept.count);
	CHECK_BYTES(kept.records, expected, sizeof(expected[0]) * kept.count);
	flow_cache_destroy(stays);
	flow_cache_destroy(moves);
}

TEST(flows_that_do_not_fit_are_evicted_and_none_is_lost)
{
	struct flow_cache *from = new_cache(100, 1);
	struct flow_cache *to = new_cache(10, 1);
	struct flow_cache_statistics statistics;

	kept_records_reset();
	for (uint32_t i = 0; i < 100; i++)
		add(from, i, 1000 + i);
	CHECK_EQ(move_all(from, to, 2000), 100);
	flow_cache_statistics(to, &statistics);
	CHECK_EQ(statistics.flows_cached, 10);
	CHECK_EQ(statistics.records_expired[FLOW_END_lackOfResources], 90);
	CHECK_EQ(kept.count, 90);
	CHECK(flow_cache_is_consistent(to));
	flow_cache_destroy(from);
	flow_cache_destroy(to);
}

TEST(a_flow_that_is_there_already_gets_the_sum)
{
	struct flow_cache *from = new_cache(10, 1);
	struct flow_cache *to = new_cache(10, 1);
	struct flow_record record;
	uint64_t cursor = 0;

	add(from, 4, 1000);
	add(from, 4, 1500);
	add(to, 4, 1700);
	CHECK_EQ(move_all(from, to, 2000), 1);
	CHECK_EQ(flow_cache_snapshot(to, &cursor, &record, 1), 1);
	CHECK_EQ(record.packets, 3);
	CHECK_EQ(record.octets, 300);
	CHECK_EQ(record.first_ms, 7001000);
	CHECK_EQ(record.last_ms, 7001700);
	CHECK(flow_cache_is_consistent(to));
	flow_cache_destroy(from);
	flow_cache_destroy(to);
}

TEST(times_from_elsewhere_do_no_harm)
{
	const cache_ms times[] = { INT64_MIN, -1, 0, 5000, INT64_MAX };
	struct flow_cache *cache = new_cache(10, 1);

	kept_records_reset();
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct moved_flow flow = {
			.record = { .key = { .ip_version = 4, .source_port = (uint16_t)i },
				    .packets = 2,
				    .octets = 9 },
			.created_ms = times[i],
			.seen_ms = times[i],
		};

		flow_cache_move_in(cache, &flow, 5000, &sink);
	}
	CHECK(flow_cache_is_consistent(cache));
	flow_cache_expire(cache, 5000 + 128, SIZE_MAX, &sink);
	CHECK_EQ(kept.count, 1); /* the first: its active timeout is over */
	flow_cache_expire(cache, 100000, SIZE_MAX, &sink);
	CHECK_EQ(kept.count, 5);
	flow_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_those_of_a_cache_that_has_stayed),
		cmocka_unit_test(flows_that_do_not_fit_are_evicted_and_none_is_lost),
		cmocka_unit_test(a_flow_that_is_there_already_gets_the_sum),
		cmocka_unit_test(times_from_elsewhere_do_no_harm),
	};

	return RUN_TESTS(tests);
}
