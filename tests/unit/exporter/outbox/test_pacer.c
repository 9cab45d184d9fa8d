/* test_pacer.c - the pace and its bursts, and how often a sender wakes for them. */
#include "pacer.h"

#include "check.h"

#define SECOND_US 1000000

/* What a sender saw who had always something to send. */
struct seen {
	uint64_t sent, wakes;
	uint64_t most_at_once;
};

/* Send for a second, and wake late by 'late_us' each time. */
static struct seen send_for_a_second(uint32_t per_second, int64_t late_us)
{
	struct seen seen = { 0 };
	struct pacer pacer;
	int64_t now_us = 0;

	pacer_init(&pacer, per_second);
	pacer_refill(&pacer, now_us);
	while (now_us < SECOND_US) {
		const size_t budget = pacer_budget(&pacer);

		for (size_t i = 0; i < budget; i++)
			pacer_spend(&pacer);
		seen.sent += budget;
		seen.wakes++;
		if (budget > seen.most_at_once)
			seen.most_at_once = budget;
		now_us += pacer_wait_us(&pacer, 1000) + late_us;
		pacer_refill(&pacer, now_us);
	}
	return seen;
}

/* The first burst is there from the beginning. */
static bool is_at_pace(const struct seen *seen, uint32_t per_second)
{
	const uint64_t most = per_second + EXPORTER_BURST_DATAGRAMS;

	return seen->sent <= most && seen->sent + EXPORTER_BURST_DATAGRAMS >= per_second;
}

TEST(the_pace_is_kept_in_bursts_that_a_collector_takes)
{
	static const uint32_t rates[] = { 1, 10, 100, 1000, 6000, 20000 };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct seen seen = send_for_a_second(rates[i], 0);

		CHECK(is_at_pace(&seen, rates[i]));
		CHECK(seen.most_at_once <= EXPORTER_BURST_DATAGRAMS);
	}
}

TEST(a_sender_that_wakes_late_keeps_the_pace)
{
	const struct seen seen = send_for_a_second(6000, 1000);

	CHECK(is_at_pace(&seen, 6000));
	CHECK(seen.most_at_once <= EXPORTER_BURST_DATAGRAMS);
}

TEST(a_sender_wakes_for_most_of_a_burst_not_for_each_datagram)
{
	CHECK(send_for_a_second(6000, 0).wakes <= 6000 / (EXPORTER_BURST_DATAGRAMS * 3 / 4) + 2);
	/* Where a burst takes long to come together, 100 times a second. */
	CHECK(send_for_a_second(1000, 0).wakes <= 102);
}

TEST(few_datagrams_do_not_wait_for_others)
{
	struct pacer pacer;

	pacer_init(&pacer, 1000);
	pacer_refill(&pacer, 0);
	for (size_t i = 0; i < EXPORTER_BURST_DATAGRAMS; i++)
		pacer_spend(&pacer);
	CHECK_EQ(pacer_budget(&pacer), 0);
	CHECK(pacer_wait_us(&pacer, 3) <= 3001);
}

TEST(without_a_pace_nobody_waits)
{
	struct pacer pacer;

	pacer_init(&pacer, 0);
	CHECK(pacer_budget(&pacer) > EXPORTER_BURST_DATAGRAMS);
	pacer_spend(&pacer);
	CHECK_EQ(pacer_wait_us(&pacer, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pace_is_kept_in_bursts_that_a_collector_takes),
		cmocka_unit_test(a_sender_that_wakes_late_keeps_the_pace),
		cmocka_unit_test(a_sender_wakes_for_most_of_a_burst_not_for_each_datagram),
		cmocka_unit_test(few_datagrams_do_not_wait_for_others),
		cmocka_unit_test(without_a_pace_nobody_waits),
	};

	return RUN_TESTS(tests);
}
