/* test_equalities.c - the equalities of a snapshot: which hold, and what they are about. */
#include "equalities.h"

#include "check.h"

#include <stdio.h>

/* "NAME OBJECT LEFT RIGHT;" of each equality. */
static char text[1000];

static void append(void *context, const struct equality *equality)
{
	size_t length = strlen(text);

	(void)context;
	(void)snprintf(text + length, sizeof(text) - length, "%s %s %d %d;", equality->name,
		       equality->object, (int)equality->left, (int)equality->right);
}

static size_t visit(const struct pipeline_snapshot *snapshot)
{
	text[0] = '\0';
	return equalities_visit(snapshot, append, NULL);
}

TEST(each_collector_has_its_own)
{
	struct source_status source = { .name = "nflog:40" };
	struct collector_status collectors[2] = { { .name = "one" }, { .name = "two" } };
	struct pipeline_snapshot snapshot = {
		.sources = &source,
		.source_count = 1,
		.collectors = collectors,
		.collector_count = 2,
		.ring = { .records = 1, .packets = 3 },
	};

	source.ledger = (struct worker_ledger){
		.packets_read = 10,
		.packets_lost_kernel = 2,
		.packets_split = 44,
		.packets_ignored = { [DROP_NOT_IP] = 1 },
		.cache = { .packets_cached = 20,
			   .flows_created = 5,
			   .flows_cached = 2,
			   .records_expired = { [FLOW_END_idleTimeout] = 3 } },
	};
	snapshot.workers = source.ledger;
	collectors[0].ledger.sent = (struct amount){ .records = 2, .packets = 30 };
	collectors[1].ledger.waiting = (struct amount){ .records = 1, .packets = 20 };
	collectors[1].ledger.lost[LOSS_REFUSED] = (struct amount){ .records = 1, .packets = 10 };
	snapshot.exported = collectors[0].ledger;
	CHECK_EQ(visit(&snapshot), 0);
	CHECK_TEXT(text, "packets_read all sources 54 54;"
			 "flows_created all sources 5 5;records_expired one 3 3;"
			 "records_expired two 3 3;");

	collectors[1].ledger.lost[LOSS_REFUSED].records = 0;
	snapshot.workers.packets_split = 0;
	CHECK_EQ(visit(&snapshot), 2);
	assert_non_null(strstr(text, "packets_read all sources 10 54;"));
	assert_non_null(strstr(text, "records_expired two 3 2;"));
}

TEST(collectors_that_share_the_records_have_one_together)
{
	struct collector_status collectors[] = {
		{ .name = "one", .mode = COLLECTOR_balance, .group = "a" },
		{ .name = "two", .mode = COLLECTOR_balance, .group = "b" },
		{ .name = "three", .mode = COLLECTOR_balance, .group = "a" },
		{ .name = "four", .mode = COLLECTOR_mirror, .group = "" },
	};
	struct pipeline_snapshot snapshot = { .collectors = collectors, .collector_count = 4 };

	snapshot.workers.cache.flows_created = 5;
	snapshot.workers.cache.records_expired[FLOW_END_idleTimeout] = 5;
	collectors[0].ledger.sent.records = 2;
	collectors[1].ledger.waiting.records = 5;
	collectors[2].ledger.lost[LOSS_REFUSED].records = 3;
	collectors[3].ledger.sent.records = 1;
	collectors[3].ledger.excluded[EXCLUDED_FILTER].records = 4;
	CHECK_EQ(visit(&snapshot), 0);
	assert_non_null(strstr(text, "records_expired group a 5 5;records_expired group b 5 5;"
				     "records_expired four 5 5;"));
	collectors[2].ledger.lost[LOSS_REFUSED].records = 2;
	CHECK_EQ(visit(&snapshot), 1);
	assert_non_null(strstr(text, "records_expired group a 5 4;"));
}

TEST(without_a_collector_there_is_one_for_none)
{
	struct pipeline_snapshot snapshot = { .source_count = 0 };

	CHECK_EQ(visit(&snapshot), 0);
	assert_non_null(strstr(text, "records_expired no collector 0 0;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_collector_has_its_own),
		cmocka_unit_test(collectors_that_share_the_records_have_one_together),
		cmocka_unit_test(without_a_collector_there_is_one_for_none),
	};

	return RUN_TESTS(tests);
}
