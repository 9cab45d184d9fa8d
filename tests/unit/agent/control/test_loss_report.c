/* test_loss_report.c - how losses are reported at the end. */
#include "loss_report.h"

#include "check.h"
#include "log.h"

TEST(reasons_come_with_their_numbers)
{
	struct collector_ledger ledger = { .lost[LOSS_REFUSED] = { .records = 12 },
					   .lost[LOSS_OVERFLOW] = { .records = 3 } };
	char text[100];

	CHECK_TEXT(loss_report_reasons(&ledger, text, sizeof(text)), "12 refused, 3 spool_full");
	ledger = (struct collector_ledger){ 0 };
	CHECK_TEXT(loss_report_reasons(&ledger, text, sizeof(text)), "");
}

/* The line that the log gets, read back from its problems. */
TEST(one_of_a_kind_is_singular)
{
	struct collector_status collector = {
		.name = "c",
		.ledger = { .taken = { .records = 1 }, .lost = { [LOSS_REFUSED] = { 1, 1, 84 } } },
	};
	const struct pipeline_snapshot snapshot = { .collectors = &collector,
						    .collector_count = 1 };
	struct problems problems;

	(void)loss_report_log(&snapshot);
	log_problems(&problems);
	CHECK_TEXT(problems.last.text,
		   "collector c: 1 of 1 record lost, with 1 packet and 84 bytes: 1 refused");
}

TEST(what_a_protocol_cannot_carry_is_reported_but_is_no_loss_on_the_way)
{
	struct collector_status collectors[2] = {
		{ .name = "one",
		  .ledger = { .taken = { .records = 100 },
			      .lost = { [LOSS_UNSUPPORTED] = { .records = 7 },
					[LOSS_REFUSED] = { .records = 5 } } } },
		{ .name = "two", .ledger = { .taken = { .records = 100 } } },
	};
	const struct pipeline_snapshot snapshot = { .collectors = collectors,
						    .collector_count = 2 };

	CHECK_EQ(loss_report_log(&snapshot), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_come_with_their_numbers),
		cmocka_unit_test(one_of_a_kind_is_singular),
		cmocka_unit_test(
			what_a_protocol_cannot_carry_is_reported_but_is_no_loss_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
