/* test_ledger.c - sums and names of the loss ledger. */
#include "ledger.h"

#include "check.h"
#include "collector.h"

#include <errno.h>

/* Every number of a ledger is a uint64_t, so a ledger is an array of them. */
#define NUMBERS (sizeof(struct worker_ledger) / sizeof(uint64_t))

TEST(every_member_is_added)
{
	struct worker_ledger to, from;
	uint64_t numbers[NUMBERS];

	for (size_t i = 0; i < NUMBERS; i++)
		numbers[i] = 1000 + i;
	memcpy(&to, numbers, sizeof(to));
	for (size_t i = 0; i < NUMBERS; i++)
		numbers[i] = (uint64_t)i << 40;
	memcpy(&from, numbers, sizeof(from));

	worker_ledger_add(&to, &from);
	memcpy(numbers, &to, sizeof(to));
	for (size_t i = 0; i < NUMBERS; i++)
		CHECK_EQ(numbers[i], 1000 + i + ((uint64_t)i << 40));
}

TEST(adding_zero_changes_nothing)
{
	struct worker_ledger to = { .packets_read = 7, .cache = { .flows_cached = 3 } };
	const struct worker_ledger before = to;
	const struct worker_ledger zero = { 0 };

	worker_ledger_add(&to, &zero);
	CHECK_BYTES(&to, &before, sizeof(to));
}

TEST(ignored_and_expired_are_sums_over_reasons)
{
	struct worker_ledger ledger = { .packets_read = 1000, .packets_lost_kernel = 1000 };
	uint64_t ignored = 0;
	uint64_t expired = 0;

	CHECK_EQ(worker_ledger_ignored(&ledger), 0);
	CHECK_EQ(worker_ledger_expired(&ledger), 0);
	for (int i = 0; i < DROP_REASON_COUNT; i++)
		ignored += ledger.packets_ignored[i] = UINT64_C(1) << (32 + i);
	for (int i = 0; i < FLOW_END_COUNT; i++)
		expired += ledger.cache.records_expired[i] = UINT64_C(3) << (32 + i);
	CHECK_EQ(worker_ledger_ignored(&ledger), ignored);
	CHECK_EQ(worker_ledger_expired(&ledger), expired);
}

TEST(lost_is_the_sum_over_reasons_of_each_amount)
{
	struct collector_ledger ledger = { .taken = { 99, 99, 99 }, .sent = { 98, 98, 98 } };
	const uint64_t n = LOSS_REASON_COUNT;
	struct amount lost;

	for (uint64_t i = 0; i < n; i++)
		ledger.lost[i] = (struct amount){ 1, 10 + i, 1000 + i };
	lost = collector_ledger_lost(&ledger);
	CHECK_EQ(lost.records, n);
	CHECK_EQ(lost.packets, 10 * n + n * (n - 1) / 2);
	CHECK_EQ(lost.octets, 1000 * n + n * (n - 1) / 2);
}

TEST(a_worker_ledger_closes_or_not)
{
	struct worker_ledger ledger = {
		.packets_read = 10,
		.packets_ignored = { [DROP_NOT_IP] = 1, [DROP_OWN_EXPORT] = 2 },
		.cache = { .packets_cached = 3,
			   .packets_expired = 4,
			   .flows_created = 6,
			   .flows_cached = 1,
			   .records_expired = { [FLOW_END_forcedEnd] = 5 } },
	};

	CHECK(worker_ledger_closes(&ledger));
	ledger.packets_read++;
	CHECK(!worker_ledger_closes(&ledger));
	ledger.packets_ignored[DROP_IP_VERSION]++;
	CHECK(worker_ledger_closes(&ledger));
	ledger.packets_split += 5;
	ledger.cache.packets_cached += 5;
	CHECK(worker_ledger_closes(&ledger));
	ledger.cache.records_expired[FLOW_END_idleTimeout]++;
	CHECK(!worker_ledger_closes(&ledger));
}

TEST(a_collector_ledger_closes_in_each_amount)
{
	const struct collector_ledger closed = {
		.taken = { 17, 170, 1700 },
		.sent = { 5, 50, 500 },
		.waiting = { 3, 30, 300 },
		.lost = { [LOSS_REFUSED] = { 1, 15, 150 }, [LOSS_SEND_FAILED] = { 1, 5, 50 } },
		.excluded = { [EXCLUDED_FILTER] = { 3, 30, 300 },
			      [EXCLUDED_SAMPLING] = { 4, 40, 400 } },
	};
	struct collector_ledger ledger = closed;

	CHECK(collector_ledger_closes(&ledger));
	ledger.sent.records++;
	CHECK(!collector_ledger_closes(&ledger));
	ledger = closed;
	ledger.waiting.packets--;
	CHECK(!collector_ledger_closes(&ledger));
	ledger = closed;
	ledger.lost[LOSS_REFUSED].octets++;
	CHECK(!collector_ledger_closes(&ledger));
	ledger = closed;
	ledger.excluded[EXCLUDED_SAMPLING].records--;
	CHECK(!collector_ledger_closes(&ledger));
	CHECK_EQ(collector_ledger_excluded(&closed).records, 7);
	CHECK_EQ(collector_ledger_not_sent(&closed).octets, 900);
}

TEST(ledgers_of_a_group_add_up)
{
	const struct collector_ledger one = {
		.taken = { 1, 2, 3 },
		.sent = { 4, 5, 6 },
		.waiting = { 7, 8, 9 },
		.lost = { [LOSS_REASON_COUNT - 1] = { 10, 11, 12 } },
		.excluded = { [COLLECTOR_EXCLUSION_COUNT - 1] = { 13, 14, 15 } },
		.datagrams_sent = 16,
		.datagram_bytes_sent = 17,
		.datagrams_lost = 18,
		.send_errors = 19,
	};
	struct collector_ledger sum = { .taken = { 0 } };
	const uint64_t *members = (const uint64_t *)&sum;
	const uint64_t *parts = (const uint64_t *)&one;

	collector_ledger_add(&sum, &one);
	collector_ledger_add(&sum, &one);
	for (size_t i = 0; i < sizeof(sum) / sizeof(uint64_t); i++)
		CHECK_EQ(members[i], 2 * parts[i]);
}

/* Names become keys of JSON and metrics: present, distinct, and of one form. */
static void check_names(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CHECK(names[i] && names[i][0]);
		CHECK_EQ(strspn(names[i], "abcdefghijklmnopqrstuvwxyz_"), strlen(names[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

TEST(names_are_distinct_keys)
{
	const char *losses[LOSS_REASON_COUNT];
	const char *exclusions[COLLECTOR_EXCLUSION_COUNT];
	const char *drops[DROP_REASON_COUNT];
	const char *ends[FLOW_END_COUNT];

	for (int i = 0; i < LOSS_REASON_COUNT; i++)
		losses[i] = loss_reason_name((enum loss_reason)i);
	for (int i = 0; i < DROP_REASON_COUNT; i++)
		drops[i] = drop_reason_name((enum drop_reason)i);
	for (int i = 0; i < FLOW_END_COUNT; i++)
		ends[i] = flow_end_reason_name((enum flow_end_reason)i);
	check_names(losses, LOSS_REASON_COUNT);
	for (int i = 0; i < COLLECTOR_EXCLUSION_COUNT; i++)
		exclusions[i] = collector_exclusion_name((enum collector_exclusion)i);
	check_names(exclusions, COLLECTOR_EXCLUSION_COUNT);
	check_names(drops, DROP_REASON_COUNT);
	check_names(ends, FLOW_END_COUNT);

	for (int i = 0; i < DROP_REASON_COUNT; i++)
		CHECK(strlen(drop_reason_text((enum drop_reason)i)) > 0);
	for (int i = 0; i < LOSS_REASON_COUNT; i++)
		CHECK(strlen(loss_reason_text((enum loss_reason)i)) > 0);
}

TEST(names_of_numbers_out_of_range)
{
	CHECK_TEXT(loss_reason_name(LOSS_REASON_COUNT), "unknown");
	CHECK_TEXT(loss_reason_text(LOSS_REASON_COUNT), "unknown");
	CHECK_TEXT(collector_exclusion_name(COLLECTOR_EXCLUSION_COUNT), "unknown");
	CHECK_TEXT(drop_reason_name(DROP_REASON_COUNT), "unknown");
	CHECK_TEXT(drop_reason_text(DROP_REASON_COUNT), "unknown");
	CHECK_TEXT(flow_end_reason_name(FLOW_END_COUNT), "unknown");
}

/* At the end of a file nobody may have erred: a reader has just not read. */
TEST(an_address_that_is_away_is_reported_in_words)
{
	/* By a host without IPv6 too, where no source address is given. */
	CHECK_TEXT(collector_fault_text(LOSS_UNREACHABLE, EADDRNOTAVAIL),
		   "this host has no such address to send from: the source address is not one of "
		   "its own, or the IP version is off");
}

TEST(what_was_not_acknowledged_is_reported_in_words)
{
	CHECK_TEXT(collector_fault_text(LOSS_DISCONNECTED, 0),
		   "it did not acknowledge what was sent");
	CHECK_TEXT(collector_fault_text(LOSS_DISCONNECTED, EPIPE), "it closed the connection");
	CHECK_TEXT(collector_fault_text(LOSS_DISCONNECTED, ECONNRESET),
		   "it broke off the connection");
	CHECK_TEXT(collector_fault_text(LOSS_DISCONNECTED, ENOTCONN),
		   "there is no connection to it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_added),
		cmocka_unit_test(adding_zero_changes_nothing),
		cmocka_unit_test(ignored_and_expired_are_sums_over_reasons),
		cmocka_unit_test(lost_is_the_sum_over_reasons_of_each_amount),
		cmocka_unit_test(a_worker_ledger_closes_or_not),
		cmocka_unit_test(a_collector_ledger_closes_in_each_amount),
		cmocka_unit_test(ledgers_of_a_group_add_up),
		cmocka_unit_test(names_are_distinct_keys),
		cmocka_unit_test(names_of_numbers_out_of_range),
		cmocka_unit_test(what_was_not_acknowledged_is_reported_in_words),
		cmocka_unit_test(an_address_that_is_away_is_reported_in_words),
	};

	return RUN_TESTS(tests);
}
